"""Which part of the home an action is for; never a guess."""

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import service

from .const import DOMAIN
from .coordinator import V2gConfigEntry
from .devices import evse_of, is_site
from .domain.ids import EvseKey


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


def wrong_target(key: str) -> ServiceValidationError:
    """Return the error for a device that an action is not for."""
    return ServiceValidationError(translation_domain=DOMAIN, translation_key=key)
