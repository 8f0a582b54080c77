"""The devices of the home: how each level is named and found again."""

from typing import Final

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.device_registry import (
    AnyDeviceEntry,
    ChildDeviceInfo,
    DeviceEntryType,
    DeviceInfo,
    async_get,
)

from .const import (
    CONF_IDENTITY,
    CONF_PROGRAMME_ID,
    CONF_VEHICLE_ID,
    DOMAIN,
    SUBENTRY_ENTITY_STATION,
    SUBENTRY_PROGRAMME,
    SUBENTRY_STATION,
    SUBENTRY_VEHICLE,
)
from .domain.ids import EvseKey, ProgrammeId, StationId, VehicleId

# "/" is in no identity of a station, so that levels can never be mistaken.
SITE_IDENTIFIER: Final = "site"
_STATION: Final = "station/"
_EVSE: Final = "evse/"
_VEHICLE: Final = "vehicle/"
_PROGRAMME: Final = "programme/"


def site_device(title: str) -> DeviceInfo:
    """Return the description of the home."""
    return DeviceInfo(
        identifiers={(DOMAIN, SITE_IDENTIFIER)},
        name=title,
        entry_type=DeviceEntryType.SERVICE,
    )


def station_device(subentry: ConfigSubentry) -> DeviceInfo:
    """Return the description of a charging station; its maker comes at its boot."""
    return DeviceInfo(
        identifiers={(DOMAIN, station_identifier(subentry.data[CONF_IDENTITY]))},
        name=subentry.title,
    )


def evse_device(key: EvseKey, parent_device_id: str) -> ChildDeviceInfo:
    """Return the description of one EVSE of a station."""
    return ChildDeviceInfo(
        identifiers={(DOMAIN, f"{_EVSE}{key}")},
        parent_device_id=parent_device_id,
        translation_key="evse",
        translation_placeholders={"number": str(key.evse_id)},
    )


def vehicle_device(subentry: ConfigSubentry) -> DeviceInfo:
    """Return the description of a vehicle."""
    return DeviceInfo(
        identifiers={(DOMAIN, f"{_VEHICLE}{subentry.data[CONF_VEHICLE_ID]}")},
        name=subentry.title,
    )


def programme_device(subentry: ConfigSubentry) -> DeviceInfo:
    """Return the description of a VPP programme."""
    return DeviceInfo(
        identifiers={(DOMAIN, f"{_PROGRAMME}{subentry.data[CONF_PROGRAMME_ID]}")},
        name=subentry.title,
        entry_type=DeviceEntryType.SERVICE,
    )


@callback
def async_rename_device(
    hass: HomeAssistant, entry: ConfigEntry, subentry: ConfigSubentry
) -> None:
    """Give the device of a subentry the subentry's present title."""
    info = {
        SUBENTRY_STATION: station_device,
        SUBENTRY_ENTITY_STATION: station_device,
        SUBENTRY_VEHICLE: vehicle_device,
        SUBENTRY_PROGRAMME: programme_device,
    }[subentry.subentry_type](subentry)
    registry = async_get(hass)
    for identifier in info["identifiers"]:
        device = registry.async_get_device_by_identifier(identifier, entry.entry_id)
        if device is not None and device.name != subentry.title:
            registry.async_update_device(device.id, name=subentry.title)


def station_identifier(station_id: str) -> str:
    """Return what the device registry knows a station by."""
    return f"{_STATION}{station_id}"


def evse_of(device: AnyDeviceEntry) -> EvseKey | None:
    """Return the EVSE that a device stands for, None for any other device."""
    for domain, identifier in device.identifiers:
        if domain == DOMAIN and identifier.startswith(_EVSE):
            station_id, _, number = identifier.removeprefix(_EVSE).rpartition("/")
            return EvseKey(StationId(station_id), int(number))
    return None


def station_of(device: AnyDeviceEntry) -> StationId | None:
    """Return the station that a device stands for, None for any other device."""
    for domain, identifier in device.identifiers:
        if domain == DOMAIN and identifier.startswith(_STATION):
            return StationId(identifier.removeprefix(_STATION))
    return None


def vehicle_of(device: AnyDeviceEntry) -> VehicleId | None:
    """Return the vehicle that a device stands for, None for any other device."""
    for domain, identifier in device.identifiers:
        if domain == DOMAIN and identifier.startswith(_VEHICLE):
            return VehicleId(identifier.removeprefix(_VEHICLE))
    return None


def programme_of(device: AnyDeviceEntry) -> ProgrammeId | None:
    """Return the programme that a device stands for, None for any other device."""
    for domain, identifier in device.identifiers:
        if domain == DOMAIN and identifier.startswith(_PROGRAMME):
            return ProgrammeId(identifier.removeprefix(_PROGRAMME))
    return None


def is_site(device: AnyDeviceEntry) -> bool:
    """Return True for the device of the whole home."""
    return (DOMAIN, SITE_IDENTIFIER) in device.identifiers
