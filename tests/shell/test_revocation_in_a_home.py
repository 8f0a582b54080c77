"""A stolen charger, from the action to the repair, with real TLS on a real core."""

import asyncio
import json
from pathlib import Path
import ssl
from typing import Any

import aiohttp
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp import diagnostics
from custom_components.v2g_vpp.const import (
    CONF_OCPP_HOST,
    CONF_OCPP_PORT,
    CONF_OCPP_TLS_PORT,
    DOMAIN,
)
from custom_components.v2g_vpp.listener_flow_tls import listener_material
from custom_components.v2g_vpp.pki.authority import LeafPurpose, issue_certificate
from custom_components.v2g_vpp.pki.request import create_client_request
from custom_components.v2g_vpp.pki.tls import load_key_pair
from tests.csms.peer import BOOT
from tests.csms.secure import utcnow
from tests.shell.conftest import STATION
from tests.shell.home import STATION_ID

LOOPBACK = "127.0.0.1"


@pytest.fixture
async def entry(
    hass: HomeAssistant,
    free_port: int,
    unused_tcp_port_factory: Any,
    tmp_path: Path,
) -> MockConfigEntry:
    hass.config.config_dir = str(tmp_path)
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Home",
        data={
            CONF_OCPP_HOST: LOOPBACK,
            CONF_OCPP_PORT: free_port,
            CONF_OCPP_TLS_PORT: unused_tcp_port_factory(),
        },
        subentries_data=[STATION],
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


def certificate_of_the_home(hass: HomeAssistant, entry: MockConfigEntry) -> Any:
    """What the charger got from this home, and somebody took with it."""
    authority = listener_material(hass, entry.data).authority()
    pair = create_client_request("A1")
    leaf = issue_certificate(authority, pair.csr_pem, utcnow(), LeafPurpose.STATION)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=authority.certificate_pem)
    load_key_pair(context, leaf, pair.key_pem)
    return context


async def dial(
    session: aiohttp.ClientSession, entry: MockConfigEntry, context: ssl.SSLContext
) -> aiohttp.ClientWebSocketResponse:
    url = f"wss://{LOOPBACK}:{entry.data[CONF_OCPP_TLS_PORT]}/{STATION_ID}"
    return await session.ws_connect(url, protocols=("ocpp2.0.1",), ssl=context)


async def boot(socket: aiohttp.ClientWebSocketResponse) -> str:
    await socket.send_str(json.dumps([2, "1", "BootNotification", BOOT]))
    while True:
        frame = json.loads(await socket.receive_str(timeout=5))
        if frame[:2] == [3, "1"]:
            return str(frame[2]["status"])


async def until_closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(5):
        while not socket.closed:
            await socket.receive()
    return socket.close_code


async def test_a_stolen_charger_is_turned_away_for_good(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    context = await hass.async_add_executor_job(certificate_of_the_home, hass, entry)
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, f"station/{STATION_ID}"), entry.entry_id
    )
    assert device is not None
    async with aiohttp.ClientSession() as session:
        socket = await dial(session, entry, context)
        assert await boot(socket) == "Accepted"
        shown = await diagnostics.async_get_device_diagnostics(hass, entry, device)
        assert shown["security"] == {
            "profile": 3,
            "is_encrypted": True,
            "certificate_days_left": 364,
            "revoked_certificates": 0,
        }
        told = await hass.services.async_call(
            DOMAIN,
            "revoke_certificate",
            {"device_id": device.id},
            blocking=True,
            return_response=True,
        )
        assert told is not None
        serials = told["revoked"]
        assert isinstance(serials, list)
        assert await until_closed(socket) == 1001
        for _ in range(2):
            with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
                await dial(session, entry, context)
            assert caught.value.status == 401
            await hass.async_block_till_done()
            issue = ir.async_get(hass).async_get_issue(
                DOMAIN, f"revoked_certificate_{STATION_ID}"
            )
            assert issue is not None
            event = hass.states.get("event.garage_security")
            assert event is not None
            assert event.attributes["event_type"] == "login_revoked_certificate"
            assert event.attributes["critical"]
            # A restart changes nothing of it: it is told anew.
            ir.async_delete_issue(hass, DOMAIN, issue.issue_id)
            assert await hass.config_entries.async_reload(entry.entry_id)
            await hass.async_block_till_done()
    shown = await diagnostics.async_get_device_diagnostics(hass, entry, device)
    assert shown["security"]["revoked_certificates"] == 1
    assert str(serials[0]) not in json.dumps(shown)
    assert await hass.config_entries.async_unload(entry.entry_id)
