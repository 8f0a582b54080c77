"""The WebSocket that the station dials, as the ``recv``/``send`` pair of the package."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import asynccontextmanager
import ssl
from typing import Protocol
from urllib.parse import quote

import aiohttp

from .disturbance import Disturbance

HANDSHAKE_TIMEOUT_S = 10.0
"""House rule: as long as a call of the station may take."""

MAX_FRAME_BYTES = 1 << 20
"""The CSMS keeps the same bound; OCPP names none."""


CLOSE_TIMEOUT_S = 1.0
"""House rule: a CSMS that is frozen must not hold up the next attempt to dial."""

HEARD_FRAMES = frozenset(
    {aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG, aiohttp.WSMsgType.TEXT}
)
"""What a silent line swallows; an end of the socket is seen all the same."""


class LinkError(Exception):
    """The link could not be opened, or is gone."""


class FrameObserver(Protocol):
    """Who watches the wire."""

    def frame_received(self, text: str) -> None:
        """Note a frame as soon as it was read."""
        ...

    def frame_sent(self, text: str) -> None:
        """Note a frame after it was handed to the socket."""
        ...


class Link:
    """One open WebSocket."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        observer: FrameObserver,
        disturbance: Disturbance,
    ) -> None:
        """Wrap a socket whose handshake is done."""
        self.received = 0
        """Frames so far, pongs included: any of them proves that somebody is there."""

        self._socket = socket
        self._observer = observer
        self._disturbance = disturbance

    @property
    def protocol(self) -> str | None:
        """The sub-protocol that the CSMS chose."""
        return self._socket.protocol

    async def recv(self) -> str:
        """Return the next text frame.

        Raises:
            LinkError: when the link is closed, broken or silent for too long.
        """
        while True:
            message = await self._socket.receive()
            if self._disturbance.is_silent and message.type in HEARD_FRAMES:
                continue
            self.received += 1
            if message.type is aiohttp.WSMsgType.PING:
                await self._guard(self._socket.pong(message.data))
            elif message.type is not aiohttp.WSMsgType.PONG:
                break
        if message.type is not aiohttp.WSMsgType.TEXT:
            if message.type is aiohttp.WSMsgType.BINARY:
                await self._socket.close(code=aiohttp.WSCloseCode.UNSUPPORTED_DATA)
            raise LinkError(f"closed ({self._socket.close_code})")
        text: str = message.data
        self._observer.frame_received(text)
        return text

    async def send(self, message: str) -> None:
        """Send one text frame.

        Raises:
            LinkError: when the link is gone.
        """
        for _ in range(await self._disturbance.copies_of(message)):
            await self._guard(self._socket.send_str(message))
        self._observer.frame_sent(message)

    async def ping(self) -> None:
        """Send a ping.

        Raises:
            LinkError: when the link is gone.
        """
        if not self._disturbance.is_silent:
            await self._guard(self._socket.ping())

    @staticmethod
    async def _guard(sending: Awaitable[None]) -> None:
        try:
            await sending
        except (aiohttp.ClientError, ConnectionError, RuntimeError) as err:
            raise LinkError(str(err)) from err


@asynccontextmanager
async def open_link(
    url: str,
    identity: str,
    password: str,
    *,
    protocols: Sequence[str],
    tls: ssl.SSLContext | None,
    observer: FrameObserver,
    disturbance: Disturbance,
) -> AsyncIterator[Link]:
    """Dial the CSMS with HTTP Basic authentication; close the link at the end.

    Raises:
        LinkError: naming why the CSMS cannot be reached or refused the station.
    """
    if disturbance.is_silent:
        raise LinkError("no answer")
    authorization = aiohttp.encode_basic_auth(identity, password, encoding="utf-8")
    async with aiohttp.ClientSession() as http:
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                socket = await http.ws_connect(
                    f"{url.rstrip('/')}/{quote(identity, safe='')}",
                    protocols=protocols,
                    headers={"Authorization": authorization},
                    # Pings go by the station's own clock, so pongs must be seen here.
                    autoping=False,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_TIMEOUT_S),
                    max_msg_size=MAX_FRAME_BYTES,
                    ssl=tls if tls is not None else True,
                )
        except aiohttp.WSServerHandshakeError as err:
            raise LinkError(f"refused with HTTP {err.status}") from err
        except (aiohttp.ClientError, OSError) as err:
            raise LinkError(str(err) or type(err).__name__) from err
        try:
            if socket.protocol not in protocols:
                raise LinkError("no common sub-protocol")
            yield Link(socket, observer, disturbance)
        finally:
            await socket.close()
