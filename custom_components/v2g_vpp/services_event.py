"""The action about events of a programme."""

from typing import Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import config_validation as cv, service
import voluptuous as vol

from .action_target import wrong_target
from .const import DOMAIN
from .coordinator import V2gConfigEntry
from .devices import programme_of
from .domain.ids import ProgrammeId
from .error_translation import translated_errors
from .sensor_event import ATTR_EVENT_ID

SERVICE_OPT_OUT: Final = "opt_out"

OPT_OUT_SCHEMA: Final = vol.Schema(
    {
        vol.Required(ATTR_DEVICE_ID): cv.string,
        vol.Optional(ATTR_EVENT_ID): cv.string,
    }
)


@callback
def async_setup_event_services(hass: HomeAssistant) -> None:
    """Register the action; it finds its programme when it is called."""

    async def opt_out(call: ServiceCall) -> None:
        entry, programme_id = _async_programme(hass, call)
        with translated_errors():
            await entry.runtime_data.site.opt_out(
                programme_id, call.data.get(ATTR_EVENT_ID)
            )

    hass.services.async_register(
        DOMAIN, SERVICE_OPT_OUT, opt_out, schema=OPT_OUT_SCHEMA
    )


@callback
def _async_programme(
    hass: HomeAssistant, call: ServiceCall
) -> tuple[V2gConfigEntry, ProgrammeId]:
    """Return the programme that a call names; never a guess."""
    entry: V2gConfigEntry
    device, entry = service.async_get_device_and_config_entry(
        hass, DOMAIN, call.data[ATTR_DEVICE_ID]
    )
    programme_id = programme_of(device)
    if programme_id is None:
        raise wrong_target("target_not_programme")
    return entry, programme_id
