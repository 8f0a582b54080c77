"""Bytes to and from the listener, as whoever reaches its port may send them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import ssl

from tests.csms.peer import STATION, Rig, basic
from tests.csms.secure import HOST

LOGIN = basic()["Authorization"]


def request(
    path: str = f"/ocpp/{STATION}", *headers: str, method: str = "GET"
) -> bytes:
    lines = (
        f"{method} {path} HTTP/1.1",
        f"Host: {HOST}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: ocpp2.0.1",
        *headers,
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Wire:
    """Bytes to and from the listener, as they are."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        async with asyncio.timeout(5):
            head = await self.reader.readuntil(b"\r\n")
        return int(head.split()[1])

    async def is_closed_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.read(4096):
                    pass
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True


@asynccontextmanager
async def wire(
    rig: Rig, data: bytes = b"", context: ssl.SSLContext | None = None
) -> AsyncIterator[Wire]:
    port = rig.server.port if context is None else rig.server.secure_port
    reader, writer = await asyncio.open_connection(HOST, port, ssl=context)
    made = Wire(reader, writer)
    try:
        await made.send(data)
        yield made
    finally:
        writer.transport.abort()


async def status_of(rig: Rig, data: bytes) -> int:
    async with wire(rig, data) as made:
        return await made.status()
