"""What all EVSEs of a station share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from .config import Fault, VirtualStationConfig
from .der.controls import Controls
from .device_model import DeviceModel
from .profiles import ProfileStore
from .station_clock import StationClock
from .transaction import EventQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """One of each, whatever the number of EVSEs."""

    config: VirtualStationConfig
    clock: StationClock
    on_change: Callable[[], None]
    """Called when there is something new to tell the CSMS."""

    model: DeviceModel = field(default_factory=lambda: DeviceModel(()))
    der: Controls = field(default_factory=Controls)
    """Grid settings, which have no EVSE of their own."""

    profiles: ProfileStore = field(default_factory=ProfileStore)
    queue: EventQueue = field(default_factory=EventQueue)
    faults: set[Fault] = field(default_factory=set)
    """Misbehaviours that are on now."""
