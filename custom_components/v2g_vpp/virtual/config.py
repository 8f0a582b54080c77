"""What a virtual station is made of, what can be broken in it, what it shows."""

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from .battery import BatteryParameters
from .plant import TYPICAL, PlantParameters

DEFAULT_EVCC_ID = "DEVIRTUALEV00001"
"""What the EV of a virtual station calls itself."""

EVSE_ID = 1
"""The first EVSE; the others are numbered from there."""

CONNECTOR_ID = 1
"""Every EVSE has one connector."""


class Protocol(StrEnum):
    """Sub-protocols that the station speaks, newest first."""

    OCPP_2_1 = "ocpp2.1"
    OCPP_2_0_1 = "ocpp2.0.1"
    OCPP_1_6 = "ocpp1.6"


class Fault(StrEnum):
    """Ways to misbehave, switched by tests and by the demonstration."""

    IGNORE_UPDATES = "ignore_updates"
    """Accept every charging profile and update, and do nothing about it."""

    IGNORE_EXPIRY = "ignore_expiry"
    """Go on with the last power when a dynamic profile ran out."""

    IGNORE_STOP = "ignore_stop"
    """Accept RequestStopTransaction and go on."""

    FREEZE_METER = "freeze_meter"
    """Send the last readings again and again, with new times."""

    MUTE_METER = "mute_meter"
    """Send no periodic readings, in no stream either."""

    WRONG_DIRECTION = "wrong_direction"
    """Turn every command round."""

    DROP_LINK = "drop_link"
    """Lose the link and do not dial while this is on."""

    HALF_OPEN = "half_open"
    """Nothing gets through in either direction, and nobody closes the socket."""

    LOSE_FRAMES = "lose_frames"
    """Every third frame of the station does not arrive."""

    REPEAT_FRAMES = "repeat_frames"
    """Every frame of the station arrives twice."""

    LATE_ANSWERS = "late_answers"
    """Answers leave seconds late."""

    REFUSE_ZERO = "refuse_zero"
    """Refuse a power of 0 W, as some chargers do."""

    REFUSE_SMALL = "refuse_small"
    """Refuse a power that is not 0 and smaller than the plant can follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseConfig:
    """One EVSE and the EV that is driven to it; fields as of the station below."""

    plant: PlantParameters = TYPICAL
    battery: BatteryParameters = field(default_factory=BatteryParameters)
    soc_percent: float = 70.0
    phases: int = 3
    evcc_id: str | None = None
    id_token: str = "04A1B2C3D4E5F7"  # noqa: S105 - the number of a card, no secret
    is_v2x_capable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualStationConfig:
    """One virtual charging station with its EV."""

    url: str
    """WebSocket address without the identity, for example ``ws://localhost:8080/``."""

    identity: str
    password: str = field(repr=False)
    protocols: tuple[Protocol, ...] = (Protocol.OCPP_2_1, Protocol.OCPP_2_0_1)
    """Offered in this order."""

    plant: PlantParameters = TYPICAL
    battery: BatteryParameters = field(default_factory=BatteryParameters)
    soc_percent: float = 70.0
    phases: int = 3
    evcc_id: str | None = DEFAULT_EVCC_ID
    """What the EV says when it is plugged in; None: it does not identify itself."""

    id_token: str = "04A1B2C3D4E5F6"  # noqa: S105 - the number of a card, no secret
    more_evses: tuple[EvseConfig, ...] = ()
    """Those after the first, which the fields above describe."""

    energy_import_wh: float = 0.0
    """What the meter of each EVSE counted before the station was switched on."""

    energy_export_wh: float = 0.0
    takes_negative_limits: bool = False
    """True: a limit below 0 discharges, off-standard, on 2.0.1 and 1.6."""

    is_v2x_capable: bool = True
    """False: an EV that charges only."""

    vendor: str = "Virtual"
    model: str = "Bidirectional 11"
    serial_number: str = "VIRTUAL-1"
    firmware: str = "1.0.0"

    clock_offset_s: float = 0.0
    """How far the station's clock is ahead of the true one when it starts."""

    clock_drift_ppm: float = 0.0
    """How much that clock gains, millionths."""

    follows_csms_time: bool = False
    """True: answers to BootNotification and Heartbeat set the clock."""

    startup_s: float = 2.0
    """Plug to authorisation: the handshake between EV and station."""

    profile_wait_s: float = 60.0
    """For a profile that the CSMS promised, before power flows without (K19.FR.08)."""

    reboot_s: float = 1.0
    meter_interval_s: float = 60.0
    """TxUpdatedInterval until the CSMS sets another."""

    reconnect_min_s: float = 1.0
    """First pause before dialling again; doubled up to the maximum, with jitter."""

    reconnect_max_s: float = 30.0
    ping_interval_s: float = 20.0
    """WebSocket ping; half of it without an answer and the link is given up."""

    call_timeout_s: float = 10.0
    tick_s: float = 0.05
    """How often physics and rules are looked at between messages."""

    @property
    def security_profile(self) -> int:
        """What OCPP calls the way it dials: by password, encrypted or not."""
        return 2 if self.url.startswith("wss:") else 1

    @property
    def evse_ids(self) -> tuple[int, ...]:
        """The numbers of all EVSEs, from 1."""
        return tuple(range(EVSE_ID, EVSE_ID + 1 + len(self.more_evses)))

    def of_evse(self, evse_id: int) -> VirtualStationConfig:
        """Return the config as one EVSE has it."""
        if evse_id == EVSE_ID:
            return self
        own = self.more_evses[evse_id - EVSE_ID - 1]
        values = {each.name: getattr(own, each.name) for each in fields(own)}
        return replace(self, **values)


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualStatus:
    """The truth about the station, which no wire shows."""

    is_connected: bool
    protocol: str | None
    is_registered: bool
    boot_count: int
    is_plugged: bool
    is_emergency_stopped: bool
    connector_status: str
    transaction_id: str | None
    charging_state: str | None
    operation_mode: str | None
    active_profile_id: int | None
    is_bidirectional: bool
    commanded_w: float
    true_power_w: float
    measured_power_w: float
    soc_percent: float
    energy_import_wh: float
    energy_export_wh: float
    is_contactor_closed: bool
    cold_opens: int
    hot_opens: int
    queued_events: int
    faults: tuple[str, ...]
    conditions: tuple[str, ...]
    clock_offset_s: float
    """How far the station's clock is ahead of the true one."""

    last_error: str | None
    """Why the last attempt to dial failed, None while the link is up."""
