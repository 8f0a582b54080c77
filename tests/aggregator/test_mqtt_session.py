"""One session against servers that a real broker cannot be made to play."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
import socket
import ssl

from cryptography.x509.oid import ExtendedKeyUsageOID
import pytest

from aggregator.authority import Authority
from aggregator.certificates import server_names
from aggregator.clock import SystemClock
from aggregator.errors import NotConnectedError
from aggregator.mqtt_session import (
    BrokerAddress,
    Inbound,
    MqttSession,
    Outbound,
    SessionHandlers,
)
from aggregator.tls import build_tls_context

pytestmark = pytest.mark.usefixtures("socket_enabled")

CONNACK = b"\x20\x03\x00\x00\x00"
DISCONNECT = b"\xe0"
NOT_AUTHORIZED = b"\x20\x03\x00\x87\x00"
MESSAGE = Outbound(topic="a/b", payload=b"x", qos=1, expiry_s=1)


def suback(subscribe: bytes, code: int) -> bytes:
    """Answer a SUBSCRIBE whose packet id follows its two-byte header."""
    return b"\x90\x04" + subscribe[2:4] + b"\x00" + bytes([code])


def publish(topic: bytes, payload: bytes) -> bytes:
    body = len(topic).to_bytes(2) + topic + b"\x00" + payload
    return b"\x30" + bytes([len(body)]) + body


class Server:
    """Says what it is told when CONNECT and SUBSCRIBE arrive."""

    def __init__(self, connack: bytes, code: int, burst: bytes) -> None:
        self.port = 0
        self.last_word = b""
        self.is_closed = asyncio.Event()
        self._connack = connack
        self._code = code
        self._burst = burst

    async def talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.read(1000)
        writer.write(self._connack)
        subscribe = await reader.read(1000)
        if subscribe:
            # One write is one TLS record: a selector wakes for it only once.
            writer.write(suback(subscribe, self._code) + self._burst)
            self.last_word = await reader.read(1000)
        writer.close()
        self.is_closed.set()


@asynccontextmanager
async def served(
    data: Path,
    *,
    connack: bytes = CONNACK,
    code: int = 1,
    burst: bytes = b"",
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    stem: str = "server",
) -> AsyncIterator[Server]:
    path = data / "authority" / stem
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = version
    context.load_cert_chain(path.with_suffix(".pem"), path.with_suffix(".key"))
    server = Server(connack, code, burst)
    listener = await asyncio.start_server(server.talk, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


def recording_into(made: list[ssl.SSLSocket]) -> type[ssl.SSLSocket]:
    """Return the class of TLS sockets that write themselves down."""

    class Recorded(ssl.SSLSocket):
        def do_handshake(self, block: bool = False) -> None:
            made.append(self)
            super().do_handshake(block)

    return Recorded


class Client:
    """A session and what it told us."""

    def __init__(self, data: Path, port: int) -> None:
        authority = data / "authority"
        self.heard: list[Inbound] = []
        self.ready = asyncio.Event()
        self.dialled: list[ssl.SSLSocket] = []
        context = build_tls_context(
            authority / "root.pem",
            authority / "aggregator.pem",
            authority / "aggregator.key",
        )
        context.sslsocket_class = recording_into(self.dialled)
        self.session = MqttSession(
            BrokerAddress(host="127.0.0.1", port=port, client_id="aggregator.north"),
            context,
            "a/+",
            SessionHandlers(
                on_ready=self.ready.set,
                on_message=self.heard.append,
                on_refused_publish=lambda _: None,
            ),
            SystemClock(),
        )

    async def run(self) -> str:
        async with asyncio.timeout(5):
            return await self.session.run()


async def test_messages_that_share_a_tls_record_all_arrive(data: Path) -> None:
    burst = b"".join(publish(b"a/b", bytes([number])) for number in range(200))
    async with served(data, burst=burst) as server:
        client = Client(data, server.port)
        running = asyncio.create_task(client.run())
        async with asyncio.timeout(5):
            while len(client.heard) < 200:
                await asyncio.sleep(0.01)
        assert [item.payload[0] for item in client.heard] == list(range(200))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        async with asyncio.timeout(5):
            await server.is_closed.wait()
        assert server.last_word.startswith(DISCONNECT)


async def test_a_broker_without_tls_1_3_is_refused(data: Path) -> None:
    async with served(data, version=ssl.TLSVersion.TLSv1_2) as server:
        client = Client(data, server.port)
        assert "SSL" in await client.run()
        assert not client.ready.is_set()


@pytest.mark.parametrize(
    ("connack", "code", "reason"),
    [
        (NOT_AUTHORIZED, 1, "Not authorized"),
        (CONNACK, 0x87, "refuses the subscription"),
    ],
    ids=["the login", "the subscription"],
)
async def test_a_refusal_ends_the_session_with_its_reason(
    data: Path, connack: bytes, code: int, reason: str
) -> None:
    async with served(data, connack=connack, code=code) as server:
        client = Client(data, server.port)
        assert reason in await client.run()
        assert not client.ready.is_set()
        with pytest.raises(NotConnectedError):
            client.session.publish(MESSAGE)


@pytest.mark.parametrize(
    ("stem", "reason"),
    [("other", "IP address mismatch"), ("aggregator", "certificate purpose")],
    ids=["another host's certificate", "a client's certificate"],
)
async def test_who_cannot_prove_to_be_the_broker_is_refused(
    data: Path, stem: str, reason: str
) -> None:
    authority = Authority.load(data / "authority", SystemClock())
    authority._ensure_leaf(
        "other",
        "other.example.org",
        ExtendedKeyUsageOID.SERVER_AUTH,
        server_names(["other.example.org"]),
    )
    async with served(data, stem=stem) as server:
        client = Client(data, server.port)
        assert reason in await client.run()
        assert not client.ready.is_set()
        (dialled,) = client.dialled
        assert dialled.fileno() == -1


async def test_nobody_at_the_address_is_an_end_and_no_exception(data: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = Client(data, taken.getsockname()[1])
        assert "refused" in (await client.run()).lower()


async def test_a_session_that_waits_for_a_silent_broker_can_be_ended_at_once(
    data: Path,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        loop = asyncio.get_running_loop()
        client = Client(data, silent.getsockname()[1])
        running = asyncio.create_task(client.session.run())
        peer, _ = await loop.sock_accept(silent)
        with peer:
            # The client has spoken first: it waits for the answer now.
            assert await loop.sock_recv(peer, 1)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                async with asyncio.timeout(2):
                    await running
