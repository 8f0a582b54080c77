"""A 1.6 charge point without a password, through the real listener."""

from collections.abc import AsyncIterator
from ipaddress import ip_network

import aiohttp
import pytest

from custom_components.v2g_vpp.csms.refusals import RefusalCause
from custom_components.v2g_vpp.csms.server import ListenAddress
from tests.csms.charge_point import BOOT_16
from tests.csms.peer import PASSWORD, STATION, Peer, Rig, basic, config

NETWORK = ip_network("127.0.0.0/8")


@pytest.fixture
async def rig(socket_enabled: None) -> AsyncIterator[Rig]:
    address = ListenAddress(host="127.0.0.1", port=0, networks=(NETWORK,))
    async with Rig(config(allows_no_password=True), address=address) as rig:
        yield rig


async def dial(
    rig: Rig,
    session: aiohttp.ClientSession,
    protocol: str = "ocpp1.6",
    headers: dict[str, str] | None = None,
) -> Peer | int:
    try:
        socket = await session.ws_connect(
            rig.url + STATION, protocols=(protocol,), headers=headers
        )
    except aiohttp.WSServerHandshakeError as err:
        return err.status
    return Peer(socket)


async def test_its_name_is_enough_until_it_was_here_with_a_password(rig: Rig) -> None:
    async with aiohttp.ClientSession() as session:
        peer = await dial(rig, session)
        assert isinstance(peer, Peer)
        assert (await peer.call("BootNotification", BOOT_16))["status"] == "Accepted"
        # Of another version it is not enough, and that ends nothing.
        assert await dial(rig, session, "ocpp2.0.1") == 401
        assert "currentTime" in await peer.call("Heartbeat", {})
        secret = await dial(rig, session, headers=basic())
        assert isinstance(secret, Peer)
        assert await peer.closed() == 1001
        await secret.leave()
        assert await dial(rig, session) == 401
        assert rig.refused[-1][2] is RefusalCause.DOWNGRADE
        await rig.restart()
        assert await dial(rig, session) == 401


async def test_the_owner_can_close_the_door_and_open_it_again(rig: Rig) -> None:
    async with aiohttp.ClientSession() as session:
        peer = await dial(rig, session)
        assert isinstance(peer, Peer)
        await peer.call("BootNotification", BOOT_16)
        rig.server.adopt(config())
        assert await peer.closed() == 1001
        assert await dial(rig, session) == 401
        assert rig.refused[-1][2] is RefusalCause.PASSWORD_MISSING
        secret = await dial(rig, session, headers=basic(password=PASSWORD))
        assert isinstance(secret, Peer)
        rig.server.adopt(config(allows_no_password=True))
        assert await secret.closed() == 1001
        again = await dial(rig, session)
        assert isinstance(again, Peer)
        await again.leave()
