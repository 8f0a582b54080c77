"""What a 2.x station is asked to watch by itself, from its device model."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from .fault_mapping import INVERTER_MODES, WATCHED_BOOLEANS
from .model_rows import Row

MAX_MONITORS: Final = 64
"""House rule: more than a home charger has; a station may have room for few."""

HANDLE_NEWS_K: Final = 5.0
"""A temperature is told again when it moved by this."""

STREAM_PERIOD_S: Final = 1
"""One value each: seconds are the finest that the standard has."""

_TEMPERATURE: Final = ("temperaturesensor", "temperature")
_STREAMED: Final = frozenset({("evse", "power"), ("evse", "dischargepower")})


class MonitorKind(StrEnum):
    """When a monitor tells, as the wire names it."""

    DELTA = "Delta"
    PERIODIC = "Periodic"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One variable of one component, as the station spells them."""

    component: str
    variable: str
    component_instance: str = ""
    variable_instance: str = ""
    evse_id: int = 0
    connector_id: int = 0

    @property
    def key(self) -> tuple[str, str, str, str, int, int]:
        """What tells subjects apart: their names ignore case (part 1, 4)."""
        return (
            self.component.lower(),
            self.component_instance.lower(),
            self.variable.lower(),
            self.variable_instance.lower(),
            self.evse_id,
            self.connector_id,
        )

    def to_wire(self) -> dict[str, Any]:
        """Return the ``component`` and ``variable`` of a request."""
        component: dict[str, Any] = {"name": self.component}
        variable = {"name": self.variable}
        if self.component_instance:
            component["instance"] = self.component_instance
        if self.variable_instance:
            variable["instance"] = self.variable_instance
        if self.evse_id:
            component["evse"] = {"id": self.evse_id}
            if self.connector_id:
                component["evse"]["connectorId"] = self.connector_id
        return {"component": component, "variable": variable}


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """One thing that the station tells by itself."""

    subject: Subject
    kind: MonitorKind
    value: float
    """Change, or period in s."""

    is_streamed: bool = False
    """2.1: values may come as a periodic event stream."""


def monitors_of(rows: Iterable[Row]) -> tuple[Monitor, ...]:
    """Return the monitors for the variables of a device model that can have one."""
    found = (_monitor(row) for row in rows if row.can_be_monitored)
    unique = {
        (monitor.subject.key, monitor.kind): monitor
        for monitor in found
        if monitor is not None
    }
    return tuple(unique.values())[:MAX_MONITORS]


def subject_of(item: Mapping[str, Any]) -> Subject | None:
    """Return whom an element of an answer or report is about, if it can be read."""
    component, variable = item.get("component"), item.get("variable")
    if not isinstance(component, dict) or not isinstance(variable, dict):
        return None
    evse = component.get("evse")
    evse = evse if isinstance(evse, dict) else {}
    return Subject(
        component=str(component.get("name", "")),
        variable=str(variable.get("name", "")),
        component_instance=str(component.get("instance", "")),
        variable_instance=str(variable.get("instance", "")),
        evse_id=_number(evse.get("id")),
        connector_id=_number(evse.get("connectorId")),
    )


def monitor_to_json(monitor: Monitor) -> list[Any]:
    """Return what the store keeps."""
    subject = monitor.subject
    return [
        subject.component,
        subject.variable,
        subject.component_instance,
        subject.variable_instance,
        subject.evse_id,
        subject.connector_id,
        monitor.kind,
        monitor.value,
        monitor.is_streamed,
    ]


def monitor_from_json(data: Iterable[Any]) -> Monitor:
    """Return a monitor as the store kept it.

    Raises:
        ValueError: when it is none.
    """
    component, variable, instance, of_variable, evse, connector, *rest = data
    kind, value, is_streamed = rest
    return Monitor(
        subject=Subject(
            component=str(component),
            variable=str(variable),
            component_instance=str(instance),
            variable_instance=str(of_variable),
            evse_id=int(evse),
            connector_id=int(connector),
        ),
        kind=MonitorKind(kind),
        value=float(value),
        is_streamed=bool(is_streamed),
    )


def _monitor(row: Row) -> Monitor | None:
    name = row.component, row.variable
    subject = Subject(
        component=row.spelling[0],
        variable=row.spelling[1],
        component_instance=row.component_instance,
        variable_instance=row.instance,
        evse_id=row.evse_id,
        connector_id=row.connector_id,
    )
    if name in WATCHED_BOOLEANS:
        # Of a boolean each change counts, and 1 is how that is written.
        return Monitor(subject=subject, kind=MonitorKind.DELTA, value=1.0)
    if name in INVERTER_MODES and row.choices:
        return Monitor(subject=subject, kind=MonitorKind.DELTA, value=1.0)
    if name == _TEMPERATURE:
        return Monitor(subject=subject, kind=MonitorKind.DELTA, value=HANDLE_NEWS_K)
    if name in _STREAMED and row.evse_id:
        return Monitor(
            subject=subject,
            kind=MonitorKind.PERIODIC,
            value=float(STREAM_PERIOD_S),
            is_streamed=True,
        )
    return None


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
