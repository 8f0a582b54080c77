"""Bytes of the aggregator -> messages; nothing unchecked gets past this module."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
import json
import re
from typing import Any

from ..domain.frequency_response import (
    FEWEST_POINTS,
    MOST_POINTS,
    Droop,
    FrequencyCurve,
    FrequencyPoint,
    FrequencyResponse,
)
from ..domain.ids import EvseKey, StationId
from ..domain.units import millihertz_to_hertz
from .certificate_messages import parse_certificate
from .envelope import Envelope
from .event_parsing import EVENT_ID, parse_event
from .fields import Fields, SchemaError
from .messages import (
    Cancel,
    ClockReply,
    Command,
    Heartbeat,
    Inbound,
    Request,
    Settled,
    Welcome,
    WireKind,
)
from .settlement_parsing import parse_settlement
from .signing import decode_public_keys
from .topics import DownType, is_name

MAX_PAYLOAD_BYTES = 65_536
"""Maximum Packet Size of the contract; nothing of it is longer."""

MAX_WINDOW = timedelta(hours=4)
"""Longest command of the contract."""

MAX_SPREAD_S = 3_600
"""Homes begin within an hour at most."""

_MAX_POWER_W = 1_000_000
_FREQUENCY_MHZ = (40_000, 70_000)
_ENVELOPE = frozenset({"version", "type", "id", "epoch", "seq", "ts"})
_COMMAND = _ENVELOPE | {
    "resource",
    "kind",
    "power_w",
    "start",
    "end",
    "ramp_w_per_s",
    "priority",
    "event_id",
    "start_spread_s",
    "test",
    "dry_run",
    "droop",
    "curve",
}
_CANCEL = _ENVELOPE | {"command_id", "all"}
_WITH_POWER = frozenset({WireKind.SETPOINT, WireKind.LIMIT})
_WANTED = frozenset(
    {"state", "hello", "offer", "availability", "telemetry"}
    | {"participation", "forecast", "report"}
)
_FEATURE = r"[a-z0-9_.]{1,40}"
_VERSION = r"1\.(?:0|[1-9][0-9]{0,2})"
_RESOURCE = re.compile(r"([A-Za-z0-9._:-]{1,48})/([1-9][0-9]{0,3})")


def load_object(payload: bytes) -> Fields:
    """Return the fields of a payload.

    Raises:
        SchemaError: when it is not one JSON object of the contract's form.
    """
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise SchemaError("payload")
    try:
        raw = json.loads(
            payload.decode("utf-8"),
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
        )
        if b"\\u" in payload:
            # Half a character could be shown to nobody, and never be stored.
            json.dumps(raw, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as err:
        raise SchemaError("payload") from err
    if not isinstance(raw, dict):
        raise SchemaError("payload")
    return Fields(raw)


def parse(  # noqa: PLR0911 - one branch per message
    kind: DownType, payload: bytes
) -> Inbound:
    """Return the message of a topic.

    Raises:
        SchemaError: naming the first field that is wrong.
    """
    fields = load_object(payload)
    match kind:
        case DownType.COMMAND:
            return _parse_command(fields)
        case DownType.CANCEL:
            return _parse_cancel(fields)
        case DownType.EVENT:
            return parse_event(fields, _parse_envelope(fields, "event"))
        case DownType.HEARTBEAT:
            return Heartbeat(envelope=_parse_envelope(fields, "heartbeat"))
        case DownType.WELCOME:
            return _parse_welcome(fields)
        case DownType.CLOCK:
            return _parse_clock_reply(fields)
        case DownType.REQUEST:
            return _parse_request(fields)
        case DownType.CERTIFICATE:
            return parse_certificate(fields, _parse_envelope(fields, "certificate"))
        case DownType.SETTLEMENT:
            return Settled(
                envelope=_parse_envelope(fields, "settlement"),
                settlement=parse_settlement(fields, EVENT_ID),
            )


def readable_id(payload: bytes) -> str | None:
    """Return the id of a message that is otherwise wrong, to answer it by."""
    try:
        return load_object(payload).uuid("id")
    except SchemaError:
        return None


def _parse_envelope(fields: Fields, kind: str) -> Envelope:
    fields.choice("type", (kind,))
    return Envelope(
        version=fields.text("version", _VERSION),
        message_id=fields.uuid("id"),
        epoch=fields.counter("epoch"),
        seq=fields.counter("seq"),
        made_at=fields.moment("ts"),
    )


def _parse_command(fields: Fields) -> Command:
    envelope = _parse_envelope(fields, "command")
    fields.close(_COMMAND)
    kind = WireKind(fields.choice("kind", tuple(WireKind)))
    start_at, end_at = fields.moment("start"), fields.moment("end")
    if not timedelta(0) < end_at - start_at <= MAX_WINDOW:
        raise SchemaError("end")
    _check_options(fields, kind)
    power_w = 0
    if kind in _WITH_POWER:
        power_w = fields.integer("power_w", -_MAX_POWER_W, _MAX_POWER_W)
    return Command(
        envelope=envelope,
        kind=kind,
        resource=_parse_resource(fields),
        power_w=float(power_w),
        start_at=start_at,
        end_at=end_at,
        event_id=fields.optional("event_id", lambda n: fields.text(n, EVENT_ID)),
        start_spread_s=fields.optional(
            "start_spread_s", lambda n: fields.integer(n, 0, MAX_SPREAD_S)
        )
        or 0,
        is_test=bool(fields.optional("test", fields.boolean)),
        is_dry_run=bool(fields.optional("dry_run", fields.boolean)),
        response=_parse_response(fields, kind),
    )


def _check_options(fields: Fields, kind: WireKind) -> None:
    """Check what the home does not use yet: a closed message has no unread corner."""
    for name, is_due in (
        ("power_w", kind in _WITH_POWER),
        ("droop", kind is WireKind.DROOP),
        ("curve", kind is WireKind.CURVE),
    ):
        if (name in fields) is not is_due:
            raise SchemaError(name)
    for name, lowest, highest in (
        ("ramp_w_per_s", 1, _MAX_POWER_W),
        ("priority", 0, 9),
    ):
        if name in fields:
            fields.integer(name, lowest, highest)


def _parse_response(fields: Fields, kind: WireKind) -> FrequencyResponse | None:
    if kind is WireKind.DROOP:
        return _parse_droop(fields.nested("droop"))
    if kind is WireKind.CURVE:
        return _parse_curve(fields.array("curve", FEWEST_POINTS, MOST_POINTS))
    return None


def _parse_droop(fields: Fields) -> Droop:
    fields.close(frozenset({"nominal_mhz", "dead_band_mhz", "power_w_per_hz"}))
    return Droop(
        nominal_hz=_hertz(fields, "nominal_mhz", *_FREQUENCY_MHZ),
        dead_band_hz=_hertz(fields, "dead_band_mhz", 0, 5_000),
        power_w_per_hz=float(fields.integer("power_w_per_hz", 0, _MAX_POWER_W)),
    )


def _parse_curve(points: Sequence[Any]) -> FrequencyCurve:
    parsed = tuple(_parse_point(raw) for raw in points)
    try:
        return FrequencyCurve(points=parsed)
    except ValueError as err:
        # No schema can say that frequencies rise.
        raise SchemaError("curve") from err


def _parse_point(raw: Any) -> FrequencyPoint:
    fields = Fields.of(raw, "curve")
    fields.close(frozenset({"frequency_mhz", "power_w"}))
    power_w = fields.integer("power_w", -_MAX_POWER_W, _MAX_POWER_W)
    return FrequencyPoint(
        frequency_hz=_hertz(fields, "frequency_mhz", *_FREQUENCY_MHZ),
        power_w=float(power_w),
    )


def _hertz(fields: Fields, name: str, lowest_mhz: int, highest_mhz: int) -> float:
    return millihertz_to_hertz(fields.integer(name, lowest_mhz, highest_mhz))


def _parse_resource(fields: Fields) -> EvseKey | None:
    if "resource" not in fields:
        return None
    match = _RESOURCE.fullmatch(fields.text("resource", ".*"))
    if match is None:
        raise SchemaError("resource")
    return EvseKey(StationId(match[1]), int(match[2]))


def _parse_cancel(fields: Fields) -> Cancel:
    envelope = _parse_envelope(fields, "cancel")
    fields.close(_CANCEL)
    if ("command_id" in fields) is ("all" in fields):
        raise SchemaError("command_id")
    if "all" in fields and not fields.boolean("all"):
        raise SchemaError("all")
    return Cancel(
        envelope=envelope, command_id=fields.optional("command_id", fields.uuid)
    )


def _parse_welcome(fields: Fields) -> Welcome:
    envelope = _parse_envelope(fields, "welcome")
    is_accepted = fields.choice("status", ("accepted", "refused")) == "accepted"
    needs = ("chosen_version", "features", "heartbeat_period_s", "telemetry_period_s")
    for name in needs if is_accepted else ():
        fields.require(name)
    if "features" in fields:
        fields.texts("features", _FEATURE, 64)
    version = fields.optional("chosen_version", lambda n: fields.text(n, _VERSION))
    return Welcome(
        envelope=envelope,
        hello_id=fields.uuid("hello_id"),
        is_accepted=is_accepted,
        code=fields.choice("code", ("OK", "VERSION", "UNSUPPORTED", "NOT_PERMITTED")),
        chosen_version=version,
        heartbeat_period_s=fields.optional(
            "heartbeat_period_s", lambda n: fields.integer(n, 1, 10)
        )
        or 5,
        telemetry_period_s=fields.optional(
            "telemetry_period_s", lambda n: fields.integer(n, 1, 60)
        )
        or 10,
        reconnect_max_s=fields.optional(
            "reconnect_max_s", lambda n: fields.integer(n, 1, 120)
        ),
        groups=_parse_groups(fields),
        signing_keys=fields.optional("signing_keys", lambda n: _parse_keys(fields, n)),
    )


def _parse_groups(fields: Fields) -> tuple[str, ...]:
    if "groups" not in fields:
        return ()
    groups = fields.texts("groups", ".*", 16)
    if not all(is_name(group) for group in groups):
        raise SchemaError("groups")
    return groups


def _parse_keys(fields: Fields, name: str) -> Mapping[str, bytes]:
    keys = fields.nested(name).raw
    if not 1 <= len(keys) <= 4 or not all(isinstance(k, str) for k in keys.values()):
        raise SchemaError(name)
    try:
        return decode_public_keys(keys)
    except ValueError as err:
        raise SchemaError(name) from err


def _parse_clock_reply(fields: Fields) -> ClockReply:
    return ClockReply(
        envelope=_parse_envelope(fields, "clock_reply"),
        request_id=fields.uuid("request_id"),
        received_at=fields.moment("received_at"),
        sent_at=fields.moment("sent_at"),
    )


def _parse_request(fields: Fields) -> Request:
    envelope = _parse_envelope(fields, "request")
    wanted = frozenset(fields.texts("wanted", ".*", 8, fewest=1))
    if not wanted <= _WANTED:
        raise SchemaError("wanted")
    return Request(envelope=envelope, wanted=wanted)


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that comes twice: two readers would read two messages."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("repeated key")
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(name)
