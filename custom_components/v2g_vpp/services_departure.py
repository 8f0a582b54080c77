"""The actions about the next departure of a vehicle."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import config_validation as cv, service
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .action_permission import async_register_action
from .const import DOMAIN
from .coordinator import V2gConfigEntry
from .devices import vehicle_of
from .domain.ids import VehicleId
from .error_translation import translated_errors

SERVICE_SET_DEPARTURE: Final = "set_departure"
SERVICE_CLEAR_DEPARTURE: Final = "clear_departure"

ATTR_DEPARTURE: Final = "departure"
ATTR_SOC: Final = "soc"

CLEAR_SCHEMA: Final = vol.Schema({vol.Required(ATTR_DEVICE_ID): cv.string})
SET_SCHEMA: Final = CLEAR_SCHEMA.extend(
    {
        vol.Required(ATTR_DEPARTURE): cv.datetime,
        vol.Required(ATTR_SOC): vol.All(vol.Coerce(float), vol.Range(min=1, max=100)),
    }
)


@callback
def async_setup_departure_services(hass: HomeAssistant) -> None:
    """Register the actions; each finds its vehicle when it is called."""

    async def set_departure(call: ServiceCall) -> None:
        entry, vehicle_id = _async_vehicle(hass, call)
        # Without a zone it is a time on the wall of this home.
        departure: datetime = dt_util.as_utc(call.data[ATTR_DEPARTURE])
        if departure <= dt_util.utcnow():
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="departure_over"
            )
        with translated_errors():
            await entry.runtime_data.site.set_vehicle_policy(
                vehicle_id,
                lambda policy: replace(
                    policy,
                    departure_at=departure.isoformat(),
                    departure_soc_percent=call.data[ATTR_SOC],
                ),
            )

    async def clear_departure(call: ServiceCall) -> None:
        entry, vehicle_id = _async_vehicle(hass, call)
        with translated_errors():
            await entry.runtime_data.site.set_vehicle_policy(
                vehicle_id, lambda policy: replace(policy, departure_at=None)
            )

    async_register_action(
        hass, DOMAIN, SERVICE_SET_DEPARTURE, set_departure, schema=SET_SCHEMA
    )
    async_register_action(
        hass, DOMAIN, SERVICE_CLEAR_DEPARTURE, clear_departure, schema=CLEAR_SCHEMA
    )


@callback
def _async_vehicle(
    hass: HomeAssistant, call: ServiceCall
) -> tuple[V2gConfigEntry, VehicleId]:
    """Return the vehicle that a call names; never a guess."""
    entry: V2gConfigEntry
    device, entry = service.async_get_device_and_config_entry(
        hass, DOMAIN, call.data[ATTR_DEVICE_ID]
    )
    vehicle_id = vehicle_of(device)
    if vehicle_id is None:
        raise ServiceValidationError(
            translation_domain=DOMAIN, translation_key="target_not_vehicle"
        )
    return entry, vehicle_id
