"""The codec against the schemas and examples of the contract, both ways."""

import contextlib
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from aggregator.codec import (
    MAX_PAYLOAD_BYTES,
    SCHEMA_DIRECTORY,
    decode,
    encode,
    format_timestamp,
    parse_object,
    validate,
)
from aggregator.envelope import Message
from aggregator.errors import ContractError
from aggregator.messages import (
    MESSAGES,
    Ack,
    Command,
    CommandKind,
    Heartbeat,
    Telemetry,
)

EXAMPLES = sorted(path.stem for path in (SCHEMA_DIRECTORY / "examples").glob("*.json"))
CLASSES = {message.TYPE: message for message in MESSAGES}
KINDS = {"command_droop": "command", "command_curve": "command"}
"""Examples beyond the one of each schema."""
NOT_MQTT = {"invitation", "enrolment_request", "enrolment_reply"}


def example(name: str) -> bytes:
    return (SCHEMA_DIRECTORY / "examples" / f"{name}.json").read_bytes()


def changed(name: str, **changes: Any) -> bytes:
    return json.dumps({**json.loads(example(name)), **changes}).encode()


def test_every_schema_has_an_example_and_a_message() -> None:
    schemas = {
        path.name.removesuffix(".schema.json")
        for path in SCHEMA_DIRECTORY.glob("*.schema.json")
    }
    assert set(EXAMPLES) == schemas | set(KINDS)
    assert set(CLASSES) == schemas - NOT_MQTT


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_fits_its_schema(name: str) -> None:
    validate(KINDS.get(name, name), json.loads(example(name)))


@pytest.mark.parametrize("name", sorted([*CLASSES, *KINDS]))
def test_an_example_survives_the_way_in_and_out(name: str) -> None:
    message = decode(example(name), CLASSES[KINDS.get(name, name)])
    assert json.loads(encode(message)) == json.loads(example(name))


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_field_of_a_schema_is_known_to_its_message(name: str) -> None:
    schema = json.loads((SCHEMA_DIRECTORY / f"{name}.schema.json").read_bytes())
    known = {field.name for field in fields(CLASSES[name])} | {"type"}
    assert known == set(schema["properties"])


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_message_with_a_missing_field_is_refused(name: str) -> None:
    schema = json.loads((SCHEMA_DIRECTORY / f"{name}.schema.json").read_bytes())
    for missing in schema["required"]:
        document = json.loads(example(name))
        del document[missing]
        with pytest.raises(ContractError):
            decode(json.dumps(document).encode(), CLASSES[name])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"7",
        b"\xff\xfe",
        b"{",
        b'{"a":NaN}',
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":2}}',
        b"[" * 60_000,
        b" " * MAX_PAYLOAD_BYTES + b"{}",
        b'{"a":1' + b"0" * 400 + b"}",
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
    ],
    ids=[
        "nothing",
        "a list",
        "a number",
        "not UTF-8",
        "half an object",
        "NaN",
        "a key twice",
        "a key twice inside",
        "too deep",
        "too long",
        "a number without end",
        "half a character",
        "half a character as a key",
    ],
)
def test_a_payload_that_is_no_object_is_refused(payload: bytes) -> None:
    with pytest.raises(ContractError):
        parse_object(payload)


@pytest.mark.parametrize(
    "payload",
    [
        changed("ack", type="telemetry"),
        changed("ack", version="2.0"),
        changed("ack", id="1"),
        changed("ack", ts="2026-11-23T17:00:00Z"),
        changed("ack", ts="2026-13-23T17:00:00.000Z"),
        changed("ack", committed_w=5000.0),
        changed("ack", committed_w="5000"),
        changed("ack", committed_w=True),
        changed("ack", code="MAYBE"),
        changed("ack", binding=["user", "user"]),
        changed("ack", epoch=-1),
    ],
)
def test_an_ack_outside_of_the_contract_is_refused(payload: bytes) -> None:
    with pytest.raises(ContractError):
        decode(payload, Ack)


def test_an_unknown_key_is_ignored_in_what_a_home_says() -> None:
    assert decode(changed("ack", surprise=1), Ack) == decode(example("ack"), Ack)


def test_null_is_kept_where_a_home_must_say_that_it_knows_nothing() -> None:
    payload = changed("telemetry", power_w=None, command_id=None)
    message = decode(payload, Telemetry)
    assert message.power_w is None
    assert json.loads(encode(message)) == json.loads(payload)


@pytest.mark.parametrize(
    "change",
    [
        {"power_w": 2_000_000},
        {"power_w": None},
        {"kind": CommandKind.RELEASE},
        {"resource": "no such form"},
        {"event_id": "with spaces"},
        {"id": "1"},
    ],
)
def test_a_command_outside_of_the_contract_is_never_sent(
    change: dict[str, Any],
) -> None:
    command = decode(example("command"), Command)
    with pytest.raises(ContractError):
        encode(replace(command, **change))


moments = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001
    max_value=datetime(2090, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)
envelopes = st.fixed_dictionaries(
    {
        "version": st.just("1.0"),
        "id": st.just("019ab123-4567-7abc-8def-0123456789a0"),
        "epoch": st.integers(0, 2**53 - 1),
        "seq": st.integers(0, 2**53 - 1),
        "ts": moments,
    }
)


@given(
    envelope=envelopes,
    kind=st.sampled_from([CommandKind.SETPOINT, CommandKind.LIMIT]),
    power_w=st.integers(-1_000_000, 1_000_000),
    start=moments,
    duration=st.timedeltas(timedelta(seconds=1), timedelta(hours=4)),
    ramp_w_per_s=st.none() | st.integers(1, 1_000_000),
    test=st.none() | st.booleans(),
)
def test_a_command_is_read_as_it_was_written(
    envelope: dict[str, Any],
    kind: CommandKind,
    power_w: int,
    start: datetime,
    duration: timedelta,
    ramp_w_per_s: int | None,
    test: bool | None,
) -> None:
    command = Command(
        **envelope,
        kind=kind,
        power_w=power_w,
        start=start,
        end=start + duration,
        ramp_w_per_s=ramp_w_per_s,
        test=test,
    )
    again = decode(encode(command), Command)
    assert replace(again, ts=command.ts, start=start, end=command.end) == command
    for name in ("ts", "start", "end"):
        lost = getattr(command, name) - getattr(again, name)
        assert timedelta(0) <= lost < timedelta(milliseconds=1)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_no_bytes_do_more_than_break_the_contract(payload: bytes) -> None:
    for kind in MESSAGES:
        with contextlib.suppress(ContractError):
            assert isinstance(decode(payload, kind), Message)


def test_a_moment_has_three_decimals_and_is_cut_not_rounded() -> None:
    moment = datetime(2026, 11, 23, 17, 0, 0, 999_999, tzinfo=UTC)
    assert format_timestamp(moment) == "2026-11-23T17:00:00.999Z"
    assert decode(example("heartbeat"), Heartbeat).ts.tzinfo is UTC
