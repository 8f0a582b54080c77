"""The actions of the integration."""

import asyncio
from datetime import timedelta
from typing import Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import config_validation as cv, service
import voluptuous as vol

from .action_schema import action_schema
from .action_target import async_evse, wrong_target
from .const import ATTR_DURATION, ATTR_POWER, DOMAIN
from .coordinator import V2gConfigEntry
from .devices import evse_of, is_site, station_of
from .domain.errors import StationOffline
from .domain.ids import EvseKey
from .entity import evse_keys
from .error_translation import translated, translated_errors
from .services_calibration import async_setup_calibration_services
from .services_control import async_setup_control_services
from .services_departure import async_setup_departure_services
from .services_energy import async_setup_energy_service
from .services_event import async_setup_event_services
from .services_explain import async_setup_explain_service
from .services_messages import async_setup_message_services
from .services_rehearsal import async_setup_rehearsal_service
from .services_station import async_setup_station_services

SERVICE_SET_POWER: Final = "set_power"
SERVICE_STOP: Final = "stop"
SERVICE_CLEAR_CHARGING_PROFILE: Final = "clear_charging_profile"

LONGEST_DURATION: Final = timedelta(hours=24)
"""A power that was asked for by hand and forgotten ends within a day."""

_DEVICE: Final = {vol.Required(ATTR_DEVICE_ID): cv.string}
SET_POWER_SCHEMA: Final = action_schema(
    SERVICE_SET_POWER,
    {
        **_DEVICE,
        # The range is the charger's own; the site refuses what is outside it.
        vol.Required(ATTR_POWER): vol.All(
            vol.Coerce(float), vol.Range(min=-1_000_000, max=1_000_000)
        ),
        vol.Required(ATTR_DURATION): vol.All(
            cv.positive_time_period,
            vol.Range(min=timedelta(seconds=1), max=LONGEST_DURATION),
        ),
    },
)
DEVICE_SCHEMA: Final = vol.Schema(_DEVICE)


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions; each finds its target when it is called."""

    async def set_power(call: ServiceCall) -> None:
        entry, key = async_evse(hass, call)
        duration: timedelta = call.data[ATTR_DURATION]
        with translated_errors():
            await entry.runtime_data.site.set_power(
                key, call.data[ATTR_POWER], duration.total_seconds()
            )

    async def stop(call: ServiceCall) -> None:
        entry, keys = _async_evses(hass, call)
        site = entry.runtime_data.site
        with translated_errors():
            # One that does not answer must not keep the others from stopping.
            outcomes = await asyncio.gather(
                *(site.stop(key) for key in keys), return_exceptions=True
            )
            for outcome in outcomes:
                if outcome is not None:
                    raise outcome

    async def clear_charging_profile(call: ServiceCall) -> None:
        entry, key = async_evse(hass, call)
        with translated_errors():
            await entry.runtime_data.site.clear_charging_profile(key)

    async_setup_departure_services(hass)
    async_setup_event_services(hass)
    async_setup_calibration_services(hass)
    async_setup_energy_service(hass)
    async_setup_explain_service(hass)
    async_setup_control_services(hass)
    async_setup_message_services(hass)
    async_setup_rehearsal_service(hass)
    async_setup_station_services(hass)
    hass.services.async_register(
        DOMAIN, SERVICE_SET_POWER, set_power, schema=SET_POWER_SCHEMA
    )
    hass.services.async_register(DOMAIN, SERVICE_STOP, stop, schema=DEVICE_SCHEMA)
    hass.services.async_register(
        DOMAIN,
        SERVICE_CLEAR_CHARGING_PROFILE,
        clear_charging_profile,
        schema=DEVICE_SCHEMA,
    )


@callback
def _async_evses(
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
