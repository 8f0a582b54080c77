"""A line between two programs of this machine that can be made bad, and good again.

It is a proxy in user space, so that it needs no rights and no kernel modules. TCP itself
never loses a byte: what a bad net does to it shows as time. So **loss** is the wait for
the retransmission, behind which everything else waits; **delay** is added to each
direction; **half-open** reads on and passes nothing on, which neither side is told.
Twice and out of turn are things that a TCP cannot do: they happen to whole messages, as a
gateway or a queue on the way would do it.
"""

import asyncio
from collections.abc import Callable
import contextlib
from dataclasses import dataclass
from random import Random
import socket
import ssl
from typing import Final

from .framing import Framer

LOOPBACK: Final = "127.0.0.1"
READ_BYTES: Final = 65_536

RETRANSMIT_S: Final = 0.3
"""The first wait of a Linux kernel on a line of some ten milliseconds (RFC 6298: at
least a second, in use 0.2 s and the round trip)."""

MOST_RETRANSMITS: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What a line does to what passes it."""

    is_silent: bool = False
    """Half-open: nothing arrives, nobody is told."""

    delay_s: float = 0.0
    """Each way."""

    loss: float = 0.0
    """Share of the pieces that have to be sent again."""

    repeated: float = 0.0
    """Share of the messages that arrive twice."""

    reordered: float = 0.0
    """Share of the messages that the next one overtakes."""


FAIR: Final = Weather()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """TLS of a line that has to look into the messages; None: it passes bytes on."""

    server: ssl.SSLContext
    client: ssl.SSLContext


class Line:
    """Listens on a port of its own and dials the true one for each caller."""

    def __init__(
        self,
        target_port: Callable[[], int],
        framer: Callable[[], Framer],
        seed: int,
        port: int = 0,
    ) -> None:
        """Prepare a line; nothing listens yet.

        Args:
            target_port: where the other end listens now.
            framer: cuts a direction into messages.
            seed: of what is hit by loss, repetition and reordering.
            port: to listen on; 0 takes a free one.
        """
        self.port = port
        self.weather = FAIR
        self.ends: Ends | None = None
        """Not None: both sides are decrypted, from the next connection on."""

        self.framer = framer
        self._target_port = target_port
        self._random = Random(seed)  # noqa: S311 - bad luck, not a secret
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(
            self._serve,
            LOOPBACK,
            self.port,
            ssl=self.ends.server if self.ends is not None else None,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more and cut what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def look_into(self, ends: Ends | None, framer: Callable[[], Framer]) -> None:
        """Decrypt what passes from now on, or no more; cuts what is open."""
        await self.stop()
        self.ends, self.framer = ends, framer
        await self.start()

    def cut(self) -> None:
        """End every connection, as a router does that is switched off and on."""
        for task in self._open:
            task.cancel()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        assert task is not None, "a connection is served by a task"
        self._open.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await self._join(reader, writer)
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _join(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while self.weather.is_silent:
            # Nobody answers: not even a handshake gets through.
            await asyncio.sleep(0.1)
        far_reader, far_writer = await asyncio.open_connection(
            LOOPBACK,
            self._target_port(),
            ssl=self.ends.client if self.ends is not None else None,
        )
        for each in (writer, far_writer):
            each.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
            )
        ways = [
            asyncio.ensure_future(_Way(self, self.framer()).carry(*pair))
            for pair in ((reader, far_writer), (far_reader, writer))
        ]
        try:
            # The end of one way ends both: nothing here talks on half closed.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            far_writer.transport.abort()

    def chance(self, share: float) -> bool:
        """Return True for a share of the calls."""
        return share > 0 and self._random.random() < share


class _Way:
    """One direction of one connection."""

    def __init__(self, line: Line, framer: Framer) -> None:
        """Carry by the weather of a line."""
        self._line, self._framer = line, framer
        self._queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        self._free_s = 0.0
        """When the last piece arrives: none overtakes it."""

        self._held: bytes | None = None

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Pass everything on until one end is gone."""
        writing = asyncio.ensure_future(self._deliver(writer))
        try:
            while data := await reader.read(READ_BYTES):
                for unit, is_message in self._framer.units(data):
                    self._take(unit, is_message=is_message)
                if writing.done():
                    break
        except OSError:
            # Which side it was does not matter: both are closed.
            pass
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    def _take(self, unit: bytes, *, is_message: bool) -> None:
        weather = self._line.weather
        if weather.is_silent:
            return
        if is_message and self._held is None and self._line.chance(weather.reordered):
            self._held = unit
            return
        self._send(unit)
        if is_message and self._line.chance(weather.repeated):
            self._send(unit)
        if self._held is not None:
            held, self._held = self._held, None
            self._send(held)

    def _send(self, unit: bytes) -> None:
        weather, now_s = self._line.weather, asyncio.get_running_loop().time()
        late_s = weather.delay_s
        for sent in range(MOST_RETRANSMITS):
            if not self._line.chance(weather.loss):
                break
            late_s += RETRANSMIT_S * 2**sent
        self._free_s = max(self._free_s, now_s + late_s)
        self._queue.put_nowait((self._free_s, unit))

    async def _deliver(self, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s, unit = await self._queue.get()
            if due_s > loop.time():
                await asyncio.sleep(due_s - loop.time())
            if self._line.weather.is_silent:
                continue
            writer.write(unit)
            await writer.drain()
