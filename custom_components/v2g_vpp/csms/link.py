"""One connection of a station: the engine, its callers and the socket."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
import logging
from typing import Any, Final, Protocol

from ..domain.clock import Clock
from ..domain.messages import Direction
from .calls import CallEnd, CallOutcome, CallRequest, Lane
from .frames import Payload
from .recorder import FrameRecorder
from .redaction import redacted
from .rpc import (
    GOING_AWAY,
    Action,
    CloseLink,
    EndCall,
    HandleCall,
    HandleSend,
    RpcEngine,
    SendFrame,
    timeout_of,
)
from .schemas import SchemaBook
from .signed import SUFFIX, unsigned
from .versions import Fault

_LOGGER = logging.getLogger(__name__)

OUTBOUND_CAPACITY: Final = 256
"""Frames that wait for the socket; a station that reads none of them is gone."""

POLICY_VIOLATION: Final = 1008
"""WebSocket close code (RFC 6455, 7.4.1)."""


class RefuseCall(Exception):  # noqa: N818 - an answer, not an error
    """Raise in a handler to answer a request with a CALLERROR."""

    def __init__(self, fault: Fault, description: str = "") -> None:
        """Keep the reason."""
        super().__init__(fault)
        self.fault = fault
        self.description = description


type Answer = Payload | Coroutine[Any, Any, Payload]
"""What a handler gives: the answer, or work that ends with it."""


class Socket(Protocol):
    """What the link needs of a WebSocket."""

    async def send_str(self, data: str) -> None:
        """Hand a text to the transport."""
        ...


class Listener(Protocol):
    """Who answers the requests of a station; neither method blocks."""

    def on_call(self, action: str, payload: Payload) -> Answer:
        """Return the answer, or what ends with it.

        Raises:
            RefuseCall: to refuse the request.
        """
        ...

    def on_send(self, action: str, payload: Payload) -> None:
        """Use a message that has no answer."""
        ...

    def on_control_answered(self, *, is_answered: bool) -> None:
        """Note whether the station answers stops and setpoints."""
        ...


class StationLink:
    """Moves frames between the engine, the callers and a socket."""

    def __init__(
        self,
        *,
        name: str,
        engine: RpcEngine,
        book: SchemaBook,
        clock: Clock,
        close: Callable[[int, str], None],
        recorder: FrameRecorder | None = None,
    ) -> None:
        """Start open and silent.

        Args:
            name: of the station, for the log.
            engine: of this connection.
            book: schemas that frames in both directions are checked by.
            clock: for deadlines.
            close: begins to close the socket with a code and a reason.
            recorder: keeps the frames of both directions.
        """
        self._name = name
        self._engine = engine
        self._book = book
        self._clock = clock
        self._close = close
        self._recorder = recorder
        self._listener: Listener | None = None
        self._callers: dict[int, asyncio.Future[CallOutcome]] = {}
        self._last_token = 0
        self._outbound: deque[SendFrame] = deque()
        self._has_outbound = asyncio.Event()
        self._late_answers: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at_mono_s = 0.0

    @property
    def protocol(self) -> str:
        """The sub-protocol of this connection."""
        return self._engine.version.protocol

    @property
    def engine(self) -> RpcEngine:
        """The engine, for its counters."""
        return self._engine

    def listen(self, listener: Listener) -> None:
        """Say who answers the requests of the station."""
        self._listener = listener

    def feed(self, data: str) -> None:
        """Take one message of the station; returns at once."""
        if self._recorder is not None:
            self._recorder.note(Direction.FROM_STATION, data)
        if _LOGGER.isEnabledFor(logging.DEBUG):
            _LOGGER.debug("%s: received %s", self._name, redacted(data))
        self._perform(self._engine.receive(data, self._clock.monotonic()))

    async def call(
        self,
        action: str,
        payload: Payload,
        *,
        lane: Lane = Lane.CONFIGURATION,
        coalesce_key: str | None = None,
        not_after_mono_s: float | None = None,
    ) -> CallOutcome:
        """Send a request and return how it ended; never raises for what a peer does.

        Args:
            action: of this version.
            payload: checked against its schema before it may leave.
            lane: urgency; it also sets the deadline.
            coalesce_key: a newer request with it replaces this one while it waits.
            not_after_mono_s: later than this it must not leave any more.
        """
        fault = self._book.fault_in_own_request(action, payload)
        if fault is not None:
            _LOGGER.error("%s: own %s breaks its schema: %s", self._name, action, fault)
            return CallOutcome(end=CallEnd.INVALID, code=fault)
        self._last_token += 1
        token = self._last_token
        now_mono_s = self._clock.monotonic()
        request = CallRequest(
            token=token,
            action=action,
            payload=payload,
            lane=lane,
            deadline_mono_s=now_mono_s + timeout_of(lane),
            slot_s=timeout_of(lane),
            coalesce_key=coalesce_key,
            not_after_mono_s=not_after_mono_s,
        )
        caller = asyncio.get_running_loop().create_future()
        self._callers[token] = caller
        try:
            self._perform(self._engine.call(request, now_mono_s))
            outcome = await caller
        finally:
            del self._callers[token]
            self._engine.cancel(token)
        if lane <= Lane.SETPOINT:
            self._note_control(outcome.end)
        return self._checked(action, outcome)

    def set_armed(self, *, is_armed: bool) -> None:
        """Say whether a discharge runs: then no request blocks the link for long."""
        now_mono_s = self._clock.monotonic()
        self._perform(self._engine.set_armed(is_armed=is_armed, now_mono_s=now_mono_s))

    async def write_frames(self, socket: Socket) -> None:
        """Hand frames to the socket, for as long as the link lives."""
        while True:
            await self._has_outbound.wait()
            while self._outbound:
                frame = self._outbound.popleft()
                if self._is_too_late(frame):
                    continue
                if _LOGGER.isEnabledFor(logging.DEBUG):
                    _LOGGER.debug("%s: sending %s", self._name, redacted(frame.text))
                if self._recorder is not None:
                    self._recorder.note(Direction.TO_STATION, frame.text)
                await socket.send_str(frame.text)
            self._has_outbound.clear()

    def shut(self) -> None:
        """End every caller: the connection is gone."""
        self._perform(self._engine.close())
        self._outbound.clear()
        for later in self._late_answers:
            later.cancel()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self, code: int = GOING_AWAY, reason: str = "") -> None:
        """Begin to close the connection; ends every caller at once."""
        self.shut()
        self._close(code, reason)

    def _is_too_late(self, frame: SendFrame) -> bool:
        if frame.token is None:
            return False
        now_mono_s = self._clock.monotonic()
        not_after_mono_s = frame.not_after_mono_s
        if not_after_mono_s is not None and now_mono_s > not_after_mono_s:
            self._perform(self._engine.withdraw(frame.token, now_mono_s))
            return True
        self._engine.mark_sent(frame.token, now_mono_s)
        return False

    def _perform(self, actions: list[Action]) -> None:
        self._do(actions)
        self._reschedule()

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case SendFrame():
                    self._enqueue(action)
                case HandleCall():
                    self._answer(action)
                case HandleSend():
                    self._take(action)
                case EndCall():
                    caller = self._callers.get(action.token)
                    if caller is not None and not caller.done():
                        caller.set_result(action.outcome)
                case CloseLink():
                    _LOGGER.warning("%s: %s, closing", self._name, action.reason)
                    self.close(action.code, action.reason)

    def _enqueue(self, frame: SendFrame) -> None:
        if len(self._outbound) >= OUTBOUND_CAPACITY:
            _LOGGER.warning("%s: reads nothing, closing", self._name)
            self.close(POLICY_VIOLATION, "not reading")
            return
        self._outbound.append(frame)
        self._has_outbound.set()

    def _take(self, message: HandleSend) -> None:
        if self._listener is None:
            return
        try:
            self._listener.on_send(message.action, message.payload)
        except Exception:  # One frame must not end the session.
            _LOGGER.exception("%s: taking %s failed", self._name, message.action)

    def _answer(self, request: HandleCall) -> None:
        fault, description = Fault.INTERNAL, ""
        answer: Answer | None = None
        try:
            request = self._unsigned(request)
            answer = self._handle(request)
        except RefuseCall as refusal:
            fault, description = refusal.fault, refusal.description
        except Exception:  # One frame must not end the session.
            _LOGGER.exception("%s: handling %s failed", self._name, request.action)
        if not isinstance(answer, dict) and isinstance(answer, Coroutine):
            later = asyncio.create_task(self._answer_later(request, answer))
            self._late_answers.add(later)
            later.add_done_callback(self._late_answers.discard)
            return
        now_mono_s = self._clock.monotonic()
        message_id = request.message_id
        if answer is None:
            answered = self._engine.refuse(message_id, fault, now_mono_s, description)
        else:
            answered = self._engine.respond(message_id, answer, now_mono_s)
        # An answer moves no deadline.
        self._do(answered)

    async def _answer_later(
        self, request: HandleCall, work: Coroutine[Any, Any, Payload]
    ) -> None:
        """Answer when the work is done; a link that is gone by then needs no answer."""
        try:
            answer = self._checked_answer(request, await work)
        except Exception:  # One frame must not end the session.
            _LOGGER.exception("%s: handling %s failed", self._name, request.action)
            actions = self._engine.refuse(
                request.message_id, Fault.INTERNAL, self._clock.monotonic()
            )
        else:
            actions = self._engine.respond(
                request.message_id, answer, self._clock.monotonic()
            )
        self._perform(actions)

    @staticmethod
    def _unsigned(request: HandleCall) -> HandleCall:
        if not request.action.endswith(SUFFIX):
            return request
        inside = unsigned(request.action, request.payload)
        if inside is None:
            raise RefuseCall(Fault.FORMAT)
        return HandleCall(request.message_id, *inside)

    def _handle(self, request: HandleCall) -> Answer:
        if self._listener is None:
            raise RefuseCall(Fault.INTERNAL)
        answer = self._listener.on_call(request.action, request.payload)
        # Nearly all are a dict, and asking for an abstract class takes far longer.
        if not isinstance(answer, dict) and isinstance(answer, Coroutine):
            return answer
        return self._checked_answer(request, answer)

    def _checked_answer(self, request: HandleCall, answer: Payload) -> Payload:
        fault = self._book.fault_in_own_answer(request.action, answer)
        if fault is not None:
            _LOGGER.error(
                "%s: own answer to %s breaks its schema: %s",
                self._name,
                request.action,
                fault,
            )
            raise RefuseCall(Fault.INTERNAL)
        return answer

    def _note_control(self, end: CallEnd) -> None:
        is_told = end in {CallEnd.ANSWERED, CallEnd.REFUSED, CallEnd.TIMEOUT}
        if is_told and self._listener is not None:
            self._listener.on_control_answered(is_answered=end is not CallEnd.TIMEOUT)

    def _checked(self, action: str, outcome: CallOutcome) -> CallOutcome:
        if outcome.end is not CallEnd.ANSWERED:
            return outcome
        fault = self._book.fault_in_answer(action, outcome.payload)
        if fault is None:
            return outcome
        _LOGGER.debug("%s: answer to %s is invalid: %s", self._name, action, fault)
        self._perform(self._engine.reject_answer(outcome.message_id, fault))
        return CallOutcome(
            end=CallEnd.INVALID, code=fault, sent_mono_s=outcome.sent_mono_s
        )

    def _reschedule(self) -> None:
        deadline_mono_s = self._engine.next_deadline_mono_s()
        if deadline_mono_s is None:
            return
        if self._timer is not None:
            if self._timer_at_mono_s <= deadline_mono_s:
                return
            self._timer.cancel()
        delay_s = max(0.0, deadline_mono_s - self._clock.monotonic())
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(delay_s, self._on_timer)
        self._timer_at_mono_s = deadline_mono_s

    def _on_timer(self) -> None:
        self._timer = None
        self._perform(self._engine.tick(self._clock.monotonic()))
