"""One variable monitor, and when it triggers (OCPP 2.1 N07, N08)."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from ..device_model import VariableName
from ..schedule import Moment


class MonitorType(StrEnum):
    """What a monitor waits for."""

    UPPER_THRESHOLD = "UpperThreshold"
    LOWER_THRESHOLD = "LowerThreshold"
    DELTA = "Delta"
    PERIODIC = "Periodic"
    CLOCK_ALIGNED = "PeriodicClockAligned"


THRESHOLDS: Final = frozenset(
    {MonitorType.UPPER_THRESHOLD, MonitorType.LOWER_THRESHOLD}
)
PERIODS: Final = frozenset({MonitorType.PERIODIC, MonitorType.CLOCK_ALIGNED})


class MonitorKind(StrEnum):
    """Who made a monitor."""

    HARD_WIRED = "HardWiredMonitor"
    PRECONFIGURED = "PreconfiguredMonitor"
    CUSTOM = "CustomMonitor"


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """What is watched, as the CSMS or the factory wrote it down."""

    monitor_id: int
    name: VariableName
    type: MonitorType
    value: float
    """Threshold or change in the unit of the variable, or a period in s."""

    severity: int
    """0 is danger, 9 is for debugging."""

    kind: MonitorKind = MonitorKind.CUSTOM
    is_for_transaction: bool = False
    """True: it rests while no transaction runs."""

    def wire(self, *, with_kind: bool) -> dict[str, Any]:
        """Return it as NotifyMonitoringReport sends it; only 2.1 tells the kind."""
        wire: dict[str, Any] = {
            "id": self.monitor_id,
            "transaction": self.is_for_transaction,
            "value": self.value,
            "type": self.type,
            "severity": self.severity,
        }
        return {**wire, "eventNotificationType": self.kind} if with_kind else wire

    def has_place_of(self, other: Monitor) -> bool:
        """Return True when both cannot be there together (N04.FR.10)."""
        return (self.name.key(), self.type, self.severity) == (
            other.name.key(),
            other.type,
            other.severity,
        )

    def is_exceeded_by(self, number: float) -> bool:
        """Return True beyond the threshold, not on it."""
        if self.type is MonitorType.UPPER_THRESHOLD:
            return number > self.value
        return self.type is MonitorType.LOWER_THRESHOLD and number < self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What a monitor has to say."""

    monitor: Monitor
    reason: str
    """``trigger`` of OCPP: Alerting, Delta or Periodic."""

    text: str
    """Actual value of the variable."""

    at: datetime
    transaction_id: str | None = None
    is_cleared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A monitor with what it saw."""

    monitor: Monitor
    is_exceeded: bool = False
    """The CSMS was told so, or would have been."""

    told_text: str = ""
    """Of a Delta monitor: the value that changes are counted from."""

    due_s: float = 0.0
    """Of a period: when the next event is due, monotonic or since 1970."""


def begin(monitor: Monitor, text: str, now: Moment, old: Watch | None = None) -> Watch:
    """Return the watch of a new monitor, or of one that takes the place of another.

    A threshold that was told as exceeded is cleared by a new one that is not, and told
    again by one that is (N07.FR.11).
    """
    number = number_of(text)
    was_exceeded = old is not None and old.is_exceeded and monitor.type in THRESHOLDS
    is_exceeded = number is not None and monitor.is_exceeded_by(number)
    return Watch(
        monitor=monitor,
        is_exceeded=was_exceeded and not is_exceeded,
        told_text=text,
        due_s=_next_due_s(monitor, now),
    )


def look(watch: Watch, text: str, now: Moment) -> tuple[Watch, Trigger | None]:
    """Return the watch after a look at its variable, and what it has to say."""
    monitor, number = watch.monitor, number_of(text)

    def trigger(reason: str, *, is_cleared: bool = False) -> Trigger:
        return Trigger(
            monitor=monitor, reason=reason, text=text, at=now.at, is_cleared=is_cleared
        )

    if monitor.type in PERIODS:
        if _clock_s(monitor, now) < watch.due_s:
            return watch, None
        return replace(watch, due_s=_next_due_s(monitor, now, watch.due_s)), trigger(
            "Periodic"
        )
    if monitor.type is MonitorType.DELTA:
        if not _has_changed(monitor, watch.told_text, text):
            return watch, None
        return replace(watch, told_text=text), trigger("Delta")
    is_exceeded = number is not None and monitor.is_exceeded_by(number)
    if is_exceeded is watch.is_exceeded:
        return watch, None
    return replace(watch, is_exceeded=is_exceeded), trigger(
        "Alerting", is_cleared=not is_exceeded
    )


def number_of(text: str) -> float | None:
    """Return the number that a value is, None for any other text."""
    try:
        return float(text)
    except ValueError:
        return None


def _has_changed(monitor: Monitor, told: str, text: str) -> bool:
    before, after = number_of(told), number_of(text)
    if before is None or after is None:
        return text != told
    return abs(after - before) > monitor.value


def _clock_s(monitor: Monitor, now: Moment) -> float:
    is_aligned = monitor.type is MonitorType.CLOCK_ALIGNED
    return now.at.timestamp() if is_aligned else now.mono_s


def _next_due_s(
    monitor: Monitor, now: Moment, last_due_s: float | None = None
) -> float:
    """Return the next time after now, in step with the last one or with the clock."""
    if monitor.type not in PERIODS:
        return 0.0
    now_s = _clock_s(monitor, now)
    if monitor.type is MonitorType.CLOCK_ALIGNED:
        start_s = 0.0
    else:
        start_s = now_s if last_due_s is None else last_due_s
    return start_s + ((now_s - start_s) // monitor.value + 1) * monitor.value
