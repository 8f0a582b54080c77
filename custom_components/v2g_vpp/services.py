"""The actions of the integration."""

from homeassistant.core import HomeAssistant, callback

from .services_calibration import async_setup_calibration_services
from .services_control import async_setup_control_services
from .services_departure import async_setup_departure_services
from .services_energy import async_setup_energy_service
from .services_event import async_setup_event_services
from .services_explain import async_setup_explain_service
from .services_ledger import async_setup_ledger_services
from .services_messages import async_setup_message_services
from .services_owner import async_setup_owner_services
from .services_rehearsal import async_setup_rehearsal_service
from .services_self_test import async_setup_self_test_service
from .services_station import async_setup_station_services


@callback
def async_setup_services(hass: HomeAssistant) -> None:
    """Register the actions; each finds its target when it is called."""
    async_setup_owner_services(hass)
    async_setup_departure_services(hass)
    async_setup_event_services(hass)
    async_setup_ledger_services(hass)
    async_setup_calibration_services(hass)
    async_setup_energy_service(hass)
    async_setup_explain_service(hass)
    async_setup_control_services(hass)
    async_setup_message_services(hass)
    async_setup_rehearsal_service(hass)
    async_setup_self_test_service(hass)
    async_setup_station_services(hass)
