"""What 2.x stations report of their components, as faults and states of the product."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..domain.faults import FaultCode
from ..domain.state import ConnectorStatus

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
}
"""Component and variable in lower case: names are case-insensitive."""

_HANDLE_WORDS: Final = ("handle", "plug", "connector")
_EMERGENCY_STOP: Final = "emergencystopsensor"
_EMERGENCY_VARIABLES: Final = frozenset({"active", "tripped"})
_ALARM_VARIABLES: Final = frozenset({"problem", "tripped", "fault", "overload"})

FAULTS_BY_STOP_REASON: Final[Mapping[str, FaultCode]] = {
    "GroundFault": FaultCode.GROUND_FAULT,
    "OvercurrentFault": FaultCode.OVER_CURRENT,
}
STOPPED_BY_EMERGENCY: Final = "EmergencyStop"

_ALARMS: Final[Mapping[str, FaultCode]] = {
    "OverFrequency": FaultCode.GRID_FREQ_OUT_OF_RANGE,
    "UnderFrequency": FaultCode.GRID_FREQ_OUT_OF_RANGE,
    "OverVoltage": FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
    "UnderVoltage": FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
    "VoltageImbalance": FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
    "OverCurrent": FaultCode.OVER_CURRENT,
}
"""By the grid event of a NotifyDERAlarm; another one is a fault of the station."""


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


type Change = FaultChange | EmergencyChange | StatusChange | IdentityChange


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
    return ComponentEvent(
        component=str(component.get("name", "")).lower(),
        instance=str(component.get("instance", "")).lower(),
        variable=str(variable.get("name", "")).lower(),
        evse_id=_whole(evse.get("id")),
        connector_id=_whole(evse.get("connectorId")),
        value=value,
        is_true=value.lower() in {"true", "1"} and event.get("cleared") is not True,
        severity=severity if isinstance(severity, int) else None,
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
    if event.component == "connectedev":
        return _vehicle_change(event)
    code = _fault_code(event)
    if code is None:
        return None
    return FaultChange(
        evse_id=event.evse_id,
        code=code,
        is_active=event.is_true,
        detail=f"{event.component}.{event.variable}",
    )


def parse_status(text: object) -> ConnectorStatus | None:
    """Return a connector status; None for one that is not known keeps the old one."""
    try:
        return ConnectorStatus(str(text))
    except ValueError:
        return None


def fault_of_alarm(payload: Mapping[str, Any]) -> FaultChange:
    """Return the fault of a NotifyDERAlarm: a grid fault until its end is told."""
    cause = str(payload.get("gridEventFault", ""))
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
        return FaultChange(
            evse_id=event.evse_id,
            code=FaultCode.EV_COMM_TIMEOUT,
            is_active=not event.is_true,
            detail="connectedev.available",
        )
    return None


def _fault_code(event: ComponentEvent) -> FaultCode | None:
    if event.component == "temperaturesensor":
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


def _whole(number: object) -> int:
    is_whole = isinstance(number, (int, float)) and not isinstance(number, bool)
    return int(number) if is_whole else WHOLE_STATION  # type: ignore[call-overload]
