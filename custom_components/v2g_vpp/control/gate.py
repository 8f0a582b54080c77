"""The output gate: the last look at a setpoint before it goes to a wire.

It shares no code with the discharge coordinator and derives everything again from what
is known and wanted, so that one mistake there cannot discharge a vehicle. It only ever
takes power away. Any doubt gives 0 W.
"""

from collections.abc import Iterator
from math import copysign, isfinite

from ..domain.capability import (
    LONGEST_PROMISE_S,
    UNTOLD_DIALECTS,
    DischargeDialect,
    Proof,
    StationCapability,
)
from ..domain.faults import FAULT_BEHAVIOUR, FaultCode
from ..domain.guarantee import LONGEST_WATCHDOG_S, GuaranteeClass
from ..domain.ids import EvseKey
from ..domain.loop_lag import LAG_RULE, LagRule
from ..domain.measurement import SOC_STALE_AFTER_S, is_fresh
from ..domain.session import EvseSession
from ..domain.setpoint import ControlOwner, Reason
from ..domain.state import ClockState, ConnectorStatus
from .frequency_gate import doubts_about_response, resting_droop
from .gate_host import HostPast
from .gate_inputs import GateInputs, GateVerdict
from .gate_owner import is_asked_for, past_inputs
from .gate_past import GatePast, MeterTempo
from .gate_surroundings import doubts_about_grid, heat_limit_w
from .site_gate import GateHome, SiteWatch

LONGEST_TICK_AGE_S = 2.0
"""A setpoint older than this is nobody's decision any more (architecture)."""

ROUNDING_W = 1.0
"""Two ways to compute a limit may differ by less than this."""


_LOCAL = (
    ControlOwner.AUTOMATION,
    ControlOwner.PLAN,
    ControlOwner.MODE,
    ControlOwner.GRID,
)
"""What the home does by itself, without a person who watches."""

_BAD_CLOCKS = (ClockState.WRONG, ClockState.UNSTEADY)
_WITHOUT_CLOCK = (
    DischargeDialect.V21_DYNAMIC,
    DischargeDialect.DATA_TRANSFER,
    DischargeDialect.ENTITY,
)


class OutputGate:
    """Let a setpoint through only when the raw facts justify it."""

    def __init__(self, lag_rule: LagRule = LAG_RULE) -> None:
        """Nothing is known of the home until ``look`` is called."""
        self._site, self._host = SiteWatch(), HostPast(lag_rule)
        self._pasts: dict[EvseKey, GatePast] = {}

    def forget(self, key: EvseKey) -> None:
        """Forget an EVSE that is no more."""
        self._pasts.pop(key, None)

    def look(self, home: GateHome, now_mono_s: float) -> None:
        """Take in what is known of the home; once per tick, before the checks."""
        self._site.look(home, now_mono_s)
        self._host.note(home.look)

    def check(self, inputs: GateInputs, now_mono_s: float) -> GateVerdict:
        """Return the power that may go to the wire, never more than was asked.

        Asked in every tick, also for 0 W: it remembers what was asked before.
        """
        past = self._pasts.setdefault(inputs.session.key, GatePast())
        past.note(past_inputs(inputs, now_mono_s), now_mono_s)
        past.tempo.note(inputs.session.measurement.power_w)
        past.unguarded.note(
            inputs.session.measurement.power_w,
            inputs.limits.max_discharge_power_w,
            inputs.standby_w,
        )
        verdict = self._judge(inputs, past, now_mono_s)
        past.unguarded.let_through(verdict.power_w, now_mono_s)
        return verdict

    def _judge(
        self, inputs: GateInputs, past: GatePast, now_mono_s: float
    ) -> GateVerdict:
        power_w = inputs.setpoint.power_w
        if not isfinite(power_w):
            return GateVerdict(power_w=0.0, reason=Reason.OUTPUT_GATE)
        if power_w == 0:
            return GateVerdict(power_w=0.0, reason=None)
        doubt = next(_doubts_about_any_power(inputs, now_mono_s), None)
        if doubt is None and power_w < 0:
            doubt = next(self._doubts_about_discharge(inputs, past, now_mono_s), None)
        if doubt is None:
            doubt = next(self._site.doubts(inputs.session.key, power_w), None)
        if doubt is not None:
            return GateVerdict(power_w=0.0, reason=doubt)
        highest_w = _installed_charge_w(inputs)
        if power_w > highest_w:
            power_w, doubt = highest_w, Reason.STATION_LIMIT
        unattended_w = max(0.0, inputs.limits.unattended_charge_w)
        unwatched = self._unwatched(inputs)
        if power_w > unattended_w and unwatched is not None:
            power_w, doubt = unattended_w, unwatched
        carried_w = _carried_w(inputs, now_mono_s)
        if abs(power_w) > carried_w + ROUNDING_W:
            # Less is safe in both directions: it is the same power, only smaller.
            power_w, doubt = copysign(carried_w, power_w) + 0.0, Reason.THERMAL
        if doubt is not None:
            return GateVerdict(power_w=power_w, reason=doubt)
        return GateVerdict(power_w=power_w, reason=None)

    def _doubts_about_discharge(
        self, inputs: GateInputs, past: GatePast, now_mono_s: float
    ) -> Iterator[Reason]:
        if self._host.is_shut():
            yield Reason.HOST_LATE
        yield from _doubts_about_discharge(inputs, past, now_mono_s)

    def _unwatched(self, inputs: GateInputs) -> Reason | None:
        """Return why the limits of the connection do not watch what charges."""
        if self._site.is_charge_unwatched():
            return Reason.SITE_METER_STALE
        is_contradicted = FaultCode.METERS_CONTRADICT in inputs.session.faults
        return (
            Reason.FAULT if is_contradicted and self._site.has_charge_limit() else None
        )


def _doubts_about_any_power(inputs: GateInputs, now_mono_s: float) -> Iterator[Reason]:
    session, station = inputs.session, inputs.station
    if session.is_emergency_stopped or session.is_emergency_input_active:
        yield Reason.EMERGENCY_STOP
    faults = session.faults | session.active_faults
    if any(FAULT_BEHAVIOUR[fault].stops_charging for fault in faults):
        yield Reason.FAULT
    limits, power_w = inputs.limits, inputs.setpoint.power_w
    rating_w = (
        limits.max_discharge_power_w if power_w < 0 else limits.max_charge_power_w
    )
    yield from doubts_about_grid(inputs.grid, power_w, rating_w, now_mono_s)
    if not inputs.is_store_readable:
        yield Reason.STORE_UNREADABLE
    if not station.is_connected:
        yield Reason.STATION_OFFLINE
    if not station.is_ready or station.station_id != session.key.station_id:
        yield Reason.STATION_NOT_READY
    yield from _doubts_about_connector(session)
    if inputs.is_first_write_pending:
        yield Reason.AFTER_START
    if not 0.0 <= now_mono_s - inputs.decided_mono_s <= LONGEST_TICK_AGE_S:
        yield Reason.OUTPUT_GATE
    if not is_asked_for(inputs, now_mono_s):
        yield Reason.OUTPUT_GATE
    yield from _doubts_about_frequency(inputs, now_mono_s)


def _doubts_about_frequency(inputs: GateInputs, now_mono_s: float) -> Iterator[Reason]:
    """Yield why the frequency does not ask for a power that shall follow it."""
    order, setpoint = inputs.order, inputs.setpoint
    response = None
    if setpoint.owner is ControlOwner.VPP and order is not None:
        response = order.response
    elif setpoint.owner is ControlOwner.GRID:
        response = resting_droop(inputs.grid.profile, inputs.limits)
        if response is None:
            yield Reason.FREQUENCY_UNFIT
    if response is not None:
        yield from doubts_about_response(
            response, inputs.grid, setpoint.power_w, now_mono_s
        )


def _doubts_about_connector(session: EvseSession) -> Iterator[Reason]:
    if session.status is ConnectorStatus.UNAVAILABLE:
        yield Reason.OUT_OF_OPERATION
    if not session.is_plugged:
        yield Reason.NOT_PLUGGED
    if session.transaction_id is None:
        yield Reason.NO_TRANSACTION


def _doubts_about_discharge(
    inputs: GateInputs, past: GatePast, now_mono_s: float
) -> Iterator[Reason]:
    if past.is_released and inputs.setpoint.owner in _LOCAL:
        yield Reason.FAILSAFE
    if past.missed_percent is not None:
        yield Reason.TRIP_FLOOR
    if inputs.session.faults or inputs.session.active_faults:
        yield Reason.FAULT
    yield from _doubts_about_station(inputs)
    yield from _doubts_about_vehicle(inputs)
    yield from _doubts_about_permission(inputs)
    if past.unguarded.is_spent(now_mono_s) and not _ends_without_us(inputs):
        yield Reason.SPELL_OVER
    yield from _doubts_about_readings(inputs, past.tempo, now_mono_s)


def _doubts_about_station(inputs: GateInputs) -> Iterator[Reason]:
    capability = inputs.station.capability
    if not inputs.station.has_floor_profile:
        yield Reason.NO_FLOOR_PROFILE
    if capability is None or capability.dialect is DischargeDialect.NONE:
        yield Reason.NO_DIALECT
    elif inputs.station.clock_state in _BAD_CLOCKS and (
        capability.dialect not in _WITHOUT_CLOCK
    ):
        yield Reason.STATION_CLOCK
    reported_w = None if capability is None else capability.max_discharge_power_w
    limits_w = (
        (Reason.STATION_LIMIT, inputs.limits.max_discharge_power_w),
        (Reason.STATION_LIMIT, reported_w),
        (Reason.OWNER_LIMIT, inputs.policy.max_discharge_power_w),
    )
    for reason, limit_w in limits_w:
        if limit_w is not None and -inputs.setpoint.power_w > limit_w + ROUNDING_W:
            yield reason


def _doubts_about_vehicle(inputs: GateInputs) -> Iterator[Reason]:
    needs = inputs.session.needs
    if inputs.session.is_priority_charging:
        yield Reason.PRIORITY_CHARGING
    if inputs.vehicle is None or inputs.vehicle_policy is None:
        yield Reason.VEHICLE_UNKNOWN
    elif not inputs.vehicle_policy.is_discharge_allowed:
        yield Reason.VEHICLE_NOT_ALLOWED
    capability = inputs.station.capability
    is_told = capability is None or capability.dialect not in UNTOLD_DIALECTS
    if needs is None or not needs.is_direction_told:
        if is_told:
            yield Reason.VEHICLE_NOT_BIDIRECTIONAL
    elif not needs.is_bidirectional:
        yield Reason.VEHICLE_NOT_BIDIRECTIONAL
    elif needs.is_below_v2x_window:
        yield Reason.VEHICLE_LIMIT


def _doubts_about_permission(inputs: GateInputs) -> Iterator[Reason]:
    is_self_test = inputs.setpoint.owner is ControlOwner.SELF_TEST
    if is_self_test and inputs.is_self_test_running:
        return
    if not inputs.policy.is_discharge_allowed:
        yield Reason.DISCHARGE_NOT_ALLOWED
    # The proof is of this firmware and this dialect, which decide the sign and the
    # dead-man; the size of the power is bounded by the nameplate, not by the test.
    proof, capability = inputs.proof, inputs.station.capability
    if (
        proof is None
        or capability is None
        or proof.firmware != inputs.station.firmware
        or proof.dialect is not capability.dialect
        or proof.wording != capability.wording
        or proof.proven_power_w <= 0
    ):
        yield Reason.NOT_PROVEN
    elif inputs.setpoint.owner is ControlOwner.VPP and not _was_seen_to_end(
        proof, capability
    ):
        yield Reason.NO_GUARANTEE


def _ends_without_us(inputs: GateInputs) -> bool:
    proof, capability = inputs.proof, inputs.station.capability
    return (
        proof is not None
        and capability is not None
        and _was_seen_to_end(proof, capability)
    )


def _was_seen_to_end(proof: Proof, capability: StationCapability) -> bool:
    """Return True when the charger was measured to end a discharge by itself in time.

    What OCPP tells a station has an end in every write, so its proof is one of that.
    """
    if capability.dialect is not DischargeDialect.ENTITY:
        return True
    is_told = proof.guarantee is GuaranteeClass.A
    validity_s = proof.validity_s
    is_short = validity_s is not None and 0 < validity_s <= LONGEST_WATCHDOG_S
    return is_told and is_short and proof.dead_man_s <= LONGEST_PROMISE_S


def _doubts_about_readings(
    inputs: GateInputs, tempo: MeterTempo, now_mono_s: float
) -> Iterator[Reason]:
    power = inputs.session.measurement.power_w
    if not is_fresh(power, now_mono_s, tempo.silent_after_s):
        yield Reason.METER_STALE
    soc, policy = inputs.session.measurement.soc_percent, inputs.vehicle_policy
    if not is_fresh(soc, now_mono_s, SOC_STALE_AFTER_S):
        yield Reason.SOC_UNKNOWN
    elif soc.value <= _own_floor_percent(inputs):
        yield Reason.VEHICLE_LIMIT
    elif policy is None or not soc.value > policy.reserve_percent:
        yield Reason.RESERVE_FLOOR
    elif inputs.setpoint.owner is ControlOwner.VPP and not (
        soc.value > policy.vpp_reserve_percent
        and soc.value > inputs.granted_floor_percent
    ):
        yield Reason.VPP_FLOOR
    elif _is_needed_for_trip(inputs, soc.value, now_mono_s):
        yield Reason.TRIP_FLOOR
    if inputs.setpoint.owner is not ControlOwner.SELF_TEST and _is_cycled_out(inputs):
        yield Reason.CYCLE_BUDGET


def _is_needed_for_trip(
    inputs: GateInputs, soc_percent: float, now_mono_s: float
) -> bool:
    """Return True when not even full power until the departure could make up for it."""
    capacity_wh = inputs.vehicle.capacity_wh if inputs.vehicle else 0.0
    ceiling = inputs.vehicle_policy.max_soc_percent if inputs.vehicle_policy else 0.0
    for departure in inputs.departures:
        missing = min(departure.target_percent, ceiling) - soc_percent
        left_s = departure.due_mono_s - now_mono_s
        if left_s < 0:
            # Whether this vehicle missed it or came after it, its past tells.
            continue
        most_wh = inputs.limits.max_charge_power_w * left_s / 3600.0
        if missing / 100.0 * capacity_wh > most_wh:
            return True
    return False


def _is_cycled_out(inputs: GateInputs) -> bool:
    capacity_wh = inputs.vehicle.capacity_wh if inputs.vehicle else 0.0
    policy = inputs.vehicle_policy
    budget_wh = policy.cycle_budget_percent / 100.0 * capacity_wh if policy else 0.0
    return not inputs.cycled_wh < budget_wh


def _own_floor_percent(inputs: GateInputs) -> float:
    """Return what the vehicle itself does not go below, percent; 0 without a word."""
    session, vehicle = inputs.session, inputs.vehicle
    floor = session.measurement.vehicle_floor_percent
    lowest = 0.0 if floor is None else floor.value
    needs = session.needs
    if needs is None or needs.v2x_floor_wh is None:
        return lowest
    held = session.needs_soc_percent
    if held is None or vehicle is None or vehicle.capacity_wh <= 0:
        return 100.0
    return max(lowest, held + 100.0 * needs.v2x_floor_wh / vehicle.capacity_wh)


def _installed_charge_w(inputs: GateInputs) -> float:
    capability = inputs.station.capability
    reported_w = capability.max_charge_power_w if capability else None
    installed_w = max(0.0, inputs.limits.max_charge_power_w)
    return installed_w if reported_w is None else max(0.0, min(installed_w, reported_w))


def _carried_w(inputs: GateInputs, now_mono_s: float) -> float:
    """Return what the handle carries at its present heat, W."""
    limits = inputs.limits
    rating_w = max(limits.max_charge_power_w, limits.max_discharge_power_w)
    handle_c = inputs.session.measurement.handle_temperature_c
    return heat_limit_w(handle_c, rating_w, now_mono_s)
