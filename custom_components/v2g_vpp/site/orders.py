"""The desk where orders of aggregators are judged, started, ended and answered."""

from collections.abc import Mapping
import logging

from ..domain.clock import Clock
from ..domain.dispatch import (
    AckCode,
    AckStatus,
    BindingClass,
    CommandKind,
    DispatchAck,
    DispatchOrder,
    LinkState,
)
from ..domain.ids import EvseKey, ProgrammeId
from ..domain.setpoint import Reason
from .records import EvseRecord, ProgrammeRecord
from .registry import Registry

_LOGGER = logging.getLogger(__name__)

MAX_WAITING_ORDERS = 16
"""Not yet started orders per programme (rule 7 of the contract)."""

HOLD_AFTER_ORDER_S = 10.0
"""0 W for dead time plus this after the last order, then local control (rule 6)."""

REFUSAL: Mapping[Reason, tuple[AckCode, BindingClass]] = {
    Reason.EMERGENCY_STOP: (AckCode.ESTOP, BindingClass.FAULT),
    Reason.FAULT: (AckCode.FAULT, BindingClass.FAULT),
    Reason.STORE_UNREADABLE: (AckCode.FAULT, BindingClass.FAULT),
    Reason.STATION_OFFLINE: (AckCode.NOT_CONNECTED, BindingClass.FAULT),
    Reason.STATION_NOT_READY: (AckCode.NOT_CONNECTED, BindingClass.FAULT),
    Reason.NO_FLOOR_PROFILE: (AckCode.NOT_CONNECTED, BindingClass.FAULT),
    Reason.NOT_PLUGGED: (AckCode.NOT_CONNECTED, BindingClass.VEHICLE),
    Reason.NO_TRANSACTION: (AckCode.NOT_CONNECTED, BindingClass.VEHICLE),
    Reason.DISCHARGE_NOT_ALLOWED: (AckCode.NOT_PERMITTED, BindingClass.USER),
    Reason.NOT_PROVEN: (AckCode.NOT_PERMITTED, BindingClass.USER),
    Reason.NO_DIALECT: (AckCode.NOT_PERMITTED, BindingClass.LIMIT),
    Reason.VEHICLE_UNKNOWN: (AckCode.NOT_PERMITTED, BindingClass.VEHICLE),
    Reason.VEHICLE_NOT_ALLOWED: (AckCode.NOT_PERMITTED, BindingClass.USER),
    Reason.VEHICLE_NOT_BIDIRECTIONAL: (AckCode.NOT_PERMITTED, BindingClass.VEHICLE),
    Reason.SOC_UNKNOWN: (AckCode.SOC_FLOOR, BindingClass.VEHICLE),
    Reason.RESERVE_FLOOR: (AckCode.SOC_FLOOR, BindingClass.USER),
    Reason.VPP_FLOOR: (AckCode.SOC_FLOOR, BindingClass.USER),
    Reason.METER_STALE: (AckCode.METER_STALE, BindingClass.FAULT),
    Reason.FAILSAFE: (AckCode.FAILSAFE, BindingClass.FAULT),
}
"""How a gate that forbids discharge is told to the aggregator, coarsely."""

UNLISTED_REFUSAL = (AckCode.NOT_PERMITTED, BindingClass.LIMIT)

GATES_THAT_A_START_LIFTS = frozenset({Reason.NO_TRANSACTION})
"""The home starts a transaction by itself, so these are no ground to refuse."""


class OrderDesk:
    """Judge orders on receipt and walk them through their life."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        """Work on the records of ``registry`` by the monotonic time of ``clock``."""
        self._registry = registry
        self._clock = clock

    def receive(self, order: DispatchOrder) -> DispatchAck:
        """Return the verdict about an order; when accepted it is on the books."""
        # Two orders in one turn: the first is running before the second is judged.
        self.advance(self._clock.monotonic())
        programme = self._registry.programmes.get(order.programme_id)
        refusal = self._refusal(programme, order)
        if refusal is not None or programme is None:
            code, binding = refusal or (AckCode.UNSUPPORTED, None)
            _LOGGER.info("%s: order refused: %s", order.programme_id, code)
            return DispatchAck(
                order_id=order.order_id,
                status=AckStatus.REJECTED,
                code=code,
                binding=(binding,) if binding else (),
            )
        committed_w = self._committed_w(order)
        self._book(programme, order)
        is_clamped = committed_w != order.power_w
        return DispatchAck(
            order_id=order.order_id,
            status=AckStatus.ACCEPTED,
            code=AckCode.CLAMPED if is_clamped else AckCode.OK,
            committed_w=committed_w,
            binding=(BindingClass.LIMIT,) if is_clamped else (),
        )

    def cancel(self, programme_id: ProgrammeId, order_id: str) -> DispatchAck:
        """End one order; an unknown one is acknowledged all the same (rule 8)."""
        programme = self._registry.programmes.get(programme_id)
        if programme is not None:
            programme.orders = tuple(
                o for o in programme.orders if o.order_id != order_id
            )
            if programme.active is not None and programme.active.order_id == order_id:
                programme.active = None
                self._hold(programme)
        return DispatchAck(
            order_id=order_id, status=AckStatus.CANCELLED, code=AckCode.OK
        )

    def advance(self, now_mono_s: float) -> None:
        """Start and end orders whose time has come; release on a lost link."""
        for programme in self._registry.programmes.values():
            active = programme.active
            if active is not None and now_mono_s >= active.ends_mono_s:
                programme.active = None
                self._hold(programme)
                self._tell(programme, active, AckStatus.DONE)
            due = [o for o in programme.orders if o.start_mono_s <= now_mono_s]
            for order in due:
                self._start(programme, order)
            programme.orders = tuple(o for o in programme.orders if o not in due)

    def release(self, programme: ProgrammeRecord, code: AckCode) -> None:
        """End everything that a programme asked for, as failed."""
        for order in (programme.active, *programme.orders):
            if order is not None:
                self._tell(programme, order, AckStatus.FAILED, code)
        programme.active, programme.orders = None, ()
        self._hold(programme)

    def order_for(self, key: EvseKey, now_mono_s: float) -> DispatchOrder | None:
        """Return the order that an EVSE follows now, 0 W during a hold."""
        for programme_id, programme in self._registry.programmes.items():
            active = programme.active
            if active is not None and active.resource in (None, key):
                return active
            if active is None and now_mono_s < programme.hold_until_mono_s:
                return _hold_order(programme_id, programme.hold_until_mono_s, self)
        return None

    @property
    def clock(self) -> Clock:
        """The clock of the desk."""
        return self._clock

    def _refusal(  # noqa: PLR0911 - one row per ground
        self, programme: ProgrammeRecord | None, order: DispatchOrder
    ) -> tuple[AckCode, BindingClass | None] | None:
        if programme is None:
            return AckCode.UNSUPPORTED, None
        if not programme.is_participating:
            return AckCode.NOT_PERMITTED, BindingClass.USER
        if programme.watchdog.state is LinkState.FAILSAFE:
            return AckCode.FAILSAFE, BindingClass.FAULT
        if order.kind is CommandKind.RELEASE:
            return None
        if order.resource is not None and order.resource not in self._registry.evses:
            return AckCode.UNKNOWN_RESOURCE, None
        if len(programme.orders) >= MAX_WAITING_ORDERS:
            return AckCode.RATE_LIMIT, None
        if any(_overlaps(order, other) for other in programme.orders):
            return AckCode.OVERLAP, None
        return self._refusal_of_evses(order)

    def _refusal_of_evses(
        self, order: DispatchOrder
    ) -> tuple[AckCode, BindingClass | None] | None:
        """Return why no EVSE can serve the order, None when at least one can."""
        refusals = [self._refusal_of_evse(r, order) for r in self._candidates(order)]
        if not refusals:
            return AckCode.NOT_CONNECTED, BindingClass.FAULT
        if None in refusals:
            return None
        return refusals[0]

    def _refusal_of_evse(  # noqa: PLR0911 - one row per ground
        self, record: EvseRecord, order: DispatchOrder
    ) -> tuple[AckCode, BindingClass | None] | None:
        if record.override is not None:
            return AckCode.USER_OVERRIDE, BindingClass.USER
        if not record.session.is_plugged:
            return REFUSAL[Reason.NOT_PLUGGED]
        if record.session.is_emergency_stopped:
            return REFUSAL[Reason.EMERGENCY_STOP]
        if not self._registry.station_of(record.key).session.is_connected:
            return REFUSAL[Reason.STATION_OFFLINE]
        is_discharge = order.kind is CommandKind.SETPOINT and order.power_w < 0
        if not is_discharge:
            return None
        if record.decision is None:
            return REFUSAL[Reason.STATION_NOT_READY]
        gate = record.decision.discharge_blocked_by
        if gate is None or gate in GATES_THAT_A_START_LIFTS:
            return None
        return REFUSAL.get(gate, UNLISTED_REFUSAL)

    def _committed_w(self, order: DispatchOrder) -> float:
        """Return what the home promises of the order, never more than was asked."""
        if order.kind is not CommandKind.SETPOINT or order.power_w == 0:
            return order.power_w
        candidates = [
            r
            for r in self._candidates(order)
            if self._refusal_of_evse(r, order) is None and r.decision is not None
        ]
        if order.power_w > 0:
            available = sum(
                r.decision.available_charge_w for r in candidates if r.decision
            )
            return min(order.power_w, available)
        available = sum(
            r.decision.available_discharge_w for r in candidates if r.decision
        )
        return max(order.power_w, -available)

    def _candidates(self, order: DispatchOrder) -> list[EvseRecord]:
        return [
            record
            for key, record in self._registry.evses.items()
            if order.resource in (None, key)
        ]

    def _book(self, programme: ProgrammeRecord, order: DispatchOrder) -> None:
        programme.orders = tuple(
            sorted((*programme.orders, order), key=lambda o: o.start_mono_s)
        )

    def _start(self, programme: ProgrammeRecord, order: DispatchOrder) -> None:
        if programme.active is not None:
            self._tell(programme, programme.active, AckStatus.SUPERSEDED)
        if order.kind is CommandKind.RELEASE:
            programme.active, programme.orders = None, ()
            self._tell(programme, order, AckStatus.DONE)
            return
        programme.active = order
        self._tell(programme, order, AckStatus.ACTIVE, power_w=order.power_w)

    def _hold(self, programme: ProgrammeRecord) -> None:
        dead_time_s = max(
            (r.fingerprint.dead_time_s for r in self._registry.evses.values()),
            default=0.0,
        )
        programme.hold_until_mono_s = (
            self._clock.monotonic() + dead_time_s + HOLD_AFTER_ORDER_S
        )

    def _tell(
        self,
        programme: ProgrammeRecord,
        order: DispatchOrder,
        status: AckStatus,
        code: AckCode = AckCode.OK,
        power_w: float = 0.0,
    ) -> None:
        _LOGGER.info("%s: order %s %s", order.programme_id, status, code)
        programme.port.send_ack(
            DispatchAck(
                order_id=order.order_id, status=status, code=code, committed_w=power_w
            )
        )


def _overlaps(one: DispatchOrder, other: DispatchOrder) -> bool:
    return one.start_mono_s < other.ends_mono_s and other.start_mono_s < one.ends_mono_s


def _hold_order(
    programme_id: ProgrammeId, ends_mono_s: float, desk: OrderDesk
) -> DispatchOrder:
    now = desk.clock.utcnow()
    return DispatchOrder(
        order_id="",
        programme_id=programme_id,
        kind=CommandKind.SETPOINT,
        resource=None,
        power_w=0.0,
        start_at=now,
        end_at=now,
        start_mono_s=float("-inf"),
        ends_mono_s=ends_mono_s,
    )
