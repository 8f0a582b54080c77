"""The messages of the contract as typed values; docs/vpp_contract has their schemas."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from ..domain.dispatch import BindingClass, DispatchAck
from ..domain.frequency_response import FrequencyResponse
from ..domain.ids import EvseKey
from ..domain.ledger import LedgerEntry
from ..domain.settlement import Settlement
from .certificate_messages import CertificateReply, CertificateRequest
from .envelope import Envelope
from .event_messages import Event, Forecast, ParticipationNote

VERSION = "1.0"
SUPPORTED_VERSIONS = (VERSION,)
FEATURES = (
    "setpoint",
    "limit",
    "release",
    "dry_run",
    "clock",
    "group",
    "event",
    "start_spread",
    "report",
)
FREQUENCY_FEATURES = ("curve", "droop")
"""Offered by each resource for itself, and only as long as it can serve them: that
changes with its meter, while a hello is said once."""


# ---- from the aggregator


class WireKind(StrEnum):
    """Kinds of command that the contract knows; the home follows the domain's."""

    SETPOINT = "setpoint"
    LIMIT = "limit"
    DROOP = "droop"
    CURVE = "curve"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An order, not yet judged."""

    envelope: Envelope
    kind: WireKind
    resource: EvseKey | None
    """None: the whole home."""

    power_w: float
    """Positive charges; 0 for kinds without a power."""

    start_at: datetime
    end_at: datetime
    event_id: str | None = None
    start_spread_s: int = 0
    """Within which the homes begin and end, each at its own moment."""

    is_test: bool = False
    is_dry_run: bool = False
    response: FrequencyResponse | None = None
    """Of a droop or a curve."""

    @property
    def is_stop(self) -> bool:
        """True when it can only end power: exempt from the checks of order and time."""
        if self.kind is WireKind.RELEASE:
            return True
        return self.kind in {WireKind.SETPOINT, WireKind.LIMIT} and self.power_w == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """End one command, or all."""

    envelope: Envelope
    command_id: str | None
    """None: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The aggregator lives."""

    envelope: Envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The answer to a hello."""

    envelope: Envelope
    hello_id: str
    is_accepted: bool
    code: str
    chosen_version: str | None
    heartbeat_period_s: int
    telemetry_period_s: int
    reconnect_max_s: int | None
    """Longest wait before a try to reconnect; None: as the contract says."""

    groups: tuple[str, ...]
    signing_keys: Mapping[str, bytes] | None
    """Raw keys by key id; None when the message did not name any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReply:
    """The answer to a clock request."""

    envelope: Envelope
    request_id: str
    received_at: datetime
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the home shall say again."""

    envelope: Envelope
    wanted: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What the aggregator pays for an event."""

    envelope: Envelope
    settlement: Settlement


type Inbound = (
    Command
    | Cancel
    | Event
    | Heartbeat
    | Welcome
    | ClockReply
    | Request
    | CertificateReply
    | Settled
)


# ---- from the home


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Birth and Will."""

    is_online: bool
    boot_id: str
    connection: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Versions and features of the home."""

    boot_id: str
    connection: int
    software: str
    signing_keys: Mapping[str, str]
    """Base64url by key id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRequest:
    """The question of the clock check."""


class Guarantee(StrEnum):
    """Who ends a discharge when the home falls silent."""

    STATION_PROVEN = "station_proven"
    STATION_DECLARED = "station_declared"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedResource:
    """Nameplate and measured behaviour of one EVSE."""

    key: EvseKey
    max_charge_power_w: float
    max_discharge_power_w: float
    """Magnitude; 0 where discharge is not possible or not proven."""

    minimum_power_w: float
    dead_time_s: float
    ramp_w_per_s: float
    resolution_w: float
    """In which power can be set, >= 1."""

    is_measured: bool
    setpoint_interval_s: float
    deadman_s: float | None
    failsafe_s: float
    guarantee: Guarantee
    features: tuple[str, ...] = ()
    """What it can do now beyond what the hello says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the home brings to a programme."""

    programme_id: str
    is_opted_in: bool
    clock_quality_ms: int | None
    resources: tuple[OfferedResource, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a command could get."""

    lowest_w: float
    """<= 0."""

    highest_w: float
    """>= 0."""

    deliverable_wh: float
    absorbable_wh: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRoom:
    """The room of one EVSE."""

    key: EvseKey
    room: Room
    dead_band_w: float
    why: tuple[BindingClass, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """The room of the home, after floors and limits."""

    resources: tuple[ResourceRoom, ...]
    site: Room


class CoarseState(StrEnum):
    """What the aggregator may know of an EVSE's state."""

    IDLE = "idle"
    CHARGING = "charging"
    DISCHARGING = "discharging"
    FAULT = "fault"
    OFFLINE = "offline"


class Quality(StrEnum):
    """Of a measured figure."""

    GOOD = "good"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceTelemetry:
    """What one EVSE measures."""

    key: EvseKey
    state: CoarseState
    power_w: float | None
    charged_wh: float | None
    discharged_wh: float | None
    quality: Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """What the home measures."""

    power_w: float | None
    """Sum over the EVSEs with a fresh reading."""

    frequency_hz: float | None
    command_id: str | None
    quality: Quality
    resources: tuple[ResourceTelemetry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of an event: an entry of the ledger as it is."""

    entry: LedgerEntry
    links: Sequence[Mapping[str, Any]]
    """Headers of what the ledger holds between the report before and this."""


type Outbound = (
    State
    | Hello
    | ClockRequest
    | Offer
    | Availability
    | Telemetry
    | DispatchAck
    | ParticipationNote
    | Forecast
    | CertificateRequest
    | Report
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One message to publish."""

    topic: str
    payload: bytes
    qos: int
    is_retained: bool = False
    expiry_s: int | None = None
    """Message Expiry Interval; None keeps it for ever."""

    signature: str | None = None
    response_topic: str | None = None
    correlation: bytes | None = None
