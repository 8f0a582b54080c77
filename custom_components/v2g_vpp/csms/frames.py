"""Parse and serialise OCPP-J frames; guards stand before the JSON parser."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
import json
from math import isfinite
import re
from typing import Any, Final

import orjson

from .versions import Fault, MessageType, RpcVersion

MAX_MESSAGE_ID_LENGTH: Final = 36
"""OCPP-J part 4, 4.1.4."""

MAX_DESCRIPTION_LENGTH: Final = 255
"""OCPP-J part 4, 4.2.3."""

CORRUPT_ID: Final = "-1"
"""Message id of the answer to a frame whose own id cannot be read."""

MAX_FRAME_BYTES: Final = 1024 * 1024
"""House rule: OCPP sets none; the largest legal report stays far below 1 MiB."""

MAX_DEPTH: Final = 32
"""House rule: the deepest schema of OCPP 2.1 nests 12 levels."""

MAX_CONTAINERS: Final = 65_536
"""House rule: lists and objects of one frame. A report of 1 MiB has a quarter of that;
with nothing else in it a frame has ten times as many, and takes 0.2 s to judge."""

MAX_INTEGER_DIGITS: Final = 18
"""What fits a signed 64-bit integer, the widest any station or store can hold."""

_UNANSWERABLE: Final = frozenset(MessageType) - {MessageType.CALL}
"""Frames that nothing is sent back for."""

type Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that must be answered."""

    message_id: str
    action: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class CallResult:
    """The answer to a request."""

    message_id: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class CallError:
    """The refusal of a request."""

    message_id: str
    code: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class CallResultError:
    """2.1: the sender could not accept our answer."""

    message_id: str
    code: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class Send:
    """2.1: a message without an answer."""

    message_id: str
    action: str
    payload: Payload


type Frame = Call | CallResult | CallError | CallResultError | Send


@dataclass(frozen=True, slots=True)
class Malformed:
    """What could not be read as a frame."""

    message_id: str
    """Of the frame when it could be read, else ``CORRUPT_ID``."""

    fault: Fault
    description: str = ""
    is_unanswerable: bool = False
    """True: it was an answer, or a SEND; answering it would break a rule or loop."""


class _BadNumberError(ValueError):
    """Raise for what JSON does not know, as NaN."""


_ALL_BUT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))
_ONE_KIND: Final = bytes.maketrans(b"{}", b"[]")
_TOO_MANY_IN_A_ROW: Final = b"[" * (MAX_DEPTH + 1)
_ONE_DIGIT: Final = bytes.maketrans(b"123456789", b"0" * 9)
_LONG_NUMBER: Final = b"0" * (MAX_INTEGER_DIGITS + 1)
_SURROGATE_ESCAPE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def parse(
    data: str | bytes, version: RpcVersion, *, is_null_payload_legal: bool = True
) -> Frame | Malformed:
    """Return the frame in a message, or what is wrong with it; never raises.

    Args:
        data: one WebSocket message.
        version: whose message types apply.
        is_null_payload_legal: True reads ``null`` as ``{}``, which several stations
            send for an empty payload.
    """
    elements = _parse_list(data)
    if isinstance(elements, Malformed):
        return elements
    header = _parse_header(elements, version)
    if isinstance(header, Malformed):
        return header
    kind, message_id = header
    if is_null_payload_legal and None in elements:
        elements = [{} if element is None else element for element in elements]
    return _PARSERS[kind](message_id, elements)


def serialise(frame: Frame) -> str:
    """Return a frame as compact JSON, ASCII only.

    Some chargers compare raw text, so there is no white space; escapes keep any text
    encodable.
    """
    elements: list[Any]
    match frame:
        case Call():
            elements = [MessageType.CALL, frame.message_id, frame.action, frame.payload]
        case Send():
            elements = [MessageType.SEND, frame.message_id, frame.action, frame.payload]
        case CallResult():
            if not frame.payload:
                # Most answers say nothing, and an encoder takes longer to set up.
                return f"[3,{_ENCODER.encode(frame.message_id)},{{}}]"
            elements = [MessageType.CALL_RESULT, frame.message_id, frame.payload]
        case CallError():
            elements = [MessageType.CALL_ERROR, *_error_elements(frame)]
        case _:
            elements = [MessageType.CALL_RESULT_ERROR, *_error_elements(frame)]
    return _ENCODER.encode(elements)


def _error_elements(frame: CallError | CallResultError) -> list[Any]:
    # Details stay empty: they have been seen to leak payloads and internals.
    return [
        frame.message_id,
        frame.code,
        frame.description[:MAX_DESCRIPTION_LENGTH],
        {},
    ]


def _parse_header(
    elements: list[Any], version: RpcVersion
) -> tuple[MessageType, str] | Malformed:
    kind, message_id = (
        elements[:2] if len(elements) >= 2 else ([*elements, None, None])[:2]
    )
    if isinstance(kind, bool) or not isinstance(kind, int):
        return Malformed(CORRUPT_ID, Fault.FRAMEWORK, "message type unreadable")
    if kind not in version.message_types:
        readable_id = message_id if isinstance(message_id, str) else CORRUPT_ID
        return Malformed(readable_id, Fault.MESSAGE_TYPE)
    is_unanswerable = kind in _UNANSWERABLE
    if not isinstance(message_id, str):
        description = "messageId unreadable"
        return Malformed(CORRUPT_ID, Fault.FRAMEWORK, description, is_unanswerable)
    if len(message_id) > MAX_MESSAGE_ID_LENGTH:
        return Malformed(
            CORRUPT_ID, Fault.FRAMEWORK, "messageId too long", is_unanswerable
        )
    return MessageType(kind), message_id


def _parse_list(data: str | bytes) -> list[Any] | Malformed:
    """Return the elements of a frame.

    Values that cannot be stored, logged or sent again do not reach anybody: a number
    that no counter can be is read as null, half a character as a question mark. What
    is wrong with that is then said by the schema, to the id of the frame.
    """
    if len(data) > MAX_FRAME_BYTES:
        return Malformed(CORRUPT_ID, Fault.FRAMEWORK, "frame too large")
    try:
        text = data if isinstance(data, str) else data.decode()
    except UnicodeDecodeError:
        return Malformed(CORRUPT_ID, Fault.FRAMEWORK)
    excess = _excess_in(text)
    if excess is not None:
        return Malformed(CORRUPT_ID, Fault.FRAMEWORK, excess)
    try:
        elements = _decoded(text)
    except ValueError:
        return Malformed(CORRUPT_ID, Fault.FRAMEWORK)
    if not isinstance(elements, list):
        return Malformed(CORRUPT_ID, Fault.FRAMEWORK)
    return elements


def _decoded(text: str) -> Any:
    """Return what a text says, by the quick parser where both would say the same.

    They differ in numbers of many digits, which the quick one rounds. Whatever it
    refuses, as half a character or a number beyond all bounds, the thorough one judges.

    Raises:
        ValueError: when it is no JSON.
    """
    with suppress(UnicodeEncodeError, orjson.JSONDecodeError):
        raw = text.encode()
        if _LONG_NUMBER not in raw.translate(_ONE_DIGIT):
            return orjson.loads(raw)
    elements = _DECODER.decode(text)
    if isinstance(elements, list) and _SURROGATE_ESCAPE.search(text):
        elements = _without_half_characters(elements)
    return elements


def _without_half_characters(elements: list[Any]) -> list[Any]:
    whole: list[Any] = json.loads(
        json.dumps(elements, ensure_ascii=False).encode(errors="replace")
    )
    if whole[1:2] != elements[1:2]:
        # An id that was changed is no id: nobody would know its answer.
        whole[1] = None
    return whole


def _excess_in(text: str) -> str | None:
    """Return what no frame has so much of; nothing was decoded yet."""
    containers = text.count("[") + text.count("{")
    if containers <= MAX_DEPTH:
        return None
    if containers > MAX_CONTAINERS:
        return "too many parts"
    return "nesting too deep" if _is_too_deep(text) else None


def _is_too_deep(text: str) -> bool:
    """Return True for JSON that nests too deep, and for some that is not whole.

    Each round takes away what holds nothing, so a round less is needed for each level.
    No round looks at characters one by one in Python: a frame of empty lists took a
    tenth of a second so, and everybody else waited.
    """
    if "\\" in text:
        # Outside of texts a backslash is no JSON, whatever is made of it.
        text = text.replace("\\\\", "").replace('\\"', "")
    outside = "".join(text.split('"')[::2]).encode(errors="surrogatepass")
    # Whether the right kind closes is for the parser to say.
    brackets = outside.translate(_ONE_KIND, _ALL_BUT_BRACKETS)
    for _ in range(MAX_DEPTH):
        if _TOO_MANY_IN_A_ROW in brackets:
            return True
        before = len(brackets)
        brackets = brackets.replace(b"[]", b"")
        if len(brackets) == before:
            break
    return bool(brackets)


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits.lstrip("-")) <= MAX_INTEGER_DIGITS else None


def _float(digits: str) -> float | None:
    number = float(digits)
    return number if isfinite(number) else None


def _constant(_name: str) -> float:
    raise _BadNumberError


# Built once: `json` would build new ones for every frame.
_ENCODER: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_DECODER: Final = json.JSONDecoder(
    parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _parse_call(message_id: str, elements: list[Any]) -> Call | Malformed:
    fault = _request_fault(elements)
    if fault is not None:
        return Malformed(message_id, fault)
    return Call(message_id, elements[2], elements[3])


def _parse_send(message_id: str, elements: list[Any]) -> Send | Malformed:
    fault = _request_fault(elements)
    if fault is not None:
        # Nothing about a SEND is ever answered (2.1 part 4, 4.2.4).
        return Malformed(message_id, fault, is_unanswerable=True)
    return Send(message_id, elements[2], elements[3])


def _request_fault(elements: list[Any]) -> Fault | None:
    if len(elements) != 4 or not isinstance(elements[2], str):
        return Fault.FRAMEWORK
    return None if isinstance(elements[3], dict) else Fault.TYPE


def _parse_result(message_id: str, elements: list[Any]) -> CallResult | Malformed:
    if len(elements) != 3:
        return Malformed(message_id, Fault.FRAMEWORK, is_unanswerable=True)
    if not isinstance(elements[2], dict):
        return Malformed(message_id, Fault.TYPE, is_unanswerable=True)
    return CallResult(message_id, elements[2])


def _parse_error(message_id: str, elements: list[Any]) -> CallError:
    return CallError(message_id, *_code_and_description(elements))


def _parse_result_error(message_id: str, elements: list[Any]) -> CallResultError:
    return CallResultError(message_id, *_code_and_description(elements))


def _code_and_description(elements: list[Any]) -> tuple[str, str]:
    """Return both; whatever is missing is empty, so that no caller hangs."""
    code, description = ([*elements[2:4], "", ""])[:2]
    return (
        code if isinstance(code, str) else "",
        description if isinstance(description, str) else "",
    )


_PARSERS: Final[Mapping[MessageType, Callable[[str, list[Any]], Frame | Malformed]]] = {
    MessageType.CALL: _parse_call,
    MessageType.CALL_RESULT: _parse_result,
    MessageType.CALL_ERROR: _parse_error,
    MessageType.CALL_RESULT_ERROR: _parse_result_error,
    MessageType.SEND: _parse_send,
}
