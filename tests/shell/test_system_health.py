"""The system health page shows counts."""

import re

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import get_system_health_info

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.host_facts import read
from tests.shell.home import Home


# Home Assistant's own web server keys its application by text.
@pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")
async def test_health_shows_the_listener_and_counts(
    hass: HomeAssistant, home: Home
) -> None:
    assert await async_setup_component(hass, "system_health", {})
    await home.connect()
    info = await get_system_health_info(hass, DOMAIN)
    host = read()
    assert (info.pop("kernel"), info.pop("preemption")) == (
        host.kernel,
        host.preemption,
    )
    for key in ("loop_lag_p99", "loop_lag_worst"):
        # Control has just begun, so the first look may not have come yet.
        assert re.fullmatch(r"unknown|\d+ ms", info.pop(key))
    assert info == {
        "listener": f"127.0.0.1:{home.entry.data['ocpp_port']}",
        "stations": "1/1",
        "vehicles": 1,
        "programmes": "0/0",
        "store": True,
    }
    await home.disconnect()
    assert (await get_system_health_info(hass, DOMAIN))["stations"] == "0/1"
    await hass.config_entries.async_unload(home.entry.entry_id)
    assert await get_system_health_info(hass, DOMAIN) == {}
