"""Which part of the home an action is for; never a guess."""

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import service

from .const import DOMAIN
from .coordinator import V2gConfigEntry
from .devices import evse_of, is_site, programme_of, station_of
from .domain.errors import StationOffline
from .domain.ids import EvseKey, ProgrammeId
from .entity import evse_keys
from .error_translation import translated


@callback
def async_evse(
    hass: HomeAssistant, call: ServiceCall
) -> tuple[V2gConfigEntry, EvseKey]:
    """Return the EVSE that a call names.

    Raises:
        ServiceValidationError: for a device that is none.
    """
    entry: V2gConfigEntry
    device, entry = service.async_get_device_and_config_entry(
        hass, DOMAIN, call.data[ATTR_DEVICE_ID]
    )
    key = evse_of(device)
    if key is None:
        raise wrong_target("target_not_evse")
    return entry, key


@callback
def async_home(hass: HomeAssistant, call: ServiceCall) -> V2gConfigEntry:
    """Return the home that a call names.

    Raises:
        ServiceValidationError: for a device that is none.
    """
    entry: V2gConfigEntry
    device, entry = service.async_get_device_and_config_entry(
        hass, DOMAIN, call.data[ATTR_DEVICE_ID]
    )
    if not is_site(device):
        raise wrong_target("target_not_home")
    return entry


@callback
def async_evses(
    hass: HomeAssistant, call: ServiceCall
) -> tuple[V2gConfigEntry, list[EvseKey | None]]:
    """Return what a stop is for: one EVSE, those of a station, or None for all."""
    entry: V2gConfigEntry
    device, entry = service.async_get_device_and_config_entry(
        hass, DOMAIN, call.data[ATTR_DEVICE_ID]
    )
    if is_site(device):
        return entry, [None]
    key = evse_of(device)
    if key is not None:
        return entry, [key]
    station_id = station_of(device)
    if station_id is None:
        raise wrong_target("target_not_stoppable")
    keys = sorted(evse_keys(entry.runtime_data.site.snapshot, station_id))
    if not keys:
        # It never connected: a stop that sends nothing must not look like one.
        raise translated(StationOffline(station_id))
    return entry, [*keys]


@callback
def async_programme(
    hass: HomeAssistant, call: ServiceCall
) -> tuple[V2gConfigEntry, ProgrammeId]:
    """Return the programme that a call names.

    Raises:
        ServiceValidationError: for a device that is none.
    """
    entry: V2gConfigEntry
    device, entry = service.async_get_device_and_config_entry(
        hass, DOMAIN, call.data[ATTR_DEVICE_ID]
    )
    programme_id = programme_of(device)
    if programme_id is None:
        raise wrong_target("target_not_programme")
    return entry, programme_id


def wrong_target(key: str) -> ServiceValidationError:
    """Return the error for a device that an action is not for."""
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key)
