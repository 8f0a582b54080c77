"""Guards on the flow: wrong direction and discharge that nobody asked for."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.guards import (
    FlowGuard,
    FlowObserved,
    GuardFinding,
    size_hint,
)
from custom_components.v2g_vpp.domain.capability import Fingerprint
from custom_components.v2g_vpp.domain.faults import SizeHint
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    MEASURED_2019,
    SLOW,
    TYPICAL,
    Plant,
    PlantParameters,
)
from tests.control.given import LEARNT, NOW

QUIET = FlowObserved(
    setpoint_w=0.0, measured_w=0.0, rating_w=11_000.0, fingerprint=LEARNT
)


def _watch(
    guard: FlowGuard, observed: FlowObserved, *, start_s: float = NOW, seconds: int = 60
) -> tuple[float, GuardFinding] | None:
    """Return the first finding and when it came, s after the start."""
    for second in range(seconds):
        finding = guard.step(observed, start_s + second)
        if finding is not None:
            return second, finding
    return None


def test_discharge_that_nobody_asked_for_is_found_after_3_s() -> None:
    found = _watch(FlowGuard(), replace(QUIET, measured_w=-501.0))
    assert found == (4.0, GuardFinding.UNCOMMANDED_DISCHARGE)
    assert _watch(FlowGuard(), replace(QUIET, measured_w=-499.0)) is None


def test_more_discharge_than_was_asked_for_is_uncommanded_too() -> None:
    told = replace(QUIET, setpoint_w=-2_000.0, measured_w=-2_600.0)
    assert _watch(FlowGuard(), told) == (4.0, GuardFinding.UNCOMMANDED_DISCHARGE)
    known = replace(LEARNT, offset_discharge_w=-700.0)
    assert _watch(FlowGuard(), replace(told, fingerprint=known)) is None


def test_discharge_while_charging_was_asked_for_is_found() -> None:
    told = replace(QUIET, setpoint_w=7_000.0, measured_w=-1_000.0)
    assert _watch(FlowGuard(), told) == (4.0, GuardFinding.UNCOMMANDED_DISCHARGE)


def test_an_excuse_covers_what_it_charges_and_no_discharge() -> None:
    charging = replace(QUIET, setpoint_w=-5_000.0, measured_w=6_000.0, is_excused=True)
    assert _watch(FlowGuard(), charging) is None
    larger = replace(QUIET, setpoint_w=3_000.0, measured_w=9_000.0, is_excused=True)
    assert _watch(FlowGuard(), larger) is None
    told = replace(QUIET, setpoint_w=3_000.0, measured_w=-1_000.0, is_excused=True)
    assert _watch(FlowGuard(), told) == (4.0, GuardFinding.UNCOMMANDED_DISCHARGE)


def test_charging_while_discharge_was_asked_for_is_found() -> None:
    guard = FlowGuard()
    told = replace(QUIET, setpoint_w=-3_000.0, measured_w=3_000.0)
    guard.step(QUIET, NOW)
    found = _watch(guard, told, start_s=NOW + 1.0)
    # Its own time first: 4 s dead, 0.9 s ramp, 3 s rest; then 5 s of being wrong.
    assert found == (14.0, GuardFinding.WRONG_DIRECTION)


@pytest.mark.parametrize(
    ("told_w", "factor", "hint"),
    [
        (-3_000.0, 3.0, SizeHint.THRICE),
        (-9_000.0, 1 / 3, SizeHint.A_THIRD),
        (-10.0, 1_000.0, SizeHint.THOUSANDFOLD),
        (3_000.0, 3.0, SizeHint.THRICE),
        (5_000.0, 1.6, SizeHint.UNKNOWN),
    ],
)
def test_a_power_of_the_wrong_size_is_found_and_named(
    told_w: float, factor: float, hint: SizeHint
) -> None:
    guard = FlowGuard()
    told = replace(QUIET, setpoint_w=told_w, measured_w=told_w * factor)
    found = _watch(guard, told)
    assert found is not None
    assert found[1] is GuardFinding.WRONG_SIZE
    assert guard.size_hint is hint
    # It ended: its time begins anew.
    assert guard.step(replace(told, measured_w=told_w), NOW + 61.0) is None
    assert guard.step(told, NOW + 62.0) is None


def test_the_size_gets_the_charger_s_own_time_first() -> None:
    guard = FlowGuard()
    guard.step(replace(QUIET, setpoint_w=9_000.0, measured_w=9_000.0), NOW)
    told = replace(QUIET, setpoint_w=3_000.0, measured_w=9_000.0)
    found = _watch(guard, told, start_s=NOW + 1.0)
    # 4 s dead, 1.8 s ramp, 3 s rest; then 5 s of the wrong size.
    assert found == (15.0, GuardFinding.WRONG_SIZE)


def test_a_vehicle_that_limits_itself_is_not_of_the_wrong_size() -> None:
    for told_w in (11_000.0, -11_000.0):
        for share in (0.0, 0.2, 0.5, 0.7):
            told = replace(QUIET, setpoint_w=told_w, measured_w=told_w * share)
            assert _watch(FlowGuard(), told) is None
    # One phase of three: what a small vehicle takes of a large charger.
    assert (
        _watch(FlowGuard(), replace(QUIET, setpoint_w=11e3, measured_w=3_680.0)) is None
    )


@given(st.floats(-11_000, 11_000), st.floats(-1_500, 1_500))
def test_what_is_close_enough_has_no_finding(told_w: float, off_w: float) -> None:
    share_w = max(500.0, 0.04 * abs(told_w))
    off_w = max(-share_w + 1.0, min(share_w - 1.0, off_w))
    told = replace(QUIET, setpoint_w=told_w, measured_w=told_w + off_w)
    found = _watch(FlowGuard(), told)
    is_same_way = told_w * (told_w + off_w) >= 0
    assert found is None or not is_same_way


def test_nothing_told_has_no_size() -> None:
    assert size_hint(0.0, 5_000.0) is SizeHint.UNKNOWN


def test_a_guard_that_found_something_is_calm_again_once_it_ended() -> None:
    guard = FlowGuard()
    wrong = replace(QUIET, measured_w=-1_000.0)
    assert _watch(guard, wrong) is not None
    assert guard.step(QUIET, NOW + 61.0) is None
    assert guard.step(wrong, NOW + 62.0) is None, "its time begins anew"


def test_a_silent_meter_proves_nothing() -> None:
    guard = FlowGuard()
    wrong = replace(QUIET, measured_w=-1_000.0)
    for second in range(0, 60, 2):
        assert guard.step(wrong, NOW + second) is None
        silent = replace(wrong, measured_w=None)
        assert guard.step(silent, NOW + second + 1) is None


def test_what_a_time_before_wrote_may_run_until_its_dead_man() -> None:
    guard = FlowGuard(quiet_until_mono_s=NOW + 30.0)
    found = _watch(guard, replace(QUIET, measured_w=-5_000.0))
    assert found == (34.0, GuardFinding.UNCOMMANDED_DISCHARGE)


def test_an_unlearnt_charger_gets_20_s() -> None:
    guard = FlowGuard()
    unlearnt = replace(QUIET, fingerprint=Fingerprint(dead_time_s=0.5))
    guard.step(replace(unlearnt, setpoint_w=-5_000.0), NOW)
    late = replace(unlearnt, measured_w=-5_000.0)
    found = _watch(guard, late, start_s=NOW + 1.0)
    assert found == (25.0, GuardFinding.UNCOMMANDED_DISCHARGE)


@given(
    st.sampled_from([FAST, TYPICAL, SLOW, MEASURED_2019]),
    st.lists(
        st.tuples(
            st.sampled_from([0.0, -1_380.0, -5_000.0, -11_000.0, 3_000.0, 11_000.0]),
            st.integers(1, 40),
        ),
        max_size=12,
    ),
)
def test_a_charger_that_obeys_is_never_accused(
    parameters: PlantParameters, told: list[tuple[float, int]]
) -> None:
    plant, guard, now_s = Plant(parameters), FlowGuard(), NOW
    fingerprint = Fingerprint(
        dead_time_s=parameters.dead_time_s + 1.0,
        ramp_w_per_s=parameters.ramp_w_per_s,
        offset_zero_w=parameters.offset_zero_w,
        is_learnt=True,
    )
    for power_w, seconds in told:
        for _ in range(seconds):
            observed = FlowObserved(
                setpoint_w=power_w,
                measured_w=plant.measured_w(),
                rating_w=11_000.0,
                fingerprint=fingerprint,
            )
            assert guard.step(observed, now_s) is None
            plant.step(1.0, power_w)
            now_s += 1.0
