"""What the home promises, shown on simulated chargers in a closed loop."""

from dataclasses import replace
from statistics import fmean

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.control.failsafe import VppWatchdog
from custom_components.v2g_vpp.domain.capability import (
    DIALECT_TIMING,
    DischargeDialect,
    Fingerprint,
    promised_end_s,
)
from custom_components.v2g_vpp.domain.dispatch import LinkState
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from custom_components.v2g_vpp.domain.units import energy_wh
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    MEASURED_2019,
    SLOW,
    TYPICAL,
    PlantParameters,
)
from tests.control.given import (
    CAPABILITY,
    NOW,
    PROOF,
    READY,
    VEHICLE_POLICY,
    order,
    override,
    with_policy,
    with_session,
    with_station,
)
from tests.control.rig import TICK_S, Rig

PLANTS = [
    pytest.param(FAST, id="fast"),
    pytest.param(TYPICAL, id="typical"),
    pytest.param(SLOW, id="slow"),
    pytest.param(MEASURED_2019, id="measured in 2019"),
]
DIALECTS = [DischargeDialect.V21_DYNAMIC, DischargeDialect.V201_PLUS21]


def _learnt(parameters: PlantParameters) -> Fingerprint:
    """Return what the self-test would find: no offset better than 60 W."""
    return Fingerprint(
        dead_time_s=parameters.dead_time_s + 1.0,
        ramp_w_per_s=min(parameters.ramp_w_per_s, 1_500.0),
        offset_discharge_w=parameters.offset_discharge_w - 60.0,
        offset_zero_w=parameters.offset_zero_w,
        is_learnt=True,
    )


def _dispatched(
    parameters: PlantParameters,
    power_w: float = -5_000.0,
    dialect: DischargeDialect = DischargeDialect.V21_DYNAMIC,
) -> Rig:
    evse = with_station(
        replace(
            READY,
            order=order(power_w),
            fingerprint=_learnt(parameters),
            proof=replace(PROOF, dialect=dialect),
        ),
        capability=replace(CAPABILITY, dialect=dialect),
    )
    return Rig(with_policy(evse, mode=Mode.OFF), parameters)


def _after(rig: Rig, since_s: float) -> list[float]:
    return [power_w for at_s, power_w in rig.powers_w if at_s > since_s]


@pytest.mark.parametrize("parameters", PLANTS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_dispatch_is_served_within_two_percent(
    parameters: PlantParameters, dialect: DischargeDialect
) -> None:
    rig = _dispatched(parameters, dialect=dialect)
    rig.run(parameters.dead_time_s + 5.0)
    start_s = rig.now_s
    rig.run(300)
    assert fmean(_after(rig, start_s)) == pytest.approx(-5_000.0, rel=0.02)
    timing = DIALECT_TIMING[dialect]
    refreshes = (rig.now_s - NOW) / timing.refresh_s
    assert len(rig.writes) <= refreshes + 15


@pytest.mark.parametrize("parameters", PLANTS)
def test_an_emergency_stop_is_over_in_the_charger_s_own_time(
    parameters: PlantParameters,
) -> None:
    rig = _dispatched(parameters)
    rig.run(60)
    rig.evse = with_session(rig.evse, is_emergency_stopped=True)
    stopped_s = rig.now_s
    rig.run(30)
    own_s = parameters.dead_time_s + 5_700.0 / parameters.ramp_w_per_s + 1.0
    assert min(_after(rig, stopped_s + own_s)) >= -flow_threshold_w(11_000.0)
    assert rig.setpoint is not None
    assert rig.setpoint.reason is Reason.EMERGENCY_STOP


@pytest.mark.parametrize("parameters", PLANTS)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stuck_loop_ends_within_the_promise(
    parameters: PlantParameters, dialect: DischargeDialect
) -> None:
    rig = _dispatched(parameters, dialect=dialect)
    rig.run(60)
    last_write_s = rig.writes[-1].decided_mono_s
    rig.is_controlled = False
    rig.run(100)
    promise_s = promised_end_s(
        DIALECT_TIMING[dialect],
        parameters.dead_time_s,
        5_700.0,
        parameters.ramp_w_per_s,
    )
    late = _after(rig, last_write_s + promise_s)
    assert min(late) >= -flow_threshold_w(11_000.0)
    assert rig.delivery.dead_man_expires_mono_s is not None
    # Ticks again after a long time: it starts from nothing, not from before.
    rig.is_controlled = True
    rig.run(1)
    assert rig.writes[-1].is_renewal
    assert abs(rig.writes[-1].power_w) <= 1_380.0


@pytest.mark.parametrize("parameters", PLANTS)
@pytest.mark.parametrize("spread", [0.6, 1.0])
@pytest.mark.parametrize("power_w", [-1_500.0, -5_000.0, -11_000.0])
def test_a_lost_link_is_0_w_by_30_s_and_a_link_that_is_back_resumes(
    parameters: PlantParameters, spread: float, power_w: float
) -> None:
    rig = _dispatched(parameters, power_w)
    watchdog = VppWatchdog(spread=spread)
    heard_s: list[float] = []
    is_silent = False

    def tick(rig: Rig) -> None:
        if not is_silent and round(rig.now_s - NOW) % 5 == 0:
            watchdog.seen_heartbeat(rig.now_s, rig.now_s)
            heard_s.append(rig.now_s)
        status = watchdog.step(
            min(power_w, rig.power_w()), rig.evse.fingerprint, rig.now_s
        )
        is_failsafe = status.state is LinkState.FAILSAFE
        rig.site = replace(rig.site, is_failsafe=is_failsafe)

    rig.on_tick = tick
    rig.run(61)
    assert rig.power_w() < 0.5 * power_w
    is_silent = True
    rig.run(45)
    assert rig.site.is_failsafe
    quiet = _after(rig, heard_s[-1] + 30.0)
    assert min(quiet) >= -flow_threshold_w(11_000.0)
    assert watchdog.step(0.0, rig.evse.fingerprint, rig.now_s).must_end_transaction

    is_silent = False
    rig.run(21)
    assert rig.power_w() >= -flow_threshold_w(11_000.0), "no command yet"
    watchdog.seen_command(rig.now_s, rig.now_s)
    rig.run(30)
    assert rig.power_w() < 0.5 * power_w


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from([FAST, TYPICAL, SLOW, MEASURED_2019]),
    st.sampled_from(DIALECTS),
    st.booleans(),
    st.floats(30.0, 60.0),
    st.lists(
        st.tuples(
            st.sampled_from(["order", "override", "mode", "raise floor", "estop"]),
            st.floats(-11_000, -1_380),
            st.integers(5, 60),
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_never_strand(
    parameters: PlantParameters,
    dialect: DischargeDialect,
    is_gated: bool,
    reserve: float,
    events: list[tuple[str, float, int]],
) -> None:
    """Below the highest floor no more flows out than the charger needs to stop."""
    rig = _dispatched(parameters, -11_000.0, dialect)
    rig.is_gated = is_gated
    policy = replace(VEHICLE_POLICY, reserve_percent=reserve, vpp_reserve_percent=0.0)
    rig.evse = replace(rig.evse, vehicle_policy=policy, order=None)
    # Just above the floor, in a small battery: the crossing comes soon.
    rig.charger.capacity_wh = 10_000.0
    assert rig.evse.vehicle is not None
    rig.evse = replace(
        rig.evse, vehicle=replace(rig.evse.vehicle, capacity_wh=10_000.0)
    )
    rig.charger.stored_wh = 100.0 * (reserve + 2.0)
    checker = NeverStrand(rig, parameters)
    for kind, power_w, seconds in events:
        evse, now_s = rig.evse, rig.now_s
        if kind == "order":
            fresh = order(power_w, start_mono_s=now_s, ends_mono_s=now_s + 3_600)
            evse = replace(evse, order=fresh, override=None)
        elif kind == "override":
            evse = replace(evse, override=override(power_w, ends_mono_s=now_s + 3_600))
        elif kind == "mode":
            evse = with_policy(
                replace(evse, order=None, override=None), mode=Mode.DISCHARGE_NOW
            )
        elif kind == "raise floor":
            higher = replace(policy, reserve_percent=reserve + 5.0)
            evse = replace(evse, vehicle_policy=higher)
        else:
            is_stopped = not evse.session.is_emergency_stopped
            evse = with_session(evse, is_emergency_stopped=is_stopped)
        rig.evse = evse
        for _ in range(seconds):
            checker.check_next_second()


class NeverStrand:
    """Compare what flows out below the floor with what the charger needs to stop."""

    def __init__(self, rig: Rig, parameters: PlantParameters) -> None:
        self.rig, self.parameters = rig, parameters
        self.bound_wh = self.spent_wh = 0.0

    def check_next_second(self) -> None:
        charger, policy = self.rig.charger, self.rig.evse.vehicle_policy
        assert policy is not None
        floor_wh = charger.capacity_wh * policy.reserve_percent / 100.0
        is_below = charger.stored_wh <= floor_wh
        before_wh = charger.discharged_wh
        told_w = max((abs(write.power_w) for write in self.rig.writes[-8:]), default=0)
        largest_w = max(abs(self.rig.power_w()), told_w)
        self.rig.run(1)
        if not is_below:
            self.bound_wh = self.spent_wh = 0.0
            return
        ramp_s = largest_w / (2.0 * self.parameters.ramp_w_per_s)
        stopping_s = self.parameters.dead_time_s + TICK_S + ramp_s
        self.bound_wh = max(self.bound_wh, energy_wh(largest_w, stopping_s))
        self.spent_wh += charger.discharged_wh - before_wh
        assert self.spent_wh <= self.bound_wh + 1e-6
