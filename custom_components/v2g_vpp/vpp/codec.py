"""Messages of the home -> bytes of the wire."""

from datetime import timedelta
import json
from typing import Any

from ..domain.dispatch import DispatchAck
from ..domain.forecast import ForecastRoom
from ..domain.units import hertz_to_millihertz
from ..domain.wall_time import format_moment
from .certificate_messages import CertificateRequest
from .envelope import Envelope
from .event_messages import Forecast, ParticipationNote
from .messages import (
    FEATURES,
    SUPPORTED_VERSIONS,
    Availability,
    ClockRequest,
    Hello,
    Offer,
    OfferedResource,
    Outbound,
    Report,
    Room,
    State,
    Telemetry,
)

AVAILABILITY_LIFE = timedelta(minutes=15)
"""How long the aggregator may plan with one availability (contract)."""


def serialise(envelope: Envelope, message: Outbound) -> bytes:
    """Return the payload: compact JSON, the envelope first."""
    kind, body = _body(envelope, message)
    head = {
        "version": envelope.version,
        "type": kind,
        "id": envelope.message_id,
        "epoch": envelope.epoch,
        "seq": envelope.seq,
        "ts": format_moment(envelope.made_at),
    }
    return json.dumps(head | body, separators=(",", ":"), allow_nan=False).encode()


def _body(  # noqa: C901, PLR0911 - one branch per message
    envelope: Envelope, message: Outbound
) -> tuple[str, dict[str, Any]]:
    match message:
        case State():
            return "state", {
                "status": "online" if message.is_online else "offline",
                "boot_id": message.boot_id,
                "connection": message.connection,
            }
        case Hello():
            return "hello", _hello(message)
        case ClockRequest():
            return "clock_request", {}
        case Offer():
            return "offer", {
                "programme_id": message.programme_id,
                "is_opted_in": message.is_opted_in,
                "clock_quality_ms": message.clock_quality_ms,
                "resources": [_offered(one) for one in message.resources],
            }
        case Availability():
            return "availability", _availability(envelope, message)
        case Telemetry():
            return "telemetry", _telemetry(message)
        case Report():
            return "report", {
                "links": [dict(link) for link in message.links],
                "entry": message.entry.to_json(),
            }
        case DispatchAck():
            return "ack", _ack(message)
        case ParticipationNote():
            return "participation", _participation(message)
        case Forecast():
            return "forecast", _forecast(message)
        case CertificateRequest():
            return "csr", {"csr_pem": message.csr_pem}


def _ack(message: DispatchAck) -> dict[str, Any]:
    body: dict[str, Any] = {
        "command_id": message.order_id,
        "status": message.status.value,
        "code": message.code.value,
        "committed_w": round(message.committed_w),
        "binding": [one.value for one in message.binding],
    }
    return body | {"test": True} if message.is_test else body


def _participation(message: ParticipationNote) -> dict[str, Any]:
    body: dict[str, Any] = {
        "event_id": message.event_id,
        "status": message.status.value,
        "windows": [
            {
                "start": format_moment(one.start_at),
                "expected_w": round(one.expected_w),
            }
            for one in message.windows
        ],
        "why": [one.value for one in message.why],
    }
    return body | {"test": True} if message.is_test else body


def _forecast(message: Forecast) -> dict[str, Any]:
    return {
        "slots": [
            {
                "start": format_moment(slot.start_at),
                "p10": _forecast_room(slot.p10),
                "p50": _forecast_room(slot.p50),
            }
            for slot in message.slots
        ]
    }


def _forecast_room(room: ForecastRoom) -> dict[str, int]:
    return {
        "deliverable_w": round(room.deliverable_w),
        "absorbable_w": round(room.absorbable_w),
        "deliverable_wh": round(room.deliverable_wh),
        "absorbable_wh": round(room.absorbable_wh),
    }


def _hello(message: Hello) -> dict[str, Any]:
    return {
        "versions": list(SUPPORTED_VERSIONS),
        "features": list(FEATURES),
        "boot_id": message.boot_id,
        "connection": message.connection,
        "software": message.software,
        "signing_keys": dict(message.signing_keys),
    }


def _offered(resource: OfferedResource) -> dict[str, Any]:
    return {
        "resource": str(resource.key),
        "max_charge_power_w": round(resource.max_charge_power_w),
        "max_discharge_power_w": round(resource.max_discharge_power_w),
        "minimum_power_w": round(resource.minimum_power_w),
        "fingerprint": {
            "dead_time_s": resource.dead_time_s,
            "ramp_w_per_s": resource.ramp_w_per_s,
            "resolution_w": round(resource.resolution_w),
            "is_measured": resource.is_measured,
        },
        "setpoint_interval_s": resource.setpoint_interval_s,
        "deadman_s": resource.deadman_s,
        "failsafe_s": resource.failsafe_s,
        "guarantee": resource.guarantee.value,
        "features": list(resource.features),
        "metering_point": "evse",
        "meter_class": "evse_internal",
    }


def _room(room: Room) -> dict[str, int]:
    return {
        "lowest_w": round(room.lowest_w),
        "highest_w": round(room.highest_w),
        "deliverable_wh": round(room.deliverable_wh),
        "absorbable_wh": round(room.absorbable_wh),
    }


def _availability(envelope: Envelope, message: Availability) -> dict[str, Any]:
    until = format_moment(envelope.made_at + AVAILABILITY_LIFE)
    return {
        "resources": [
            {
                "resource": str(one.key),
                **_room(one.room),
                "dead_band_w": round(one.dead_band_w),
                "until": until,
                "why": [cause.value for cause in one.why],
            }
            for one in message.resources
        ],
        "site": _room(message.site),
    }


def _telemetry(message: Telemetry) -> dict[str, Any]:
    frequency_hz = message.frequency_hz
    return {
        "power_w": _whole(message.power_w),
        "frequency_mhz": None
        if frequency_hz is None
        else hertz_to_millihertz(frequency_hz),
        "command_id": message.command_id,
        "quality": message.quality.value,
        "resources": [
            {
                "resource": str(one.key),
                "state": one.state.value,
                "power_w": _whole(one.power_w),
                "charged_wh": _whole(one.charged_wh),
                "discharged_wh": _whole(one.discharged_wh),
                "quality": one.quality.value,
            }
            for one in message.resources
        ],
    }


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)
