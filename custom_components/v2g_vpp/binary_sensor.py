"""Binary sensors: plugs, links, latches."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, override

from homeassistant.components.binary_sensor import (
    BinarySensorEntity,
    BinarySensorEntityDescription,
)
from homeassistant.components.binary_sensor.const import BinarySensorDeviceClass
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import V2gConfigEntry
from .domain.dispatch import LinkState
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
)

# Everything is pushed, nothing is asked for.
PARALLEL_UPDATES = 0


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
        return [
            EvseBinarySensor(entry, subentry, key, parent_device_id, description)
            for description in EVSE_BINARY_SENSORS
        ]

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
