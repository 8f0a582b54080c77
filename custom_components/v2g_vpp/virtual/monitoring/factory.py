"""The monitors that a station has from the factory, and its monitoring variables."""

from collections.abc import Iterator
from typing import Final, Protocol

from ..config import EVSE_ID
from ..device_model import DataType, Variable, VariableName
from ..thermal import HANDLE
from ..variable_forms import FLAG, INTEGER, OPTIONS, Component, Form
from .monitor import Monitor, MonitorKind, MonitorType
from .streams import MAX_STREAMS

ITEMS_PER_MESSAGE: Final = 20
BYTES_PER_MESSAGE: Final = 20_000
OFFLINE_QUEUING_SEVERITY: Final = 4
"""House rule: errors and worse wait for the link, notices are of the moment."""

LEAST_SEVERE: Final = 9
BASES: Final = ("All", "FactoryDefault", "HardWiredOnly")

_HANDLE_TEMPERATURE: Final = VariableName(
    component="TemperatureSensor",
    component_instance=HANDLE,
    variable="Temperature",
    evse_id=EVSE_ID,
)
FACTORY_MONITORS: Final = (
    Monitor(
        monitor_id=1,
        name=_HANDLE_TEMPERATURE,
        type=MonitorType.UPPER_THRESHOLD,
        value=105.0,
        severity=1,
        kind=MonitorKind.HARD_WIRED,
    ),
    Monitor(
        monitor_id=2,
        name=_HANDLE_TEMPERATURE,
        type=MonitorType.UPPER_THRESHOLD,
        value=90.0,
        severity=4,
        kind=MonitorKind.PRECONFIGURED,
    ),
)
"""The handle's own protection; 90 °C is the limit of IEC 62196 for its contacts."""


class Active(Protocol):
    """What the CSMS chose."""

    base: str
    level: int


def monitoring_variables(active: Active) -> Iterator[Variable]:
    """Yield the variables of MonitoringCtrlr."""
    control = Component("MonitoringCtrlr")
    severity = Form(data_type=DataType.INTEGER, min_limit=0, max_limit=LEAST_SEVERE)
    yield control.read("Available", "true", FLAG)
    yield control.write("Enabled", "true", FLAG)
    for message in ("SetVariableMonitoring", "ClearVariableMonitoring"):
        yield control.read("ItemsPerMessage", str(ITEMS_PER_MESSAGE), INTEGER, message)
        yield control.read("BytesPerMessage", str(BYTES_PER_MESSAGE), INTEGER, message)
    yield control.write(
        "OfflineQueuingSeverity", str(OFFLINE_QUEUING_SEVERITY), severity
    )
    yield control.read("MaxPeriodicEventStreams", str(MAX_STREAMS), INTEGER)
    yield control.read("ActiveMonitoringBase", lambda: active.base, OPTIONS)
    yield control.read("ActiveMonitoringLevel", lambda: str(active.level), severity)
