"""User-visible fault codes, written once, with how each one behaves."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class FaultCode(StrEnum):
    """Codes that users, logs and the VPP see verbatim."""

    GROUND_FAULT = "E-61"
    HANDLE_OVER_TEMPERATURE = "E-84"
    OVER_TEMPERATURE = "OVER_TEMPERATURE"
    EV_COMM_TIMEOUT = "EV_COMM_TIMEOUT"
    GRID_FREQ_OUT_OF_RANGE = "GRID_FREQ_OUT_OF_RANGE"
    GRID_VOLTAGE_OUT_OF_RANGE = "GRID_VOLTAGE_OUT_OF_RANGE"
    CONNECTOR_LOCK_FAILURE = "CONNECTOR_LOCK_FAILURE"
    OCPP_MSG_TIMEOUT = "OCPP_MSG_TIMEOUT"
    PROTOCOL_UNSUPPORTED = "PROTOCOL_UNSUPPORTED"
    CONTACTOR_WELDED = "CONTACTOR_WELDED"
    OVER_CURRENT = "OVER_CURRENT"
    METER_FAILURE = "METER_FAILURE"
    STATION_FAULTED = "STATION_FAULTED"
    STATION_DOES_NOT_STOP = "STATION_DOES_NOT_STOP"
    UNCOMMANDED_DISCHARGE = "UNCOMMANDED_DISCHARGE"
    WRONG_DIRECTION = "WRONG_DIRECTION"
    WRONG_SIZE = "WRONG_SIZE"
    METERS_CONTRADICT = "METERS_CONTRADICT"
    """The meter of the home does not see what the outlet's shows."""

    STORE_UNREADABLE = "STORE_UNREADABLE"


class SizeHint(StrEnum):
    """What a power of the wrong size looks like, for whoever has to look for it."""

    THRICE = "thrice"
    """A power per phase was taken for the total."""

    A_THIRD = "a_third"
    """The total was taken for three phases, and one carries it."""

    THOUSANDFOLD = "thousandfold"
    """Watts and kilowatts are mixed up."""

    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultBehaviour:
    """What a fault does while it is active and how it ends."""

    is_latched: bool
    """True: it stays until the user acknowledges it, also when its cause is gone."""

    stops_charging: bool
    """True: 0 W in both directions; False: only discharge is forbidden."""


GRID_FAULTS = frozenset(
    {FaultCode.GRID_FREQ_OUT_OF_RANGE, FaultCode.GRID_VOLTAGE_OUT_OF_RANGE}
)
"""Of the grid, not of the charger."""

FAULT_BEHAVIOUR: Mapping[FaultCode, FaultBehaviour] = {
    FaultCode.GROUND_FAULT: FaultBehaviour(is_latched=True, stops_charging=True),
    FaultCode.HANDLE_OVER_TEMPERATURE: FaultBehaviour(
        is_latched=True, stops_charging=True
    ),
    # Elsewhere than in the handle: discharge waits until the sensor is quiet again.
    FaultCode.OVER_TEMPERATURE: FaultBehaviour(is_latched=False, stops_charging=False),
    FaultCode.EV_COMM_TIMEOUT: FaultBehaviour(is_latched=False, stops_charging=True),
    FaultCode.GRID_FREQ_OUT_OF_RANGE: FaultBehaviour(
        is_latched=False, stops_charging=False
    ),
    FaultCode.GRID_VOLTAGE_OUT_OF_RANGE: FaultBehaviour(
        is_latched=False, stops_charging=False
    ),
    # A plug that is not held could be pulled under load.
    FaultCode.CONNECTOR_LOCK_FAILURE: FaultBehaviour(
        is_latched=False, stops_charging=True
    ),
    FaultCode.OCPP_MSG_TIMEOUT: FaultBehaviour(is_latched=False, stops_charging=False),
    # Charging without a conversation may still work.
    FaultCode.PROTOCOL_UNSUPPORTED: FaultBehaviour(
        is_latched=False, stops_charging=False
    ),
    FaultCode.CONTACTOR_WELDED: FaultBehaviour(is_latched=True, stops_charging=True),
    FaultCode.OVER_CURRENT: FaultBehaviour(is_latched=True, stops_charging=True),
    FaultCode.METER_FAILURE: FaultBehaviour(is_latched=False, stops_charging=False),
    FaultCode.STATION_FAULTED: FaultBehaviour(is_latched=False, stops_charging=True),
    FaultCode.STATION_DOES_NOT_STOP: FaultBehaviour(
        is_latched=True, stops_charging=True
    ),
    FaultCode.UNCOMMANDED_DISCHARGE: FaultBehaviour(
        is_latched=True, stops_charging=True
    ),
    FaultCode.WRONG_DIRECTION: FaultBehaviour(is_latched=True, stops_charging=True),
    FaultCode.WRONG_SIZE: FaultBehaviour(is_latched=True, stops_charging=True),
    # Charging needs no meter of the home, but for its limits: ``control`` sees to that.
    FaultCode.METERS_CONTRADICT: FaultBehaviour(is_latched=True, stops_charging=False),
    # A stop that somebody pressed may be what cannot be read.
    FaultCode.STORE_UNREADABLE: FaultBehaviour(is_latched=True, stops_charging=True),
}
