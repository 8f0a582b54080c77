"""A setpoint, who asked for it, and the limit that binds it."""

from dataclasses import dataclass
from enum import StrEnum

from .ids import EvseKey, TransactionId


class ControlOwner(StrEnum):
    """Who holds the control lease of an EVSE, the strongest first."""

    USER = "user"
    EXTERNAL = "external"
    """Somebody who does not ask this home: the charger was changed beside it."""

    TRIP = "trip"
    """A departure of which the vehicle would fall short otherwise."""

    SELF_TEST = "self_test"
    VPP = "vpp"
    AUTOMATION = "automation"
    """Another automation of the home that took the lease for a while."""

    PLAN = "plan"
    MODE = "mode"
    GRID = "grid"
    """What rests follows the frequency by itself, where the owner of the home wants it."""

    NONE = "none"


LOCAL_OWNERS = frozenset(
    {
        ControlOwner.AUTOMATION,
        ControlOwner.PLAN,
        ControlOwner.MODE,
        ControlOwner.GRID,
    }
)
"""Owners below a dispatch: what the home does by itself."""


class Reason(StrEnum):
    """Why the setpoint is what it is: the limit that binds, or what was asked."""

    AS_REQUESTED = "as_requested"
    NOTHING_REQUESTED = "nothing_requested"
    MODE_OFF = "mode_off"
    EMERGENCY_STOP = "emergency_stop"
    FAULT = "fault"
    GRID_LOST = "grid_lost"
    """There is no grid, or the station makes one of its own."""

    GRID_FREQUENCY = "grid_frequency"
    ENTER_SERVICE = "enter_service"
    """The grid is back, and power waits for its turn."""

    FREQUENCY_STALE = "frequency_stale"
    """What shall follow the frequency has none to follow."""

    FREQUENCY_UNFIT = "frequency_unfit"
    """The frequency is read too coarsely or seldom, or the charger is too slow for it."""

    STORE_UNREADABLE = "store_unreadable"
    HOST_LATE = "host_late"
    """The loop in which all of this runs is late again and again."""

    STATION_OFFLINE = "station_offline"
    STATION_NOT_READY = "station_not_ready"
    NO_FLOOR_PROFILE = "no_floor_profile"
    OUT_OF_OPERATION = "out_of_operation"
    NOT_PLUGGED = "not_plugged"
    PRIORITY_CHARGING = "priority_charging"
    """Somebody at the charger wants to charge now."""

    NO_TRANSACTION = "no_transaction"
    AFTER_START = "after_start"
    STOPPING = "stopping"
    STATION_LIMIT = "station_limit"
    VEHICLE_LIMIT = "vehicle_limit"
    OWNER_LIMIT = "owner_limit"
    EXPORT_LIMIT = "export_limit"
    THERMAL = "thermal"
    IMPORT_LIMIT = "import_limit"
    FUSE = "fuse"
    CIRCUIT = "circuit"
    IMBALANCE = "imbalance"
    HOME_BATTERY = "home_battery"
    """A discharge would only fill the home battery."""

    FROM_HOME_BATTERY = "from_home_battery"
    """A charge would only come out of the home battery."""

    SITE_METER_STALE = "site_meter_stale"
    NO_SURPLUS = "no_surplus"
    NOTHING_TO_BALANCE = "nothing_to_balance"
    MODE_NOT_SET_UP = "mode_not_set_up"
    NO_PLAN = "no_plan"
    MINIMUM_POWER = "minimum_power"
    CONTACTOR = "contactor"
    """Held as it is: switching again so soon would wear the contactor."""

    RAMP = "ramp"
    OTHERS_SERVE = "others_serve"
    """Other EVSEs of the home serve all of what was asked."""

    ENERGY_WINDOW = "energy_window"
    """More would not last until the end of what was promised."""

    SOC_UNKNOWN = "soc_unknown"
    RESERVE_FLOOR = "reserve_floor"
    VPP_FLOOR = "vpp_floor"
    TRIP_FLOOR = "trip_floor"
    """What the next departure needs."""

    EVENT_RESERVE = "event_reserve"
    """What is left is kept for an event that is booked."""

    CYCLE_BUDGET = "cycle_budget"
    """The battery gave what it may give in a day."""

    MAX_SOC = "max_soc"
    DISCHARGE_NOT_ALLOWED = "discharge_not_allowed"
    NOT_PROVEN = "not_proven"
    NO_DIALECT = "no_dialect"
    EXTERNAL = "external"
    """Somebody else changed the charger, and is not fought."""

    NO_GUARANTEE = "no_guarantee"
    """The charger does not end a discharge by itself, so none is promised away."""

    SPELL_OVER = "spell_over"
    """A discharge that does not end by itself had its time; 0 W comes first."""

    VEHICLE_UNKNOWN = "vehicle_unknown"
    VEHICLE_NOT_ALLOWED = "vehicle_not_allowed"
    VEHICLE_NOT_BIDIRECTIONAL = "vehicle_not_bidirectional"
    METER_STALE = "meter_stale"
    WRITE_BUDGET = "write_budget"
    STATION_CLOCK = "station_clock"
    NOTHING_FLOWS = "nothing_flows"
    FAILSAFE = "failsafe"
    OUTPUT_GATE = "output_gate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setpoint:
    """What an EVSE shall do now, after every limit."""

    power_w: float
    """Effective; positive flows into the vehicle."""

    requested_w: float
    """What the owner of the lease asked for."""

    owner: ControlOwner
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SetpointWrite:
    """One write to a station, made by one control tick.

    A discharge that waited longer than ``MAX_WRITE_AGE_S`` must not reach the wire: the
    adapter drops it and answers STALE.
    """

    key: EvseKey
    power_w: float
    transaction_id: TransactionId | None
    """None: no transaction runs; only 0 W can be meant."""

    decided_mono_s: float
    is_renewal: bool = False
    """True: send the whole profile anew, not only an update of it."""


MAX_WRITE_AGE_S = 2.0
"""A discharge write lives only this long after its tick (architecture)."""


class WriteStatus(StrEnum):
    """How a write ended; only ACCEPTED changed anything for sure."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TIMEOUT = "timeout"
    OFFLINE = "offline"
    SUPERSEDED = "superseded"
    STALE = "stale"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult:
    """The outcome of one write; never None, never an exception."""

    status: WriteStatus
    detail: str = ""
    """Reason code or error code of the station, verbatim."""

    on_wire_mono_s: float | None = None
    """When the frame left; None when none did."""

    @property
    def is_accepted(self) -> bool:
        """True when the station said Accepted."""
        return self.status is WriteStatus.ACCEPTED
