"""Bytes of the wire to messages and back, each checked against its JSON Schema.

The schemas of ``docs/vpp_contract`` are the law on both ways: what does not fit is
refused on the way in and is our own error on the way out.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
import json
from pathlib import Path
import sys
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import jsonschema_rs

from .envelope import Message
from .errors import ContractError
from .messages import MESSAGES

SCHEMA_DIRECTORY = Path(__file__).parent.parent / "docs" / "vpp_contract"

MAX_PAYLOAD_BYTES = 65536
"""VPP contract: Maximum Packet Size."""

MAX_DIGITS = 20
"""Of a whole number; no message has one above 2**53."""

_CLASSES = {message.TYPE: message for message in MESSAGES}


def decode[T: Message](payload: bytes, expected: type[T]) -> T:
    """Return the message of a payload.

    Raises:
        ContractError: when it is not one JSON object of the expected type that fits
            its schema; the text names the first thing that is wrong.
    """
    document = parse_object(payload)
    validate(expected.TYPE, document)
    message = _from_wire(expected, document, expected.TYPE)
    if not isinstance(message, expected):
        raise ContractError(f"{expected.TYPE}: not a message")
    return message


def encode(message: Message) -> bytes:
    """Return a message as compact JSON.

    Raises:
        ContractError: when it does not fit its schema, for example a power out of
            bounds.
    """
    document = to_document(message)
    validate(message.TYPE, document)
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode()


def to_document(message: Message) -> dict[str, Any]:
    """Return a message as a JSON-ready object."""
    return {"type": message.TYPE, **_to_wire(message)}


def validate(name: str, document: Mapping[str, Any]) -> None:
    """Check a JSON object against the schema of this name.

    Raises:
        ContractError: naming where it does not fit.
    """
    try:
        _validator(name).validate(document)
    except jsonschema_rs.ValidationError as err:
        place = "/".join(str(part) for part in err.instance_path) or "message"
        raise ContractError(f"{name}: {place}: {err.message[:200]}") from err


def parse_object(payload: bytes) -> dict[str, Any]:
    """Return the JSON object of a payload.

    Raises:
        ContractError: for too many bytes, text that is not JSON, a key twice, NaN, a
            number without end, half a character, or anything but an object.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ContractError(f"the payload is longer than {MAX_PAYLOAD_BYTES} bytes")
    try:
        document = json.loads(
            payload.decode(),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse_constant,
            parse_int=_bounded_integer,
        )
        if b"\\u" in payload:
            # Half a character can neither be checked nor sent nor stored.
            json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as err:
        raise ContractError(f"the payload is not JSON: {err}"[:200]) from err
    if not isinstance(document, dict):
        raise ContractError("the payload is not a JSON object")
    return document


def format_timestamp(moment: datetime) -> str:
    """Return RFC 3339, UTC, with exactly three decimals (cut, not rounded)."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


@cache
def _validator(name: str) -> jsonschema_rs.Draft202012Validator:
    path = SCHEMA_DIRECTORY / f"{name}.schema.json"
    return jsonschema_rs.Draft202012Validator(json.loads(path.read_bytes()))


def load_schemas() -> None:
    """Read and compile every schema now, outside of the event loop."""
    for name in (*_CLASSES, "invitation", "enrolment_request", "enrolment_reply"):
        _validator(name)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key occurs twice")
    return document


def _bounded_integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError("a number without end")
    return int(digits)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


@cache
def _hints(module: str, name: str) -> Mapping[str, Any]:
    return get_type_hints(getattr(sys.modules[module], name))


def _from_wire(kind: type[Any], document: Mapping[str, Any], place: str) -> Any:
    """Build a dataclass out of an object that fits its schema."""
    hints = _hints(kind.__module__, kind.__name__)
    values = {
        field.name: _value(hints[field.name], document[field.name], field.name)
        for field in fields(kind)
        if field.name in document or _is_required(field, place)
    }
    return kind(**values)


def _is_required(field: Field[Any], place: str) -> bool:
    if field.default is MISSING:
        raise ContractError(f"{place}: {field.name} is missing")
    return False


def _value(hint: Any, raw: Any, name: str) -> Any:
    if isinstance(hint, UnionType):
        if raw is None:
            return None
        (hint,) = (part for part in get_args(hint) if part is not NoneType)
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], item, name) for item in raw)
    if get_origin(hint) is Mapping:
        return dict(raw)
    if is_dataclass(hint) and isinstance(hint, type):
        return _from_wire(hint, raw, name)
    if hint is datetime:
        return _moment(raw, name)
    if hint is int and type(raw) is not int:
        # A schema lets 5000.0 pass as an integer; the contract does not.
        raise ContractError(f"{name}: {raw!r} must be written as a whole number")
    return hint(raw)


def _moment(text: str, name: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as err:
        raise ContractError(f"{name}: {text} is not a moment in time") from err


def _to_wire(item: Any) -> dict[str, Any]:
    return {
        field.name: _plain(getattr(item, field.name))
        for field in fields(item)
        if field.default is MISSING or getattr(item, field.name) is not None
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_timestamp(value)
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value):
        return _to_wire(value)
    return value
