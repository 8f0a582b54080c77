"""Base entities, one per level of the home, and how they appear and change."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, override

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .const import (
    CONF_IDENTITY,
    CONF_PROGRAMME_ID,
    CONF_VEHICLE_ID,
    CONF_VIRTUAL,
    STATION_SUBENTRIES,
    SUBENTRY_ENTITY_STATION,
    SUBENTRY_PROGRAMME,
    SUBENTRY_STATION,
    SUBENTRY_VEHICLE,
    VIRTUAL_NO,
)
from .coordinator import V2gConfigEntry, V2gUpdateCoordinator
from .devices import (
    evse_device,
    programme_device,
    site_device,
    station_device,
    vehicle_device,
)
from .domain.ids import EvseKey, ProgrammeId, StationId, VehicleId
from .domain.snapshot import (
    EvseSnapshot,
    ProgrammeSnapshot,
    SiteSnapshot,
    StationSnapshot,
    VehicleSnapshot,
)


class V2gEntity[PartT](CoordinatorEntity[V2gUpdateCoordinator]):
    """Show one part of the picture; write a state only when it shows differently."""

    _attr_has_entity_name = True
    _attr_should_poll = False
    _shows_its_part_only = True
    """False: it shows more than is in its part of the picture."""

    def __init__(
        self,
        entry: V2gConfigEntry,
        description: EntityDescription,
        unique_prefix: str,
    ) -> None:
        """Build the entity of ``description`` for what ``unique_prefix`` names."""
        super().__init__(entry.runtime_data.coordinator)
        self.entity_description = description
        self._attr_unique_id = f"{unique_prefix}_{description.key}"
        self._site = entry.runtime_data.site
        self._is_available = False
        self._shown: object = None
        self._seen: PartT | None = None

    @abstractmethod
    def _find(self, snapshot: SiteSnapshot) -> PartT | None:
        """Return the part that this entity is about, None when it is gone."""

    @abstractmethod
    def _show(self, part: PartT) -> object:
        """Take the part over into ``_attr_...``; return all that is shown of it."""

    def _is_reachable(self, part: PartT) -> bool:
        """Return False when nothing can be said of the part now."""
        return True

    @property
    @override
    def available(self) -> bool:
        return self._is_available

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self._refresh()

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        part = self._find(self.coordinator.data)
        is_reachable = part is not None and self._is_reachable(part)
        # A part of which nothing is new is the same object in the next picture.
        is_new = part is not self._seen or is_reachable is not self._is_available
        if is_new or not self._shows_its_part_only:
            self._look_again()

    @callback
    def _look_again(self) -> None:
        """Show the part anew, also when only time has passed."""
        if self._refresh():
            self.async_write_ha_state()

    def _refresh(self) -> bool:
        """Take the picture over; return True when it shows differently."""
        part = self._seen = self._find(self.coordinator.data)
        before = (self._is_available, self._shown)
        if part is None or not self._is_reachable(part):
            self._is_available, self._shown = False, None
        else:
            self._is_available, self._shown = True, self._show(part)
        return before != (self._is_available, self._shown)


_SITE = "site"


def site_unique_id(key: str) -> str:
    """Return the unique id of an entity of the whole home."""
    return f"{_SITE}_{key}"


def evse_unique_id(evse: EvseKey, key: str) -> str:
    """Return the unique id of an entity of one EVSE."""
    return f"{_evse_prefix(evse)}_{key}"


def vehicle_unique_id(vehicle_id: VehicleId, key: str) -> str:
    """Return the unique id of an entity of one vehicle."""
    return f"{_vehicle_prefix(vehicle_id)}_{key}"


def _evse_prefix(evse: EvseKey) -> str:
    return f"{evse.station_id}_{evse.evse_id}"


def _vehicle_prefix(vehicle_id: VehicleId) -> str:
    return f"vehicle_{vehicle_id}"


class SiteEntity(V2gEntity[SiteSnapshot]):
    """Something about the whole home."""

    def __init__(self, entry: V2gConfigEntry, description: EntityDescription) -> None:
        """Build the entity."""
        super().__init__(entry, description, _SITE)
        self._attr_device_info = site_device(entry.title)

    @override
    def _find(self, snapshot: SiteSnapshot) -> SiteSnapshot | None:
        return snapshot


class StationEntity(V2gEntity[StationSnapshot]):
    """Something about a charging station as a whole, OCPP's EVSE 0."""

    def __init__(
        self,
        entry: V2gConfigEntry,
        subentry: ConfigSubentry,
        description: EntityDescription,
    ) -> None:
        """Build the entity of the station that a subentry sets up."""
        self._station_id = StationId(subentry.data[CONF_IDENTITY])
        super().__init__(entry, description, f"{self._station_id}_0")
        self._attr_device_info = station_device(subentry)

    @override
    def _find(self, snapshot: SiteSnapshot) -> StationSnapshot | None:
        return snapshot.station(self._station_id)


class EvseEntity(V2gEntity[EvseSnapshot]):
    """Something about one EVSE."""

    _needs_link = False
    """True: what it shows is only known while the station is connected."""

    def __init__(
        self,
        entry: V2gConfigEntry,
        subentry: ConfigSubentry,
        key: EvseKey,
        parent_device_id: str,
        description: EntityDescription,
    ) -> None:
        """Build the entity of one EVSE of the station that a subentry sets up."""
        super().__init__(entry, description, _evse_prefix(key))
        self._key, self._subentry = key, subentry
        self._attr_device_info = evse_device(key, parent_device_id)

    @override
    def _find(self, snapshot: SiteSnapshot) -> EvseSnapshot | None:
        return snapshot.evse(self._key)

    @override
    def _is_reachable(self, part: EvseSnapshot) -> bool:
        if not self._needs_link:
            return True
        station = self.coordinator.data.station(self._key.station_id)
        return station is not None and station.is_connected


class VehicleEntity(V2gEntity[VehicleSnapshot]):
    """Something about a vehicle, plugged or not."""

    def __init__(
        self,
        entry: V2gConfigEntry,
        subentry: ConfigSubentry,
        description: EntityDescription,
    ) -> None:
        """Build the entity of the vehicle that a subentry sets up."""
        self._vehicle_id = VehicleId(subentry.data[CONF_VEHICLE_ID])
        super().__init__(entry, description, _vehicle_prefix(self._vehicle_id))
        self._attr_device_info = vehicle_device(subentry)

    @override
    def _find(self, snapshot: SiteSnapshot) -> VehicleSnapshot | None:
        return snapshot.vehicle(self._vehicle_id)


class ProgrammeEntity(V2gEntity[ProgrammeSnapshot]):
    """Something about a VPP programme."""

    def __init__(
        self,
        entry: V2gConfigEntry,
        subentry: ConfigSubentry,
        description: EntityDescription,
    ) -> None:
        """Build the entity of the programme that a subentry sets up."""
        self._programme_id = ProgrammeId(subentry.data[CONF_PROGRAMME_ID])
        super().__init__(entry, description, f"programme_{self._programme_id}")
        self._subentry = subentry
        self._attr_device_info = programme_device(subentry)

    @override
    def _find(self, snapshot: SiteSnapshot) -> ProgrammeSnapshot | None:
        return snapshot.programme(self._programme_id)


type BuildEvse = Callable[[ConfigSubentry, EvseKey, str], Iterable[Entity]]
"""Subentry, EVSE and id of the station's device in, entities out."""

type BuildSubentry = Callable[[ConfigSubentry], Iterable[Entity]]


@callback
def async_follow_subentries(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    *,
    stations: BuildSubentry | None = None,
    evses: BuildEvse | None = None,
    vehicles: BuildSubentry | None = None,
    programmes: BuildSubentry | None = None,
) -> None:
    """Add the entities of every subentry there is, and of those that come later."""
    builders = {
        SUBENTRY_STATION: stations,
        SUBENTRY_ENTITY_STATION: stations,
        SUBENTRY_VEHICLE: vehicles,
        SUBENTRY_PROGRAMME: programmes,
    }

    @callback
    def add(subentry: ConfigSubentry) -> None:
        build = builders.get(subentry.subentry_type)
        if build is not None:
            async_add_entities(build(subentry), config_subentry_id=subentry.subentry_id)
        if evses is not None and subentry.subentry_type in STATION_SUBENTRIES:
            _async_follow_evses(hass, entry, subentry, async_add_entities, evses)

    entry.runtime_data.adders.append(add)
    for subentry in entry.subentries.values():
        if subentry.subentry_id in entry.runtime_data.shown:
            add(subentry)


@callback
def _async_follow_evses(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    subentry: ConfigSubentry,
    async_add_entities: AddConfigEntryEntitiesCallback,
    build: BuildEvse,
) -> None:
    """Add the entities of each EVSE of a station when it is first heard of."""
    coordinator = entry.runtime_data.coordinator
    station_id = StationId(subentry.data[CONF_IDENTITY])
    known: set[EvseKey] = set()

    @callback
    def add_new() -> None:
        new = evse_keys(coordinator.data, station_id) - known
        # The listener outlives its subentry: a station that was removed and added
        # again has a listener of its own.
        if not new or subentry.subentry_id not in entry.subentries:
            return
        known.update(new)
        parent = dr.async_get(hass).async_get_or_create(
            config_entry_id=entry.entry_id,
            config_subentry_id=subentry.subentry_id,
            **dict[str, Any](station_device(subentry)),
        )
        for key in sorted(new):
            async_add_entities(
                build(subentry, key, parent.id),
                config_subentry_id=subentry.subentry_id,
            )

    add_new()
    entry.async_on_unload(coordinator.async_add_listener(add_new))


def evse_keys(snapshot: SiteSnapshot, station_id: StationId) -> set[EvseKey]:
    """Return the EVSEs of a station, from its device model or remembered."""
    keys = {evse.key for evse in snapshot.evses_of(station_id)}
    station = snapshot.station(station_id)
    if station is not None and station.capability is not None:
        keys |= {EvseKey(station_id, n) for n in station.capability.evse_ids}
    return keys


def is_virtual(subentry: ConfigSubentry) -> bool:
    """Return True for what exists only in a program: it must not reach statistics."""
    return bool(subentry.data.get(CONF_VIRTUAL, VIRTUAL_NO) != VIRTUAL_NO)
