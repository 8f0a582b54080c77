"""Selects: the mode of an EVSE, and which vehicle is plugged."""

from dataclasses import replace
from typing import Final, override

from homeassistant.components.select import SelectEntity, SelectEntityDescription
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import VEHICLE_AUTOMATIC
from .coordinator import V2gConfigEntry
from .domain.ids import EvseKey, VehicleId
from .domain.policy import Mode
from .domain.snapshot import EvseSnapshot
from .entity import EvseEntity, async_follow_subentries
from .error_translation import translated_errors

# Not 1: "off" stops power, and nothing that stops power may wait behind another
# command. The site is the one writer and orders them.
PARALLEL_UPDATES = 0

MODE: Final = SelectEntityDescription(
    key="mode", translation_key="mode", options=[mode.value for mode in Mode]
)
VEHICLE: Final = SelectEntityDescription(key="vehicle", translation_key="vehicle")


async def async_setup_entry(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the selects of every EVSE."""

    def evses(
        subentry: ConfigSubentry, key: EvseKey, parent_device_id: str
    ) -> list[SelectEntity]:
        return [
            ModeSelect(entry, subentry, key, parent_device_id, MODE),
            VehicleSelect(entry, subentry, key, parent_device_id, VEHICLE),
        ]

    async_follow_subentries(hass, entry, async_add_entities, evses=evses)


class ModeSelect(EvseEntity, SelectEntity):
    """What the EVSE does when nobody else asks for anything."""

    @override
    def _show(self, part: EvseSnapshot) -> object:
        self._attr_current_option = part.policy.mode.value
        return self._attr_current_option

    @override
    async def async_select_option(self, option: str) -> None:
        mode = Mode(option)
        with translated_errors():
            await self._site.set_evse_policy(
                self._key, lambda policy: replace(policy, mode=mode)
            )


class VehicleSelect(EvseEntity, SelectEntity):
    """The vehicle that the owner says is plugged.

    With "automatic" the vehicle's own id decides, and one without a known id is a
    guest, which is charged and never discharged.
    """

    # Its options are the vehicles of the home.
    _shows_its_part_only = False

    @property
    @override
    def options(self) -> list[str]:
        return list(self._vehicle_ids())

    @override
    def _show(self, part: EvseSnapshot) -> object:
        ids = self._vehicle_ids()
        chosen = next(
            (name for name, i in ids.items() if i == part.policy.vehicle_id),
            VEHICLE_AUTOMATIC,
        )
        self._attr_current_option = chosen
        return tuple(ids), chosen

    @override
    async def async_select_option(self, option: str) -> None:
        vehicle_id = self._vehicle_ids()[option]
        with translated_errors():
            await self._site.set_evse_policy(
                self._key, lambda policy: replace(policy, vehicle_id=vehicle_id)
            )

    def _vehicle_ids(self) -> dict[str, VehicleId | None]:
        ids: dict[str, VehicleId | None] = {VEHICLE_AUTOMATIC: None}
        for vehicle in self.coordinator.data.vehicles:
            ids.setdefault(vehicle.spec.name, vehicle.spec.vehicle_id)
        return ids
