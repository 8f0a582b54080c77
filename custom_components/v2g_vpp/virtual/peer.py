"""OCPP-J of the station on the ``ocpp`` package, and the one place that mends it.

The package leaves gaps that a station must not have; each is closed here:

- nested names lose their spelling on the way to snake case and back, so only the
  top level is converted and everything below keeps its names from the wire;
- an unknown action of OCPP 2.1 is not answered, a broken frame is dropped, a handler's
  fault can end the reading loop;
- answers share one queue, timed by a wall clock that may step (a lost link ends the
  callers too, because they run in one task group with the reader);
- a CALLERROR comes back as None, and its details repeat the payload;
- each message is validated in a worker thread, and schemas are read on first use.
"""

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal
import json
import logging
from typing import Any, override
import uuid

from .link import Link
from .ocpp_package import (
    Action,
    Action16,
    ActionOlder,
    Message,
    OcppError,
    PackageChargePoint,
    camel_to_snake_case,
    create_route_map,
    get_validator,
    make_call,
    make_call_error,
    make_call_result,
    remove_nones,
    serialize_as_dict,
    snake_to_camel_case,
    unpack,
)

_LOGGER = logging.getLogger(__name__)

_FRAMES = logging.getLogger(f"{__name__}.frames")
# The package writes every frame at level info, passwords included.
_FRAMES.setLevel(logging.WARNING)

CALL = 2
CALL_RESULT = 3
CALL_ERROR = 4
CALL_RESULT_ERROR = 5
SEND = 6

SENT_ACTIONS_2 = (
    "Authorize",
    "BootNotification",
    "ClosePeriodicEventStream",
    "FirmwareStatusNotification",
    "Heartbeat",
    "LogStatusNotification",
    "MeterValues",
    "NotifyDERAlarm",
    "NotifyDERStartStop",
    "NotifyEVChargingNeeds",
    "NotifyEvent",
    "NotifyMonitoringReport",
    "NotifyPriorityCharging",
    "NotifyReport",
    "OpenPeriodicEventStream",
    "PullDynamicScheduleUpdate",
    "ReportChargingProfiles",
    "ReportDERControl",
    "ReservationStatusUpdate",
    "SecurityEventNotification",
    "SignCertificate",
    "StatusNotification",
    "TransactionEvent",
)
"""What the station sends in OCPP 2.x, where the version knows it."""

UNCONFIRMED_ACTIONS_2_1 = ("NotifyPeriodicEventStream",)
"""What the station sends in OCPP 2.1 without an answer."""

SENT_ACTIONS_1_6 = (
    "Authorize",
    "BootNotification",
    "Heartbeat",
    "MeterValues",
    "StartTransaction",
    "StatusNotification",
    "StopTransaction",
)
"""What the station sends in OCPP 1.6."""

VERSION_1_6 = "1.6"

_ERROR_CODES = {
    "required": "OccurrenceConstraintViolation",
    "type": "TypeConstraintViolation",
    "additionalProperties": "FormatViolation",
}
"""By the keyword of the JSON schema that failed; any other is a property's value."""

_ERROR_CODES_1_6 = {
    **_ERROR_CODES,
    # As the text of 1.6 spells it.
    "required": "OccurenceConstraintViolation",
    "additionalProperties": "FormationViolation",
}

_PARSE_FLOAT: dict[str, Callable[[str], Any]] = {VERSION_1_6: Decimal}
"""Schemas of 1.6 want multiples of 0.1, which binary fractions are not."""


class CallRefused(Exception):  # noqa: N818 - a refusal is an answer
    """The CSMS answered a CALL with an error, or with something that is no answer."""

    def __init__(self, action: str, code: str) -> None:
        """Keep what was asked and the error code."""
        super().__init__(f"{action}: {code}")
        self.action = action
        self.code = code


class AnswerError(Exception):
    """A handler refuses a CALL with a CALLERROR."""

    def __init__(self, code: str) -> None:
        """Keep the error code of OCPP."""
        super().__init__(code)
        self.code = code


class CallUnanswered(CallRefused):
    """The CSMS did not answer a CALL in time."""

    def __init__(self, action: str) -> None:
        """Keep what was asked."""
        super().__init__(action, "no answer")


_ACTIONS = {"2.1": Action, "2.0.1": ActionOlder, VERSION_1_6: Action16}


def load_schemas(version: str, handlers: Iterable[object]) -> None:
    """Read every schema that a link needs; blocks on files, so not in the event loop.

    Args:
        version: ``1.6``, ``2.0.1`` or ``2.1``.
        handlers: objects whose marked methods answer the CSMS.
    """
    sent = SENT_ACTIONS_1_6 if version == VERSION_1_6 else SENT_ACTIONS_2
    received = {action for each in handlers for action in create_route_map(each)}
    for action in {*sent, *received} & set(_ACTIONS[version]):
        for message_type_id in (CALL, CALL_RESULT):
            get_validator(
                message_type_id,
                str(action),
                version,
                _PARSE_FLOAT.get(version, float),
            )
    for action in UNCONFIRMED_ACTIONS_2_1 if version == "2.1" else ():
        get_validator(SEND, action, version)


class Peer(PackageChargePoint):
    """The station's end of one link."""

    def __init__(
        self,
        identity: str,
        link: Link,
        *,
        version: str,
        call_timeout_s: float,
        handlers: Iterable[object],
    ) -> None:
        """Build the table of actions from the marked methods of ``handlers``."""
        super().__init__(identity, link, call_timeout_s, _FRAMES)
        self.version = version
        self._link = link
        self._call_timeout_s = call_timeout_s
        self._slot = asyncio.Lock()
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        for each in handlers:
            self.route_map.update(create_route_map(each))
        for action in set(self.route_map) - set(_ACTIONS[version]):
            del self.route_map[action]

    @override
    async def call(self, payload: Any) -> dict[str, Any]:
        """Send a request of the package and return the answer in its wire names.

        Raises:
            CallRefused: when the CSMS answered with an error or not in time.
            LinkError: when the link went away first.
        """
        return await self.request(type(payload).__name__, _to_wire(payload))

    async def request(self, action: str, wire: dict[str, Any]) -> dict[str, Any]:
        """Send a CALL in its wire names, for those that the package cannot spell.

        Raises:
            CallRefused: when the CSMS answered with an error or not in time.
            LinkError: when the link went away first.
        """
        complaint = self._complaint(CALL, action, wire)
        if complaint is not None:
            raise CallRefused(action, f"own request: {complaint}")
        unique_id = str(uuid.uuid4())
        # One CALL at a time per direction (OCPP-J part 4, 4.1.1).
        async with self._slot:
            future = asyncio.get_running_loop().create_future()
            self._waiting[unique_id] = future
            try:
                await self._link.send(make_call(unique_id, action, wire).to_json())
                async with asyncio.timeout(self._call_timeout_s):
                    answer = await future
            except TimeoutError as err:
                raise CallUnanswered(action) from err
            finally:
                self._waiting.pop(unique_id, None)
        return await self._judge_answer(action, answer)

    async def tell(self, payload: Any) -> dict[str, Any] | None:
        """Send what is not worth repeating; return the answer, None for a refusal.

        Raises:
            LinkError: when the link went away first.
        """
        try:
            return await self.call(payload)
        except CallRefused as err:
            _LOGGER.debug("%s: %s", self.id, err)
        return None

    def knows(self, payload: Any) -> bool:
        """Return True when the version of this link has such a request."""
        return type(payload).__name__ in set(_ACTIONS[self.version])

    async def send(self, action: str, wire: dict[str, Any]) -> None:
        """Send what is never answered (SEND of OCPP 2.1), next to a pending CALL.

        Raises:
            LinkError: when the link is gone.
        """
        complaint = self._complaint(SEND, action, wire)
        if complaint is not None:
            _LOGGER.error("%s: own %s: %s", self.id, action, complaint)
            return
        frame = [SEND, str(uuid.uuid4()), action, wire]
        await self._link.send(json.dumps(frame, separators=(",", ":")))

    @override
    async def route_message(self, raw_msg: str) -> None:
        """Deal with one frame; no frame may end the reading loop."""
        try:
            message = unpack(raw_msg)
            is_readable = isinstance(message.unique_id, str)
        except OcppError, TypeError, ValueError, RecursionError:
            await self._answer_unreadable(raw_msg)
            return
        if not is_readable:
            await self._send_error("-1", self._framework_error)
        elif message.message_type_id == CALL:
            await self._answer(message)
        else:
            waiting = self._waiting.get(message.unique_id)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)

    async def _judge_answer(self, action: str, answer: Message) -> dict[str, Any]:
        if answer.message_type_id == CALL_ERROR:
            raise CallRefused(action, answer.error_code)
        complaint = self._complaint(CALL_RESULT, action, answer.payload)
        if complaint is not None:
            if self.version == "2.1":
                frame = [CALL_RESULT_ERROR, answer.unique_id, complaint, "", {}]
                await self._link.send(json.dumps(frame, separators=(",", ":")))
            raise CallRefused(action, complaint)
        wire: dict[str, Any] = answer.payload
        return wire

    async def _answer(self, message: Message) -> None:
        unique_id, action = message.unique_id, message.action
        route = self.route_map.get(action) if isinstance(action, str) else None
        if route is None:
            actions = set(_ACTIONS[self.version])
            is_known = isinstance(action, str) and action in actions
            await self._send_error(
                unique_id, "NotSupported" if is_known else "NotImplemented"
            )
            return
        complaint = self._complaint(CALL, action, message.payload)
        if complaint is not None:
            await self._send_error(unique_id, complaint)
            return
        names = {_snake(name): value for name, value in message.payload.items()}
        try:
            result = route["_on_action"](**names)
        except AnswerError as err:
            await self._send_error(unique_id, err.code)
            return
        except ValueError:
            # A number that is not finite, a time that is none.
            await self._send_error(unique_id, "PropertyConstraintViolation")
            return
        except Exception:  # The reading loop outlives a fault of one handler.
            _LOGGER.exception("%s: handler of %s failed", self.id, action)
            await self._send_error(unique_id, "InternalError")
            return
        wire = _to_wire(result)
        own_complaint = self._complaint(CALL_RESULT, action, wire)
        if own_complaint is not None:
            _LOGGER.error("%s: own answer to %s: %s", self.id, action, own_complaint)
            await self._send_error(unique_id, "InternalError")
            return
        await self._link.send(make_call_result(unique_id, wire).to_json())

    def _complaint(self, message_type_id: int, action: str, wire: Any) -> str | None:
        """Return the error code of the first thing that is wrong with a payload."""
        parse_float = _PARSE_FLOAT.get(self.version, float)
        validator = get_validator(message_type_id, action, self.version, parse_float)
        if self.version in _PARSE_FLOAT:
            wire = json.loads(json.dumps(wire), parse_float=parse_float)
        error = next(iter(validator.iter_errors(wire)), None)
        if error is None:
            return None
        codes = _ERROR_CODES_1_6 if self.version == VERSION_1_6 else _ERROR_CODES
        return codes.get(error.validator, "PropertyConstraintViolation")

    async def _answer_unreadable(self, raw_msg: str) -> None:
        try:
            frame = json.loads(raw_msg)
        except ValueError, RecursionError:
            frame = None
        message_type = frame[0] if isinstance(frame, list) and frame else None
        is_other_type = isinstance(message_type, int) and message_type not in {
            CALL,
            CALL_RESULT,
            CALL_ERROR,
        }
        if not is_other_type:
            await self._send_error("-1", self._framework_error)
        elif self.version == "2.0.1" and len(frame) > 1:
            # OCPP 2.1 and 1.6 ignore message types that it does not know.
            await self._send_error(str(frame[1]), "MessageTypeNotSupported")

    @property
    def _framework_error(self) -> str:
        is_16 = self.version == VERSION_1_6
        return "FormationViolation" if is_16 else "RpcFrameworkError"

    async def _send_error(self, unique_id: str, code: str) -> None:
        await self._link.send(make_call_error(unique_id, code, "", {}).to_json())


def _to_wire(message: Any) -> dict[str, Any]:
    """Return a dataclass of the package in wire names; nested values keep theirs."""
    fields: dict[str, Any] = remove_nones(serialize_as_dict(message))
    return {_camel(name): value for name, value in fields.items()}


def _snake(name: str) -> str:
    renamed: dict[str, None] = camel_to_snake_case({name: None})
    return next(iter(renamed))


def _camel(name: str) -> str:
    renamed: dict[str, None] = snake_to_camel_case({name: None})
    return next(iter(renamed))
