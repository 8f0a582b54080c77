"""The address that a charging station has to be pointed at."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.network import NoURLAvailableError, get_url
from yarl import URL

from .const import CONF_OCPP_HOST, CONF_OCPP_PORT

_FALLBACK_HOST: Final = "homeassistant.local"


def station_url(hass: HomeAssistant, listener: Mapping[str, Any]) -> str:
    """Return the URL to paste into a charger, without its identity."""
    host, port = listener[CONF_OCPP_HOST], listener[CONF_OCPP_PORT]
    if ip_address(host).is_unspecified:
        host = _own_host(hass)
    return str(URL.build(scheme="ws", host=host, port=port, path="/"))


def _own_host(hass: HomeAssistant) -> str:
    try:
        url = get_url(hass, allow_external=False, allow_cloud=False)
    except NoURLAvailableError:
        return _FALLBACK_HOST
    return URL(url).host or _FALLBACK_HOST
