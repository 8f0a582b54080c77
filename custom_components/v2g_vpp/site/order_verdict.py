"""The verdict about an order: why it is refused, what is promised, what ends it."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from ..domain.dispatch import (
    AckCode,
    BindingClass,
    CommandKind,
    DispatchOrder,
    LinkState,
)
from ..domain.faults import FAULT_BEHAVIOUR
from ..domain.ids import EvseKey
from ..domain.programme_events import Participation
from ..domain.setpoint import Reason
from ..domain.state import ConnectorStatus
from .programme_record import ProgrammeRecord
from .records import EvseRecord
from .registry import Registry

type Refusal = tuple[AckCode, BindingClass | None]
type Rehearsal = Callable[[DispatchOrder], float]
"""What the home would commit of an order if it began now, W, signed like it."""

MAX_WAITING_ORDERS = 16
"""Not yet started orders per resource (rule 7 of the contract)."""

GRID: Refusal = (AckCode.GRID_FREQ_OUT_OF_RANGE, BindingClass.LIMIT)
"""The contract has one word for a grid that cannot be fed."""

REFUSAL: Mapping[Reason, Refusal] = {
    Reason.EMERGENCY_STOP: (AckCode.ESTOP, BindingClass.FAULT),
    Reason.FAULT: (AckCode.FAULT, BindingClass.FAULT),
    Reason.GRID_LOST: GRID,
    Reason.GRID_FREQUENCY: GRID,
    Reason.ENTER_SERVICE: GRID,
    Reason.STORE_UNREADABLE: (AckCode.FAULT, BindingClass.FAULT),
    Reason.HOST_LATE: (AckCode.FAULT, BindingClass.FAULT),
    Reason.STATION_OFFLINE: (AckCode.NOT_CONNECTED, BindingClass.FAULT),
    Reason.STATION_NOT_READY: (AckCode.NOT_CONNECTED, BindingClass.FAULT),
    Reason.NO_FLOOR_PROFILE: (AckCode.NOT_CONNECTED, BindingClass.FAULT),
    Reason.AFTER_START: (AckCode.NOT_CONNECTED, BindingClass.LIMIT),
    Reason.OUT_OF_OPERATION: (AckCode.NOT_CONNECTED, BindingClass.FAULT),
    Reason.WRITE_BUDGET: (AckCode.NOT_PERMITTED, BindingClass.LIMIT),
    Reason.STATION_CLOCK: (AckCode.NOT_CONNECTED, BindingClass.FAULT),
    Reason.NOTHING_FLOWS: (AckCode.EV_COMM_TIMEOUT, BindingClass.VEHICLE),
    Reason.NOT_PLUGGED: (AckCode.NOT_CONNECTED, BindingClass.VEHICLE),
    Reason.PRIORITY_CHARGING: (AckCode.USER_OVERRIDE, BindingClass.USER),
    Reason.NO_TRANSACTION: (AckCode.NOT_CONNECTED, BindingClass.VEHICLE),
    Reason.DISCHARGE_NOT_ALLOWED: (AckCode.NOT_PERMITTED, BindingClass.USER),
    Reason.NOT_PROVEN: (AckCode.NOT_PERMITTED, BindingClass.USER),
    Reason.NO_DIALECT: (AckCode.NOT_PERMITTED, BindingClass.LIMIT),
    Reason.VEHICLE_UNKNOWN: (AckCode.NOT_PERMITTED, BindingClass.VEHICLE),
    Reason.VEHICLE_NOT_ALLOWED: (AckCode.NOT_PERMITTED, BindingClass.USER),
    Reason.VEHICLE_NOT_BIDIRECTIONAL: (AckCode.NOT_PERMITTED, BindingClass.VEHICLE),
    Reason.VEHICLE_LIMIT: (AckCode.SOC_FLOOR, BindingClass.VEHICLE),
    Reason.SOC_UNKNOWN: (AckCode.SOC_FLOOR, BindingClass.VEHICLE),
    Reason.RESERVE_FLOOR: (AckCode.SOC_FLOOR, BindingClass.USER),
    Reason.VPP_FLOOR: (AckCode.SOC_FLOOR, BindingClass.USER),
    Reason.TRIP_FLOOR: (AckCode.SOC_FLOOR, BindingClass.USER),
    Reason.EVENT_RESERVE: (AckCode.NOT_PERMITTED, BindingClass.LIMIT),
    Reason.CYCLE_BUDGET: (AckCode.CYCLE_BUDGET, BindingClass.USER),
    Reason.NO_GUARANTEE: (AckCode.NOT_PERMITTED, BindingClass.LIMIT),
    Reason.SPELL_OVER: (AckCode.NOT_PERMITTED, BindingClass.LIMIT),
    Reason.METER_STALE: (AckCode.METER_STALE, BindingClass.FAULT),
    Reason.SITE_METER_STALE: (AckCode.METER_STALE, BindingClass.FAULT),
}
"""How a gate that forbids discharge is told to the aggregator, coarsely."""

USER_OVERRIDE: Refusal = (AckCode.USER_OVERRIDE, BindingClass.USER)
NOTHING_LEFT: Refusal = (AckCode.NOT_PERMITTED, BindingClass.LIMIT)
"""No gate is shut, but a limit leaves nothing of a discharge."""

NOT_OFFERED: Refusal = (AckCode.UNSUPPORTED, BindingClass.LIMIT)
"""The frequency is not measured well enough, or the charger is too slow for it."""

TOO_HOT: Refusal = (AckCode.THERMAL, BindingClass.LIMIT)


class OrderJudge:
    """Judge orders by the last decision about each EVSE."""

    def __init__(self, registry: Registry) -> None:
        """Work on the records of ``registry``."""
        self._registry = registry
        self.rehearse: Rehearsal | None = None
        """How several EVSEs would share an order; None: nobody decides yet."""

    def refusal(  # noqa: PLR0911 - one row per ground
        self, programme: ProgrammeRecord, order: DispatchOrder, now_mono_s: float
    ) -> Refusal | None:
        """Return why the home does not take an order, None when it does."""
        if not programme.is_participating:
            return AckCode.NOT_PERMITTED, BindingClass.USER
        if programme.watchdog.state is LinkState.FAILSAFE:
            return AckCode.FAILSAFE, BindingClass.FAULT
        if order.resource is not None and order.resource not in self._registry.evses:
            return AckCode.UNKNOWN_RESOURCE, None
        if order.is_stop:
            return None
        if not programme.watchdog.is_alive(now_mono_s):
            # Signed too long ago to be trusted, and no heartbeat vouches for it.
            return AckCode.EXPIRED, None
        if self._is_taken(programme, order):
            return AckCode.UNSUPPORTED, BindingClass.LIMIT
        waiting = [o for o in programme.orders if share_resource(o, order)]
        if len(waiting) >= MAX_WAITING_ORDERS:
            return AckCode.OVERLAP, None
        if any(_overlap(order, other) for other in waiting):
            return AckCode.OVERLAP, None
        return self._refusal_of_evses(order)

    def committed_w(self, order: DispatchOrder) -> float:
        """Return what the home promises of an order, never more than was asked."""
        if order.kind is not CommandKind.SETPOINT or order.power_w == 0:
            # Nor has a power of its own what follows the frequency.
            return order.power_w
        candidates = self._candidates(order)
        is_shared = len(candidates) > 1 or any(
            self._waits_for(record, order) for record in candidates
        )
        if is_shared and self.rehearse is not None:
            # Dead zones, energy until the end and shared limits: only sharing tells.
            return self.rehearse(order)
        decisions = [
            record.decision
            for record in candidates
            if self._refusal_of_evse(record, order) is None and record.decision
        ]
        if order.power_w > 0:
            return min(order.power_w, sum(d.available_charge_w for d in decisions))
        available_w = sum(d.available_discharge_w for d in decisions)
        return max(order.power_w, 0.0 - available_w)

    def ground_to_fail(self, order: DispatchOrder) -> AckCode | None:
        """Return what ended an order on every EVSE that it is for, None when nothing.

        What passes by itself ends no order; a latch and a pulled plug do.
        """
        grounds = [
            _ground_of_evse(record, order) or self._support_ground(record, order)
            for record in self._candidates(order)
        ]
        if not grounds:
            return AckCode.NOT_CONNECTED
        return None if None in grounds else grounds[0]

    def _is_taken(self, programme: ProgrammeRecord, order: DispatchOrder) -> bool:
        """Return True when another programme has an EVSE of the order (rule 14).

        A rehearsal has nothing that a real programme could not take.
        """
        return any(
            any(share_resource(order, theirs) for theirs in (*o.running, *o.orders))
            # Nobody takes over before the contactor of a lost discharge is open.
            or any(covers(order, key) for key in o.released)
            or _has_booked(o, order)
            for o in self._registry.programmes.values()
            if o is not programme and not o.is_rehearsal
        )

    def _refusal_of_evses(self, order: DispatchOrder) -> Refusal | None:
        """Return why no EVSE can serve the order, None when at least one can."""
        refusals = [self._refusal_of_evse(r, order) for r in self._candidates(order)]
        if not refusals:
            return AckCode.NOT_CONNECTED, BindingClass.FAULT
        if None not in refusals:
            return refusals[0]
        if order.response is not None:
            return None
        if not order.may_discharge or self.committed_w(order) != 0:
            return None
        is_hot = any(record.heat.share < 1.0 for record in self._candidates(order))
        return TOO_HOT if is_hot else NOTHING_LEFT

    def _refusal_of_evse(
        self, record: EvseRecord, order: DispatchOrder
    ) -> Refusal | None:
        if record.override is not None or record.external is not None:
            return USER_OVERRIDE
        stop = self._stop_of_evse(record)
        if stop is not None:
            return REFUSAL[stop]
        if self._support_ground(record, order) is not None:
            return NOT_OFFERED
        grid = record.grid_verdict
        if order.may_discharge:
            gate = self._gate_of(record, order)
            if gate is not None:
                return REFUSAL[gate]
            # What runs rides through; nothing new is added to it.
            return None if grid.may_begin else GRID
        return GRID if grid.charge_share == 0 else None

    def _gate_of(self, record: EvseRecord, order: DispatchOrder) -> Reason | None:
        """Return what forbids an order to discharge an EVSE, None when nothing does."""
        decision = record.decision
        if decision is None:
            return None
        gate = decision.dispatch_blocked_by
        if gate is not None and not self._waits_for(record, order):
            return gate
        programme = self._registry.programmes.get(order.programme_id)
        held = decision.soc.lowest_percent
        if programme is not None and not programme.grant.lets_discharge(held):
            return Reason.VPP_FLOOR
        return None

    def _support_ground(
        self, record: EvseRecord, order: DispatchOrder
    ) -> AckCode | None:
        """Return why an EVSE cannot follow the frequency as an order asks it to."""
        if order.response is None:
            return None
        nominal_hz = self._registry.grid_profile.nominal_hz
        if nominal_hz is None or not order.response.fits(nominal_hz):
            return AckCode.UNSUPPORTED
        refusal = record.support_refusal
        if refusal is None:
            return None
        return AckCode.METER_STALE if refusal.is_of_meter else AckCode.UNSUPPORTED

    def _waits_for(self, record: EvseRecord, order: DispatchOrder) -> bool:
        """Return True when all that holds an EVSE is kept for the event of an order."""
        programme = self._registry.programmes.get(order.programme_id)
        booked = programme.book.event(order.event_id) if programme else None
        decision = record.decision
        is_kept = decision is not None and (
            decision.dispatch_blocked_by is Reason.EVENT_RESERVE
        )
        return is_kept and booked is not None and booked.is_taken_part_in

    def _stop_of_evse(self, record: EvseRecord) -> Reason | None:
        """Return what forbids power in both directions, None when nothing does."""
        session = record.session
        station = self._registry.station_of(record.key).session
        has_transaction = session.transaction_id is not None
        stops = {
            Reason.NOT_PLUGGED: not session.is_plugged,
            Reason.OUT_OF_OPERATION: session.status is ConnectorStatus.UNAVAILABLE,
            Reason.EMERGENCY_STOP: session.is_emergency_stopped,
            Reason.FAULT: any(
                FAULT_BEHAVIOUR[fault].stops_charging for fault in session.faults
            ),
            Reason.STATION_OFFLINE: not station.is_connected,
            Reason.STATION_NOT_READY: not station.is_ready or record.decision is None,
            Reason.NO_TRANSACTION: (
                not has_transaction and not record.can_start_transaction
            ),
        }
        return next((reason for reason, applies in stops.items() if applies), None)

    def _candidates(self, order: DispatchOrder) -> list[EvseRecord]:
        return [
            record for key, record in self._registry.evses.items() if covers(order, key)
        ]


def has_evse(programme: ProgrammeRecord, key: EvseKey) -> bool:
    """Return True when a programme has an EVSE now: others get nothing of it."""
    orders = (*programme.running, *programme.orders)
    return any(covers(order, key) for order in orders) or any(
        hold.resource in (None, key) for hold in programme.holds
    )


def _has_booked(programme: ProgrammeRecord, order: DispatchOrder) -> bool:
    """Return True when a window of an event that is served overlaps an order."""
    if not programme.is_participating:
        return False
    for booked in programme.book.events:
        if booked.participation is not Participation.OPTED_IN or booked.is_over:
            continue
        delay = timedelta(seconds=booked.event.delay_s)
        for window in booked.event.windows:
            starts_at, ends_at = window.start_at + delay, window.end_at + delay
            if starts_at < order.end_at and order.start_at < ends_at:
                return True
    return False


def covers(order: DispatchOrder, key: EvseKey) -> bool:
    """Return True when an order is for an EVSE."""
    return order.resource in (None, key)


def is_awaited(registry: Registry, key: EvseKey) -> bool:
    """Return True when an order for an EVSE runs or waits."""
    return any(
        covers(order, key)
        for programme in registry.programmes.values()
        for order in (*programme.orders, *programme.running)
    )


def share_resource(one: DispatchOrder, other: DispatchOrder) -> bool:
    """Return True when two orders are for the same EVSE; the home has them all."""
    return None in (one.resource, other.resource) or one.resource == other.resource


def _overlap(one: DispatchOrder, other: DispatchOrder) -> bool:
    return one.start_mono_s < other.ends_mono_s and other.start_mono_s < one.ends_mono_s


def _ground_of_evse(record: EvseRecord, order: DispatchOrder) -> AckCode | None:
    session = record.session
    if session.is_emergency_stopped:
        return AckCode.ESTOP
    behaviours = [FAULT_BEHAVIOUR[fault] for fault in session.faults]
    if any(b.is_latched and b.stops_charging for b in behaviours):
        return AckCode.FAULT
    if not session.is_plugged:
        return AckCode.NOT_CONNECTED
    grid = record.grid_verdict
    share = grid.discharge_share if order.may_discharge else grid.charge_share
    if grid.is_out_of_service and share == 0:
        return AckCode.GRID_FREQ_OUT_OF_RANGE
    is_asleep = order.may_discharge and record.wake.has_failed
    return AckCode.EV_COMM_TIMEOUT if is_asleep else None
