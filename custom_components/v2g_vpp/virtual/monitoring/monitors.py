"""All monitors of a station: set, cleared, chosen and looked at (OCPP 2.1 N02 to N07)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from ..device_model import DeviceModel, Variable, VariableName, name_of
from ..schedule import Moment, WireObject
from .factory import FACTORY_MONITORS, LEAST_SEVERE
from .monitor import (
    PERIODS,
    THRESHOLDS,
    Monitor,
    MonitorKind,
    MonitorType,
    Trigger,
    Watch,
    begin,
    look,
)

MAX_MONITORS: Final = 200
"""House rule: far above what the variables of one station need."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the station is doing while its monitors look."""

    transaction_ids: Mapping[int, str]
    """Those that run, by the numbers of their EVSEs."""

    least_severe_heard: int
    """A monitor with a higher severity number is not looked at: it waits for the link."""

    def transaction_at(self, name: VariableName) -> str | None:
        """Return the transaction that a variable has to do with, if one runs."""
        if name.evse_id is None:
            return next(iter(self.transaction_ids.values()), None)
        return self.transaction_ids.get(name.evse_id)


class Monitors:
    """The monitors, kept over reboots as the text demands (N07.FR.13)."""

    def __init__(self, model: DeviceModel, now: Moment) -> None:
        """Start with those of the factory."""
        self.base = "All"
        self.level = LEAST_SEVERE
        self._model = model
        self._watches: dict[int, Watch] = {}
        self._next_id = 1 + max(each.monitor_id for each in FACTORY_MONITORS)
        for monitor in FACTORY_MONITORS:
            self._begin(monitor, now)

    def find(self, monitor_id: int) -> Monitor | None:
        """Return a monitor by its number."""
        watch = self._watches.get(monitor_id)
        return None if watch is None else watch.monitor

    def set(self, wire: WireObject, now: Moment) -> dict[str, Any]:
        """Set one monitor and return its result for SetVariableMonitoring."""
        echo = {
            field: wire[field]
            for field in ("type", "severity", "component", "variable")
        }
        status = self._reason_against(wire)
        if status is not None:
            asked = {"id": wire["id"]} if "id" in wire else {}
            return {**asked, **echo, "status": status}
        monitor = _monitor(wire, wire.get("id", self._next_id))
        self._next_id = max(self._next_id, monitor.monitor_id + 1)
        self._begin(monitor, now)
        return {"id": monitor.monitor_id, **echo, "status": "Accepted"}

    def clear(self, monitor_id: int) -> str:
        """Forget a monitor; return the status of OCPP."""
        monitor = self.find(monitor_id)
        if monitor is None:
            return "NotFound"
        if monitor.kind is not MonitorKind.CUSTOM:
            return "Rejected"
        del self._watches[monitor_id]
        return "Accepted"

    def set_base(self, base: str, now: Moment) -> None:
        """Keep what a monitoring base keeps, and bring back what it brings (N03)."""
        self.base = base
        if base != "All":
            self._watches = {
                number: watch
                for number, watch in self._watches.items()
                if watch.monitor.kind is MonitorKind.HARD_WIRED
            }
        if base == "HardWiredOnly":
            return
        for monitor in FACTORY_MONITORS:
            if monitor.monitor_id not in self._watches:
                self._begin(monitor, now)

    def select(
        self,
        types: frozenset[MonitorType] | None,
        wanted: Iterable[WireObject] | None,
    ) -> tuple[Monitor, ...]:
        """Return the monitors of some types on some variables; None means any."""
        named = None if wanted is None else tuple(wanted)
        return tuple(
            watch.monitor
            for watch in self._watches.values()
            if (types is None or watch.monitor.type in types)
            and (
                named is None
                or any(watch.monitor.name.is_meant_by(each) for each in named)
            )
        )

    def look(self, now: Moment, outlook: Outlook) -> list[Trigger]:
        """Look at every variable that is watched; return what there is to say."""
        found = []
        for number, watch in self._watches.items():
            monitor = watch.monitor
            transaction_id = outlook.transaction_at(monitor.name)
            is_resting = monitor.is_for_transaction and transaction_id is None
            if is_resting or monitor.severity > outlook.least_severe_heard:
                continue
            self._watches[number], trigger = look(watch, self._text(monitor), now)
            if trigger is not None and monitor.severity <= self.level:
                found.append(replace(trigger, transaction_id=transaction_id))
        return found

    def _begin(self, monitor: Monitor, now: Moment) -> None:
        old = self._watches.get(monitor.monitor_id)
        self._watches[monitor.monitor_id] = begin(
            monitor, self._text(monitor), now, old
        )

    def _text(self, monitor: Monitor) -> str:
        variable = self._model.find(monitor.name)
        return "" if variable is None else variable.text()

    def _reason_against(self, wire: WireObject) -> str | None:
        """Return the status that says why a monitor is not set, None when it may be."""
        name = name_of(wire)
        variable = self._model.find(name)
        if variable is None:
            is_known = self._model.has_component(name)
            return "UnknownVariable" if is_known else "UnknownComponent"
        if not _is_supported(variable, wire["type"]):
            return "UnsupportedMonitorType"
        asked_id = wire.get("id")
        replaced = None if asked_id is None else self.find(asked_id)
        is_replaceable = replaced is not None and (
            replaced.name.key() == name.key()
            and replaced.kind is not MonitorKind.HARD_WIRED
        )
        if (
            (asked_id is not None and not is_replaceable)
            or (asked_id is None and len(self._watches) >= MAX_MONITORS)
            or not _is_sound(variable, wire)
        ):
            return "Rejected"
        is_double = any(
            watch.monitor.has_place_of(_monitor(wire, number))
            for number, watch in self._watches.items()
            if number != asked_id
        )
        return "Duplicate" if is_double else None


def _monitor(wire: WireObject, monitor_id: int) -> Monitor:
    return Monitor(
        monitor_id=monitor_id,
        name=name_of(wire),
        type=MonitorType(wire["type"]),
        value=float(wire["value"]),
        severity=wire["severity"],
        is_for_transaction=wire.get("transaction", False),
    )


def _is_supported(variable: Variable, type_text: str) -> bool:
    if not variable.supports_monitoring or type_text not in set(MonitorType):
        return False
    return variable.is_numeric or MonitorType(type_text) not in THRESHOLDS


def _is_sound(variable: Variable, wire: WireObject) -> bool:
    """Judge the numbers (N04.FR.06, FR.14; a period below 1 s would be a flood)."""
    value, monitor_type = float(wire["value"]), MonitorType(wire["type"])
    if not 0 <= wire["severity"] <= LEAST_SEVERE:
        return False
    if monitor_type in THRESHOLDS:
        return variable.accepts(str(value))
    return value >= 1 if monitor_type in PERIODS else value >= 0
