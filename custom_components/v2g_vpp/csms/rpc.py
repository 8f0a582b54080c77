"""The OCPP-J engine of one connection, without I/O: bytes in, actions out.

It owns the rules of the protocol: one outstanding CALL per direction, answers to
duplicates, deadlines, priorities. It reads no clock and touches no socket; the link
around it performs the actions in the order in which they are returned.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from .answers import TIMELY_ACTIONS, AnswerCache, digest_of
from .calls import CallEnd, CallOutcome, CallQueue, CallRequest, Displaced, Lane
from .frames import (
    Call,
    CallError,
    CallResult,
    CallResultError,
    Malformed,
    Payload,
    Send,
    parse,
    serialise,
)
from .versions import Fault, RpcVersion

CONTROL_TIMEOUT_S: Final = 5.0
"""For stops and setpoints (OCPP brief, limits)."""

CALL_TIMEOUT_S: Final = 30.0
"""For everything else (OCPP brief, limits)."""

ARMED_SLOT_S: Final = 5.0
"""While a discharge is armed nothing may keep a stop waiting for longer."""

TIMEOUTS_BEFORE_CLOSE: Final = 3
"""Unanswered CALLs in a row before the station is made to dial in again."""

PENDING_CAPACITY: Final = 32
"""Requests of a station that may be unanswered at once; legal is one."""

GOING_AWAY: Final = 1001
"""WebSocket close code (RFC 6455, 7.4.1)."""


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Hand a text to the socket."""

    text: str
    token: int | None = None
    """Of our request; None for an answer."""

    not_after_mono_s: float | None = None
    """Later than this the frame is withdrawn instead of sent."""


@dataclass(frozen=True, slots=True)
class HandleCall:
    """Answer a request of the station by ``respond`` or ``refuse``."""

    message_id: str
    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class HandleSend:
    """Use a message that is not answered."""

    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class EndCall:
    """Tell the caller of a request how it ended."""

    token: int
    outcome: CallOutcome


@dataclass(frozen=True, slots=True)
class CloseLink:
    """Close the connection."""

    code: int
    reason: str


type Action = SendFrame | HandleCall | HandleSend | EndCall | CloseLink


@dataclass(slots=True)
class Counters:
    """What went wrong on this link so far, for diagnostics."""

    malformed: int = 0
    ignored: int = 0
    """Unknown message types that the version wants ignored."""

    repeated: int = 0
    unexpected_answers: int = 0
    refused_answers: int = 0
    """Our answers that the station could not accept (CALLRESULTERROR)."""

    timeouts: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outstanding:
    message_id: str
    request: CallRequest
    sent_mono_s: float
    slot_ends_mono_s: float
    has_caller: bool = True


class RpcEngine:
    """The state of one connection."""

    def __init__(
        self,
        version: RpcVersion,
        new_message_id: Callable[[], str],
        answers: AnswerCache | None = None,
        *,
        is_null_payload_legal: bool = True,
    ) -> None:
        """Start with nothing pending.

        Args:
            version: rules of the negotiated sub-protocol.
            new_message_id: unique ids of at most 36 characters.
            answers: of the station's identity; they outlive the connection.
            is_null_payload_legal: read a ``null`` payload as an empty one.
        """
        self.counters = Counters()
        self._version = version
        self._new_message_id = new_message_id
        self._answers = answers if answers is not None else AnswerCache()
        self._is_null_payload_legal = is_null_payload_legal
        self._queue = CallQueue()
        self._outstanding: _Outstanding | None = None
        self._pending: dict[str, bytes] = {}
        self._timeouts_in_a_row = 0
        self._is_armed = False
        self._is_closed = False

    @property
    def version(self) -> RpcVersion:
        """Rules of the negotiated sub-protocol."""
        return self._version

    @property
    def has_outstanding_call(self) -> bool:
        """True while a CALL of ours holds the slot."""
        return self._outstanding is not None

    @property
    def pending_requests(self) -> int:
        """How many requests of the station wait for their answer."""
        return len(self._pending)

    # --- what the station says ------------------------------------------------

    def receive(self, data: str | bytes, now_mono_s: float) -> list[Action]:
        """Return what to do about one message of the station; never raises."""
        if self._is_closed:
            return []
        frame = parse(
            data, self._version, is_null_payload_legal=self._is_null_payload_legal
        )
        match frame:
            case Call():
                return self._on_call(frame, digest_of(data), now_mono_s)
            case Send():
                return [HandleSend(frame.action, frame.payload)]
            case CallResultError():
                self.counters.refused_answers += 1
                return []
            case CallResult() | CallError():
                return self._on_answer(frame, now_mono_s)
            case _:
                return self._on_malformed(frame, now_mono_s)

    def respond(
        self, message_id: str, payload: Payload, now_mono_s: float
    ) -> list[Action]:
        """Answer a request that ``receive`` handed out."""
        return self._answer(CallResult(message_id, payload), now_mono_s)

    def refuse(
        self, message_id: str, fault: Fault, now_mono_s: float, description: str = ""
    ) -> list[Action]:
        """Refuse a request that ``receive`` handed out."""
        code = self._version.codes[fault]
        return self._answer(CallError(message_id, code, description), now_mono_s)

    # --- what we ask ----------------------------------------------------------

    def call(self, request: CallRequest, now_mono_s: float) -> list[Action]:
        """Queue a request and send what may leave now."""
        if self._is_closed:
            return [EndCall(request.token, CallOutcome(end=CallEnd.LINK_LOST))]
        displaced = self._queue.offer(request)
        return [*_ends_of(displaced), *self.tick(now_mono_s)]

    def cancel(self, token: int) -> None:
        """Forget a caller; a CALL that was sent keeps its slot until it ends."""
        self._queue.cancel(token)
        if self._outstanding is not None and self._outstanding.request.token == token:
            self._outstanding = replace(self._outstanding, has_caller=False)

    def mark_sent(self, token: int, now_mono_s: float) -> None:
        """Note when the frame of a request was handed to the socket."""
        if self._outstanding is not None and self._outstanding.request.token == token:
            self._outstanding = replace(self._outstanding, sent_mono_s=now_mono_s)

    def withdraw(self, token: int, now_mono_s: float) -> list[Action]:
        """End a request as stale that waited too long before the socket."""
        outstanding = self._outstanding
        if outstanding is None or outstanding.request.token != token:
            return []
        self._outstanding = None
        ends = _end(outstanding, CallOutcome(end=CallEnd.STALE))
        return [*ends, *self.tick(now_mono_s)]

    def reject_answer(self, message_id: str, fault: Fault) -> list[Action]:
        """Report an answer that broke its schema, where the version can."""
        if not self._version.has_call_result_error:
            return []
        frame = CallResultError(message_id, self._version.codes[fault])
        return [SendFrame(serialise(frame))]

    # --- time -----------------------------------------------------------------

    def set_armed(self, *, is_armed: bool, now_mono_s: float) -> list[Action]:
        """Say whether a discharge is armed on this link: then no CALL blocks long."""
        self._is_armed = is_armed
        outstanding = self._outstanding
        if is_armed and outstanding is not None:
            self._outstanding = replace(
                outstanding,
                slot_ends_mono_s=min(
                    outstanding.slot_ends_mono_s, now_mono_s + ARMED_SLOT_S
                ),
            )
        return self.tick(now_mono_s)

    def tick(self, now_mono_s: float) -> list[Action]:
        """Apply the deadlines that have passed and send what may leave now."""
        actions = _ends_of(self._queue.expire(now_mono_s))
        actions += self._apply_deadlines(now_mono_s)
        may_send = self._timeouts_in_a_row < TIMEOUTS_BEFORE_CLOSE
        if self._outstanding is None and may_send:
            request = self._queue.take(is_bulk_held=self._is_armed)
            if request is not None:
                actions.append(self._send(request, now_mono_s))
        return actions

    def next_deadline_mono_s(self) -> float | None:
        """Return when ``tick`` has something to do, None when nothing waits."""
        queued_mono_s = self._queue.next_deadline_mono_s()
        outstanding = self._outstanding
        if outstanding is None:
            return queued_mono_s
        deadlines = [queued_mono_s, outstanding.slot_ends_mono_s]
        if outstanding.has_caller:
            deadlines.append(outstanding.request.deadline_mono_s)
        return min((d for d in deadlines if d is not None), default=None)

    def close(self) -> list[Action]:
        """End every request at once: the link is gone."""
        self._is_closed = True
        self._pending.clear()
        lost = CallOutcome(end=CallEnd.LINK_LOST)
        actions: list[Action] = []
        if self._outstanding is not None:
            actions += _end(self._outstanding, lost)
            self._outstanding = None
        actions += [EndCall(token, lost) for token in self._queue.drain()]
        return actions

    # --- inside ---------------------------------------------------------------

    def _on_call(self, frame: Call, digest: bytes, now_mono_s: float) -> list[Action]:
        if frame.message_id in self._pending:
            return self._error(frame.message_id, Fault.FRAMEWORK, "duplicate")
        answer = self._answers.find(frame.message_id, digest, now_mono_s)
        if answer is not None and frame.action not in TIMELY_ACTIONS:
            self.counters.repeated += 1
            return [SendFrame(answer)]
        if len(self._pending) >= PENDING_CAPACITY:
            return self._error(frame.message_id, Fault.INTERNAL, "too many requests")
        self._pending[frame.message_id] = digest
        return [HandleCall(frame.message_id, frame.action, frame.payload)]

    def _answer(self, frame: CallResult | CallError, now_mono_s: float) -> list[Action]:
        digest = self._pending.pop(frame.message_id, None)
        if digest is None:
            return []
        text = serialise(frame)
        self._answers.keep(frame.message_id, digest, text, now_mono_s)
        return [SendFrame(text)]

    def _on_answer(
        self, frame: CallResult | CallError, now_mono_s: float
    ) -> list[Action]:
        outstanding = self._outstanding
        if outstanding is None or outstanding.message_id != frame.message_id:
            self.counters.unexpected_answers += 1
            return []
        self._outstanding = None
        self._timeouts_in_a_row = 0
        if isinstance(frame, CallResult):
            outcome = CallOutcome(end=CallEnd.ANSWERED, payload=frame.payload)
        else:
            outcome = CallOutcome(
                end=CallEnd.REFUSED, code=frame.code, description=frame.description
            )
        ends = _end(outstanding, outcome)
        return [*ends, *self.tick(now_mono_s)]

    def _on_malformed(self, frame: Malformed, now_mono_s: float) -> list[Action]:
        if frame.is_unanswerable:
            return self._on_unanswerable(frame, now_mono_s)
        if frame.fault not in self._version.codes:
            self.counters.ignored += 1
            return []
        self.counters.malformed += 1
        return self._error(frame.message_id, frame.fault, frame.description)

    def _on_unanswerable(self, frame: Malformed, now_mono_s: float) -> list[Action]:
        self.counters.malformed += 1
        outstanding = self._outstanding
        if outstanding is None or outstanding.message_id != frame.message_id:
            return []
        self._outstanding = None
        return [
            *self.reject_answer(frame.message_id, frame.fault),
            *_end(outstanding, CallOutcome(end=CallEnd.INVALID)),
            *self.tick(now_mono_s),
        ]

    def _error(self, message_id: str, fault: Fault, description: str) -> list[Action]:
        frame = CallError(message_id, self._version.codes[fault], description)
        return [SendFrame(serialise(frame))]

    def _apply_deadlines(self, now_mono_s: float) -> list[Action]:
        outstanding = self._outstanding
        if outstanding is None:
            return []
        actions: list[Action] = []
        is_slot_over = now_mono_s >= outstanding.slot_ends_mono_s
        if is_slot_over or now_mono_s >= outstanding.request.deadline_mono_s:
            actions += _end(outstanding, CallOutcome(end=CallEnd.TIMEOUT))
            outstanding = replace(outstanding, has_caller=False)
        self._outstanding = outstanding
        if is_slot_over:
            self._outstanding = None
            self.counters.timeouts += 1
            self._timeouts_in_a_row += 1
            if self._timeouts_in_a_row >= TIMEOUTS_BEFORE_CLOSE:
                actions.append(CloseLink(GOING_AWAY, "requests unanswered"))
        return actions

    def _send(self, request: CallRequest, now_mono_s: float) -> SendFrame:
        slot_s = min(request.slot_s, ARMED_SLOT_S) if self._is_armed else request.slot_s
        message_id = self._new_message_id()
        self._outstanding = _Outstanding(
            message_id=message_id,
            request=request,
            sent_mono_s=now_mono_s,
            slot_ends_mono_s=now_mono_s + slot_s,
        )
        text = serialise(Call(message_id, request.action, request.payload))
        return SendFrame(text, request.token, request.not_after_mono_s)


def timeout_of(lane: Lane) -> float:
    """Return how long a request of a lane may take, s."""
    return CONTROL_TIMEOUT_S if lane <= Lane.SETPOINT else CALL_TIMEOUT_S


def _end(outstanding: _Outstanding, outcome: CallOutcome) -> list[Action]:
    if not outstanding.has_caller:
        return []
    if outcome.end is not CallEnd.STALE:
        outcome = replace(
            outcome,
            sent_mono_s=outstanding.sent_mono_s,
            message_id=outstanding.message_id,
        )
    return [EndCall(outstanding.request.token, outcome)]


def _ends_of(displaced: list[Displaced]) -> list[Action]:
    return [EndCall(gone.token, CallOutcome(end=gone.end)) for gone in displaced]
