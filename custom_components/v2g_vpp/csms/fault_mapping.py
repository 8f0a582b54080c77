"""What 2.x stations report of their components, as faults and states of the product."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from ..domain.faults import FaultCode
from ..domain.state import ConnectorStatus, InverterMode

WHOLE_STATION: Final = 0
"""EVSE number of something that concerns every EVSE."""

MOST_SEVERE_HARMLESS: Final = 3
"""2.1 severities below it (danger, hardware failure, system failure) are faults."""

_FAULTS: Final[Mapping[tuple[str, str], FaultCode]] = {
    ("rcd", "tripped"): FaultCode.GROUND_FAULT,
    ("rcd", "operated"): FaultCode.GROUND_FAULT,
    ("groundisolationprotection", "problem"): FaultCode.GROUND_FAULT,
    ("groundisolationprotection", "active"): FaultCode.GROUND_FAULT,
    ("overcurrentprotection", "tripped"): FaultCode.OVER_CURRENT,
    ("overcurrentprotection", "operated"): FaultCode.OVER_CURRENT,
    ("powercontactor", "problem"): FaultCode.CONTACTOR_WELDED,
    ("powercontactor", "tripped"): FaultCode.CONTACTOR_WELDED,
    ("connectorplugretentionlock", "problem"): FaultCode.CONNECTOR_LOCK_FAILURE,
    ("cppwmcontroller", "problem"): FaultCode.EV_COMM_TIMEOUT,
    ("fiscalmetering", "problem"): FaultCode.METER_FAILURE,
    ("controlmetering", "problem"): FaultCode.METER_FAILURE,
    ("electricalfeed", "problem"): FaultCode.STATION_FAULTED,
    ("elvsupply", "problem"): FaultCode.STATION_FAULTED,
}
"""Component and variable in lower case: names are case-insensitive."""

_ALERTS: Final[Mapping[tuple[str, str], FaultCode]] = {
    ("electricalfeed", "acvoltage"): FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
    ("electricalfeed", "frequency"): FaultCode.GRID_FREQ_OUT_OF_RANGE,
}
"""Values that are a fault while the station calls them an alert."""

_HANDLE_WORDS: Final = ("handle", "plug", "connector")
_EMERGENCY_STOP: Final = "emergencystopsensor"
_EMERGENCY_VARIABLES: Final = frozenset({"active", "tripped"})
_CONTACTOR: Final = ("powercontactor", "active")
_VEHICLE: Final = "connectedev"
_PILOT_STATE: Final = ("cppwmcontroller", "state")
_SENSOR: Final = "temperaturesensor"
INVERTER_MODES: Final = frozenset({("acdcconverter", "mode"), ("dcderctrlr", "mode")})
"""Where a station may tell whether its inverter follows the grid or forms one."""

_ALARM_VARIABLES: Final = frozenset({"problem", "tripped", "fault", "overload"})

WATCHED_BOOLEANS: Final = frozenset(
    {
        *_FAULTS,
        *((_EMERGENCY_STOP, variable) for variable in _EMERGENCY_VARIABLES),
        _CONTACTOR,
        (_VEHICLE, "available"),
        (_SENSOR, "active"),
    }
)
"""Variables whose every change matters."""

WATCHED_COMPONENTS: Final = frozenset({component for component, _ in WATCHED_BOOLEANS})

FAULTS_BY_STOP_REASON: Final[Mapping[str, FaultCode]] = {
    "GroundFault": FaultCode.GROUND_FAULT,
    "OvercurrentFault": FaultCode.OVER_CURRENT,
    "PowerQuality": FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
}
STOPPED_BY_EMERGENCY: Final = "EmergencyStop"

_INVERTER_WORDS: Final[Mapping[str, InverterMode]] = {
    "gridfollowing": InverterMode.GRID_FOLLOWING,
    "gfl": InverterMode.GRID_FOLLOWING,
    "gridforming": InverterMode.GRID_FORMING,
    "gfm": InverterMode.GRID_FORMING,
}

_ALARMS: Final[Mapping[str, FaultCode]] = {
    "OverFrequency": FaultCode.GRID_FREQ_OUT_OF_RANGE,
    "UnderFrequency": FaultCode.GRID_FREQ_OUT_OF_RANGE,
    "OverVoltage": FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
    "UnderVoltage": FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
    "VoltageImbalance": FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
    "OverCurrent": FaultCode.OVER_CURRENT,
}
"""By the grid event of a NotifyDERAlarm; another one is a fault of the station."""

_TRIP: Final = "MustTrip"
"""How the settings that disconnect the station end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentEvent:
    """One element of NotifyEvent that was readable."""

    component: str
    instance: str
    variable: str
    evse_id: int
    connector_id: int
    value: str
    is_true: bool
    """The value is true and the event is not cleared."""

    severity: int | None
    variable_instance: str = ""
    is_alert: bool = False
    """A threshold is exceeded, and the event is not cleared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultChange:
    """A fault began or ended."""

    evse_id: int
    code: FaultCode
    is_active: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyChange:
    """The emergency stop of the station was pressed or released."""

    evse_id: int
    is_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """A connector, an EVSE or the station changed its availability."""

    evse_id: int
    connector_id: int
    status: ConnectorStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityChange:
    """The vehicle told its id."""

    evse_id: int
    evcc_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactorChange:
    """The power contactor closed or opened."""

    evse_id: int
    is_closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleChange:
    """The temperature of the handle, °C."""

    evse_id: int
    temperature_c: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PresenceChange:
    """The vehicle was found, or is not there any more; a fault only while it is used."""

    evse_id: int
    is_there: bool
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleLinkChange:
    """How the vehicle talks to the station; None tells nothing of that part."""

    evse_id: int
    pilot_state: str | None = None
    protocol: str | None = None
    """That both agreed on; empty when they found none."""

    offered: tuple[str, str] | None = None
    """Rank and name of a protocol that the vehicle has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InverterChange:
    """The mode of the inverter; None is neither of both."""

    evse_id: int
    mode: InverterMode | None


type Change = (
    FaultChange
    | EmergencyChange
    | StatusChange
    | IdentityChange
    | ContactorChange
    | HandleChange
    | InverterChange
    | PresenceChange
    | VehicleLinkChange
)


def parse_event(event: object) -> ComponentEvent | None:
    """Return an element of ``eventData``, None when its subject cannot be read."""
    if not isinstance(event, Mapping):
        return None
    component, variable = event.get("component"), event.get("variable")
    if not isinstance(component, Mapping) or not isinstance(variable, Mapping):
        return None
    evse = component.get("evse")
    evse = evse if isinstance(evse, Mapping) else {}
    value = str(event.get("actualValue", ""))
    severity = event.get("severity")
    is_cleared = event.get("cleared") is True
    return ComponentEvent(
        component=str(component.get("name", "")).lower(),
        instance=str(component.get("instance", "")).lower(),
        variable=str(variable.get("name", "")).lower(),
        evse_id=_whole(evse.get("id")),
        connector_id=_whole(evse.get("connectorId")),
        value=value,
        is_true=value.lower() in {"true", "1"} and not is_cleared,
        severity=severity if isinstance(severity, int) else None,
        variable_instance=str(variable.get("instance", "")),
        is_alert=event.get("trigger") == "Alerting" and not is_cleared,
    )


def change_of(event: ComponentEvent) -> Change | None:
    """Return what an event means for the product, None when nothing."""
    if event.variable == "availabilitystate":
        status = parse_status(event.value)
        if status is None:
            return None
        return StatusChange(
            evse_id=event.evse_id, connector_id=event.connector_id, status=status
        )
    if event.component == _EMERGENCY_STOP and event.variable in _EMERGENCY_VARIABLES:
        return EmergencyChange(evse_id=event.evse_id, is_active=event.is_true)
    if event.component == _VEHICLE:
        return _vehicle_change(event)
    return _fact(event) or _fault_change(event)


def _fact(event: ComponentEvent) -> Change | None:
    """Return what an event says that is no fault by itself."""
    name = event.component, event.variable
    if name == _CONTACTOR:
        return ContactorChange(evse_id=event.evse_id, is_closed=event.is_true)
    if name in INVERTER_MODES:
        return InverterChange(evse_id=event.evse_id, mode=inverter_mode_of(event.value))
    if name == _PILOT_STATE:
        return VehicleLinkChange(evse_id=event.evse_id, pilot_state=event.value)
    is_handle = any(word in event.instance for word in _HANDLE_WORDS)
    if name == (_SENSOR, "temperature") and is_handle:
        temperature_c = _number(event.value)
        if temperature_c is not None:
            return HandleChange(evse_id=event.evse_id, temperature_c=temperature_c)
    return None


def _fault_change(event: ComponentEvent) -> FaultChange | None:
    name = event.component, event.variable
    alert = _ALERTS.get(name)
    code = alert or _fault_code(event)
    if code is None:
        return None
    return FaultChange(
        evse_id=event.evse_id,
        code=code,
        is_active=event.is_true if alert is None else event.is_alert,
        detail=f"{event.component}.{event.variable}",
    )


def parse_status(text: object) -> ConnectorStatus | None:
    """Return a connector status; None for one that is not known keeps the old one."""
    try:
        return ConnectorStatus(str(text))
    except ValueError:
        return None


def inverter_mode_of(text: str) -> InverterMode | None:
    """Return the mode that a word stands for, however it is spelled."""
    letters = "".join(letter for letter in text.lower() if letter.isalpha())
    return _INVERTER_WORDS.get(letters)


def fault_of_alarm(payload: Mapping[str, Any]) -> FaultChange | None:
    """Return the fault of a NotifyDERAlarm: a grid fault until its end is told.

    None for a setting that bends the power without a fault of the grid, as a limit of
    the discharge does (OCPP 2.1 R05.FR.01): obeying it is no fault of the station.
    """
    cause = str(payload.get("gridEventFault", ""))
    if not cause and not str(payload.get("controlType", "")).endswith(_TRIP):
        return None
    return FaultChange(
        evse_id=WHOLE_STATION,
        code=_ALARMS.get(cause, FaultCode.STATION_FAULTED),
        is_active=payload.get("alarmEnded") is not True,
        detail=cause or str(payload.get("controlType", "")),
    )


def _vehicle_change(event: ComponentEvent) -> Change | None:
    if event.variable == "vehicleid" and event.value:
        return IdentityChange(evse_id=event.evse_id, evcc_id=event.value)
    if event.variable == "available":
        return PresenceChange(
            evse_id=event.evse_id,
            is_there=event.is_true,
            detail="connectedev.available",
        )
    if event.variable == "protocolagreed":
        return VehicleLinkChange(evse_id=event.evse_id, protocol=event.value)
    if event.variable == "protocolsupportedbyev":
        offered = event.variable_instance, event.value
        return VehicleLinkChange(evse_id=event.evse_id, offered=offered)
    return None


def _fault_code(event: ComponentEvent) -> FaultCode | None:
    if event.component == _SENSOR:
        if event.variable != "active":
            # A sensor that is itself broken is not heat.
            return None
        is_handle = any(word in event.instance for word in _HANDLE_WORDS)
        return (
            FaultCode.HANDLE_OVER_TEMPERATURE
            if is_handle
            else FaultCode.OVER_TEMPERATURE
        )
    if event.component == "connector" and event.variable == "overtemperature":
        return FaultCode.HANDLE_OVER_TEMPERATURE
    code = _FAULTS.get((event.component, event.variable))
    if code is not None:
        return code
    is_severe = event.severity is not None and event.severity < MOST_SEVERE_HARMLESS
    if is_severe and event.variable in _ALARM_VARIABLES:
        return FaultCode.STATION_FAULTED
    return None


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _whole(number: object) -> int:
    is_whole = isinstance(number, (int, float)) and not isinstance(number, bool)
    return int(number) if is_whole else WHOLE_STATION  # type: ignore[call-overload]
