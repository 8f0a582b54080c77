"""Buttons: stops, resets and the self-test."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import CONF_SOURCE
from .coordinator import V2gConfigEntry, V2gRuntimeData
from .domain.ids import EvseKey
from .domain.snapshot import EvseSnapshot, ProgrammeSnapshot
from .entity import EvseEntity, ProgrammeEntity, async_follow_subentries
from .error_translation import translated_errors

# Not 1: the emergency stop must never wait until another button has done its work.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class EvseButtonDescription(ButtonEntityDescription):
    """A button of one EVSE and what it does."""

    press_fn: Callable[[V2gRuntimeData, EvseKey], Awaitable[None]]


BUTTONS: Final[tuple[EvseButtonDescription, ...]] = (
    EvseButtonDescription(
        key="emergency_stop",
        translation_key="emergency_stop",
        press_fn=lambda data, key: data.site.emergency_stop(key),
    ),
    EvseButtonDescription(
        key="reset_emergency_stop",
        translation_key="reset_emergency_stop",
        press_fn=lambda data, key: data.site.reset_emergency_stop(key),
    ),
    EvseButtonDescription(
        key="return_to_automatic",
        translation_key="return_to_automatic",
        press_fn=lambda data, key: data.site.return_to_automatic(key),
    ),
    EvseButtonDescription(
        key="self_test",
        translation_key="self_test",
        entity_category=EntityCategory.DIAGNOSTIC,
        press_fn=lambda data, key: data.site.start_self_test(key),
    ),
    EvseButtonDescription(
        key="clear_charging_profile",
        translation_key="clear_charging_profile",
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        press_fn=lambda data, key: data.site.clear_charging_profile(key),
    ),
)


RENEW: Final = ButtonEntityDescription(
    key="renew_certificate",
    translation_key="renew_certificate",
    entity_category=EntityCategory.DIAGNOSTIC,
)
OPT_OUT: Final = ButtonEntityDescription(
    key="opt_out_of_event", translation_key="opt_out_of_event"
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the buttons of every EVSE and of every programme."""

    def evses(
        subentry: ConfigSubentry, key: EvseKey, parent_device_id: str
    ) -> list[ButtonEntity]:
        return [
            EvseButton(entry, subentry, key, parent_device_id, description)
            for description in BUTTONS
        ]

    def programmes(subentry: ConfigSubentry) -> list[ButtonEntity]:
        buttons: list[ButtonEntity] = [OptOutButton(entry, subentry, OPT_OUT)]
        if CONF_SOURCE not in subentry.data:
            buttons.append(RenewButton(entry, subentry, RENEW))
        return buttons

    async_follow_subentries(
        hass, entry, async_add_entities, evses=evses, programmes=programmes
    )


class EvseButton(EvseEntity, ButtonEntity):
    """A button of one EVSE; it stays usable while the station is offline."""

    entity_description: EvseButtonDescription

    @override
    def _show(self, part: EvseSnapshot) -> object:
        return None

    @override
    async def async_press(self) -> None:
        with translated_errors():
            await self.entity_description.press_fn(
                self.coordinator.config_entry.runtime_data, self._key
            )


class OptOutButton(ProgrammeEntity, ButtonEntity):
    """Leave the event that runs or comes next."""

    @override
    def _is_reachable(self, part: ProgrammeSnapshot) -> bool:
        return part.book.current_event() is not None

    @override
    def _show(self, part: ProgrammeSnapshot) -> object:
        return None

    @override
    async def async_press(self) -> None:
        with translated_errors():
            await self._site.opt_out(self._programme_id)


class RenewButton(ProgrammeEntity, ButtonEntity):
    """Asks the operator for the next certificate of this home."""

    @override
    def _show(self, part: ProgrammeSnapshot) -> object:
        return None

    @override
    async def async_press(self) -> None:
        """Ask now; it is used once it came and the broker takes it."""
        renewers = self.coordinator.config_entry.runtime_data.renewers
        with translated_errors():
            renewers[self._programme_id]()
