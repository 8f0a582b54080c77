"""The published JSON Schemas: all that the kit knows of the form of a message."""

from collections.abc import Iterator, Mapping
from functools import cache
import json
from pathlib import Path
from typing import Any

import jsonschema_rs

FOLDER = Path(__file__).parent.parent / "docs" / "vpp_contract"
MAX_PAYLOAD_BYTES = 65536
"""Contract, "Envelope"."""

TYPE_OF_TOPIC = {"up/clock": "clock_request", "dn/clock": "clock_reply"}
"""Topics whose messages are not called like them."""


def schema_of(topic: str) -> str | None:
    """Return the name of the schema of a topic's messages, None for an unknown one."""
    direction, _, kind = topic.rpartition("/")
    place = f"{direction.rpartition('/')[2]}/{kind}"
    name = TYPE_OF_TOPIC.get(place, kind)
    return name if (FOLDER / f"{name}.schema.json").exists() else None


def parse(payload: bytes) -> dict[str, Any]:
    """Return the JSON object of a payload.

    Raises:
        ValueError: too long, no JSON, a key twice, NaN, or no object.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"longer than {MAX_PAYLOAD_BYTES} bytes")
    document = json.loads(
        payload.decode(), object_pairs_hook=_unique, parse_constant=_refuse
    )
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - as for other text
    return document


def fault(name: str, payload: bytes) -> str | None:
    """Return the first thing that is wrong with a message, None for nothing."""
    try:
        document = parse(payload)
    except ValueError as err:
        return f"{name}: {err}"
    return document_fault(name, document)


def document_fault(name: str, document: Mapping[str, Any]) -> str | None:
    """Return the first thing that is wrong with a parsed message, None for nothing."""
    try:
        validator(name).validate(document)
    except jsonschema_rs.ValidationError as err:
        place = "/".join(map(str, err.instance_path)) or "message"
        return f"{name}: {place}: {err.message[:200]}"
    wrong = next(_fractions(schema(name), document, ""), None)
    return None if wrong is None else f"{name}: {wrong} must be a whole number"


@cache
def schema(name: str) -> Any:
    """Return a schema by its name."""
    return json.loads((FOLDER / f"{name}.schema.json").read_bytes())


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """Return what judges by a schema."""
    return jsonschema_rs.Draft202012Validator(schema(name))


def _fractions(rule: Any, value: Any, place: str) -> Iterator[str]:
    """Yield where ``5000.0`` stands for a whole number: JSON Schema lets it pass."""
    if not isinstance(rule, dict):
        return
    kinds = rule.get("type", ())
    kinds = {kinds} if isinstance(kinds, str) else set(kinds)
    if isinstance(value, float) and "integer" in kinds:
        yield place
    if isinstance(value, dict):
        rules = rule.get("properties", {})
        for key, item in value.items():
            yield from _fractions(rules.get(key), item, f"{place}/{key}".lstrip("/"))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _fractions(rule.get("items"), item, f"{place}/{index}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key occurs twice")
    return document


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
