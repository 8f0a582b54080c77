"""The WebSocket that the station dials, as the ``recv``/``send`` pair of the package."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
import ssl
from typing import Protocol
from urllib.parse import quote

import aiohttp

HANDSHAKE_TIMEOUT_S = 10.0
"""House rule: as long as a call of the station may take."""

MAX_FRAME_BYTES = 1 << 20
"""The CSMS keeps the same bound; OCPP names none."""


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
        self, socket: aiohttp.ClientWebSocketResponse, observer: FrameObserver
    ) -> None:
        """Wrap a socket whose handshake is done."""
        self._socket = socket
        self._observer = observer

    @property
    def protocol(self) -> str | None:
        """The sub-protocol that the CSMS chose."""
        return self._socket.protocol

    async def recv(self) -> str:
        """Return the next text frame.

        Raises:
            LinkError: when the link is closed, broken or silent for too long.
        """
        message = await self._socket.receive()
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
        try:
            await self._socket.send_str(message)
        except (aiohttp.ClientError, ConnectionError, RuntimeError) as err:
            raise LinkError(str(err)) from err
        self._observer.frame_sent(message)


@asynccontextmanager
async def open_link(
    url: str,
    identity: str,
    password: str,
    *,
    protocols: Sequence[str],
    ping_interval_s: float,
    tls: ssl.SSLContext | None,
    observer: FrameObserver,
) -> AsyncIterator[Link]:
    """Dial the CSMS with HTTP Basic authentication; close the link at the end.

    Raises:
        LinkError: naming why the CSMS cannot be reached or refused the station.
    """
    authorization = aiohttp.encode_basic_auth(identity, password, encoding="utf-8")
    async with aiohttp.ClientSession() as http:
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT_S):
                socket = await http.ws_connect(
                    f"{url.rstrip('/')}/{quote(identity, safe='')}",
                    protocols=protocols,
                    headers={"Authorization": authorization},
                    heartbeat=ping_interval_s,
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
            yield Link(socket, observer)
        finally:
            await socket.close()
