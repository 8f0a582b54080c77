"""The messages of the VPP contract, version 1.0, as this side understands them.

Field names are the keys of the wire. A field that may be absent has the default None;
a field without a default that may be None is written as null.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from .envelope import Message
from .settlement_messages import Report, Settlement

VERSION = "1.0"
"""The only version that this aggregator speaks."""

FEATURES = (
    "setpoint",
    "limit",
    "release",
    "dry_run",
    "clock",
    "event",
    "start_spread",
    "report",
)
"""What this aggregator uses of version 1.0."""


class CommandKind(StrEnum):
    """Kinds of command that this aggregator sends."""

    SETPOINT = "setpoint"
    LIMIT = "limit"
    DROOP = "droop"
    CURVE = "curve"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class State(Message):
    """Birth or Will of a home."""

    TYPE: ClassVar[str] = "state"
    status: str
    boot_id: str
    connection: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello(Message):
    """What a home can speak."""

    TYPE: ClassVar[str] = "hello"
    versions: tuple[str, ...]
    features: tuple[str, ...]
    boot_id: str
    connection: int
    signing_keys: Mapping[str, str]
    software: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """How a charger answers a setpoint."""

    dead_time_s: float
    ramp_w_per_s: float
    resolution_w: int
    is_measured: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceOffer:
    """Nameplate of one EVSE."""

    resource: str
    max_charge_power_w: int
    max_discharge_power_w: int
    minimum_power_w: int
    fingerprint: Fingerprint
    setpoint_interval_s: float
    deadman_s: float | None
    failsafe_s: float
    guarantee: str
    metering_point: str
    meter_class: str
    features: tuple[str, ...] | None = None
    """What it can do now beyond the features of the hello."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(Message):
    """What a home brings to the programme."""

    TYPE: ClassVar[str] = "offer"
    programme_id: str
    is_opted_in: bool
    clock_quality_ms: int | None
    resources: tuple[ResourceOffer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceAvailability:
    """What one EVSE would do now; watts, positive = charging."""

    resource: str
    lowest_w: int
    highest_w: int
    dead_band_w: int
    deliverable_wh: int
    absorbable_wh: int
    until: datetime
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAvailability:
    """What the home as a whole would do now; watts, positive = charging."""

    lowest_w: int
    highest_w: int
    deliverable_wh: int
    absorbable_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability(Message):
    """What a command would get now, after floors and limits."""

    TYPE: ClassVar[str] = "availability"
    resources: tuple[ResourceAvailability, ...]
    site: SiteAvailability


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack(Message):
    """One answer of a home about one command or cancel."""

    TYPE: ClassVar[str] = "ack"
    command_id: str
    status: str
    code: str
    committed_w: int
    binding: tuple[str, ...]
    test: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceTelemetry:
    """What is measured at one EVSE."""

    resource: str
    state: str
    power_w: int | None
    charged_wh: int | None
    discharged_wh: int | None
    quality: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry(Message):
    """What is measured in a home now."""

    TYPE: ClassVar[str] = "telemetry"
    power_w: int | None
    frequency_mhz: int | None
    command_id: str | None
    quality: str
    resources: tuple[ResourceTelemetry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRequest(Message):
    """A home asks what time it is here."""

    TYPE: ClassVar[str] = "clock_request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome(Message):
    """Answer to a hello; the optional fields are there when it is accepted."""

    TYPE: ClassVar[str] = "welcome"
    hello_id: str
    status: str
    code: str
    chosen_version: str | None = None
    features: tuple[str, ...] | None = None
    heartbeat_period_s: int | None = None
    telemetry_period_s: int | None = None
    reconnect_max_s: int | None = None
    groups: tuple[str, ...] | None = None
    signing_keys: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Droop:
    """Power against the deviation of the frequency beyond a dead band."""

    nominal_mhz: int
    dead_band_mhz: int
    power_w_per_hz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """One point of a power over frequency; watts, positive = charging."""

    frequency_mhz: int
    power_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Message):
    """An order to a home; watts, positive = charging."""

    TYPE: ClassVar[str] = "command"
    kind: CommandKind
    start: datetime
    end: datetime
    resource: str | None = None
    power_w: int | None = None
    ramp_w_per_s: int | None = None
    priority: int | None = None
    event_id: str | None = None
    start_spread_s: int | None = None
    test: bool | None = None
    dry_run: bool | None = None
    droop: Droop | None = None
    curve: tuple[CurvePoint, ...] | None = None
    """By rising frequency; no power falls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWindow:
    """One span of an event; exactly one of both powers is given."""

    start: datetime
    end: datetime
    power_w: int | None = None
    limit_w: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPrice:
    """What is paid for a kWh."""

    amount_minor_per_kwh: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Message):
    """What is planned, ahead of the commands; watts, positive = charging."""

    TYPE: ClassVar[str] = "event"
    status: str
    event_id: str
    programme_id: str
    windows: tuple[EventWindow, ...] | None = None
    notice_s: int | None = None
    opt_out_until: datetime | None = None
    price: EventPrice | None = None
    start_spread_s: int | None = None
    test: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedWindow:
    """What a home expects to hold in one window."""

    start: datetime
    expected_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Participation(Message):
    """Whether a home takes part in an event, and with what."""

    TYPE: ClassVar[str] = "participation"
    event_id: str
    status: str
    windows: tuple[ExpectedWindow, ...]
    why: tuple[str, ...]
    test: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRoom:
    """What a home could give and take; magnitudes."""

    deliverable_w: int
    absorbable_w: int
    deliverable_wh: int
    absorbable_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSlot:
    """Half an hour of a forecast."""

    start: datetime
    p10: ForecastRoom
    p50: ForecastRoom


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast(Message):
    """What a home could do in the next day, where its owner shares it."""

    TYPE: ClassVar[str] = "forecast"
    slots: tuple[ForecastSlot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Message):
    """End one command, or (``all`` is True) every one."""

    TYPE: ClassVar[str] = "cancel"
    command_id: str | None = None
    all: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat(Message):
    """The aggregator lives and leads."""

    TYPE: ClassVar[str] = "heartbeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReply(Message):
    """Answer to a clock request."""

    TYPE: ClassVar[str] = "clock_reply"
    request_id: str
    received_at: datetime
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Message):
    """Ask a home to say something again."""

    TYPE: ClassVar[str] = "request"
    wanted: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRequest(Message):
    """A home asks for its next certificate."""

    TYPE: ClassVar[str] = "csr"
    csr_pem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate(Message):
    """The next certificate of a home."""

    TYPE: ClassVar[str] = "certificate"
    csr_id: str
    certificate_pem: str


MESSAGES: tuple[type[Message], ...] = (
    State,
    Hello,
    Offer,
    Availability,
    Ack,
    Telemetry,
    ClockRequest,
    Welcome,
    Command,
    Cancel,
    Event,
    Participation,
    Forecast,
    Heartbeat,
    ClockReply,
    Request,
    CertificateRequest,
    Certificate,
    Report,
    Settlement,
)
"""Every message of version 1.0."""
