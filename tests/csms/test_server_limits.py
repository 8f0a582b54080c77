"""The listener against ports that are taken, floods, silence and replaced links."""

import asyncio
from ipaddress import ip_network
import socket

import aiohttp
import pytest

from custom_components.v2g_vpp.csms import connection
from custom_components.v2g_vpp.csms.server import ListenAddress
from custom_components.v2g_vpp.domain.errors import ListenerError, StoreUnreadable
from custom_components.v2g_vpp.domain.events import (
    StationConnected,
    StationDisconnected,
    StationReady,
)
from custom_components.v2g_vpp.domain.ids import StationId
from tests.csms.charger import Charger
from tests.csms.peer import BOOT, STATION, Dialler, Rig, basic, config

CS2 = StationId("CS2")


async def test_a_taken_port_is_named_and_the_next_start_works(
    socket_enabled: None,
) -> None:
    rig = Rig()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        rig.port = holder.getsockname()[1]
        rig.server = rig.new_server()
        with pytest.raises(ListenerError) as caught:
            await rig.server.start()
        assert (caught.value.port, caught.value.detail) == (rig.port, "taken")
        assert rig.server.port is None
        await rig.server.stop()
    await rig.server.start()
    assert rig.server.port == rig.port
    await rig.server.stop()
    # Freed: the same port can be listened on at once.
    await rig.server.start()
    await rig.server.stop()


async def test_an_unreadable_store_stops_the_start(socket_enabled: None) -> None:
    rig = Rig()
    rig.store.data = {"stations": 5}
    with pytest.raises(StoreUnreadable):
        await rig.server.start()
    assert rig.server.port is None


async def test_the_newest_connection_wins(rig: Rig, dialler: Dialler) -> None:
    first = Charger(await dialler.dial())
    await first.boot()
    await first.ready(rig.sink)
    rig.sink.clear()
    second = Charger(await dialler.dial())
    assert await first.peer.closed() == 1001
    assert isinstance(rig.sink.events[0], StationDisconnected)
    assert isinstance(rig.sink.events[1], StationConnected)
    await second.ready(rig.sink)
    assert "currentTime" in await second.peer.call("Heartbeat", {})
    assert len(rig.sink.of(StationDisconnected)) == 1


async def test_adopting_and_removing_leaves_other_stations_alone(
    rig: Rig, charger: Charger, dialler: Dialler
) -> None:
    rig.sink.clear()
    rig.server.adopt(config(identity=CS2))
    other = Charger(await dialler.dial(identity=CS2))
    await other.boot()
    await rig.sink.wait_for(StationReady, lambda event: event.station_id == CS2)
    rig.server.forget(CS2)
    rig.server.forget(CS2)
    assert await other.peer.closed() == 1001
    assert await dialler.status(CS2, basic(CS2)) == 404
    assert "currentTime" in await charger.peer.call("Heartbeat", {})
    lost = [event.station_id for event in rig.sink.of(StationDisconnected)]
    assert lost == [CS2]
    # A station that comes back is known; one that stays away is forgotten.
    rig.server.adopt(config(identity=CS2))
    again = Charger(await dialler.dial(identity=CS2))
    assert "currentTime" in await again.peer.call("Heartbeat", {})
    rig.server.forget(CS2)
    await rig.restart()
    assert rig.store.data is not None
    assert set(rig.store.data["stations"]) == {STATION}


async def test_a_new_password_ends_the_present_connection(
    rig: Rig, charger: Charger, dialler: Dialler
) -> None:
    rig.server.adopt(config(password="another-password-0123"))
    assert await charger.peer.closed() == 1001
    assert await dialler.status(STATION, basic()) == 401
    again = await dialler.dial(password="another-password-0123")
    assert "currentTime" in await again.call("Heartbeat", {})


async def test_a_flood_is_slowed_down_then_closed(
    rig: Rig, dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.v2g_vpp.csms.rate.MAX_THROTTLED_S", 0.05)
    peer = await dialler.dial()
    await peer.call("BootNotification", BOOT)
    for number in range(600):
        await peer.send(f'[2,"h{number}","Heartbeat",{{}}]')
    assert await peer.closed() == 1008
    # A new link is no new allowance, so it waits for its turn.
    monkeypatch.undo()
    again = await dialler.dial()
    assert "currentTime" in await again.call("Heartbeat", {})


async def test_a_station_that_vanished_is_noticed_and_may_return(
    rig: Rig, dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEARTBEAT_S", 0.03)
    monkeypatch.setattr(connection, "PONG_TIMEOUT_S", 0.03)
    # A client that answers no ping is what a vanished one looks like.
    deaf = await dialler.dial(autoping=False)
    lost = await rig.sink.wait_for(StationDisconnected)
    assert lost.cause == "no answer to ping"
    assert await deaf.closed() == 1006
    rig.sink.clear()
    peer = await dialler.dial()
    await asyncio.sleep(0.04)
    await peer.call("BootNotification", BOOT)
    assert rig.sink.of(StationDisconnected) == [], "pongs keep it"


async def test_pings_of_a_station_are_answered(rig: Rig, dialler: Dialler) -> None:
    session = aiohttp.ClientSession()
    async with (
        session,
        session.ws_connect(
            rig.url + STATION,
            protocols=("ocpp2.1",),
            headers=basic(),
            autoping=False,
        ) as bare,
    ):
        await bare.ping(b"hello")
        message = await bare.receive(timeout=2)
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"hello")


async def test_compression_is_agreed_when_it_is_offered(
    rig: Rig, dialler: Dialler
) -> None:
    peer = await dialler.dial(compress=15)
    assert peer.socket.compress == 15
    assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"


async def test_a_station_that_breaks_off_without_a_word_is_told_lost(
    rig: Rig, charger: Charger
) -> None:
    transport = charger.peer.socket._response.connection
    assert transport is not None
    assert transport.transport is not None
    transport.transport.abort()
    await rig.sink.wait_for(StationDisconnected)


@pytest.mark.parametrize("error", [ConnectionResetError(), ZeroDivisionError()])
async def test_a_link_that_cannot_be_written_to_is_given_up(
    rig: Rig, charger: Charger, dialler: Dialler, error: Exception
) -> None:
    link = rig.server._stations[STATION].link
    assert link is not None

    async def fail(_text: str) -> None:
        raise error

    open_connection = rig.server._connections[STATION]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(open_connection._websocket, "send_str", fail)
        await charger.peer.send([2, "1", "Heartbeat", {}])
        assert await charger.peer.closed() == 1001
    again = await dialler.dial()
    assert "currentTime" in await again.call("Heartbeat", {})


async def test_stopping_twice_and_before_a_start_does_no_harm(
    socket_enabled: None,
) -> None:
    rig = Rig()
    await rig.server.stop()
    await rig.server.start()
    await rig.server.stop()
    await rig.server.stop()


async def test_something_that_is_no_websocket_is_turned_away(
    rig: Rig, dialler: Dialler
) -> None:
    url = rig.url.replace("ws://", "http://") + STATION
    async with dialler.session.get(url, headers=basic()) as response:
        assert response.status == 400
    async with dialler.session.get(url) as response:
        assert response.status == 401
        assert "Basic" in response.headers["WWW-Authenticate"]
    async with dialler.session.post(url) as response:
        assert response.status == 405


async def test_a_network_that_is_not_allowed_is_turned_away(
    socket_enabled: None,
) -> None:
    async with (
        Rig(
            address=ListenAddress(
                host="127.0.0.1", port=0, networks=(ip_network("192.168.0.0/16"),)
            )
        ) as rig,
        Dialler(rig) as dialler,
    ):
        assert await dialler.status(STATION, basic()) == 403
