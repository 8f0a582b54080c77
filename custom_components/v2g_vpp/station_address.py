"""The address that a charging station has to be pointed at."""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, Final

from homeassistant.core import HomeAssistant
from homeassistant.helpers.network import NoURLAvailableError, get_url
from yarl import URL

from .const import (
    CONF_OCPP_HOST,
    CONF_OCPP_PORT,
    CONF_OCPP_TLS_HOST,
    CONF_OCPP_TLS_PORT,
)

_FALLBACK_HOST: Final = "homeassistant.local"


def station_url(hass: HomeAssistant, listener: Mapping[str, Any]) -> str:
    """Return the URL to paste into a charger, without its identity."""
    port = listener[CONF_OCPP_PORT]
    return str(URL.build(scheme="ws", host=_host(hass, listener), port=port, path="/"))


def secure_station_url(hass: HomeAssistant, listener: Mapping[str, Any]) -> str | None:
    """Return the URL with encryption, None where the home does not offer it."""
    port = listener.get(CONF_OCPP_TLS_PORT)
    if port is None:
        return None
    host = secure_hosts(hass, listener)[0]
    return str(URL.build(scheme="wss", host=host, port=port, path="/"))


def station_urls(hass: HomeAssistant, listener: Mapping[str, Any]) -> tuple[str, ...]:
    """Return every URL that a charger may dial, the encrypted one last."""
    secure_url = secure_station_url(hass, listener)
    url = station_url(hass, listener)
    return (url,) if secure_url is None else (url, secure_url)


def secure_hosts(hass: HomeAssistant, listener: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the certificate of the listener names, what chargers dial first."""
    named = listener.get(CONF_OCPP_TLS_HOST)
    own = _host(hass, listener)
    return tuple(dict.fromkeys((named or own, own, _FALLBACK_HOST)))


def _host(hass: HomeAssistant, listener: Mapping[str, Any]) -> str:
    host: str = listener[CONF_OCPP_HOST]
    return _own_host(hass) if ip_address(host).is_unspecified else host


def _own_host(hass: HomeAssistant) -> str:
    try:
        url = get_url(hass, allow_external=False, allow_cloud=False)
    except NoURLAvailableError:
        return _FALLBACK_HOST
    return URL(url).host or _FALLBACK_HOST
