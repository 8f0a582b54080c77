"""One socket of one station, from upgrade to close."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
import logging
import socket
import struct
from typing import Any, Final
from uuid import uuid4

from aiohttp import WSMsgType, web

from ..domain.clock import Clock
from .dispatch import Dispatcher
from .link import POLICY_VIOLATION, StationLink
from .provisioning import Provisioner
from .rpc import GOING_AWAY, RpcEngine
from .schemas import SchemaBook
from .station import Station
from .versions import RpcVersion
from .visits import Attendant

_LOGGER = logging.getLogger(__name__)

CLOSE_TIMEOUT_S: Final = 2.0
"""House rule: how long a station may take to answer a close."""

HEARTBEAT_S: Final = 20.0
"""Silence after which the station is pinged (OCPP brief)."""

PONG_TIMEOUT_S: Final = 10.0
"""Silence after a ping that ends the link (OCPP brief)."""

UNSUPPORTED_DATA: Final = 1003
ABNORMAL_CLOSURE: Final = 1006
"""WebSocket close codes (RFC 6455, 7.4.1)."""

_LINGER_NOT: Final = struct.pack("ii", 1, 0)
"""SO_LINGER on with 0 s: closing resets the connection and drops what is unsent."""


class Connection:
    """The tasks of one socket."""

    def __init__(
        self,
        *,
        station: Station,
        websocket: web.WebSocketResponse,
        version: RpcVersion,
        book: SchemaBook,
        clock: Clock,
        transport: asyncio.Transport | None,
    ) -> None:
        """Take an upgraded socket; nothing is read before ``run``."""
        self.station = station
        self.cause = "closed by the station"
        """Why it ended, for the log and the site."""

        self.closed = asyncio.Event()
        self._websocket = websocket
        self._clock = clock
        self._transport = transport
        self._heard_mono_s = clock.monotonic()
        self._closing: asyncio.Task[None] | None = None
        self.link = StationLink(
            name=station.station_id,
            engine=RpcEngine(
                version,
                lambda: uuid4().hex,
                station.answers,
                is_null_payload_legal=station.config.is_null_payload_legal,
            ),
            book=book,
            clock=clock,
            close=self._begin_close,
            recorder=station.recorder,
        )
        self.link.listen(Dispatcher(station, book, version.protocol))

    async def run(self) -> None:
        """Read until the end; the reader never waits for anything but the socket."""
        _LOGGER.debug("%s: connected, %s", self.station.station_id, self.link.protocol)
        self.station.link_up(self.link)
        self._expect_discharge()
        workers = [
            asyncio.create_task(self._write()),
            asyncio.create_task(self._watch()),
            asyncio.create_task(self._companion()),
        ]
        try:
            await self._read()
        finally:
            self.link.shut()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            if self._closing is not None:
                await self._closing
            _LOGGER.debug("%s: %s", self.station.station_id, self.cause)

    def _companion(self) -> Coroutine[Any, Any, None]:
        """Return the work that goes on beside the link."""
        visit = self.station.visit
        if visit is not None:
            return Attendant(self.station, self.link, visit).run()
        return Provisioner(self.station, self.link).run()

    def _expect_discharge(self) -> None:
        """Let no set-up hold up the stop of what ran before this link."""
        writer = self.station.writer
        if writer is not None:
            writer.expect_discharge(
                {
                    record.evse_id: record.transaction_id
                    for record in self.station.ledger.open_transactions()
                    if record.evse_id is not None
                }
            )

    async def _read(self) -> None:
        limit = self.station.rate
        limit.relinked()
        async for message in self._websocket:
            # Any frame proves that the station is there (OCPP G02.FR.04).
            self._heard_mono_s = self._clock.monotonic()
            is_sized = isinstance(message.data, str | bytes)
            size = len(message.data) if is_sized else 0
            wait_s = limit.wait_s(self._heard_mono_s, size)
            if limit.is_abused:
                self._begin_close(POLICY_VIOLATION, "too many frames")
            elif wait_s > 0:
                # Not reading on is what slows a station down.
                await asyncio.sleep(wait_s)
            match message.type:
                case WSMsgType.TEXT:
                    self.link.feed(message.data)
                case WSMsgType.BINARY:
                    self._begin_close(UNSUPPORTED_DATA, "binary frame")
                case WSMsgType.PING:
                    with suppress(ConnectionError):
                        await self._websocket.pong(message.data)
                case WSMsgType.PONG:
                    pass
                case _:
                    self.cause = "link broken"

    async def _write(self) -> None:
        try:
            await self.link.write_frames(self._websocket)
        except ConnectionError:
            pass
        except Exception:
            _LOGGER.exception("%s: writing failed", self.station.station_id)
        # Without a writer no stop could leave: the station has to dial in again.
        self._begin_close(GOING_AWAY, "cannot be written to")

    async def _watch(self) -> None:
        """Ping a silent station; drop one that has vanished without a word."""
        while True:
            silence_s = self._clock.monotonic() - self._heard_mono_s
            if silence_s < HEARTBEAT_S:
                await asyncio.sleep(HEARTBEAT_S - silence_s)
                continue
            pinged_mono_s = self._clock.monotonic()
            with suppress(ConnectionError):
                await self._websocket.ping()
            await asyncio.sleep(PONG_TIMEOUT_S)
            if self._heard_mono_s < pinged_mono_s:
                self.cause = "no answer to ping"
                self._drop()
                return

    def _begin_close(self, code: int, reason: str) -> None:
        if self._closing is None:
            self.cause = reason
            self._closing = asyncio.create_task(self._close(code, reason))

    async def _close(self, code: int, reason: str) -> None:
        try:
            async with asyncio.timeout(2 * CLOSE_TIMEOUT_S):
                await self._websocket.close(code=code, message=reason.encode())
        except TimeoutError, ConnectionError:
            _LOGGER.debug("%s: close unanswered", self.station.station_id)
        if self._websocket.close_code == ABNORMAL_CLOSURE:
            self._drop()

    def _drop(self) -> None:
        """End the connection so that nothing it still holds arrives later.

        A setpoint in the send buffer would otherwise be delivered when the network
        is back, long after it was decided.
        """
        if self._transport is None:
            return
        tcp = self._transport.get_extra_info("socket")
        if tcp is not None:
            with suppress(OSError):
                tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self._transport.abort()
