"""The gate: what of the aggregator's words may reach the home (contract, rules).

Sans-I/O: frames and a moment in, verdicts out. The number in a comment is the rule.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from ..domain.dispatch import (
    AckCode,
    AckStatus,
    DispatchAck,
    DispatchOrder,
)
from ..domain.ids import EvseKey, ProgrammeId
from ..domain.settlement import Settlement
from .clock_check import Now
from .envelope import Envelope
from .event_messages import Event
from .fields import SchemaError
from .memory import GateMemory
from .messages import Cancel, Command, Heartbeat, Inbound, Settled, WireKind
from .parsing import parse, readable_id
from .schedule import WaitingOrders
from .signing import KeyRing
from .start_spread import start_delay_s
from .topics import DownType, Topics
from .window import order_of

MAX_AGE = timedelta(seconds=12)
MAX_AHEAD = timedelta(seconds=2)
MAX_COMMANDS_PER_WINDOW = 2
RATE_WINDOW_S = 1.0

_GROUP_KINDS = frozenset(WireKind) - {WireKind.SETPOINT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One message as it came."""

    topic: str
    payload: bytes
    signatures: tuple[str, ...]
    """Every user property ``sig``; exactly one is right."""

    is_retained: bool


class DropReason(StrEnum):
    """Why a frame gets no answer."""

    RETAINED = "retained"
    SIGNATURE = "signature"
    FORM = "form"
    OLD = "old"
    CLOCK = "clock"
    TOPIC = "topic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Nothing happens and nobody is told, but it is counted."""

    reason: DropReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """Only the answer goes out."""

    ack: DispatchAck


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """The home itself decides about the order."""

    order: DispatchOrder
    is_dry_run: bool
    """True: it must only be answered (rule 16)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelling:
    """End one order, or all."""

    cancel_id: str
    order_id: str | None
    """None: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """A heartbeat that counts."""

    sent_mono_s: float
    """When it was signed, never in the future."""


type PresentPower = Callable[[EvseKey | None], float | None]
"""Power that a resource is set to now, W; None when that is not one direction."""


class Gate:
    """Judge every frame of one programme; remember what must not happen twice."""

    def __init__(
        self,
        *,
        topics: Topics,
        programme_id: ProgrammeId,
        keys: KeyRing,
        memory: GateMemory,
        present_w: PresentPower,
    ) -> None:
        """Judge by the pinned keys and by what is remembered."""
        self._topics = topics
        self._programme_id = programme_id
        self._keys = keys
        self._memory = memory
        self._present_w = present_w
        self._waiting = WaitingOrders()
        self._passed_mono_s: deque[float] = deque(maxlen=MAX_COMMANDS_PER_WINDOW)
        self.is_version_agreed = True
        """False once the aggregator refused every version (rule 11)."""

    def open(self, frame: Frame, kind: DownType) -> Inbound | Dropped:
        """Return a message of any kind that is signed; order and time are not judged."""
        dropped = self._check_origin(frame)
        if dropped is not None:
            return dropped
        try:
            return parse(kind, frame.payload)
        except SchemaError:
            return Dropped(reason=DropReason.FORM)

    def judge_command(self, frame: Frame, now: Now) -> Dropped | Answered | Passed:
        """Return what becomes of a frame of a command topic."""
        command = self.open(frame, DownType.COMMAND)
        if isinstance(command, Dropped):
            return self._answer_malformed(frame, command)
        if not isinstance(command, Command):
            return Dropped(reason=DropReason.FORM)
        command_id = command.envelope.message_id
        known = self._memory.verdict(command_id)
        if known is not None:  # 2
            return Answered(ack=known)
        if self._memory.is_cancelled(command_id):  # 8
            return self._refuse(command, AckCode.OK, AckStatus.CANCELLED)
        return self._judge_news(frame.topic, command, now)

    def judge_cancel(self, frame: Frame) -> Dropped | Answered | Cancelling:
        """Return what becomes of a frame of the cancel topic; it is a stop (10)."""
        opened = self.open(frame, DownType.CANCEL)
        if isinstance(opened, Dropped):
            return self._answer_malformed(frame, opened)
        if not isinstance(opened, Cancel):
            return Dropped(reason=DropReason.FORM)
        cancel_id = opened.envelope.message_id
        known = self._memory.verdict(cancel_id)
        if known is not None:
            return Answered(ack=known)
        self._raise_mark(frame.topic, opened.envelope)
        if opened.command_id is not None:
            self._memory.cancel(opened.command_id)
            self._waiting.forget(opened.command_id)
        return Cancelling(cancel_id=cancel_id, order_id=opened.command_id)

    def judge_heartbeat(self, frame: Frame, now: Now) -> Dropped | Beat:
        """Return the heartbeat when it is a valid one (12)."""
        opened = self.open(frame, DownType.HEARTBEAT)
        if isinstance(opened, Dropped):
            return opened
        if not isinstance(opened, Heartbeat):
            return Dropped(reason=DropReason.FORM)
        envelope = opened.envelope
        if self._order_fault(frame.topic, envelope) is not None:
            return Dropped(reason=DropReason.OLD)
        self._raise_mark(frame.topic, envelope)
        sent_mono_s = now.mono_of(envelope.made_at)
        if sent_mono_s is None or self._age_fault(envelope, now) is not None:
            return Dropped(reason=DropReason.CLOCK)
        return Beat(sent_mono_s=min(sent_mono_s, now.mono_s))

    def judge_event(self, frame: Frame, now: Now) -> Dropped | Event:
        """Return the event that the aggregator tells of, when it counts.

        Nothing flows by an event: while the offset of the clocks is unknown, as right
        after a hello, when all events are told again, its age is not judged.
        """
        opened = self.open(frame, DownType.EVENT)
        if isinstance(opened, Dropped):
            return opened
        if not isinstance(opened, Event) or opened.programme_id != self._programme_id:
            return Dropped(reason=DropReason.FORM)
        envelope = opened.envelope
        if self._order_fault(frame.topic, envelope) is not None:
            return Dropped(reason=DropReason.OLD)
        self._raise_mark(frame.topic, envelope)
        is_known = now.aggregator_at is not None
        if is_known and self._age_fault(envelope, now) is not None:
            return Dropped(reason=DropReason.CLOCK)
        return opened

    def delay_s(self, event_id: str, spread_s: float) -> float:
        """Return how much later than told this home begins and ends (17)."""
        return start_delay_s(self._topics.common_name, event_id, spread_s)

    def judge_settlement(self, frame: Frame) -> Dropped | Settlement:
        """Return what the aggregator pays; it may come days after the event."""
        opened = self.open(frame, DownType.SETTLEMENT)
        if isinstance(opened, Dropped):
            return opened
        if not isinstance(opened, Settled):
            return Dropped(reason=DropReason.FORM)
        if self._order_fault(frame.topic, opened.envelope) is not None:
            return Dropped(reason=DropReason.OLD)
        self._raise_mark(frame.topic, opened.envelope)
        return opened.settlement

    def accept_welcome(self, topic: str, envelope: Envelope) -> None:
        """Note the leadership term of a welcome that answered our hello."""
        self._raise_mark(topic, envelope)

    def book(self, order: DispatchOrder, now_mono_s: float) -> None:
        """Note that the home accepted an order."""
        self._waiting.book(order, now_mono_s)

    def record(self, ack: DispatchAck, *, is_final: bool) -> None:
        """Note what was answered, to answer it again and to free the window."""
        self._memory.record(ack)
        if is_final:
            self._waiting.forget(ack.order_id)

    def _check_origin(self, frame: Frame) -> Dropped | None:
        if frame.is_retained:  # 1
            return Dropped(reason=DropReason.RETAINED)
        if not self._keys.is_signed(frame.topic, frame.payload, frame.signatures):
            return Dropped(reason=DropReason.SIGNATURE)
        return None

    def _answer_malformed(self, frame: Frame, dropped: Dropped) -> Dropped | Answered:
        if dropped.reason is not DropReason.FORM:
            return dropped
        message_id = readable_id(frame.payload)
        if message_id is None:
            return dropped
        known = self._memory.verdict(message_id)
        if known is not None:
            return Answered(ack=known)
        return self._record_refusal(
            DispatchAck(
                order_id=message_id, status=AckStatus.REJECTED, code=AckCode.SCHEMA
            )
        )

    def _judge_news(self, topic: str, command: Command, now: Now) -> Answered | Passed:
        fault = self._trust_fault(topic, command, now)
        if fault is not None and not command.is_stop:  # 10
            return self._refuse(command, fault)
        order, code = self._order(command, now)  # 4, 5, 17
        if order is None:
            return self._refuse(command, code)
        fault = self._use_fault(topic, command, order, now.mono_s)
        if fault is not None:
            return self._refuse(command, fault)
        return Passed(order=order, is_dry_run=command.is_dry_run)

    def _trust_fault(self, topic: str, command: Command, now: Now) -> AckCode | None:
        """Return why a command cannot be believed; the mark rises all the same."""
        fault = self._order_fault(topic, command.envelope)  # 3
        self._raise_mark(topic, command.envelope)
        if not self.is_version_agreed:  # 11
            return AckCode.VERSION
        return fault or self._clock_fault(command, now)  # 4

    def _use_fault(
        self, topic: str, command: Command, order: DispatchOrder, now_mono_s: float
    ) -> AckCode | None:
        """Return why a believed command is not for this home now."""
        if self._topics.is_group_command(topic) and not _fits_a_group(command):
            return AckCode.UNSUPPORTED
        if command.is_stop:
            # It may overlap, and one that begins now is never one too many.
            is_full = self._waiting.is_full_for(order, now_mono_s)
            return AckCode.OVERLAP if is_full else None
        if self._is_too_fast(now_mono_s):  # 9
            return AckCode.RATE_LIMIT
        if not self._waiting.has_room_for(order, now_mono_s):  # 7
            return AckCode.OVERLAP
        return None

    def _order_fault(self, topic: str, envelope: Envelope) -> AckCode | None:
        if envelope.epoch < self._fence(topic):
            return AckCode.OLD_EPOCH
        mark = self._memory.mark(topic)
        if mark is not None and (envelope.epoch, envelope.seq) <= mark:
            return AckCode.STALE_SEQ
        return None

    def _fence(self, topic: str) -> int:
        """Return the lowest leadership term that may still speak on a topic.

        The home's own topics have one leader: a new term on one ends the old term on
        all of them. Groups and the region have senders of their own.
        """
        own = [self._topics.down(kind) for kind in DownType]
        topics = own if topic in own else [topic]
        marks = [self._memory.mark(one) for one in topics]
        return max((mark[0] for mark in marks if mark is not None), default=0)

    def _raise_mark(self, topic: str, envelope: Envelope) -> None:
        self._memory.raise_mark(topic, (envelope.epoch, envelope.seq))

    def _clock_fault(self, command: Command, now: Now) -> AckCode | None:
        if not now.is_trusted:
            return None if self._brings_nearer_to_zero(command) else AckCode.CLOCK_SKEW
        return self._age_fault(command.envelope, now)

    @staticmethod
    def _age_fault(envelope: Envelope, now: Now) -> AckCode | None:
        if (
            now.aggregator_at is None
            or envelope.made_at - now.aggregator_at > MAX_AHEAD
        ):
            return AckCode.CLOCK_SKEW
        if now.aggregator_at - envelope.made_at > MAX_AGE:
            return AckCode.EXPIRED
        return None

    def _brings_nearer_to_zero(self, command: Command) -> bool:
        """Return True when it moves power towards 0 without crossing it."""
        present_w = self._present_w(command.resource)
        if present_w is None or command.kind not in {WireKind.SETPOINT, WireKind.LIMIT}:
            return False
        is_same_side = command.power_w * present_w > 0
        is_at_once = command.start_at <= command.envelope.made_at
        return is_same_side and is_at_once and abs(command.power_w) <= abs(present_w)

    def _order(
        self, command: Command, now: Now
    ) -> tuple[DispatchOrder | None, AckCode]:
        event_id = command.event_id or command.envelope.message_id
        delay_s = self.delay_s(event_id, command.start_spread_s)
        return order_of(command, self._programme_id, delay_s, now)

    def _is_too_fast(self, now_mono_s: float) -> bool:
        times = self._passed_mono_s
        if len(times) == times.maxlen and now_mono_s - times[0] < RATE_WINDOW_S:
            return True
        times.append(now_mono_s)
        return False

    def _refuse(
        self,
        command: Command,
        code: AckCode,
        status: AckStatus = AckStatus.REJECTED,
    ) -> Answered:
        return self._record_refusal(
            DispatchAck(
                order_id=command.envelope.message_id,
                status=status,
                code=code,
                is_test=command.is_test,
            )
        )

    def _record_refusal(self, ack: DispatchAck) -> Answered:
        self._memory.record(ack)
        return Answered(ack=ack)


def _fits_a_group(command: Command) -> bool:
    return command.resource is None and command.kind in _GROUP_KINDS
