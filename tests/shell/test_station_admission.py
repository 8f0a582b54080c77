"""A charger that connects while the page with its password is open."""

from base64 import b64encode
import json
from typing import Any

import aiohttp
from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import CONF_SKIP_WAIT, SUBENTRY_STATION
from custom_components.v2g_vpp.domain.ids import StationId
from tests.csms.peer import BOOT
from tests.shell.home import Home
from tests.shell.test_subentry_flows import STATION

NEW = StationId(STATION["identity"])
CLOSE = aiohttp.WSMsgType.CLOSE


async def open_page(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (entry.entry_id, SUBENTRY_STATION), context={"source": SOURCE_USER}
    )
    page = await flows.async_configure(form["flow_id"], STATION)
    assert page["step_id"] == "connect"
    return page


async def test_it_is_let_in_from_the_page_on_until_it_is_closed(
    hass: HomeAssistant, home: Home
) -> None:
    page = await open_page(hass, home.entry)
    assert home.stations.guests == {NEW: STATION["password"]}
    hass.config_entries.subentries.async_abort(page["flow_id"])
    assert not home.stations.guests


async def test_a_home_that_is_not_loaded_lets_nobody_in(
    hass: HomeAssistant, home: Home
) -> None:
    assert await hass.config_entries.async_unload(home.entry.entry_id)
    page = await open_page(hass, home.entry)
    assert not home.stations.guests
    hass.config_entries.subentries.async_abort(page["flow_id"])


async def boot(socket: aiohttp.ClientWebSocketResponse) -> Any:
    await socket.send_str(json.dumps([2, "1", "BootNotification", BOOT]))
    while True:
        frame = json.loads(await socket.receive_str(timeout=5))
        if frame[:2] == [3, "1"]:
            return frame[2]["status"]


@pytest.mark.usefixtures("socket_enabled")
async def test_a_charger_waits_for_the_page_and_is_accepted_afterwards(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    url = f"ws://127.0.0.1:{entry.data['ocpp_port']}/{NEW}"
    login = b64encode(f"{NEW}:{STATION['password']}".encode()).decode()
    options: dict[str, Any] = {
        "protocols": ("ocpp2.0.1",),
        "headers": {"Authorization": f"Basic {login}"},
    }
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url, **options)
        page = await open_page(hass, entry)
        socket = await session.ws_connect(url, **options)
        assert await boot(socket) == "Pending"
        result = await hass.config_entries.subentries.async_configure(
            page["flow_id"], {CONF_SKIP_WAIT: True}
        )
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.async_block_till_done()
        while (message := await socket.receive(timeout=5)).type is not CLOSE:
            # It was asked for its meter while it waited.
            assert '"TriggerMessage"' in message.data
        assert entry.runtime_data.site.snapshot.station(NEW) is not None
        socket = await session.ws_connect(url, **options)
        assert await boot(socket) == "Accepted"
        await socket.close()
    assert await hass.config_entries.async_unload(entry.entry_id)
