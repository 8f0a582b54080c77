"""From frames to the home and back to answers, without any network."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
import logging

from ..domain.dispatch import (
    AckCode,
    AckStatus,
    BindingClass,
    CommandKind,
    DispatchAck,
    DispatchOrder,
)
from ..domain.ids import ProgrammeId
from ..domain.ports import FINAL_ACKS, DispatchReceiver
from ..domain.programme_events import ProgrammeEvent
from ..domain.snapshot import SiteSnapshot
from .clock_check import Now
from .event_messages import EventStatus
from .gate import Answered, Beat, Cancelling, Dropped, DropReason, Frame, Gate
from .messages import Availability, Offer, Room
from .reporting import describe_availability, describe_offer

_LOGGER = logging.getLogger(__name__)

_ALARMS = frozenset({DropReason.RETAINED, DropReason.SIGNATURE})
"""What no aggregator of the contract does; the rest happens on any network."""

type Answer = Callable[[DispatchAck], None]
"""Send one answer; it is kept until the broker has it."""


class Dispatching:
    """Pass what the gate lets through to the home, in the turn in which it came."""

    def __init__(
        self,
        gate: Gate,
        receiver: DispatchReceiver,
        answer: Answer,
        snapshot: Callable[[], SiteSnapshot | None],
    ) -> None:
        """Judge by ``gate``, act by ``receiver``.

        Args:
            gate: of one programme.
            receiver: the home.
            answer: called for every verdict.
            snapshot: the picture of the home, for dry runs.
        """
        self._gate = gate
        self._receiver = receiver
        self._answer = answer
        self._snapshot = snapshot
        self._open: dict[str, DispatchOrder] = {}
        self._dropped: Counter[DropReason] = Counter()

    @property
    def dropped(self) -> Mapping[DropReason, int]:
        """Return how many frames were dropped, by cause."""
        return dict(self._dropped)

    def take_command(self, frame: Frame, now: Now) -> None:
        """Judge a command and answer it."""
        verdict = self._gate.judge_command(frame, now)
        match verdict:
            case Dropped(reason=reason):
                self.drop(reason, frame.topic)
            case Answered(ack=ack):
                self._answer(ack)
            case _ if verdict.is_dry_run:
                ack = replace(
                    self._rehearse(verdict.order), is_test=verdict.order.is_test
                )
                self._gate.record(ack, is_final=True)
                self._answer(ack)
            case _:
                self._pass_on(verdict.order, now.mono_s)

    def take_cancel(self, frame: Frame) -> None:
        """End one order, or all; every one that ended is answered, and the cancel."""
        verdict = self._gate.judge_cancel(frame)
        match verdict:
            case Dropped(reason=reason):
                self.drop(reason, frame.topic)
            case Answered(ack=ack):
                self._answer(ack)
            case Cancelling(cancel_id=cancel_id, order_id=order_id):
                for one in self._ended_by(order_id):
                    programme_id = self._open[one].programme_id
                    self.tell(self._receiver.cancel_order(programme_id, one))
                self.tell(
                    DispatchAck(
                        order_id=cancel_id, status=AckStatus.ACCEPTED, code=AckCode.OK
                    )
                )

    def take_event(self, frame: Frame, now: Now) -> str | None:
        """Pass an event on; return its id, None for one that does not count."""
        event = self._gate.judge_event(frame, now)
        if isinstance(event, Dropped):
            self.drop(event.reason, frame.topic)
            return None
        programme_id = ProgrammeId(event.programme_id)
        if event.status is EventStatus.WITHDRAWN:
            self._receiver.withdraw_event(programme_id, event.event_id)
            return event.event_id
        self._receiver.announce_event(
            ProgrammeEvent(
                event_id=event.event_id,
                programme_id=programme_id,
                windows=event.windows,
                notice_s=event.notice_s,
                opt_out_until_at=event.opt_out_until_at,
                price=event.price,
                delay_s=self._gate.delay_s(event.event_id, event.start_spread_s),
                is_test=event.is_test,
            )
        )
        return event.event_id

    def take_heartbeat(self, frame: Frame, now: Now) -> Beat | None:
        """Return a heartbeat that counts."""
        verdict = self._gate.judge_heartbeat(frame, now)
        if isinstance(verdict, Dropped):
            self.drop(verdict.reason, frame.topic)
            return None
        return verdict

    def tell(self, ack: DispatchAck) -> None:
        """Send an answer of the home and remember it as the verdict."""
        order = self._open.get(ack.order_id)
        if order is not None and order.is_test:
            ack = replace(ack, is_test=True)
        is_final = ack.status in FINAL_ACKS
        self._gate.record(ack, is_final=is_final)
        if is_final:
            self._open.pop(ack.order_id, None)
        self._answer(ack)

    def drop(self, reason: DropReason, topic: str) -> None:
        """Count a frame that gets no answer; a first sign of an attack is loud."""
        self._dropped[reason] += 1
        is_alarm = reason in _ALARMS and self._dropped[reason] == 1
        level = logging.WARNING if is_alarm else logging.DEBUG
        kind = topic.rpartition("/")[2]
        _LOGGER.log(level, "%s dropped: %s", kind, reason)

    def _pass_on(self, order: DispatchOrder, now_mono_s: float) -> None:
        # Booked first: the home may answer "active" or "done" before it returns.
        self._open[order.order_id] = order
        self._gate.book(order, now_mono_s)
        self.tell(self._receiver.receive_order(order))

    def _ended_by(self, order_id: str | None) -> tuple[str, ...]:
        if order_id is None:
            return tuple(self._open)
        return (order_id,) if order_id in self._open else ()

    def _rehearse(self, order: DispatchOrder) -> DispatchAck:
        """Return what the home would likely commit to, and change nothing."""
        snapshot, programme_id = self._snapshot(), order.programme_id
        availability = (
            None if snapshot is None else describe_availability(snapshot, programme_id)
        )
        room, binding = _room_for(order, availability)
        if room is None:
            code = (
                AckCode.NOT_CONNECTED
                if availability is None or order.resource is None
                else AckCode.UNKNOWN_RESOURCE
            )
            return _rejected(order, code)
        if order.response is not None and snapshot is not None:
            offer = describe_offer(snapshot, programme_id, clock_quality_ms=None)
            return _rehearse_response(order, room, offer)
        if order.kind is not CommandKind.SETPOINT:
            committed_w = order.power_w
        else:
            committed_w = min(max(order.power_w, room.lowest_w), room.highest_w)
        if committed_w == 0 and order.power_w != 0:
            return _rejected(order, AckCode.NOT_PERMITTED)
        is_clamped = committed_w != order.power_w
        return DispatchAck(
            order_id=order.order_id,
            status=AckStatus.ACCEPTED,
            code=AckCode.CLAMPED if is_clamped else AckCode.OK,
            committed_w=committed_w,
            # The nameplate is no news and in no availability, but it binds.
            binding=(binding or (BindingClass.LIMIT,)) if is_clamped else (),
        )


def _rehearse_response(order: DispatchOrder, room: Room, offer: Offer) -> DispatchAck:
    """Return whether the frequency would be followed; no power is committed."""
    is_offered = any(
        order.kind in one.features
        for one in offer.resources
        if order.resource in (None, one.key)
    )
    if not is_offered:
        return _rejected(order, AckCode.UNSUPPORTED)
    if (room.lowest_w if order.may_discharge else room.highest_w) == 0:
        return _rejected(order, AckCode.NOT_PERMITTED)
    return DispatchAck(
        order_id=order.order_id, status=AckStatus.ACCEPTED, code=AckCode.OK
    )


def _room_for(
    order: DispatchOrder, availability: Availability | None
) -> tuple[Room | None, tuple[BindingClass, ...]]:
    if availability is None:
        return None, ()
    if order.resource is None:
        causes = {cause for one in availability.resources for cause in one.why}
        return availability.site, tuple(sorted(causes))
    for one in availability.resources:
        if one.key == order.resource:
            return one.room, one.why
    return None, ()


def _rejected(order: DispatchOrder, code: AckCode) -> DispatchAck:
    return DispatchAck(order_id=order.order_id, status=AckStatus.REJECTED, code=code)
