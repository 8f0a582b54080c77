"""What a 1.6 charge point reports as its status and error, in the product's words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..domain.faults import FaultCode
from ..domain.state import ConnectorStatus

_STATUSES: Final[Mapping[str, ConnectorStatus]] = {
    "Available": ConnectorStatus.AVAILABLE,
    "Preparing": ConnectorStatus.OCCUPIED,
    "Charging": ConnectorStatus.OCCUPIED,
    "SuspendedEV": ConnectorStatus.OCCUPIED,
    "SuspendedEVSE": ConnectorStatus.OCCUPIED,
    "Finishing": ConnectorStatus.OCCUPIED,
    "Reserved": ConnectorStatus.RESERVED,
    "Unavailable": ConnectorStatus.UNAVAILABLE,
    "Faulted": ConnectorStatus.FAULTED,
}

CHARGING_STATES: Final[Mapping[str, str]] = {
    "Charging": "Charging",
    "SuspendedEV": "SuspendedEV",
    "SuspendedEVSE": "SuspendedEVSE",
}
"""Statuses that only a running transaction has, as 2.x names them."""

IDLE_STATUSES: Final = frozenset({"Available", "Preparing", "Reserved"})
"""Statuses that no running transaction has."""

_ALWAYS: Final[Mapping[str, FaultCode]] = {
    "GroundFailure": FaultCode.GROUND_FAULT,
    "EVCommunicationError": FaultCode.EV_COMM_TIMEOUT,
    "OverCurrentFailure": FaultCode.OVER_CURRENT,
    "PowerSwitchFailure": FaultCode.CONTACTOR_WELDED,
    "PowerMeterFailure": FaultCode.METER_FAILURE,
    "OverVoltage": FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
    "UnderVoltage": FaultCode.GRID_VOLTAGE_OUT_OF_RANGE,
    "ConnectorLockFailure": FaultCode.CONNECTOR_LOCK_FAILURE,
}
"""Errors that forbid discharge whatever the status says: their cause is not a matter
of degree."""

_ONLY_FAULTED: Final[Mapping[str, FaultCode]] = {
    "HighTemperature": FaultCode.HANDLE_OVER_TEMPERATURE,
}
"""With another status it is a warning: the charge point still works."""

_WARM: Final = "HighTemperature"
_GROUND_FAULT_CODES: Final = frozenset({"61", "e61", "e-61"})
_OVER_TEMPERATURE_CODES: Final = frozenset({"84", "e84", "e-84"})
NO_ERROR: Final = "NoError"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """The readable parts of a StatusNotification."""

    evse_id: int
    """0: the whole charge point."""

    status: str
    """As 1.6 names it; empty for one that is not known."""

    connector_status: ConnectorStatus | None
    """None keeps the old one."""

    faults: frozenset[FaultCode]
    """Those that are active now; others of this connector have ended."""

    detail: str


def parse_status_16(payload: Mapping[str, Any]) -> StatusReport:
    """Return what a StatusNotification whose skeleton is valid says."""
    status = str(payload.get("status", ""))
    error = str(payload.get("errorCode", NO_ERROR))
    vendor_code = str(payload.get("vendorErrorCode", "")).strip().lower()
    return StatusReport(
        evse_id=int(payload["connectorId"]),
        status=status if status in _STATUSES else "",
        connector_status=_STATUSES.get(status),
        faults=_faults(status, error, vendor_code),
        detail=error if error != NO_ERROR else vendor_code,
    )


def _faults(status: str, error: str, vendor_code: str) -> frozenset[FaultCode]:
    is_faulted = status == "Faulted"
    found = {_ALWAYS[error]} if error in _ALWAYS else set()
    if error == _WARM and not is_faulted:
        # The power is reduced by the charge point itself; discharge waits.
        found.add(FaultCode.OVER_TEMPERATURE)
    if is_faulted:
        if error in _ONLY_FAULTED:
            found.add(_ONLY_FAULTED[error])
        if vendor_code in _GROUND_FAULT_CODES:
            found.add(FaultCode.GROUND_FAULT)
        if vendor_code in _OVER_TEMPERATURE_CODES:
            found.add(FaultCode.HANDLE_OVER_TEMPERATURE)
    return frozenset(found)
