"""The desk where orders of aggregators are booked, started, ended and answered."""

from collections.abc import Callable
from dataclasses import replace
import logging

from ..domain.clock import Clock
from ..domain.dispatch import (
    AckCode,
    AckStatus,
    BindingClass,
    CommandKind,
    DispatchAck,
    DispatchOrder,
)
from ..domain.ids import EvseKey, ProgrammeId
from ..domain.programme_events import EventPhase
from .order_verdict import OrderJudge, Rehearsal, covers, share_resource
from .programme_record import Hold, ProgrammeRecord
from .registry import Registry

_LOGGER = logging.getLogger(__name__)

type OrderObserver = Callable[[ProgrammeRecord, DispatchOrder, AckStatus], None]
"""Called for what becomes of an order after its verdict."""

HOLD_AFTER_ORDER_S = 10.0
"""0 W for dead time plus this after the last order, then local control (rule 6)."""


START_SLACK_S = 1.0
"""A start this little ahead is now: the two clocks are not known better than that, and
the first setpoint of a dispatch is promised within 250 ms."""


class OrderDesk:
    """Judge orders on receipt and walk them through their life."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        """Work on the records of ``registry`` by the monotonic time of ``clock``."""
        self._registry, self._clock = registry, clock
        self._judge = OrderJudge(registry)
        self.observers: list[OrderObserver] = []
        """Told of every answer but the first about an order."""

    def use_rehearsal(self, rehearse: Rehearsal) -> None:
        """Tell how several EVSEs would share an order."""
        self._judge.rehearse = rehearse

    def receive(self, order: DispatchOrder) -> DispatchAck:
        """Return the verdict about an order; when accepted it is on the books."""
        ack = self._received(order)
        programme = self._registry.programmes.get(order.programme_id)
        if programme is not None:
            programme.book.verdict = ack.code
        return ack

    def _received(self, order: DispatchOrder) -> DispatchAck:
        # Two orders in one turn: the first is running before the second is judged.
        now_mono_s = self._clock.monotonic()
        self.advance(now_mono_s)
        programme = self._registry.programmes.get(order.programme_id)
        if programme is None:
            return _rejected(order, AckCode.UNSUPPORTED, None)
        if now_mono_s < order.start_mono_s <= now_mono_s + START_SLACK_S:
            order = replace(order, start_mono_s=now_mono_s)
        barred = programme.book.barred.get(order.event_id or "")
        if barred is not None and not _ends_something(programme, order):
            return _barred(order, barred)
        refusal = self._judge.refusal(programme, order, now_mono_s)
        if refusal is not None:
            return _rejected(order, *refusal)
        committed_w = self._judge.committed_w(order)
        programme.orders = tuple(
            sorted((*programme.orders, order), key=lambda o: o.start_mono_s)
        )
        is_clamped = committed_w != order.power_w
        ack = DispatchAck(
            order_id=order.order_id,
            status=AckStatus.ACCEPTED,
            code=AckCode.CLAMPED if is_clamped else AckCode.OK,
            committed_w=committed_w,
            binding=(BindingClass.LIMIT,) if is_clamped else (),
        )
        programme.note_answer(ack)
        return ack

    def cancel(self, programme_id: ProgrammeId, order_id: str) -> DispatchAck:
        """End one order; an unknown one is acknowledged all the same (rule 8)."""
        programme = self._registry.programmes.get(programme_id)
        if programme is not None:
            programme.orders = tuple(
                o for o in programme.orders if o.order_id != order_id
            )
            for order in programme.running:
                if order.order_id == order_id:
                    self._take_off(programme, order)
        return DispatchAck(
            order_id=order_id, status=AckStatus.CANCELLED, code=AckCode.OK
        )

    def advance(self, now_mono_s: float) -> None:
        """Start orders whose time has come, end those that are over or cannot go on."""
        for programme in self._registry.programmes.values():
            for order in programme.running:
                self._end_if_over(programme, order, now_mono_s)
            due = [o for o in programme.orders if o.start_mono_s <= now_mono_s]
            programme.orders = tuple(o for o in programme.orders if o not in due)
            for order in due:
                self._start(programme, order, now_mono_s)
            programme.holds = tuple(
                hold for hold in programme.holds if now_mono_s < hold.ends_mono_s
            )
        self._forget_rehearsal()

    def release(
        self, programme: ProgrammeRecord, code: AckCode, *, least_hold_s: float = 0.0
    ) -> None:
        """End everything that a programme asked for, as failed.

        Args:
            programme: that lost its say.
            code: why.
            least_hold_s: 0 W is held at least this long.
        """
        running, waiting = programme.running, programme.orders
        programme.orders = ()
        for order in running:
            self._take_off(programme, order, least_hold_s=least_hold_s)
        for order in (*running, *waiting):
            self._tell(programme, order, AckStatus.FAILED, code)

    def end_event(
        self,
        programme: ProgrammeRecord,
        event_id: str,
        status: AckStatus,
        code: AckCode,
    ) -> None:
        """End all that runs or waits of an event, and say how it ended."""
        waiting = [o for o in programme.orders if o.event_id == event_id]
        running = [o for o in programme.running if o.event_id == event_id]
        programme.orders = tuple(o for o in programme.orders if o not in waiting)
        for order in running:
            self._take_off(programme, order)
        for order in (*running, *waiting):
            self._tell(programme, order, status, code)

    def order_for(self, key: EvseKey, now_mono_s: float) -> DispatchOrder | None:
        """Return the order that an EVSE follows now, 0 W during a hold."""
        programmes = self._registry.programmes
        for programme in programmes.values():
            order = programme.order_for(key)
            if order is not None:
                return order
        for programme_id, programme in programmes.items():
            for hold in programme.holds:
                is_for_evse = hold.resource in (None, key)
                if is_for_evse and now_mono_s < hold.ends_mono_s:
                    return self._hold_order(programme_id, hold)
        return None

    def _end_if_over(
        self, programme: ProgrammeRecord, order: DispatchOrder, now_mono_s: float
    ) -> None:
        if now_mono_s >= order.ends_mono_s:
            self._take_off(programme, order)
            self._tell(programme, order, AckStatus.DONE)
            return
        ground = self._judge.ground_to_fail(order)
        if ground is not None:
            # What the owner or a fault ended does not begin again by itself.
            self._take_off(programme, order)
            self._tell(programme, order, AckStatus.FAILED, ground)

    def _start(
        self, programme: ProgrammeRecord, order: DispatchOrder, now_mono_s: float
    ) -> None:
        if now_mono_s >= order.ends_mono_s:
            self._tell(programme, order, AckStatus.FAILED, AckCode.EXPIRED)
            return
        for rival in self._rivals(programme):
            for other in rival.running:
                if share_resource(order, other):
                    self._take_off(rival, other)
                    self._tell(rival, other, AckStatus.SUPERSEDED)
        if order.kind is CommandKind.RELEASE:
            self._drop_waiting(programme, order)
            self._tell(programme, order, AckStatus.DONE)
            return
        programme.running = (*programme.running, order)
        committed_w = self._judge.committed_w(order)
        is_clamped = committed_w != order.power_w
        code = AckCode.CLAMPED if is_clamped else AckCode.OK
        self._tell(programme, order, AckStatus.ACTIVE, code, power_w=committed_w)

    def _rivals(self, programme: ProgrammeRecord) -> list[ProgrammeRecord]:
        """Return whose orders an order supersedes: its own, and a rehearsal's."""
        others = self._registry.programmes.values()
        return [p for p in others if p is programme or p.is_rehearsal]

    def _forget_rehearsal(self) -> None:
        programmes = self._registry.programmes
        for programme_id, one in list(programmes.items()):
            if one.is_over and not (one.running or one.holds or one.released):
                del programmes[programme_id]

    def _drop_waiting(self, programme: ProgrammeRecord, order: DispatchOrder) -> None:
        dropped = [o for o in programme.orders if share_resource(order, o)]
        programme.orders = tuple(o for o in programme.orders if o not in dropped)
        for other in dropped:
            self._tell(programme, other, AckStatus.SUPERSEDED)

    def _take_off(
        self,
        programme: ProgrammeRecord,
        order: DispatchOrder,
        *,
        least_hold_s: float = 0.0,
    ) -> None:
        """Stop following an order; what it ran on is held at 0 W for a while."""
        programme.running = tuple(o for o in programme.running if o is not order)
        dead_time_s = max(
            (
                record.fingerprint.dead_time_s
                for record in self._registry.evses.values()
                if covers(order, record.key)
            ),
            default=0.0,
        )
        hold_s = max(least_hold_s, dead_time_s + HOLD_AFTER_ORDER_S)
        hold = Hold(
            resource=order.resource, ends_mono_s=self._clock.monotonic() + hold_s
        )
        # Stops may come without end: one hold each would never be looked through.
        others, longest = [], hold.ends_mono_s
        for one in programme.holds:
            if one.resource == order.resource:
                longest = max(longest, one.ends_mono_s)
            else:
                others.append(one)
        programme.holds = (*others, replace(hold, ends_mono_s=longest))

    def _hold_order(self, programme_id: ProgrammeId, hold: Hold) -> DispatchOrder:
        now = self._clock.utcnow()
        return DispatchOrder(
            order_id="",
            programme_id=programme_id,
            kind=CommandKind.SETPOINT,
            resource=hold.resource,
            power_w=0.0,
            start_at=now,
            end_at=now,
            start_mono_s=float("-inf"),
            ends_mono_s=hold.ends_mono_s,
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
        for observe in self.observers:
            observe(programme, order, status)
        ack = DispatchAck(
            order_id=order.order_id,
            status=status,
            code=code,
            committed_w=power_w,
            binding=(BindingClass.LIMIT,) if code is AckCode.CLAMPED else (),
        )
        programme.note_answer(ack)
        programme.book.verdict = code
        programme.port.send_ack(ack)


def _ends_something(programme: ProgrammeRecord, order: DispatchOrder) -> bool:
    """Return True for a stop of what runs for another event: it is never refused."""
    if order.kind is CommandKind.RELEASE:
        return True
    return order.is_stop and any(share_resource(order, o) for o in programme.running)


def _barred(order: DispatchOrder, phase: EventPhase) -> DispatchAck:
    """Return the answer to a command of an event that was left or withdrawn."""
    _LOGGER.info("%s: order of an event that is %s", order.programme_id, phase)
    if phase is EventPhase.WITHDRAWN:
        return DispatchAck(
            order_id=order.order_id, status=AckStatus.CANCELLED, code=AckCode.OK
        )
    return DispatchAck(
        order_id=order.order_id,
        status=AckStatus.OPTED_OUT,
        code=AckCode.USER_OVERRIDE,
        binding=(BindingClass.USER,),
    )


def _rejected(
    order: DispatchOrder, code: AckCode, binding: BindingClass | None
) -> DispatchAck:
    _LOGGER.info("%s: order refused: %s", order.programme_id, code)
    return DispatchAck(
        order_id=order.order_id,
        status=AckStatus.REJECTED,
        code=code,
        binding=(binding,) if binding else (),
    )
