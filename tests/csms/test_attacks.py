"""Whoever reaches the port: slow, huge, odd, or in the name of somebody else."""

import asyncio
import gc
import gzip
from ipaddress import ip_network
from pathlib import Path
import ssl
import struct
import tracemalloc
import zlib

import aiohttp
import pytest

from custom_components.v2g_vpp.csms import http_door
from custom_components.v2g_vpp.csms.refusals import RefusalCause
from custom_components.v2g_vpp.csms.server import ListenAddress
from custom_components.v2g_vpp.domain.events import StationConnected
from tests.csms.charger import Charger
from tests.csms.peer import BOOT, STATION, Dialler, Rig, basic
from tests.csms.raw_wire import LOGIN, Wire, request, status_of, wire
from tests.csms.secure import HOST, SecureDialler, SecureRig, stranger, utcnow

MEBIBYTE = 1024 * 1024


# --- slow -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "beginning",
    [b"", b"GET /ocpp/CS1 HTTP/1.1\r\nHost: x\r\n"],
    ids=["nothing", "half a request"],
)
async def test_who_asks_for_nothing_is_not_waited_for(
    rig: Rig, dialler: Dialler, monkeypatch: pytest.MonkeyPatch, beginning: bytes
) -> None:
    monkeypatch.setattr(http_door, "ASK_TIMEOUT_S", 0.1)
    async with wire(rig, beginning) as slow:
        station = await dialler.dial()
        assert await slow.is_closed_within(2)
        # A station that has asked is not touched by that.
        await asyncio.sleep(0.15)
        assert (await station.call("BootNotification", BOOT))["status"] == "Accepted"


async def test_who_was_turned_away_is_not_kept(rig: Rig) -> None:
    async with wire(rig, request()) as refused:
        assert await refused.status() == 401
        assert await refused.is_closed_within(2)


async def test_idle_connections_are_counted_and_stations_still_get_in(
    rig: Rig, dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_door, "MOST_WAITING", 3)
    monkeypatch.setattr(http_door, "ASK_TIMEOUT_S", 0.3)
    async with wire(rig), wire(rig), wire(rig), wire(rig) as one_too_many:
        assert await one_too_many.is_closed_within(0.2)
        await asyncio.sleep(0.3)
        peer = await dialler.dial()
        assert peer.close_code is None


async def test_who_hangs_up_leaves_a_place_free(
    rig: Rig, dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_door, "MOST_WAITING", 3)
    for _ in range(6):
        async with wire(rig, b"GET /"):
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)
    peer = await dialler.dial()
    assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"


async def test_who_hangs_up_in_a_handshake_leaves_a_place_free(
    socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_door, "MOST_WAITING", 3)
    # In debug mode the loop puts each on record, and the record holds all of it.
    asyncio.get_running_loop().set_debug(False)
    async with SecureRig(tmp_path / "pki") as rig:
        for _ in range(6):
            _, writer = await asyncio.open_connection(HOST, rig.server.secure_port)
            writer.write(b"\x16\x03\x01\x02\x00\x01")
            await writer.drain()
            writer.transport.abort()
            await asyncio.sleep(0.01)
            # As it comes by itself after some hundred messages.
            gc.collect(0)
        async with aiohttp.ClientSession() as session:
            peer = await SecureDialler(rig, session).dial(rig.trusting())
            assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"
            await peer.leave()


async def test_one_address_cannot_take_every_place(
    rig: Rig, dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_door, "MOST_WAITING", 4)
    monkeypatch.setattr(http_door, "MOST_OF_ONE_ADDRESS", 3)
    silent = []
    for _ in range(8):
        _, writer = await asyncio.open_connection(
            HOST, rig.server.port, local_addr=("127.0.0.66", 0)
        )
        silent.append(writer)
    await asyncio.sleep(0.05)
    peer = await dialler.dial()
    assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"
    for writer in silent:
        writer.transport.abort()


async def test_one_address_cannot_take_every_place_with_handshakes(
    socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_door, "MOST_WAITING", 4)
    monkeypatch.setattr(http_door, "MOST_OF_ONE_ADDRESS", 3)
    async with SecureRig(tmp_path / "pki") as rig:
        halves = []
        for _ in range(8):
            _, writer = await asyncio.open_connection(
                HOST, rig.server.secure_port, local_addr=("127.0.0.66", 0)
            )
            writer.write(b"\x16\x03\x01\x02\x00\x01")
            halves.append(writer)
        await asyncio.sleep(0.05)
        async with aiohttp.ClientSession() as session:
            peer = await SecureDialler(rig, session).dial(rig.trusting())
            assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"
            await peer.leave()
        for writer in halves:
            writer.transport.abort()


async def test_a_tls_handshake_that_does_not_go_on_is_ended(
    socket_enabled: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_door, "ASK_TIMEOUT_S", 0.2)
    async with SecureRig(tmp_path / "pki") as rig:
        port = rig.server.secure_port
        reader, writer = await asyncio.open_connection(HOST, port)
        # The head of a ClientHello, and no more.
        await Wire(reader, writer).send(b"\x16\x03\x01\x02\x00\x01")
        assert await Wire(reader, writer).is_closed_within(2)
        writer.transport.abort()


# --- huge -------------------------------------------------------------------------


def masked(opcode: int, payload: bytes) -> bytes:
    head = bytes([opcode, 0x80 | 127]) + struct.pack(">Q", len(payload))
    return head + b"\0\0\0\0" + payload


def deflated(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    parts = [packer.compress(b"\0" * MEBIBYTE) for _ in range(size // MEBIBYTE)]
    return b"".join([*parts, packer.flush(zlib.Z_SYNC_FLUSH)])[:-4]


@pytest.mark.parametrize("is_in_parts", [False, True], ids=["one frame", "in parts"])
async def test_a_zip_bomb_ends_its_link_and_fills_nothing(
    rig: Rig, dialler: Dialler, *, is_in_parts: bool
) -> None:
    bomb = deflated(256 * MEBIBYTE)
    assert len(bomb) < MEBIBYTE, "it passes as a small frame"
    hello = request(
        f"/ocpp/{STATION}",
        f"Authorization: {LOGIN}",
        "Sec-WebSocket-Extensions: permessage-deflate",
    )
    half = len(bomb) // 2
    frames = (
        masked(0x41, bomb[:half]) + masked(0x80, bomb[half:])
        if is_in_parts
        else masked(0xC1, bomb)
    )
    async with wire(rig, hello) as made:
        head = await made.reader.readuntil(b"\r\n\r\n")
        assert b"permessage-deflate" in head
        tracemalloc.start()
        await made.send(frames)
        closing = b"\x88\x02" + struct.pack(">H", 1009)
        async with asyncio.timeout(5):
            while closing not in await made.reader.read(4096):
                pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 16 * MEBIBYTE
    again = await dialler.dial()
    assert (await again.call("BootNotification", BOOT))["status"] == "Accepted"


async def test_a_file_that_nobody_asked_for_is_neither_kept_nor_unpacked(
    rig: Rig,
) -> None:
    bomb = gzip.compress(b"\0" * (128 * MEBIBYTE))
    head = (
        f"PUT /upload/token HTTP/1.1\r\nHost: {HOST}\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(bomb)}\r\n\r\n"
    )
    tracemalloc.start()
    async with wire(rig, head.encode() + bomb) as made:
        assert await made.status() == 404
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * MEBIBYTE


async def test_a_message_in_many_parts_is_no_way_around_the_limit(rig: Rig) -> None:
    hello = request(f"/ocpp/{STATION}", f"Authorization: {LOGIN}")
    async with wire(rig, hello) as made:
        await made.reader.readuntil(b"\r\n\r\n")
        await made.send(masked(0x01, b"[" * (MEBIBYTE // 2)))
        for _ in range(3):
            await made.send(masked(0x00, b"[" * (MEBIBYTE // 2)))
        closing = b"\x88\x02" + struct.pack(">H", 1009)
        async with asyncio.timeout(5):
            while closing not in await made.reader.read(4096):
                pass


async def test_deep_nesting_is_answered_and_the_link_goes_on(
    rig: Rig, dialler: Dialler
) -> None:
    peer = await dialler.dial()
    deep = "[" * 100_000 + "]" * 100_000
    answer = await peer.ask(f'[2,"1","BootNotification",{{"a":{deep}}}]')
    assert answer[:2] == [4, "-1"]
    assert (await peer.call("BootNotification", BOOT))["status"] == "Accepted"


# --- odd --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/ocpp/CS1%00", 404),
        ("/ocpp/CS1%0d%0aX", 404),
        ("/ocpp/%43%53%31", 101),
        ("/ocpp/%2543%2553%2531", 404),
        ("/ocpp/CS1/", 404),
        ("/ocpp/CS1;x", 404),
        ("/ocpp/cs1", 404),
        ("/ocpp/CS1%20", 404),
        ("/ocpp/C\xe9", 400),
        ("/ocpp/" + "A" * 9_000, 400),
        ("/ocpp/" + "A" * 49, 404),
        ("*", 400),
    ],
    ids=ascii,
)
async def test_an_odd_path_is_nobody(rig: Rig, path: str, status: int) -> None:
    told = await status_of(rig, request(path, f"Authorization: {LOGIN}"))
    assert told == status
    # The user name tells the owner which charger it is; what was dialled is not told.
    hint = (STATION, "127.0.0.1", RefusalCause.IDENTITY_NOT_EXACT, "")
    # A line break does not get as far as the hint.
    is_told = status == 404 and "%0d" not in path
    assert rig.refused == ([hint] if is_told else [])


@pytest.mark.parametrize("path", ["/ocpp/CS1%00", "/ocpp/CS1;x", "/ocpp/" + "A" * 49])
async def test_an_odd_path_of_a_stranger_is_not_told(rig: Rig, path: str) -> None:
    assert await status_of(rig, request(path)) == 404
    login = f"Authorization: {basic('CS9')['Authorization']}"
    assert await status_of(rig, request(path, login)) == 404
    assert not rig.refused


@pytest.mark.parametrize(
    "method", ["HEAD", "POST", "PUT", "OPTIONS", "DELETE", "TRACE"]
)
async def test_only_a_get_opens_a_socket(rig: Rig, method: str) -> None:
    login = f"Authorization: {LOGIN}"
    assert (
        await status_of(rig, request(f"/ocpp/{STATION}", login, method=method)) == 405
    )
    assert not rig.sink.of(StationConnected)


@pytest.mark.parametrize(
    "headers",
    [
        ("Authorization: Basic AAAA", f"Authorization: {LOGIN}"),
        (f"Authorization: {LOGIN}, {LOGIN}",),
        (f"Proxy-Authorization: {LOGIN}",),
        (f"X-Authorization: {LOGIN}",),
        (f"Authorization: Basic {LOGIN.removeprefix('Basic ')}=",),
        ("Authorization: Basic " + "A" * 7_000,),
        (f"Cookie: Authorization={LOGIN}",),
    ],
    ids=["twice", "a list", "of a proxy", "another one", "padded", "long", "a cookie"],
)
async def test_a_login_stands_in_one_place_only(
    rig: Rig, headers: tuple[str, ...]
) -> None:
    assert await status_of(rig, request(f"/ocpp/{STATION}", *headers)) == 401


async def test_who_says_that_he_is_from_elsewhere_is_from_where_he_is(
    socket_enabled: None,
) -> None:
    networks = (ip_network("192.168.0.0/16"),)
    address = ListenAddress(host=HOST, port=0, networks=networks)
    async with Rig(address=address) as rig:
        for header in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "Client-IP"):
            value = "for=192.168.1.5" if header == "Forwarded" else "192.168.1.5"
            data = request(
                f"/ocpp/{STATION}", f"Authorization: {LOGIN}", f"{header}: {value}"
            )
            assert await status_of(rig, data) == 403
        assert {cause for *_, cause, _ in rig.refused} == {
            RefusalCause.NETWORK_NOT_ALLOWED
        }
        # A file that is asked for comes in from there only, too.
        assert await status_of(rig, request("/upload/x", method="PUT")) == 404


# --- in the name of somebody else ---------------------------------------------------


async def test_nobody_ends_a_link_without_the_right_credentials(
    secure: SecureRig,
) -> None:
    async with aiohttp.ClientSession() as session:
        dialler = SecureDialler(secure, session)
        peer = await dialler.dial(secure.showing("A1"), headers={})
        await peer.call("BootNotification", BOOT)
        assert await dialler.status(secure.showing("A2"), {}) == 401
        assert await dialler.status(secure.trusting()) == 401
        assert await dialler.plain_status() == 401
        with pytest.raises((aiohttp.ClientConnectionError, ssl.SSLError)):
            await dialler.dial(secure.showing("A1", stranger()), headers={})
        assert "currentTime" in await peer.call("Heartbeat", {})
        assert peer.close_code is None
        await peer.leave()


async def test_flood_of_wrong_passwords_does_not_slow_a_station_that_is_here(
    rig: Rig, charger: Charger
) -> None:
    wrong = request(f"/ocpp/{STATION}", "Authorization: Basic AAAA")
    began = utcnow()
    statuses = [await status_of(rig, wrong) for _ in range(50)]
    flood_s = (utcnow() - began).total_seconds()
    # After the free ones each more has waited for a second at the least.
    assert 3 <= statuses.count(401) <= 3 + flood_s
    assert statuses.count(401) + statuses.count(429) == 50
    began = utcnow()
    assert "currentTime" in await charger.peer.call("Heartbeat", {})
    assert (utcnow() - began).total_seconds() < flood_s


@pytest.mark.parametrize("path", ["/upload/nothing", f"/ocpp/{STATION}", "/"])
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_whoever_is_let_in_nowhere_is_not_kept(
    rig: Rig, path: str, method: str
) -> None:
    async with wire(rig, request(path, method=method)) as turned_away:
        assert await turned_away.status() >= 400
        assert await turned_away.is_closed_within(2)
