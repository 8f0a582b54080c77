"""Binary sensors: plugs, links, latches."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import DOMAIN
from .coordinator import V2gConfigEntry
from .domain.dispatch import LinkState
from .domain.faults import FaultCode
from .domain.ids import EvseKey
from .domain.snapshot import (
    EvseSnapshot,
    ProgrammeSnapshot,
    StationSnapshot,
    VehicleSnapshot,
)
from .entity import (
    EvseEntity,
    ProgrammeEntity,
    StationEntity,
    V2gEntity,
    VehicleEntity,
    async_follow_subentries,
    evse_unique_id,
)

# Everything is pushed, nothing is asked for.
PARALLEL_UPDATES = 0


HEAT_FAULTS: Final = frozenset(
    {FaultCode.HANDLE_OVER_TEMPERATURE, FaultCode.OVER_TEMPERATURE}
)


@dataclass(frozen=True, kw_only=True)
class V2gBinarySensorDescription[PartT](BinarySensorEntityDescription):
    """A binary sensor and where its state comes from."""

    is_on_fn: Callable[[PartT], bool | None]
    needs_link: bool = False
    """True: unavailable while the station is offline."""


EVSE_BINARY_SENSORS: Final[tuple[V2gBinarySensorDescription[EvseSnapshot], ...]] = (
    V2gBinarySensorDescription(
        key="plugged",
        device_class=BinarySensorDeviceClass.PLUG,
        is_on_fn=lambda evse: evse.is_plugged,
        needs_link=True,
    ),
    V2gBinarySensorDescription(
        key="emergency_stop",
        translation_key="emergency_stop",
        device_class=BinarySensorDeviceClass.SAFETY,
        is_on_fn=lambda evse: evse.is_emergency_stopped,
    ),
    V2gBinarySensorDescription(
        key="ready_to_discharge",
        translation_key="ready_to_discharge",
        is_on_fn=lambda evse: evse.discharge_blocked_by is None,
    ),
)

FAULT_BINARY_SENSORS: Final[tuple[V2gBinarySensorDescription[EvseSnapshot], ...]] = (
    V2gBinarySensorDescription(
        key="ground_fault",
        translation_key="ground_fault",
        device_class=BinarySensorDeviceClass.SAFETY,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda evse: FaultCode.GROUND_FAULT in evse.faults,
    ),
    V2gBinarySensorDescription(
        key="over_temperature",
        translation_key="over_temperature",
        device_class=BinarySensorDeviceClass.HEAT,
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda evse: not HEAT_FAULTS.isdisjoint(evse.faults),
    ),
)
"""Of an outlet that reported such a fault once: of any other, "no" would only mean
that nobody looks."""

STATION_LINK: Final = V2gBinarySensorDescription[StationSnapshot](
    key="link",
    translation_key="link",
    device_class=BinarySensorDeviceClass.CONNECTIVITY,
    entity_category=EntityCategory.DIAGNOSTIC,
    is_on_fn=lambda station: station.is_connected,
)

VEHICLE_BINARY_SENSORS: Final[
    tuple[V2gBinarySensorDescription[VehicleSnapshot], ...]
] = (
    V2gBinarySensorDescription(
        key="v2g_capable",
        translation_key="v2g_capable",
        entity_category=EntityCategory.DIAGNOSTIC,
        is_on_fn=lambda vehicle: vehicle.is_v2g_capable,
    ),
)

PROGRAMME_BINARY_SENSORS: Final[
    tuple[V2gBinarySensorDescription[ProgrammeSnapshot], ...]
] = (
    V2gBinarySensorDescription(
        key="link",
        translation_key="link",
        device_class=BinarySensorDeviceClass.CONNECTIVITY,
        entity_category=EntityCategory.DIAGNOSTIC,
        # Connected without a trusted heartbeat is no link that can be relied on.
        is_on_fn=lambda programme: programme.link is LinkState.HEALTHY,
    ),
    V2gBinarySensorDescription(
        key="event_active",
        translation_key="event_active",
        device_class=BinarySensorDeviceClass.RUNNING,
        is_on_fn=lambda programme: programme.order is not None,
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the binary sensors of all that the subentries set up."""

    def stations(subentry: ConfigSubentry) -> list[BinarySensorEntity]:
        return [StationLink(entry, subentry, STATION_LINK)]

    def evses(
        subentry: ConfigSubentry, key: EvseKey, parent_device_id: str
    ) -> list[BinarySensorEntity]:
        def make(
            description: V2gBinarySensorDescription[EvseSnapshot],
        ) -> BinarySensorEntity:
            return EvseBinarySensor(entry, subentry, key, parent_device_id, description)

        add = partial(async_add_entities, config_subentry_id=subentry.subentry_id)
        _async_add_when_reported(hass, entry, key, lambda one: add([make(one)]))
        return [make(description) for description in EVSE_BINARY_SENSORS]

    def vehicles(subentry: ConfigSubentry) -> list[BinarySensorEntity]:
        return [
            VehicleBinarySensor(entry, subentry, description)
            for description in VEHICLE_BINARY_SENSORS
        ]

    def programmes(subentry: ConfigSubentry) -> list[BinarySensorEntity]:
        return [
            ProgrammeBinarySensor(entry, subentry, description)
            for description in PROGRAMME_BINARY_SENSORS
        ]

    async_follow_subentries(
        hass,
        entry,
        async_add_entities,
        stations=stations,
        evses=evses,
        vehicles=vehicles,
        programmes=programmes,
    )


@callback
def _async_add_when_reported(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    key: EvseKey,
    add: Callable[[V2gBinarySensorDescription[EvseSnapshot]], None],
) -> None:
    """Add what an outlet reported before, and the rest when it first does."""
    coordinator, registry = entry.runtime_data.coordinator, er.async_get(hass)
    waiting = set(FAULT_BINARY_SENSORS)

    def is_known(description: V2gBinarySensorDescription[EvseSnapshot]) -> bool:
        unique_id = evse_unique_id(key, description.key)
        domain = Platform.BINARY_SENSOR
        return registry.async_get_entity_id(domain, DOMAIN, unique_id) is not None

    @callback
    def look() -> None:
        evse = coordinator.data.evse(key)
        # Nearly every picture comes by here, and nearly none has a fault.
        if evse is None or not evse.faults:
            return
        take({one for one in waiting if one.is_on_fn(evse)})

    def take(new: set[V2gBinarySensorDescription[EvseSnapshot]]) -> None:
        waiting.difference_update(new)
        for description in new:
            add(description)

    take({one for one in waiting if is_known(one)})
    look()
    entry.async_on_unload(coordinator.async_add_listener(look))


class V2gBinarySensor[PartT](V2gEntity[PartT], BinarySensorEntity):
    """A binary sensor of any level."""

    entity_description: V2gBinarySensorDescription[PartT]

    @override
    def _show(self, part: PartT) -> object:
        self._attr_is_on = self.entity_description.is_on_fn(part)
        return self._attr_is_on


class EvseBinarySensor(V2gBinarySensor[EvseSnapshot], EvseEntity):
    """A binary sensor of one EVSE."""

    def __init__(
        self,
        entry: V2gConfigEntry,
        subentry: ConfigSubentry,
        key: EvseKey,
        parent_device_id: str,
        description: V2gBinarySensorDescription[EvseSnapshot],
    ) -> None:
        """Build the binary sensor."""
        super().__init__(entry, subentry, key, parent_device_id, description)
        self._needs_link = description.needs_link


class VehicleBinarySensor(V2gBinarySensor[VehicleSnapshot], VehicleEntity):
    """A binary sensor of one vehicle."""


class ProgrammeBinarySensor(V2gBinarySensor[ProgrammeSnapshot], ProgrammeEntity):
    """A binary sensor of one programme."""


class StationLink(V2gBinarySensor[StationSnapshot], StationEntity):
    """The link to a station; it keeps the station's device up to date, too."""

    _facts: tuple[str | None, ...] | None = None

    @override
    def _show(self, part: StationSnapshot) -> object:
        facts = (part.vendor, part.model, part.serial_number, part.firmware)
        # The registry is slow and every message comes by here: only what is new.
        if part.vendor and facts != self._facts and self.device_entry is not None:
            self._facts = facts
            dr.async_get(self.hass).async_update_device(
                self.device_entry.id,
                manufacturer=part.vendor,
                model=part.model,
                serial_number=part.serial_number,
                sw_version=part.firmware or None,
            )
        return super()._show(part)
