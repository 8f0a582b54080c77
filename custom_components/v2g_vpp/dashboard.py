"""The dashboard strategy: where the user interface finds it."""

from pathlib import Path
from typing import Final

from homeassistant.components import frontend
from homeassistant.components.http.server import StaticPathConfig
from homeassistant.core import HomeAssistant
from homeassistant.loader import async_get_integration

from .const import DOMAIN

FOLDER: Final = Path(__file__).parent / "frontend"
URL: Final = f"/{DOMAIN}"
MODULE: Final = f"{URL}/v2g_vpp.js"


async def async_setup_dashboard(hass: HomeAssistant) -> None:
    """Offer the strategy under "Community dashboards", where there is an interface."""
    if frontend.DOMAIN not in hass.config.components:
        return
    integration = await async_get_integration(hass, DOMAIN)
    await hass.http.async_register_static_paths(
        [StaticPathConfig(URL, str(FOLDER), cache_headers=True)]
    )
    # The version makes browsers fetch it anew after an update.
    frontend.add_extra_js_url(hass, f"{MODULE}?v={integration.version}")
