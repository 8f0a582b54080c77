"""The action about events of a programme."""

from typing import Final

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.helpers import config_validation as cv
import voluptuous as vol

from .action_permission import async_register_action
from .action_target import async_programme
from .const import DOMAIN
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
        entry, programme_id = async_programme(hass, call)
        with translated_errors():
            await entry.runtime_data.site.opt_out(
                programme_id, call.data.get(ATTR_EVENT_ID)
            )

    async_register_action(hass, DOMAIN, SERVICE_OPT_OUT, opt_out, schema=OPT_OUT_SCHEMA)
