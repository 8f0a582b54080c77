"""What is learnt of a charger from its own traffic."""

from dataclasses import fields, replace
from math import isfinite

from hypothesis import Phase, given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.control.delivery import Taken
from custom_components.v2g_vpp.control.failsafe import (
    largest_dispatch_w,
    stop_after_s,
)
from custom_components.v2g_vpp.control.fingerprint import (
    FingerprintLearner,
    Traffic,
)
from custom_components.v2g_vpp.domain.capability import (
    Confidence,
    Fingerprint,
)
from custom_components.v2g_vpp.virtual.plant import (
    MEASURED_2019,
    PlantParameters,
)
from tests.control.given import NOW, reading
from tests.control.traffic import DAY, ScriptedCharger

ASSUMED = Fingerprint()
MEASURED = Fingerprint(dead_time_s=6.0, ramp_w_per_s=1_500.0, is_learnt=True)

JITTER_S = 0.2
PLANTS = [
    pytest.param(replace(MEASURED_2019, dead_time_s=0.5), id="fast"),
    pytest.param(MEASURED_2019, id="typical"),
    pytest.param(replace(MEASURED_2019, dead_time_s=7.0, rest_s=3.0), id="slow"),
    pytest.param(replace(MEASURED_2019, dead_time_s=15.0), id="slowest reported"),
]


def _day(parameters: PlantParameters, period_s: float) -> list[tuple[float, float]]:
    """Return a day with time enough for this charger and this meter."""
    own_s = parameters.dead_time_s + 8_000.0 / parameters.ramp_w_per_s
    return [(power_w, own_s + 25.0 + 7.0 * period_s) for power_w, _ in DAY]


def _learnt(charger: ScriptedCharger, times: int = 4) -> Fingerprint:
    charger.follow(_day(charger.parameters, charger.period_s), times)
    return charger.learner.fingerprint


@pytest.mark.parametrize("parameters", PLANTS)
@pytest.mark.parametrize("period_s", [1.0, 2.0, 5.0, 10.0])
def test_a_day_of_traffic_shows_what_the_charger_is(
    parameters: PlantParameters, period_s: float
) -> None:
    charger = ScriptedCharger(parameters, period_s=period_s, jitter_s=JITTER_S)
    known = _learnt(charger)
    assert known.is_learnt
    assert known.typical_dead_time_s == pytest.approx(
        parameters.dead_time_s, abs=0.4 + 0.1 * period_s
    )
    late_s = known.dead_time_s - parameters.dead_time_s
    assert 0.0 <= late_s <= period_s + 0.5, "the wait for the sample is part of it"
    for ramp in (known.ramp_up_w_per_s, known.ramp_down_w_per_s):
        assert ramp is not None
        # A meter that hardly ever sees a sample on the ramp only knows its scale.
        factor = 1.2 if period_s <= 2.0 else 2.0
        assert 3_300.0 / factor <= ramp <= 3_300.0 * factor
    assert 0.3 * 3_300.0 <= known.ramp_w_per_s <= 3_300.0
    assert known.offset_discharge_w == pytest.approx(740.0, abs=40.0)
    assert known.offset_charge_w == pytest.approx(-440.0, abs=40.0)
    assert known.offset_zero_w == pytest.approx(420.0, abs=60.0)
    assert known.minimum_power_w == 1_380.0
    assert known.step_w == 0.0
    confidence = charger.learner.confidence
    assert confidence.dead_time > 0.9
    assert min(confidence.offset_discharge, confidence.offset_charge) > 0.9


# A charger that fails is not easier to read when it is smaller, and each try is a day.
@settings(deadline=None, max_examples=10, phases=[Phase.explicit, Phase.generate])
@given(
    parameters=st.builds(
        PlantParameters,
        dead_time_s=st.floats(0.3, 15.0),
        ramp_w_per_s=st.floats(150.0, 8_000.0),
        rest_s=st.floats(0.0, 3.0),
        offset_discharge_w=st.floats(-300.0, 800.0),
        offset_charge_w=st.floats(-800.0, 300.0),
        offset_zero_w=st.floats(0.0, 450.0),
        noise_w=st.floats(0.0, 50.0),
    ),
    ramp_down_share=st.floats(0.3, 1.0),
    period_s=st.sampled_from([1.0, 2.0, 3.0]),
    step_w=st.sampled_from([0.0, 230.0]),
    seed=st.integers(1, 1_000),
)
def test_any_charger_is_learnt_within_the_tolerance_and_on_the_safe_side(
    parameters: PlantParameters,
    ramp_down_share: float,
    period_s: float,
    step_w: float,
    seed: int,
) -> None:
    down_w_per_s = parameters.ramp_w_per_s * ramp_down_share
    charger = ScriptedCharger(
        parameters,
        period_s=period_s,
        jitter_s=JITTER_S,
        step_w=step_w,
        ramp_down_w_per_s=down_w_per_s,
        seed=seed,
    )
    slowest = replace(parameters, ramp_w_per_s=down_w_per_s)
    charger.follow(_day(slowest, period_s), 3)
    known = charger.learner.fingerprint
    _assert_sane(known)
    assert known.is_learnt
    # What moved before it was beyond the noise counts as dead time.
    unseen_s = 250.0 / down_w_per_s
    assert known.typical_dead_time_s == pytest.approx(
        parameters.dead_time_s + unseen_s / 2.0,
        abs=0.4 + 0.1 * period_s + unseen_s / 2.0,
    )
    late_s = known.dead_time_s - parameters.dead_time_s
    assert -0.05 <= late_s <= period_s + 0.5 + unseen_s
    assert known.ramp_w_per_s <= down_w_per_s
    assert known.ramp_w_per_s >= 0.25 * min(down_w_per_s, 4_000.0 / period_s)
    tolerance_w = 60.0 + step_w
    for learnt_w, true_w in (
        (known.offset_discharge_w, parameters.offset_discharge_w),
        (known.offset_charge_w, parameters.offset_charge_w),
    ):
        assert learnt_w == pytest.approx(true_w, abs=tolerance_w)


def test_a_dead_time_that_varies_counts_with_its_long_end() -> None:
    charger = ScriptedCharger(
        MEASURED_2019, dead_times_s=[4.0, 5.5, 4.2, 7.0, 4.4, 6.3], jitter_s=JITTER_S
    )
    known = _learnt(charger)
    assert 6.3 <= known.dead_time_s <= 8.3
    assert known.typical_dead_time_s is not None
    assert 4.0 <= known.typical_dead_time_s <= 6.5
    assert charger.learner.confidence.dead_time < 0.8


def test_before_enough_answers_the_assumed_time_holds_and_a_longer_one_at_once() -> (
    None
):
    charger = ScriptedCharger(MEASURED_2019)
    charger.follow(DAY[:3])
    assert charger.learner.fingerprint.dead_time_s == ASSUMED.dead_time_s
    assert not charger.learner.fingerprint.is_learnt
    late = ScriptedCharger(replace(MEASURED_2019, dead_time_s=25.0))
    late.learner.adopt(MEASURED)
    late.follow([(3_000.0, 60.0), (0.0, 60.0)])
    assert late.learner.fingerprint.dead_time_s >= 25.0


def test_a_slow_ramp_counts_at_once_and_a_fast_one_only_after_some() -> None:
    slow = ScriptedCharger(replace(MEASURED_2019, ramp_w_per_s=100.0))
    slow.learner.adopt(MEASURED)
    slow.follow([(6_000.0, 120.0), (0.0, 120.0)])
    assert slow.learner.fingerprint.ramp_w_per_s <= 100.0
    fast = ScriptedCharger(MEASURED_2019)
    fast.learner.adopt(MEASURED)
    fast.follow([(6_000.0, 60.0), (0.0, 60.0)])
    assert fast.learner.fingerprint.ramp_w_per_s <= MEASURED.ramp_w_per_s


@settings(deadline=None, max_examples=60)
@given(
    looks=st.lists(
        st.tuples(
            st.sampled_from([0.0, 1_400.0, 3_000.0, 7_000.0, -3_000.0, -9_000.0]),
            st.floats(-30_000.0, 30_000.0),
            st.floats(0.0, 40.0),
            st.booleans(),
        ),
        max_size=120,
    ),
    power_w=st.floats(0.0, 11_000.0),
)
def test_no_traffic_whatever_makes_a_stop_begin_later_than_its_answers_allow(
    looks: list[tuple[float, float, float, bool]], power_w: float
) -> None:
    """Nothing but at least five answers can shorten what was assumed of a charger."""
    learner = FingerprintLearner()
    now_s = NOW
    for new_w, measured_w, wait_s, is_told in looks:
        now_s += wait_s
        told = Taken(power_w=new_w, since_mono_s=now_s) if is_told else None
        learner.step(
            Traffic(
                told=told,
                reading=reading(measured_w, now_s),
                is_bound=False,
                visit=0,
            ),
            now_s,
        )
    known = learner.fingerprint
    _assert_sane(known)
    evidence = learner._evidence
    seen = sorted(answer.high for answer in evidence.answers)
    if len(seen) < 5:
        assert known.dead_time_s >= ASSUMED.dead_time_s
    else:
        kept = sum(known.dead_time_s >= one_s for one_s in seen)
        assert kept >= 0.95 * len(seen)
    for ramps in (evidence.growing, evidence.shrinking):
        if len(ramps) < 3:
            assert known.ramp_w_per_s <= ASSUMED.ramp_w_per_s + 1e-6
    # And so the bound that the fail-safe computes from them.
    bound = replace(known, dead_time_s=max([known.dead_time_s, *seen]))
    assert stop_after_s(power_w, bound, 1.0) <= 20.0
    assert largest_dispatch_w(known) >= 0.0


def _assert_sane(known: Fingerprint) -> None:
    for field in fields(Fingerprint):
        value = getattr(known, field.name)
        assert value is None or isfinite(value), field.name
    assert known.dead_time_s >= 0.0
    assert known.ramp_w_per_s >= 0.99
    # What the guards widen by these stays within what they allow anyhow.
    assert known.offset_discharge_w >= -500.0
    assert known.offset_charge_w <= 500.0
    assert -100.0 <= known.offset_zero_w <= 500.0


# --- what nothing is learnt from ---


def _untouched(charger: ScriptedCharger) -> None:
    assert charger.learner.fingerprint == ASSUMED
    assert charger.learner.confidence == Confidence()


def test_late_and_replayed_readings_teach_nothing() -> None:
    charger = ScriptedCharger(MEASURED_2019, late_s=2.5)
    _learnt(charger, 1)
    _untouched(charger)


def test_an_unknown_setpoint_teaches_nothing() -> None:
    charger = ScriptedCharger(MEASURED_2019)
    charger.tell(3_000.0)
    charger.run(30.0)
    charger.is_in_sight = False
    charger.run(30.0)
    _untouched(charger)


def test_a_silent_meter_ends_what_was_watched() -> None:
    charger = ScriptedCharger(MEASURED_2019, period_s=40.0)
    _learnt(charger, 1)
    _untouched(charger)


def test_the_same_reading_looked_at_again_counts_once() -> None:
    charger = ScriptedCharger(MEASURED_2019, period_s=1_000.0)
    charger.run(1.0)
    for _ in range(50):
        charger.look(reading(2_500.0, charger.now_s), charger.now_s)
    assert charger.learner.fingerprint == ASSUMED


def test_a_bound_power_is_no_offset() -> None:
    charger = ScriptedCharger(MEASURED_2019, is_bound=True)
    known = _learnt(charger)
    assert known.offset_discharge_w == known.offset_charge_w == 0.0
    # When the answer came is still the charger's own.
    assert known.is_learnt


def test_a_vehicle_that_wakes_late_is_no_dead_time() -> None:
    charger = ScriptedCharger(replace(MEASURED_2019, dead_time_s=40.0))
    charger.follow([(0.0, 20.0), (3_000.0, 60.0)])
    _untouched(charger)


def test_a_setpoint_that_is_never_followed_is_no_dead_time() -> None:
    charger = ScriptedCharger(replace(MEASURED_2019, dead_time_s=500.0))
    charger.plant.step(0.0, 3_000.0)
    charger.plant.step(600.0, 3_000.0)
    charger.tell(3_000.0)
    charger.run(30.0)
    charger.tell(0.0)
    charger.run(90.0)
    _untouched(charger)


def test_a_discharge_at_0_w_is_no_offset() -> None:
    """A charger that does not stop must not be taken for one that rests so."""
    leaks = replace(MEASURED_2019, offset_zero_w=-2_000.0)
    known = _learnt(ScriptedCharger(leaks))
    assert known.offset_zero_w == 0.0


def test_another_vehicle_begins_anew() -> None:
    charger = ScriptedCharger(MEASURED_2019)
    charger.tell(3_000.0)
    charger.run(3.0)
    charger.visit = 1
    charger.run(60.0)
    assert charger.learner.confidence.dead_time == 0.0
