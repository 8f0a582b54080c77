"""What charging stations report, in the words of the product.

Adapters post these in the order of their frames; ``Site`` applies them one by one.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from .capability import (
    EvCapability,
    PlannedPower,
    StationCapability,
)
from .faults import FaultCode
from .grid_settings import GridNote
from .ids import EvseKey, StationId, TransactionId
from .measurement import Measurement
from .security import SecurityEvent
from .state import ClockState, ConnectorStatus, InverterMode
from .vehicle_link import VehicleLink


@dataclass(frozen=True, slots=True, kw_only=True)
class StationConnected:
    """A station opened a link and proved its identity."""

    station_id: StationId
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StationDisconnected:
    """The link of a station is gone."""

    station_id: StationId
    cause: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StationBooted:
    """BootNotification, accepted; also replayed from the store after a restart."""

    station_id: StationId
    vendor: str
    model: str
    serial_number: str | None = None
    firmware: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StationReady:
    """The device model was read and the floor profile confirmed on this link."""

    station_id: StationId
    capability: StationCapability
    has_floor_profile: bool
    other_addresses: tuple[str, ...] = ()
    """Servers that it knows beside this home, the one before among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorReported:
    """A connector changed its status."""

    key: EvseKey
    connector_id: int
    status: ConnectorStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StationClockReported:
    """What live messages say of the clock of a station; told when it changes."""

    station_id: StationId
    state: ClockState
    offset_s: float | None
    """Its clock minus ours, None while unknown."""

    makes_old: bool = False
    """True while all that it stamps counts as old, however soon it is sent."""


class TransactionPhase(StrEnum):
    """Where in its life a transaction is."""

    STARTED = "started"
    UPDATED = "updated"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionReported:
    """A transaction event that is news: duplicates and old replays never get here."""

    key: EvseKey
    transaction_id: TransactionId
    phase: TransactionPhase
    is_offline_replay: bool = False
    """True: it happened while the link was down and must not start any control."""

    is_recalled: bool = False
    """True: told from memory at a new link, not heard on it; it confirms nothing."""

    is_plugged: bool | None = True
    """None: not known, and neither whether it is still the same vehicle."""

    charging_state: str | None = None
    operation_mode: str | None = None
    trigger: str | None = None
    stopped_reason: str | None = None
    has_lost_power: bool = False
    """It ended because the station's own supply was gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementReported:
    """New readings of one EVSE."""

    key: EvseKey
    measurement: Measurement


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleIdentified:
    """The vehicle at an EVSE said who it is."""

    key: EvseKey
    evcc_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargingNeedsReported:
    """The vehicle said what it can do and wants."""

    key: EvseKey
    needs: EvCapability
    heard_mono_s: float | None = None
    """Monotonic; None: not known when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleScheduleReported:
    """What the vehicle itself plans (NotifyEVChargingSchedule)."""

    key: EvseKey
    periods: tuple[PlannedPower, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityChargingReported:
    """Somebody at the charger wants to charge now, whatever was planned, or no more."""

    key: EvseKey
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleLinkReported:
    """How the vehicle and the station talk, as far as the station tells."""

    key: EvseKey
    vehicle_link: VehicleLink


@dataclass(frozen=True, slots=True, kw_only=True)
class InverterReported:
    """What the inverter of an EVSE does; None is neither of both."""

    key: EvseKey
    mode: InverterMode | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactorReported:
    """The power contactor of an EVSE closed or opened."""

    key: EvseKey
    is_closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReported:
    """A fault began or ended; ``evse_id`` 0 in the key means the whole station."""

    key: EvseKey
    code: FaultCode
    is_active: bool
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyStopReported:
    """The station's own emergency stop was pressed (True) or released (False).

    ``evse_id`` 0 in the key means the whole station, as for faults.
    """

    key: EvseKey
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityReported:
    """Something that the owner's security log is for; no state of the station."""

    station_id: StationId
    kind: SecurityEvent
    occurred_at: datetime | None
    """By the clock of whoever tells it, None when it could not be read."""

    detail: str = ""
    """Short and without secrets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSettingNoted:
    """Something happened to a grid setting of a station."""

    station_id: StationId
    note: GridNote


type StationEvent = (
    GridSettingNoted
    | StationConnected
    | StationDisconnected
    | StationBooted
    | StationReady
    | StationClockReported
    | ConnectorReported
    | TransactionReported
    | MeasurementReported
    | VehicleIdentified
    | ChargingNeedsReported
    | VehicleScheduleReported
    | PriorityChargingReported
    | VehicleLinkReported
    | ContactorReported
    | InverterReported
    | FaultReported
    | EmergencyStopReported
    | SecurityReported
)
