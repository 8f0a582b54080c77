"""When the socket does not take what we say, or brings more than one turn can hold."""

import asyncio
from collections import Counter
import socket
import ssl
import time

import pytest

from custom_components.v2g_vpp.pki.authority import LeafPurpose, issue_certificate
from custom_components.v2g_vpp.pki.request import create_client_request
from custom_components.v2g_vpp.pki.tls import server_context
from custom_components.v2g_vpp.vpp.gate import Frame
from custom_components.v2g_vpp.vpp.messages import Publication
from custom_components.v2g_vpp.vpp.mqtt_client import (
    MqttSession,
    SessionEvents,
    SessionSettings,
)
from custom_components.v2g_vpp.vpp.topics import DownType, UpType

from .actors import TOPICS
from .rig import Certificates, Rig, run_blocking

BIG = b"x" * 60_000
SMALLEST_BUFFER = 1_000_000


async def test_what_a_frozen_broker_does_not_take_is_written_later_in_order(
    rig: Rig,
) -> None:
    # No tick helps: only the selector says that the socket takes more.
    await rig.start(tick_s=30.0)
    session = rig.link._session
    assert session is not None
    topic = TOPICS.up(UpType.TELEMETRY)
    rig.aggregator.heard.clear()
    sent = 0
    rig.broker.freeze()
    try:
        while not session._has_writer:
            numbered = Publication(
                topic=topic, payload=b"%06d" % sent + BIG, qos=0, expiry_s=10
            )
            assert session.publish(numbered) is not None
            sent += 1
        assert sent * len(BIG) > SMALLEST_BUFFER
    finally:
        rig.broker.thaw()
    numbers = await rig.aggregator.wait_for(
        lambda: (
            found
            if len(
                found := [
                    int(one.payload[:6])
                    for one in rig.aggregator.heard
                    if len(one.payload) > len(BIG)
                ]
            )
            == sent
            else None
        )
    )
    assert numbers == list(range(sent))
    await rig.until(lambda: not session._has_writer)
    ack = await rig.aggregator.ack_of(rig.aggregator.command())
    assert ack["status"] == "accepted"


async def test_flood_is_taken_in_turns_and_a_stop_still_comes_through(rig: Rig) -> None:
    await rig.start()
    topic = TOPICS.down(DownType.HEARTBEAT)
    for _ in range(400):
        rig.aggregator.say(
            DownType.HEARTBEAT, rig.aggregator.pen.payload(topic, "heartbeat")
        )
    command_id = rig.aggregator.command(power_w=0)
    turns = 0
    async with asyncio.timeout(10):
        while not rig.home.orders:
            turns += 1
            await asyncio.sleep(0)
    assert turns > 1, "the loop had room for others meanwhile"
    await rig.aggregator.ack_of(command_id)
    await rig.until(lambda: len(rig.home.beats) == 400)


CONNACK = b"\x20\x03\x00\x00\x00"
SUBSCRIBE = 8


class PackingBroker:
    """The least of a broker: it greets, grants, and sends much in one TLS record."""

    def __init__(self, words: int) -> None:
        self.words = words

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await self._packet(reader)
        writer.write(CONNACK)
        while True:
            kind, body = await self._packet(reader)
            if kind == SUBSCRIBE:
                writer.write(b"\x90\x04" + body[:2] + b"\x00\x01")
                break
        publish = b"\x00\x01t\x00word"
        writer.write((b"\x30" + bytes([len(publish)]) + publish) * self.words)
        await reader.read()
        writer.close()

    @staticmethod
    async def _packet(reader: asyncio.StreamReader) -> tuple[int, bytes]:
        head, length = await reader.readexactly(2)
        if length >= 0x80:
            length += 0x80 * ((await reader.readexactly(1))[0] - 1)
        return head >> 4, await reader.readexactly(length)


async def test_words_that_share_a_tls_record_all_arrive_without_another_one(
    certificates: Certificates, socket_enabled: None
) -> None:
    arrived: list[Frame] = []
    broker = PackingBroker(words=5)
    context = _server_context(certificates)
    async with await asyncio.start_server(
        broker.serve, "127.0.0.1", 0, ssl=context
    ) as server:
        session = MqttSession(
            SessionSettings(
                host="127.0.0.1",
                port=server.sockets[0].getsockname()[1],
                client_id="home",
                will_topic="will",
                will_payload=b"",
            ),
            certificates.context("home"),
            SessionEvents(arrived=arrived.append, published=lambda *_: None),
        )
        await session.open(run_blocking, ["t"])
        async with asyncio.timeout(2.0):
            while len(arrived) < broker.words:
                await asyncio.sleep(0.005)
        assert [frame.payload for frame in arrived] == [b"word"] * 5
        session.close(with_will=False)


async def test_dear_words_in_one_tls_record_leave_the_loop_to_others_in_between(
    certificates: Certificates, socket_enabled: None
) -> None:
    turn = 0
    arrived: list[int] = []

    def take(frame: Frame) -> None:
        time.sleep(0.002)  # What an event that is news costs.
        arrived.append(turn)

    async def others() -> None:
        nonlocal turn
        while True:
            turn += 1
            await asyncio.sleep(0)

    broker = PackingBroker(words=90)
    context = _server_context(certificates)
    async with await asyncio.start_server(
        broker.serve, "127.0.0.1", 0, ssl=context
    ) as server:
        session = MqttSession(
            SessionSettings(
                host="127.0.0.1",
                port=server.sockets[0].getsockname()[1],
                client_id="home",
                will_topic="will",
                will_payload=b"",
            ),
            certificates.context("home"),
            SessionEvents(arrived=take, published=lambda *_: None),
        )
        clock = asyncio.create_task(others())
        await session.open(run_blocking, ["t"])
        async with asyncio.timeout(5.0):
            while len(arrived) < broker.words:
                await asyncio.sleep(0)
        clock.cancel()
        session.close(with_will=False)
        assert max(Counter(arrived).values()) <= 15, "messages in one turn"


def _server_context(certificates: Certificates) -> ssl.SSLContext:
    made = create_client_request("broker")
    certificate = issue_certificate(
        certificates.authority,
        made.csr_pem,
        certificates.now,
        LeafPurpose.SERVER,
        hosts=("127.0.0.1",),
    )
    return server_context(certificate, made.key_pem, certificates.root_pem)


async def test_socket_neither_gathers_small_writes_nor_waits_for_ever(rig: Rig) -> None:
    await rig.start()
    session = rig.link._session
    assert session is not None
    sock = session._registered
    assert sock is not None
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 15_000


async def test_a_command_is_answered_before_it_is_acknowledged(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    send = ssl.SSLSocket.send

    def note(self: ssl.SSLSocket, data: bytes, flags: int = 0) -> int:
        # The first byte of a packet: PUBLISH at QoS 1, PUBACK.
        kind = {0x32: "publish", 0x40: "acknowledge"}.get(data[0])
        written.extend([kind] if kind else [])
        return send(self, data, flags)

    await rig.start()
    await rig.until(lambda: rig.aggregator.of("hello"))
    await asyncio.sleep(0.2)
    monkeypatch.setattr(ssl.SSLSocket, "send", note)
    await rig.aggregator.ack_of(rig.aggregator.command())
    await rig.until(lambda: written.count("acknowledge") == 2)
    assert written == ["publish", "publish", "acknowledge", "acknowledge"]
