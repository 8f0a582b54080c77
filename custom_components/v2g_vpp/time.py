"""Times: when a vehicle shall be ready each day."""

from dataclasses import replace
from datetime import time
from typing import Final, override

from homeassistant.components.time import TimeEntity, TimeEntityDescription
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import V2gConfigEntry
from .domain.snapshot import VehicleSnapshot
from .entity import VehicleEntity, async_follow_subentries
from .error_translation import translated_errors

# The site is the one writer and orders what comes.
PARALLEL_UPDATES = 0

READY_BY: Final = TimeEntityDescription(key="ready_by", translation_key="ready_by")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the times of every vehicle."""

    def vehicles(subentry: ConfigSubentry) -> list[TimeEntity]:
        return [ReadyBy(entry, subentry, READY_BY)]

    async_follow_subentries(hass, entry, async_add_entities, vehicles=vehicles)


class ReadyBy(VehicleEntity, TimeEntity):
    """The local time at which a vehicle shall hold its charge, each day."""

    _attr_entity_category = EntityCategory.CONFIG

    @override
    def _show(self, part: VehicleSnapshot) -> object:
        self._attr_native_value = time.fromisoformat(part.policy.ready_by)
        return self._attr_native_value

    @override
    async def async_set_value(self, value: time) -> None:
        ready_by = value.replace(tzinfo=None, microsecond=0).isoformat()
        with translated_errors():
            await self._site.set_vehicle_policy(
                self._vehicle_id, lambda policy: replace(policy, ready_by=ready_by)
            )
