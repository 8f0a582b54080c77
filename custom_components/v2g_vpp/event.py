"""Events: what an automation wants to hear of the moment it happens."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import V2gConfigEntry
from .domain.faults import FaultCode
from .domain.ids import EvseKey
from .domain.snapshot import EvseSnapshot
from .entity import EvseEntity, async_follow_subentries

# Everything is pushed, nothing is asked for.
PARALLEL_UPDATES = 0

FAULT_TYPES: Final[Mapping[FaultCode, str]] = {
    code: code.name.lower() for code in FaultCode
}
"""Slugs for automations; the codes themselves have capitals and hyphens."""


@dataclass(frozen=True, kw_only=True)
class EvseEventDescription(EventEntityDescription):
    """An event entity of one EVSE, and what it compares from picture to picture."""

    watched_fn: Callable[[EvseSnapshot], frozenset[str]]
    began_fn: Callable[[str], str]
    """Event type for something that was not there in the picture before."""

    ended_fn: Callable[[str], str | None] = lambda _: None
    """Event type for something that is gone, None for no event."""


def _faults(evse: EvseSnapshot) -> frozenset[str]:
    return frozenset(FAULT_TYPES[code] for code in evse.faults)


def _emergency_stop(evse: EvseSnapshot) -> frozenset[str]:
    return frozenset({"emergency_stop"} if evse.is_emergency_stopped else ())


def _clock(evse: EvseSnapshot) -> frozenset[str]:
    return frozenset({"clock_not_trusted"} if evse.is_clock_in_the_way else ())


EVENTS: Final[tuple[EvseEventDescription, ...]] = (
    EvseEventDescription(
        key="fault",
        translation_key="fault",
        event_types=sorted(FAULT_TYPES.values()),
        watched_fn=_faults,
        began_fn=lambda fault: fault,
    ),
    EvseEventDescription(
        key="safety",
        translation_key="safety",
        event_types=["emergency_stop", "emergency_stop_reset"],
        watched_fn=_emergency_stop,
        began_fn=lambda _: "emergency_stop",
        ended_fn=lambda _: "emergency_stop_reset",
    ),
    EvseEventDescription(
        key="station_clock",
        translation_key="station_clock",
        event_types=["clock_not_trusted", "clock_trusted"],
        watched_fn=_clock,
        began_fn=lambda _: "clock_not_trusted",
        ended_fn=lambda _: "clock_trusted",
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the events of every EVSE."""

    def evses(
        subentry: ConfigSubentry, key: EvseKey, parent_device_id: str
    ) -> list[EventEntity]:
        return [
            EvseEvent(entry, subentry, key, parent_device_id, description)
            for description in EVENTS
        ]

    async_follow_subentries(hass, entry, async_add_entities, evses=evses)


class EvseEvent(EvseEntity, EventEntity):
    """What just happened at one EVSE."""

    entity_description: EvseEventDescription

    _watched: frozenset[str] | None = None

    @override
    def _show(self, part: EvseSnapshot) -> object:
        return None

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        super()._handle_coordinator_update()
        self._look()

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        # What is there already when Home Assistant starts is no event.
        self._look()

    def _look(self) -> None:
        part = self._find(self.coordinator.data)
        if part is None:
            return
        description = self.entity_description
        before, self._watched = self._watched, description.watched_fn(part)
        if before is None:
            return
        for name in sorted(self._watched - before):
            self._happened(description.began_fn(name))
        for name in sorted(before - self._watched):
            self._happened(description.ended_fn(name))

    def _happened(self, event_type: str | None) -> None:
        if event_type is not None:
            self._trigger_event(event_type)
            self.async_write_ha_state()
