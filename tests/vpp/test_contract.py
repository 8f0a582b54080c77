"""The published schemas, their examples, and our codec agree."""

import copy
from dataclasses import replace
from datetime import datetime, timedelta
import json
from typing import Any

from hypothesis import given, settings, strategies as st
import jsonschema_rs
import pytest

from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    BindingClass,
    DispatchAck,
)
from custom_components.v2g_vpp.domain.forecast import ForecastRoom, ForecastSlot
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.programme_events import Participation
from custom_components.v2g_vpp.domain.wall_time import format_moment
from custom_components.v2g_vpp.vpp.codec import serialise
from custom_components.v2g_vpp.vpp.envelope import Envelope
from custom_components.v2g_vpp.vpp.event_messages import (
    ExpectedWindow,
    Forecast,
    ParticipationNote,
)
from custom_components.v2g_vpp.vpp.fields import MAX_COUNTER, SchemaError
from custom_components.v2g_vpp.vpp.messages import (
    Availability,
    ClockRequest,
    CoarseState,
    Command,
    Guarantee,
    Hello,
    Offer,
    OfferedResource,
    Quality,
    ResourceRoom,
    ResourceTelemetry,
    Room,
    State,
    Telemetry,
    WireKind,
)
from custom_components.v2g_vpp.vpp.parsing import MAX_PAYLOAD_BYTES, parse, readable_id
from custom_components.v2g_vpp.vpp.signing import encode_base64url
from custom_components.v2g_vpp.vpp.speaker import new_id
from custom_components.v2g_vpp.vpp.topics import DownType

from .actors import EPOCH_START
from .schemas import NAMES, example, schema, validator

DOWN = {
    DownType.COMMAND: "command",
    DownType.CANCEL: "cancel",
    DownType.EVENT: "event",
    DownType.HEARTBEAT: "heartbeat",
    DownType.WELCOME: "welcome",
    DownType.CLOCK: "clock_reply",
    DownType.REQUEST: "request",
    DownType.CERTIFICATE: "certificate",
    DownType.SETTLEMENT: "settlement",
}
DRAFT = "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize("name", NAMES)
def test_schema_is_valid_and_its_example_follows_it(name: str) -> None:
    assert schema(name)["$schema"] == DRAFT
    jsonschema_rs.meta.validate(schema(name))
    validator(name).validate(example(name))
    assert not validator(name).is_valid({}), "an empty message must not pass"


@pytest.mark.parametrize("kind", list(DOWN))
def test_example_of_the_aggregator_parses(kind: DownType) -> None:
    message = parse(kind, json.dumps(example(DOWN[kind])).encode())
    assert message.envelope.message_id == example(DOWN[kind])["id"]


# ---- both readers say the same about any message near a good one

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**54), 2**54),
    st.sampled_from(
        [
            "",
            "x",
            "1.0",
            "2.0",
            "1.01",
            "CS1/1",
            "CS1/0",
            "CS1",
            "setpoint",
            "release",
            "droop",
            "2026-11-23T17:00:00.000Z",
            "2026-11-23T17:00:00Z",
            "2026-11-23T17:00:00.000+00:00",
            "019ab123-4567-7abc-8def-0123456789a0",
            "019ab123-4567-4abc-8def-0123456789a0",
        ]
    ),
    st.just([]),
    st.just({}),
    st.lists(st.sampled_from(["hello", "offer", "feeder-7", "a--b", "x"]), max_size=3),
    st.just([{"start": "2026-11-23T17:00:00.000Z", "power_w": 1}]),
    st.just(
        [
            {
                "start": "2026-11-23T17:00:00.000Z",
                "end": "2026-11-23T18:00:00.000Z",
                "limit_w": 0,
            }
        ]
    ),
    st.just({"amount_minor_per_kwh": 12, "currency": "EUR"}),
    st.sampled_from(["announced", "withdrawn"]),
    st.just({"nominal_mhz": 50000, "dead_band_mhz": 10, "power_w_per_hz": 100}),
    # That frequencies rise no schema can say; test_gate has the others.
    st.just([{"frequency_mhz": mhz, "power_w": 1} for mhz in (49900, 50000)]),
)


@settings(max_examples=500, deadline=None)
@given(data=st.data(), kind=st.sampled_from(list(DOWN)))
def test_parser_and_schema_agree_about_any_message(
    data: st.DataObject, kind: DownType
) -> None:
    name = DOWN[kind]
    message = copy.deepcopy(example(name))
    known = sorted(schema(name)["properties"])
    changes = data.draw(
        st.dictionaries(
            st.sampled_from([*known, "unknown"]), st.one_of(st.just(...), JUNK)
        )
    )
    for field, value in changes.items():
        if value is ...:
            message.pop(field, None)
        else:
            message[field] = value
    is_valid = validator(name).is_valid(message)
    wrong_field = None
    try:
        parse(kind, json.dumps(message).encode())
    except SchemaError as err:
        wrong_field = err.field
    # What no schema can say: the end comes after the start.
    is_backwards = (name, wrong_field) in {("command", "end"), ("event", "windows")}
    assert is_valid is (wrong_field is None) or is_backwards


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"\xff\xfe",
        b'{"id": NaN}',
        b'{"a": 1, "a": 2}',
        b"[" * 60_000,
        b'{"a": ' * 10_000,
        b'{"seq": ' + b"9" * 5000 + b"}",
        b" " * (MAX_PAYLOAD_BYTES + 1),
    ],
)
@pytest.mark.parametrize("kind", list(DOWN))
def test_what_is_no_message_is_a_schema_error(kind: DownType, payload: bytes) -> None:
    with pytest.raises(SchemaError):
        parse(kind, payload)
    assert readable_id(payload) is None


@pytest.mark.parametrize("extra", ['"seq": 3', '"unknown": NaN', '"unknown": Infinity'])
def test_what_two_readers_could_read_differently_is_refused(extra: str) -> None:
    good = json.dumps(example("heartbeat"))
    parse(DownType.HEARTBEAT, good.encode())
    with pytest.raises(SchemaError):
        parse(DownType.HEARTBEAT, f"{good[:-1]}, {extra}}}".encode())


@given(st.binary(max_size=200))
def test_no_bytes_can_raise_anything_else(payload: bytes) -> None:
    for kind in DOWN:
        with pytest.raises(SchemaError):
            parse(kind, payload)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("power_w", 5000.0),
        ("power_w", True),
        ("power_w", 1_000_001),
        ("seq", -1),
        ("seq", MAX_COUNTER + 1),
        ("start", "2026-02-30T00:00:00.000Z"),
        ("end", "2026-11-23T17:00:00.000Z"),
        ("end", "2026-11-23T21:00:00.001Z"),
        ("event_id", "a b"),
        ("resource", "CS1/0"),
        ("ramp_w_per_s", 0),
        ("test", 1),
        ("extra", 1),
    ],
)
def test_command_field_that_is_wrong_is_named(field: str, value: Any) -> None:
    message = example("command") | {field: value}
    with pytest.raises(SchemaError) as caught:
        parse(DownType.COMMAND, json.dumps(message).encode())
    assert caught.value.field == field


def test_command_carries_what_was_written() -> None:
    command = parse(DownType.COMMAND, json.dumps(example("command")).encode())
    assert isinstance(command, Command)
    assert command.kind is WireKind.SETPOINT
    assert command.power_w == -5000.0
    assert command.resource == EvseKey(StationId("CS1"), 1)
    assert command.end_at - command.start_at == timedelta(minutes=30)
    assert command.event_id == "peak-2026-11-23"


# ---- whatever the home says follows the schema

moments = st.timedeltas(timedelta(0), timedelta(days=25_000)).map(
    lambda age: EPOCH_START + age
)
powers = st.floats(-99_999, 99_999)
magnitudes = st.floats(0, 99_999)
energies = st.floats(0, 1e8)
keys = st.builds(
    EvseKey,
    st.from_regex(r"[A-Za-z0-9._:-]{1,48}", fullmatch=True).map(StationId),
    st.integers(1, 99),
)
classes = st.lists(st.sampled_from(BindingClass), unique=True).map(tuple)
rooms = st.builds(
    Room,
    lowest_w=st.floats(-99_999, 0),
    highest_w=magnitudes,
    deliverable_wh=energies,
    absorbable_wh=energies,
)
forecast_rooms = st.builds(
    ForecastRoom,
    deliverable_w=magnitudes,
    absorbable_w=magnitudes,
    deliverable_wh=energies,
    absorbable_wh=energies,
)
event_words = st.from_regex(r"[A-Za-z0-9._-]{1,64}", fullmatch=True)
event_answers = st.one_of(
    st.builds(
        ParticipationNote,
        event_id=event_words,
        status=st.sampled_from(Participation),
        windows=st.lists(
            st.builds(ExpectedWindow, start_at=moments, expected_w=powers),
            min_size=1,
            max_size=16,
        ).map(tuple),
        why=classes,
        is_test=st.booleans(),
    ),
    st.builds(
        ForecastSlot, start_at=moments, p10=forecast_rooms, p50=forecast_rooms
    ).map(lambda slot: Forecast(slots=(slot,) * 48)),
)
outbound = st.one_of(
    event_answers,
    st.builds(
        State,
        is_online=st.booleans(),
        boot_id=st.builds(new_id),
        connection=st.integers(1, 1000),
    ),
    st.builds(
        Hello,
        boot_id=st.builds(new_id),
        connection=st.integers(1, 1000),
        software=st.just("v2g_vpp 0.1.0"),
        signing_keys=st.just({"home-1": encode_base64url(b"k" * 32)}),
    ),
    st.just(ClockRequest()),
    st.builds(
        Offer,
        programme_id=st.just("evening-peak"),
        is_opted_in=st.booleans(),
        clock_quality_ms=st.none() | st.integers(0, 1000),
        resources=st.lists(
            st.builds(
                OfferedResource,
                key=keys,
                max_charge_power_w=magnitudes,
                max_discharge_power_w=magnitudes,
                minimum_power_w=magnitudes,
                dead_time_s=st.floats(0, 60),
                ramp_w_per_s=st.floats(1, 10_000),
                resolution_w=st.floats(1, 5_000),
                is_measured=st.booleans(),
                setpoint_interval_s=st.floats(0, 60),
                deadman_s=st.none() | st.floats(0, 90),
                failsafe_s=st.just(30.0),
                guarantee=st.sampled_from(Guarantee),
            ),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(
        Availability,
        resources=st.lists(
            st.builds(
                ResourceRoom, key=keys, room=rooms, dead_band_w=magnitudes, why=classes
            ),
            max_size=3,
        ).map(tuple),
        site=rooms,
    ),
    st.builds(
        Telemetry,
        power_w=st.none() | powers,
        frequency_hz=st.none() | st.floats(45, 65),
        command_id=st.none() | st.builds(new_id),
        quality=st.sampled_from(Quality),
        resources=st.lists(
            st.builds(
                ResourceTelemetry,
                key=keys,
                state=st.sampled_from(CoarseState),
                power_w=st.none() | powers,
                charged_wh=st.none() | energies,
                discharged_wh=st.none() | energies,
                quality=st.sampled_from(Quality),
            ),
            max_size=3,
        ).map(tuple),
    ),
    st.builds(
        DispatchAck,
        order_id=st.builds(new_id),
        status=st.sampled_from(AckStatus),
        code=st.sampled_from(AckCode),
        committed_w=powers,
        binding=classes,
    ),
)


@settings(max_examples=300, deadline=None)
@given(message=outbound, made_at=moments, seq=st.integers(0, MAX_COUNTER))
def test_whatever_the_home_says_follows_its_schema(
    message: Any, made_at: datetime, seq: int
) -> None:
    envelope = Envelope(
        version="1.0", message_id=new_id(), epoch=7, seq=seq, made_at=made_at
    )
    payload = serialise(envelope, message)
    raw = json.loads(payload)
    validator(raw["type"]).validate(raw)
    assert len(payload) <= MAX_PAYLOAD_BYTES
    # A reader of the contract gets the envelope back.
    as_heartbeat = {**raw, "type": "heartbeat"}
    parsed = parse(DownType.HEARTBEAT, json.dumps(as_heartbeat).encode()).envelope
    whole_ms = made_at.replace(microsecond=made_at.microsecond // 1000 * 1000)
    assert parsed == replace(envelope, made_at=whole_ms)
    assert format_moment(parsed.made_at) == raw["ts"]
