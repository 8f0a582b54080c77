"""What can go wrong with the hardware, and how the station tells it in each version."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from .transaction import Stop

ABNORMAL: Final = "AbnormalCondition"


class Condition(StrEnum):
    """A state of the hardware, switched by tests and by scenarios."""

    GROUND_FAULT = "ground_fault"
    OVER_CURRENT = "over_current"
    HANDLE_HOT = "handle_hot"
    STATION_WARM = "station_warm"
    """Hot inside: it goes on with what it can."""

    CONTACTOR_WELDED = "contactor_welded"
    LOCK_FAILED = "lock_failed"
    METER_FAILED = "meter_failed"
    EV_LOST = "ev_lost"
    """The vehicle is plugged in and does not answer any more."""

    OVER_VOLTAGE = "over_voltage"
    UNDER_VOLTAGE = "under_voltage"
    OVER_FREQUENCY = "over_frequency"
    INTERNAL_ERROR = "internal_error"
    """A fault of the station that has no better name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionFacts:
    """How a condition acts and is told."""

    component: str = ""
    """Of 2.x; empty: only statuses tell it there."""

    variable: str = ""
    instance: str | None = None
    alarm: str | None = None
    """Grid event of a NotifyDERAlarm (2.1)."""

    error_16: str = "OtherError"
    is_faulted: bool = False
    """The connector is Faulted, and nothing starts."""

    stop: Stop | None = None
    """How a running transaction ends; None: it goes on."""


def _stop(reason: str, trigger: str = ABNORMAL) -> Stop:
    return Stop(trigger=trigger, reason=reason)


CONDITIONS: Final[Mapping[Condition, ConditionFacts]] = {
    Condition.GROUND_FAULT: ConditionFacts(
        component="RCD",
        variable="Tripped",
        error_16="GroundFailure",
        is_faulted=True,
        stop=_stop("GroundFault"),
    ),
    Condition.OVER_CURRENT: ConditionFacts(
        component="OverCurrentProtection",
        variable="Tripped",
        error_16="OverCurrentFailure",
        is_faulted=True,
        stop=_stop("OvercurrentFault"),
    ),
    Condition.HANDLE_HOT: ConditionFacts(
        component="TemperatureSensor",
        instance="plug",
        variable="Active",
        error_16="HighTemperature",
        is_faulted=True,
        stop=_stop("Other"),
    ),
    Condition.STATION_WARM: ConditionFacts(
        component="TemperatureSensor",
        instance="cabinet",
        variable="Active",
        error_16="HighTemperature",
    ),
    Condition.CONTACTOR_WELDED: ConditionFacts(
        component="PowerContactor",
        variable="Problem",
        error_16="PowerSwitchFailure",
        is_faulted=True,
        stop=_stop("Other"),
    ),
    Condition.LOCK_FAILED: ConditionFacts(
        component="ConnectorPlugRetentionLock",
        variable="Problem",
        error_16="ConnectorLockFailure",
    ),
    Condition.METER_FAILED: ConditionFacts(
        component="ControlMetering",
        variable="Problem",
        error_16="PowerMeterFailure",
    ),
    Condition.EV_LOST: ConditionFacts(
        component="CPPWMController",
        variable="Problem",
        error_16="EVCommunicationError",
        stop=_stop("Timeout", "EVCommunicationLost"),
    ),
    Condition.OVER_VOLTAGE: ConditionFacts(
        alarm="OverVoltage", error_16="OverVoltage", stop=_stop("PowerQuality")
    ),
    Condition.UNDER_VOLTAGE: ConditionFacts(
        alarm="UnderVoltage", error_16="UnderVoltage", stop=_stop("PowerQuality")
    ),
    Condition.OVER_FREQUENCY: ConditionFacts(
        alarm="OverFrequency", stop=_stop("PowerQuality")
    ),
    Condition.INTERNAL_ERROR: ConditionFacts(
        error_16="InternalError", is_faulted=True, stop=_stop("Other")
    ),
}
"""Every row of the fault table has its condition here."""

NO_ERROR: Final = "NoError"


class Conditions:
    """Those that are there now."""

    def __init__(self) -> None:
        """Start with sound hardware."""
        self.active: frozenset[Condition] = frozenset()

    def set(self, condition: Condition, *, is_on: bool) -> None:
        """Let a condition begin or end."""
        changed = frozenset({condition})
        self.active = self.active | changed if is_on else self.active - changed

    @property
    def is_faulted(self) -> bool:
        """True while one of them makes the connector Faulted."""
        return any(CONDITIONS[condition].is_faulted for condition in self.active)

    @property
    def is_blocking(self) -> bool:
        """True while one of them lets no transaction begin."""
        return any(CONDITIONS[condition].stop for condition in self.active)

    @property
    def error_16(self) -> str:
        """The error code of 1.6 that is told: of the gravest, or of any."""
        gravest = sorted(self.active, key=lambda c: (not CONDITIONS[c].is_faulted, c))
        return CONDITIONS[gravest[0]].error_16 if gravest else NO_ERROR
