"""Switches: what the owner permits."""

from dataclasses import replace
from typing import Any, Final, override

from homeassistant.components.switch import SwitchEntity, SwitchEntityDescription
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import V2gConfigEntry
from .domain.ids import EvseKey
from .domain.snapshot import EvseSnapshot, ProgrammeSnapshot, VehicleSnapshot
from .entity import (
    EvseEntity,
    ProgrammeEntity,
    VehicleEntity,
    async_follow_subentries,
)
from .error_translation import translated_errors

# Not 1: switching off stops power, and nothing that stops power may wait behind
# another command. The site is the one writer and orders them.
PARALLEL_UPDATES = 0

DISCHARGE_ALLOWED: Final = SwitchEntityDescription(
    key="discharge_allowed",
    translation_key="discharge_allowed",
    entity_category=EntityCategory.CONFIG,
)
MAY_DISCHARGE: Final = SwitchEntityDescription(
    key="may_discharge",
    translation_key="may_discharge",
    entity_category=EntityCategory.CONFIG,
)
PARTICIPATION: Final = SwitchEntityDescription(
    key="participation", translation_key="participation"
)
SHARE_FORECAST: Final = SwitchEntityDescription(
    key="share_forecast",
    translation_key="share_forecast",
    entity_category=EntityCategory.CONFIG,
    entity_registry_enabled_default=False,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the switches of all that the subentries set up."""

    def evses(
        subentry: ConfigSubentry, key: EvseKey, parent_device_id: str
    ) -> list[SwitchEntity]:
        return [
            EvseSwitch(entry, subentry, key, parent_device_id, DISCHARGE_ALLOWED),
        ]

    def vehicles(subentry: ConfigSubentry) -> list[SwitchEntity]:
        return [VehicleSwitch(entry, subentry, MAY_DISCHARGE)]

    def programmes(subentry: ConfigSubentry) -> list[SwitchEntity]:
        return [
            ProgrammeSwitch(entry, subentry, PARTICIPATION),
            ForecastSwitch(entry, subentry, SHARE_FORECAST),
        ]

    async_follow_subentries(
        hass,
        entry,
        async_add_entities,
        evses=evses,
        vehicles=vehicles,
        programmes=programmes,
    )


class EvseSwitch(EvseEntity, SwitchEntity):
    """Discharge is allowed at this charger; off until a self-test proved it."""

    @override
    def _show(self, part: EvseSnapshot) -> object:
        self._attr_is_on = part.policy.is_discharge_allowed
        return self._attr_is_on

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        await self._allow(is_allowed=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        await self._allow(is_allowed=False)

    async def _allow(self, *, is_allowed: bool) -> None:
        with translated_errors():
            await self._site.set_evse_policy(
                self._key,
                lambda policy: replace(policy, is_discharge_allowed=is_allowed),
            )


class VehicleSwitch(VehicleEntity, SwitchEntity):
    """This car may discharge."""

    @override
    def _show(self, part: VehicleSnapshot) -> object:
        self._attr_is_on = part.policy.is_discharge_allowed
        return self._attr_is_on

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        await self._allow(is_allowed=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        await self._allow(is_allowed=False)

    async def _allow(self, *, is_allowed: bool) -> None:
        with translated_errors():
            await self._site.set_vehicle_policy(
                self._vehicle_id,
                lambda policy: replace(policy, is_discharge_allowed=is_allowed),
            )


class ProgrammeSwitch(ProgrammeEntity, SwitchEntity):
    """The home takes part in the programme."""

    @override
    def _show(self, part: ProgrammeSnapshot) -> object:
        self._attr_is_on = part.is_participating
        return self._attr_is_on

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        await self._participate(is_participating=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        await self._participate(is_participating=False)

    async def _participate(self, *, is_participating: bool) -> None:
        with translated_errors():
            await self._site.set_participation(
                self._programme_id, is_participating=is_participating
            )


class ForecastSwitch(ProgrammeEntity, SwitchEntity):
    """The operator may see what the home could do in the next day."""

    @override
    def _show(self, part: ProgrammeSnapshot) -> object:
        self._attr_is_on = part.book.is_forecast_shared
        return self._attr_is_on

    @override
    async def async_turn_on(self, **kwargs: Any) -> None:
        await self._share(is_shared=True)

    @override
    async def async_turn_off(self, **kwargs: Any) -> None:
        await self._share(is_shared=False)

    async def _share(self, *, is_shared: bool) -> None:
        with translated_errors():
            await self._site.share_forecast(self._programme_id, is_shared=is_shared)
