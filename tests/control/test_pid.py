"""The trim of one charger."""

from dataclasses import replace
from math import isfinite

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.pid import (
    Trim,
    TrimInputs,
    corrected,
    correction_limit_w,
)
from custom_components.v2g_vpp.domain.setpoint import ControlOwner
from tests.control.given import LEARNT, NOW, reading

DISCHARGE = TrimInputs(
    owner=ControlOwner.VPP,
    reference_w=-5_000.0,
    reading=None,
    fingerprint=LEARNT,
    limited=0,
)


def _hold(
    trim: Trim,
    inputs: TrimInputs,
    measured_w: float | None,
    *,
    start_s: float = NOW,
    seconds: int = 60,
) -> float:
    """Return the correction after seconds of one reference and one reading."""
    correction_w = 0.0
    for second in range(seconds):
        now_s = start_s + second
        meter = None if measured_w is None else reading(measured_w, now_s)
        correction_w = trim.step(replace(inputs, reading=meter), now_s)
    return correction_w


def test_a_learnt_offset_is_given_at_once() -> None:
    known = replace(LEARNT, offset_discharge_w=740.0, offset_charge_w=-440.0)
    inputs = replace(DISCHARGE, fingerprint=known)
    assert Trim().step(inputs, NOW) == -740.0
    charge = replace(inputs, reference_w=5_000.0)
    assert Trim().step(charge, NOW) == 440.0


def test_a_lasting_error_is_integrated_away_slowly() -> None:
    trim = Trim()
    assert _hold(trim, DISCHARGE, -4_700.0, seconds=4) == 0.0, "not answered yet"
    # Then 300 W too little flows: the gain is a tenth of the dead time of 4 s.
    assert _hold(trim, DISCHARGE, -4_700.0, start_s=NOW + 4, seconds=40) == (
        pytest.approx(-7.5 * 40)
    )


def test_the_correction_is_bounded() -> None:
    assert _hold(Trim(), DISCHARGE, -4_500.0, seconds=600) == -1_000.0
    assert correction_limit_w(-5_000.0) == 1_000.0
    assert correction_limit_w(-11_000.0) == pytest.approx(1_650.0)


@pytest.mark.parametrize(
    ("inputs", "measured_w"),
    [
        pytest.param(DISCHARGE, None, id="silent meter"),
        pytest.param(DISCHARGE, -4_960.0, id="noise"),
        pytest.param(DISCHARGE, -2_000.0, id="the vehicle limits itself"),
        pytest.param(replace(DISCHARGE, limited=-1), -4_700.0, id="cut at the lowest"),
        pytest.param(replace(DISCHARGE, limited=1), -5_300.0, id="cut at the highest"),
    ],
)
def test_what_a_correction_cannot_mend_winds_nothing_up(
    inputs: TrimInputs, measured_w: float | None
) -> None:
    assert _hold(Trim(), inputs, measured_w) == 0.0


def test_a_cut_correction_still_comes_back() -> None:
    trim = Trim()
    _hold(trim, DISCHARGE, -4_700.0)
    cut = replace(DISCHARGE, limited=-1)
    before_w = _hold(trim, cut, -4_700.0, start_s=NOW + 60)
    assert _hold(trim, cut, -5_300.0, start_s=NOW + 120) > before_w


def test_the_dead_time_is_no_error() -> None:
    """A charger that answers 4 s late, as learnt, needs no correction."""
    trim = Trim()
    told = [-2_000.0] * 10 + [-2_900.0] * 20
    corrections = []
    for second, reference_w in enumerate(told):
        now_s = NOW + second
        flowing_w = told[max(0, second - 4)]
        inputs = replace(
            DISCHARGE, reference_w=reference_w, reading=reading(flowing_w, now_s)
        )
        corrections.append(trim.step(inputs, now_s))
    assert corrections == [0.0] * 30


def test_one_reading_is_used_once() -> None:
    trim = Trim()
    _hold(trim, DISCHARGE, -5_000.0, seconds=6)
    meter = reading(-4_700.0, NOW + 6)
    for tick in range(6, 10):
        inputs = replace(DISCHARGE, reading=meter)
        assert trim.step(inputs, NOW + tick) == pytest.approx(-7.5)


def test_a_reading_of_a_time_that_is_not_remembered_is_left_out() -> None:
    trim = Trim()
    trim.step(replace(DISCHARGE, reading=reading(-4_700.0, NOW - 9.0)), NOW)
    old = replace(DISCHARGE, reading=reading(-4_700.0, NOW - 8.0))
    assert trim.step(old, NOW + 1.0) == 0.0


@pytest.mark.parametrize(
    ("change", "later_s"),
    [
        pytest.param({"owner": ControlOwner.USER}, 1.0, id="a new owner"),
        pytest.param({"reference_w": 5_000.0}, 1.0, id="the other direction"),
        pytest.param({}, 5.1, id="a gap"),
        pytest.param({}, -1.0, id="a step back in time"),
    ],
)
def test_what_was_integrated_does_not_outlive(
    change: dict[str, object], later_s: float
) -> None:
    trim = Trim()
    assert _hold(trim, DISCHARGE, -4_700.0) < -400.0
    changed = replace(DISCHARGE, **change)  # type: ignore[arg-type]  # any field
    assert trim.step(changed, NOW + 59.0 + later_s) == 0.0


@pytest.mark.parametrize("seconds", [0, 1, 120])
def test_each_direction_goes_on_from_what_it_was_corrected_by(seconds: int) -> None:
    trim = Trim()
    corrected_w = _hold(trim, DISCHARGE, -4_700.0)
    charge = replace(DISCHARGE, reference_w=5_000.0)
    if seconds:
        now_s = NOW + 60.0
        assert _hold(trim, charge, 4_800.0, start_s=now_s, seconds=seconds) >= 0.0
    trim.rest()
    back = trim.step(DISCHARGE, NOW + 70.0 + seconds)
    assert back == pytest.approx(corrected_w)


def test_what_a_direction_was_corrected_by_is_forgotten_after_ten_minutes() -> None:
    trim = Trim()
    assert _hold(trim, DISCHARGE, -4_700.0) < -400.0
    trim.rest()
    assert trim.step(DISCHARGE, NOW + 60.0 + 600.0) == 0.0


def test_a_reading_beside_a_step_says_nothing_of_the_offset() -> None:
    """The dead time is known to half a second: around a step it may be that."""
    trim = Trim()
    powers = [-2_000.0, -2_000.0, -2_900.0, -2_900.0] * 10
    for second, reference_w in enumerate(powers):
        now_s = NOW + second
        # It answers in 3.5 s, not in 4 s as learnt: each step shows half a second early.
        early_w = powers[max(0, second - 4)]
        inputs = replace(
            DISCHARGE, reference_w=reference_w, reading=reading(early_w, now_s - 0.5)
        )
        assert trim.step(inputs, now_s) == 0.0


def test_an_offset_that_is_learnt_meanwhile_takes_over_without_a_jump() -> None:
    trim = Trim()
    before_w = _hold(trim, DISCHARGE, -4_700.0)
    known = replace(DISCHARGE, fingerprint=replace(LEARNT, offset_discharge_w=400.0))
    assert trim.step(known, NOW + 60.0) == pytest.approx(before_w, abs=10.0)
    trim.rest()
    assert trim.step(known, NOW + 70.0) == pytest.approx(before_w, abs=10.0)


def test_what_is_most_likely_is_what_the_readings_are_held_to() -> None:
    """The cautious dead time would take an answer in 4 s for an error."""
    likely = replace(LEARNT, dead_time_s=7.0, typical_dead_time_s=4.0)
    trim = Trim()
    told = [-2_000.0] * 10 + [-2_900.0] * 20
    for second, reference_w in enumerate(told):
        meter = reading(told[max(0, second - 4)], NOW + second)
        inputs = replace(
            DISCHARGE, reference_w=reference_w, reading=meter, fingerprint=likely
        )
        assert trim.step(inputs, NOW + second) == 0.0


def test_a_reset_forgets_everything() -> None:
    trim = Trim()
    assert _hold(trim, DISCHARGE, -4_700.0) < -400.0
    trim.reset()
    assert trim.step(DISCHARGE, NOW + 60.0) == 0.0


def test_a_new_owner_begins_from_what_flows() -> None:
    trim = Trim()
    _hold(trim, DISCHARGE, -5_000.0)
    user = replace(DISCHARGE, owner=ControlOwner.USER)
    assert _hold(trim, user, -5_000.0, start_s=NOW + 60) == 0.0


@pytest.mark.parametrize(
    ("reference_w", "correction_w", "expected_w"),
    [
        pytest.param(-5_000.0, -740.0, -5_740.0, id="more"),
        pytest.param(-5_000.0, 740.0, -4_260.0, id="less"),
        pytest.param(-1_500.0, 740.0, -1_380.0, id="not below the minimum"),
        pytest.param(-1_500.0, 2_000.0, -1_380.0, id="never the other direction"),
        pytest.param(1_500.0, -2_000.0, 1_380.0, id="nor when charging"),
    ],
)
def test_corrected(reference_w: float, correction_w: float, expected_w: float) -> None:
    assert corrected(reference_w, correction_w, 1_380.0) == expected_w


@given(
    st.lists(
        st.tuples(
            st.sampled_from([-11_000.0, -5_000.0, -1_380.0, 2_000.0, 11_000.0]),
            st.none() | st.floats(-12_000, 12_000),
            st.floats(0, 8),
            st.sampled_from([ControlOwner.VPP, ControlOwner.USER]),
            st.sampled_from([-1, 0, 1]),
        ),
        max_size=60,
    )
)
def test_the_correction_is_finite_and_bounded_whatever_happens(
    steps: list[tuple[float, float | None, float, ControlOwner, int]],
) -> None:
    trim, now_s = Trim(), NOW
    for reference_w, measured_w, later_s, owner, limited in steps:
        now_s += later_s
        inputs = TrimInputs(
            owner=owner,
            reference_w=reference_w,
            reading=None if measured_w is None else reading(measured_w, now_s),
            fingerprint=replace(LEARNT, offset_discharge_w=900.0),
            limited=limited,
        )
        correction_w = trim.step(inputs, now_s)
        assert isfinite(correction_w)
        assert abs(correction_w) <= correction_limit_w(reference_w)


def test_an_offset_that_is_learnt_meanwhile_does_not_make_it_jump() -> None:
    trim = Trim()
    before_w = _hold(trim, DISCHARGE, -4_700.0)
    assert before_w < -400.0
    learnt = replace(DISCHARGE, fingerprint=replace(LEARNT, offset_discharge_w=300.0))
    inputs = replace(learnt, reading=reading(-5_000.0, NOW + 60.0))
    assert trim.step(inputs, NOW + 60.0) == pytest.approx(before_w)
    # For the next one it is given at once.
    assert Trim().step(learnt, NOW) == -300.0


def test_a_vehicle_that_limits_itself_takes_back_what_was_integrated() -> None:
    trim = Trim()
    known = replace(DISCHARGE, fingerprint=replace(LEARNT, offset_discharge_w=100.0))
    assert _hold(trim, known, -4_700.0) < -400.0
    trim.ease()
    assert trim.step(replace(known, limited=-1), NOW + 60.0) == -100.0


def test_within_half_a_step_of_the_charger_nothing_is_integrated() -> None:
    steps = replace(DISCHARGE, fingerprint=replace(LEARNT, step_w=690.0))
    assert _hold(Trim(), steps, -4_700.0) == 0.0
    assert _hold(Trim(), steps, -4_600.0) < 0.0


def test_the_model_counts_with_what_is_likely_not_with_what_is_safe() -> None:
    """An answer as fast as usual is no error, however long a rare one took."""
    likely = replace(
        LEARNT,
        dead_time_s=9.0,
        ramp_w_per_s=500.0,
        typical_dead_time_s=4.0,
        ramp_up_w_per_s=3_300.0,
    )
    trim = Trim()
    told = [-2_000.0] * 12 + [-2_900.0] * 20
    corrections = []
    for second, reference_w in enumerate(told):
        now_s = NOW + second
        inputs = replace(
            DISCHARGE,
            reference_w=reference_w,
            reading=reading(told[max(0, second - 4)], now_s),
            fingerprint=likely,
        )
        corrections.append(trim.step(inputs, now_s))
    assert corrections == [0.0] * 32
