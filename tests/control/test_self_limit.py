"""A vehicle that takes less than it is asked for."""

from dataclasses import replace
from math import inf

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.self_limit import SelfLimit, SelfLimitInputs
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    MEASURED_2019,
    OPEN_ENVELOPE,
    SLOW,
    TYPICAL,
    PlantParameters,
    PowerEnvelope,
)
from tests.control.given import LEARNT, NOW, READY, order, reading, with_policy
from tests.control.rig import Rig

DISCHARGE = SelfLimitInputs(
    reference_w=-6_000.0,
    told_w=-6_000.0,
    reading=None,
    fingerprint=LEARNT,
    is_tracked=True,
)


def _hold(
    watch: SelfLimit,
    power_w: float | None,
    inputs: SelfLimitInputs = DISCHARGE,
    *,
    start_s: float = NOW,
    seconds: int = 100,
) -> float | None:
    for second in range(seconds):
        now_s = start_s + second
        meter = None if power_w is None else reading(power_w, now_s)
        watch.step(replace(inputs, reading=meter), now_s)
    return watch.power_w


def test_a_vehicle_that_gives_less_for_a_minute_limits_itself() -> None:
    watch = SelfLimit()
    assert _hold(watch, -4_500.0, seconds=60) is None
    assert watch.most_w(-1) == inf
    assert _hold(watch, -4_500.0, start_s=NOW + 60) == pytest.approx(-4_500.0)
    assert watch.is_binding
    assert watch.most_w(-1) == pytest.approx(4_500.0)
    assert watch.most_w(1) == inf, "charging says nothing of it"


@pytest.mark.parametrize(
    ("power_w", "inputs"),
    [
        pytest.param(-5_750.0, DISCHARGE, id="what a correction leaves"),
        pytest.param(-6_300.0, DISCHARGE, id="more than asked for"),
        pytest.param(-50.0, DISCHARGE, id="nothing: for the wake watch"),
        pytest.param(4_500.0, DISCHARGE, id="the wrong way: for the guard"),
        pytest.param(None, DISCHARGE, id="a silent meter"),
        pytest.param(-4_500.0, replace(DISCHARGE, told_w=-5_000.0), id="on its ramp"),
        pytest.param(-4_500.0, replace(DISCHARGE, reference_w=0.0), id="nothing asked"),
        pytest.param(
            -5_200.0,
            replace(DISCHARGE, is_tracked=False),
            id="an offset that nothing corrects",
        ),
        pytest.param(
            -5_450.0,
            replace(DISCHARGE, fingerprint=replace(LEARNT, step_w=690.0)),
            id="a step of the charger",
        ),
    ],
)
def test_what_is_no_limit_of_the_vehicle(
    power_w: float | None, inputs: SelfLimitInputs
) -> None:
    assert _hold(SelfLimit(), power_w, inputs, seconds=300) is None


def test_one_that_still_gains_is_on_its_way() -> None:
    watch = SelfLimit()
    for second in range(140):
        now_s = NOW + second
        watch.step(
            replace(DISCHARGE, reading=reading(-3_000.0 - 10.0 * second, now_s)), now_s
        )
    assert watch.power_w is None


def test_it_ends_when_the_vehicle_takes_more() -> None:
    watch = SelfLimit()
    assert _hold(watch, -4_500.0) is not None
    watch.step(replace(DISCHARGE, reading=reading(-4_800.0, NOW + 101)), NOW + 101)
    assert watch.power_w is None


def test_at_rest_it_is_remembered_for_a_while() -> None:
    watch = SelfLimit()
    idle = replace(DISCHARGE, reference_w=0.0, told_w=0.0)
    assert _hold(watch, -4_500.0) is not None
    assert _hold(watch, 0.0, idle, start_s=NOW + 100, seconds=590) is not None
    assert not watch.is_binding
    assert _hold(watch, 0.0, idle, start_s=NOW + 690, seconds=20) is None


def test_less_asked_for_binds_nothing_and_the_promise_stays() -> None:
    watch = SelfLimit()
    assert _hold(watch, -4_500.0) is not None
    little = replace(DISCHARGE, reference_w=-3_000.0, told_w=-3_000.0)
    assert _hold(watch, -3_000.0, little, start_s=NOW + 100) == pytest.approx(-4_500.0)
    assert not watch.is_binding


def test_the_other_direction_says_nothing_of_it() -> None:
    watch = SelfLimit()
    assert _hold(watch, -4_500.0) is not None
    charge = replace(DISCHARGE, reference_w=6_000.0, told_w=6_000.0)
    assert _hold(watch, 6_000.0, charge, start_s=NOW + 100) == pytest.approx(-4_500.0)


CHARGE = replace(DISCHARGE, reference_w=11_000.0, told_w=11_000.0, is_tracked=False)


def test_a_trip_counts_on_what_was_taken_until_it_takes_more() -> None:
    watch = SelfLimit()
    idle = replace(CHARGE, reference_w=0.0, told_w=0.0)
    _hold(watch, 3_700.0, CHARGE, seconds=60)
    assert watch.planned_charge_w == inf
    _hold(watch, 3_700.0, CHARGE, start_s=NOW + 60)
    assert watch.planned_charge_w == pytest.approx(3_700.0)
    assert _hold(watch, 0.0, idle, start_s=NOW + 160, seconds=700) is None
    assert watch.planned_charge_w == pytest.approx(3_700.0), "a plan that hopes is late"
    _hold(watch, 7_400.0, CHARGE, start_s=NOW + 860, seconds=2)
    assert watch.planned_charge_w == 7_400.0


@pytest.mark.parametrize(
    ("power_w", "inputs"),
    [
        pytest.param(10_300.0, CHARGE, id="within the offset of chargers"),
        pytest.param(3_700.0, replace(CHARGE, is_tapering=True), id="nearly full"),
        pytest.param(-4_500.0, DISCHARGE, id="a limit of discharge"),
        pytest.param(None, CHARGE, id="a silent meter"),
    ],
)
def test_what_no_trip_is_planned_with(
    power_w: float | None, inputs: SelfLimitInputs
) -> None:
    watch = SelfLimit()
    _hold(watch, power_w, inputs, seconds=300)
    assert watch.planned_charge_w == inf


def test_who_gets_what_it_takes_is_asked_for_more_now_and_then() -> None:
    watch = SelfLimit()
    _hold(watch, -4_500.0)
    given = replace(DISCHARGE, reference_w=-4_500.0, told_w=-4_500.0)
    now_s, asked_s = NOW + 100, 0
    for _ in range(4_000):
        share_w = watch.share_w(-1)
        assert share_w in (pytest.approx(4_500.0), pytest.approx(6_000.0))
        inputs = replace(given, reference_w=-share_w, told_w=-share_w)
        watch.step(replace(inputs, reading=reading(-4_500.0, now_s)), now_s)
        asked_s += share_w > 5_000.0
        now_s += 1
    assert 60 <= asked_s <= 150, "a minute in each half hour"
    assert watch.most_w(-1) == pytest.approx(4_500.0), "the promise stays"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, -6_000.0, 6_000.0]),
            st.one_of(st.none(), st.floats(-12_000, 12_000)),
            st.floats(0.0, 90.0),
        ),
        max_size=60,
    )
)
def test_whatever_happens_the_promise_is_a_magnitude_of_what_flowed(
    looks: list[tuple[float, float | None, float]],
) -> None:
    watch, now_s = SelfLimit(), NOW
    largest_w = 0.0
    for reference_w, power_w, wait_s in looks:
        now_s += wait_s
        meter = None if power_w is None else reading(power_w, now_s)
        largest_w = max(largest_w, abs(power_w or 0.0))
        inputs = replace(
            DISCHARGE, reference_w=reference_w, told_w=reference_w, reading=meter
        )
        watch.step(inputs, now_s)
        for direction in (1, -1):
            most_w = watch.most_w(direction)
            assert most_w == inf or 0.0 <= most_w <= largest_w
        if watch.is_binding:
            assert watch.power_w is not None


def _reason(rig: Rig) -> Reason:
    assert rig.setpoint is not None
    return rig.setpoint.reason


@pytest.mark.parametrize(
    "parameters", [FAST, TYPICAL, SLOW, MEASURED_2019], ids=["f", "t", "s", "2019"]
)
def test_a_freed_vehicle_does_not_overshoot_and_the_promise_shrinks_meanwhile(
    parameters: PlantParameters,
) -> None:
    learnt = replace(
        LEARNT,
        dead_time_s=parameters.dead_time_s + 1.0,
        offset_discharge_w=parameters.offset_discharge_w,
    )
    rig = Rig(
        with_policy(
            replace(READY, order=order(-6_000.0), fingerprint=learnt), mode=Mode.OFF
        ),
        parameters,
    )
    rig.charger.capacity_wh, rig.charger.stored_wh = 1e6, 0.7e6
    rig.run(60)
    assert rig.decision is not None
    assert rig.decision.available_discharge_w > 8_000.0
    rig.charger.envelope = PowerEnvelope(highest_w=0.0, lowest_w=-5_400.0)
    rig.run(200)
    flowing_w = -rig.power_w()
    assert flowing_w < 5_600.0
    assert _reason(rig) is Reason.VEHICLE_LIMIT
    assert rig.decision.available_discharge_w == pytest.approx(flowing_w, abs=120.0)
    rig.charger.envelope = OPEN_ENVELOPE
    freed_s = rig.now_s
    rig.run(60)
    after = [power_w for at_s, power_w in rig.powers_w if at_s > freed_s]
    assert min(after) > -6_200.0, "nothing was wound up"
    assert _reason(rig) is Reason.AS_REQUESTED
    assert rig.decision.available_discharge_w > 8_000.0
