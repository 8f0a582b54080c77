"""The gates in front of any power, in the fixed order in which they are told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ..domain.capability import UNTOLD_DIALECTS, DischargeDialect, runs_on_station_clock
from ..domain.faults import FAULT_BEHAVIOUR, GRID_FAULTS
from ..domain.measurement import Reading
from ..domain.setpoint import LOCAL_OWNERS, ControlOwner, Reason
from ..domain.state import ClockState, ConnectorStatus
from .grid import GridState
from .inputs import EvseInputs, SiteInputs
from .soc_guard import SocVerdict
from .vehicle_watch import VehicleVerdict


# Not frozen: made for one call, of each EVSE in each step, where freezing costs time.
@dataclass(slots=True, kw_only=True)
class DischargeQuestion:
    """May this EVSE discharge for this owner now?"""

    evse: EvseInputs
    site: SiteInputs
    owner: ControlOwner
    vehicle: VehicleVerdict
    power: Reading | None
    """Fresh at its meter, None when that is silent."""

    now_mono_s: float
    is_spell_over: bool = False
    """True: 0 W has to be seen before a discharge that would not end by itself."""

    is_before_start: bool = False
    """True: asked for the time after the start of a transaction, which also brings the
    meter; the answer is a promise and lets nothing flow."""

    @property
    def soc(self) -> SocVerdict:
        """What the state of charge allows."""
        return self.vehicle.soc

    @property
    def is_by_frequency(self) -> bool:
        """True when the frequency itself asks for the power."""
        if self.owner is ControlOwner.GRID:
            return True
        order = self.evse.order
        is_ordered = order is not None and order.response is not None
        return is_ordered and self.owner is ControlOwner.VPP

    @property
    def is_self_test(self) -> bool:
        """True for the test that makes the proof, which therefore needs none."""
        return self.owner is ControlOwner.SELF_TEST


type Gate = Callable[[DischargeQuestion], bool]
"""True when the gate forbids discharge."""


def first_stop(evse: EvseInputs) -> Reason | None:
    """Return what forbids power in both directions, None when nothing does."""
    # No generator: this and the gates are most of what a step costs.
    for reason, is_shut in STOPS:
        if is_shut(evse):
            return reason
    return None


def stops(evse: EvseInputs) -> Iterator[Reason]:
    """Yield all that forbids power in both directions, in the order of telling."""
    for reason, is_shut in STOPS:
        if is_shut(evse):
            yield reason


def first_block(question: DischargeQuestion) -> Reason | None:
    """Return the first gate that forbids discharge, None when it may."""
    for reason, is_shut in GATES:
        if is_shut(question):
            return reason
    return None


def blocks(question: DischargeQuestion) -> Iterator[Reason]:
    """Yield all gates that forbid discharge, in the order of telling."""
    for reason, is_shut in GATES:
        if is_shut(question):
            yield reason


def is_told_by_start(question: DischargeQuestion) -> bool:
    """Return True when what forbids discharge is only what nobody knows at rest.

    The vehicle tells its name, its charge, its floor and its direction in a
    transaction. Who waits for them before there is one waits for ever.
    """
    unknown = {reason for reason, is_untold in _UNTOLD if is_untold(question.evse)}
    found = set(blocks(question))
    return bool(found) and found <= unknown


def _has_stopping_fault(evse: EvseInputs) -> bool:
    faults = evse.session.faults
    return bool(faults) and any(FAULT_BEHAVIOUR[code].stops_charging for code in faults)


def _is_not_ready(evse: EvseInputs) -> bool:
    return not evse.station.is_ready or evse.station.capability is None


def _is_out_of_operation(evse: EvseInputs) -> bool:
    return evse.session.status is ConnectorStatus.UNAVAILABLE


def _has_no_dialect(question: DischargeQuestion) -> bool:
    capability = question.evse.station.capability
    return capability is None or capability.dialect is DischargeDialect.NONE


def _is_clock_bad(question: DischargeQuestion) -> bool:
    station = question.evse.station
    is_bad = station.clock_state in _BAD_CLOCKS
    capability = station.capability
    return (
        is_bad and capability is not None and runs_on_station_clock(capability.dialect)
    )


def _is_vehicle_unknown(question: DischargeQuestion) -> bool:
    evse = question.evse
    return evse.vehicle is None or evse.vehicle_policy is None


def _is_vehicle_refused(question: DischargeQuestion) -> bool:
    policy = question.evse.vehicle_policy
    return policy is None or not policy.is_discharge_allowed


def _is_not_bidirectional(question: DischargeQuestion) -> bool:
    evse = question.evse
    needs, capability = evse.session.needs, evse.station.capability
    if needs is None or not needs.is_direction_told:
        # Where vehicles are never heard of, the owner and the self-test speak for them.
        return capability is None or capability.dialect not in UNTOLD_DIALECTS
    return not needs.is_bidirectional


def _is_below_own_window(question: DischargeQuestion) -> bool:
    needs = question.evse.session.needs
    is_below = needs is not None and needs.is_below_v2x_window
    return is_below or question.soc.is_at_vehicle_floor


def _has_no_transaction(question: DischargeQuestion) -> bool:
    return question.evse.session.transaction_id is None and not question.is_before_start


def _is_meter_stale(question: DischargeQuestion) -> bool:
    if question.is_before_start:
        return False
    return question.power is None or question.evse.is_meter_doubted


def _is_cycle_budget_spent(question: DischargeQuestion) -> bool:
    # The self-test takes about 0.1 kWh, by hand and rarely, and is counted: a spent
    # budget must not keep a charger unproven until tomorrow.
    return question.vehicle.is_cycle_budget_spent and not question.is_self_test


def _is_endless(question: DischargeQuestion) -> bool:
    proof = question.evse.proof
    return proof is not None and not proof.ends_by_itself


def _has_had_its_time(question: DischargeQuestion) -> bool:
    is_awaited = question.is_before_start or not question.is_spell_over
    # What somebody else asks for is bound by the floors alone.
    is_ours = question.owner is not ControlOwner.EXTERNAL
    return is_ours and not is_awaited and _is_endless(question)


def _has_no_guarantee(question: DischargeQuestion) -> bool:
    return _is_endless(question) and question.owner is ControlOwner.VPP


def _is_at_vpp_floor(question: DischargeQuestion) -> bool:
    return question.owner is ControlOwner.VPP and question.soc.is_at_vpp_floor


def _is_kept_for_event(question: DischargeQuestion) -> bool:
    # The owner's own power goes ahead of what was promised, and so does the self-test.
    is_bound = question.owner in LOCAL_OWNERS or question.owner is ControlOwner.VPP
    return is_bound and question.vehicle.is_kept_for_event


def _has_other_fault(question: DischargeQuestion) -> bool:
    """Return True for a fault that is not of the grid: that one has its own words."""
    return not question.evse.session.faults <= GRID_FAULTS


def _is_grid_in_the_way(question: DischargeQuestion) -> bool:
    """Return True for a grid that must not be fed, or not anew while it rides through."""
    evse = question.evse
    # To begin at a low frequency is what following it is for.
    is_answer = evse.grid.state is GridState.DISTURBED and question.is_by_frequency
    is_refused = not (evse.grid.may_begin or evse.is_discharging or is_answer)
    is_waiting = evse.grid.state is GridState.WAITING
    has_fault = not evse.session.faults.isdisjoint(GRID_FAULTS)
    return has_fault or (is_refused and not is_waiting)


def _is_name_untold(evse: EvseInputs) -> bool:
    return evse.vehicle is None and evse.session.evcc_id is None


def _is_charge_untold(evse: EvseInputs) -> bool:
    return evse.session.measurement.soc_percent is None or _is_name_untold(evse)


def _is_floor_untold(evse: EvseInputs) -> bool:
    """Return True for a floor that counts from a charge which nobody knows."""
    session = evse.session
    needs = session.needs
    if needs is None or needs.is_below_v2x_window:
        return False
    return needs.v2x_floor_wh is not None and session.needs_soc_percent is None


def _is_direction_untold(evse: EvseInputs) -> bool:
    needs = evse.session.needs
    return needs is None or not needs.is_direction_told


_UNTOLD: tuple[tuple[Reason, Callable[[EvseInputs], bool]], ...] = (
    (Reason.VEHICLE_UNKNOWN, _is_name_untold),
    (Reason.VEHICLE_NOT_ALLOWED, _is_name_untold),
    (Reason.SOC_UNKNOWN, _is_charge_untold),
    (Reason.VEHICLE_LIMIT, _is_floor_untold),
    (Reason.VEHICLE_NOT_BIDIRECTIONAL, _is_direction_untold),
)

_BAD_CLOCKS = frozenset({ClockState.WRONG, ClockState.UNSTEADY})

STOPS: tuple[tuple[Reason, Callable[[EvseInputs], bool]], ...] = (
    (Reason.EMERGENCY_STOP, lambda e: e.session.is_emergency_stopped),
    (Reason.FAULT, _has_stopping_fault),
    (Reason.GRID_LOST, lambda e: e.grid.is_mains_lost),
    (Reason.STATION_OFFLINE, lambda e: not e.station.is_connected),
    (Reason.STATION_NOT_READY, _is_not_ready),
    (Reason.OUT_OF_OPERATION, _is_out_of_operation),
    (Reason.NOT_PLUGGED, lambda e: not e.session.is_plugged),
    (Reason.NO_TRANSACTION, lambda e: e.session.transaction_id is None),
    (Reason.AFTER_START, lambda e: e.is_first_write_pending),
)

GATES: tuple[tuple[Reason, Gate], ...] = (
    (Reason.EMERGENCY_STOP, lambda q: q.evse.session.is_emergency_stopped),
    (Reason.FAULT, _has_other_fault),
    (Reason.GRID_LOST, lambda q: q.evse.grid.is_mains_lost),
    (Reason.GRID_FREQUENCY, _is_grid_in_the_way),
    (Reason.ENTER_SERVICE, lambda q: q.evse.grid.state is GridState.WAITING),
    (Reason.STORE_UNREADABLE, lambda q: not q.site.is_store_readable),
    (Reason.HOST_LATE, lambda q: q.site.is_host_late),
    (Reason.STATION_OFFLINE, lambda q: not q.evse.station.is_connected),
    (Reason.STATION_NOT_READY, lambda q: _is_not_ready(q.evse)),
    (Reason.NO_DIALECT, _has_no_dialect),
    (Reason.NO_FLOOR_PROFILE, lambda q: not q.evse.station.has_floor_profile),
    (Reason.OUT_OF_OPERATION, lambda q: _is_out_of_operation(q.evse)),
    (Reason.NOT_PLUGGED, lambda q: not q.evse.session.is_plugged),
    (Reason.PRIORITY_CHARGING, lambda q: q.evse.session.is_priority_charging),
    (Reason.VEHICLE_UNKNOWN, _is_vehicle_unknown),
    (Reason.VEHICLE_NOT_ALLOWED, _is_vehicle_refused),
    (
        Reason.DISCHARGE_NOT_ALLOWED,
        lambda q: not (q.evse.policy.is_discharge_allowed or q.is_self_test),
    ),
    (Reason.NOT_PROVEN, lambda q: q.evse.proof is None and not q.is_self_test),
    (Reason.NO_TRANSACTION, _has_no_transaction),
    (Reason.VEHICLE_NOT_BIDIRECTIONAL, _is_not_bidirectional),
    (Reason.AFTER_START, lambda q: q.evse.is_first_write_pending),
    (Reason.STATION_CLOCK, _is_clock_bad),
    (Reason.METER_STALE, _is_meter_stale),
    (Reason.SITE_METER_STALE, lambda q: q.site.is_grid_silent),
    (Reason.WRITE_BUDGET, lambda q: q.evse.is_write_budget_spent),
    (Reason.NOTHING_FLOWS, lambda q: q.evse.has_ignored_wakes),
    (Reason.SOC_UNKNOWN, lambda q: q.soc.lowest_percent is None),
    (Reason.VEHICLE_LIMIT, _is_below_own_window),
    (Reason.RESERVE_FLOOR, lambda q: q.soc.is_at_reserve),
    (Reason.TRIP_FLOOR, lambda q: q.soc.is_at_trip_floor or q.vehicle.trip.must_charge),
    (Reason.CYCLE_BUDGET, _is_cycle_budget_spent),
    (Reason.SPELL_OVER, _has_had_its_time),
    (Reason.NO_GUARANTEE, _has_no_guarantee),
    (Reason.VPP_FLOOR, _is_at_vpp_floor),
    (Reason.EVENT_RESERVE, _is_kept_for_event),
)
"""Who must act comes first: the hardware, the vehicle, the owner, then the moment."""
