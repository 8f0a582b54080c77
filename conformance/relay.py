"""A plain TCP relay between the home and the broker, which can be cut.

TLS passes through it untouched: the kit reads nothing, it only ends connections, as a
network does.
"""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

BYTES = 65536


class Relay:
    """Listens where the home connects to; an async context manager."""

    def __init__(self, listen: tuple[str, int], broker: tuple[str, int]) -> None:
        """Prepare; port 0 takes a free one."""
        self._listen = listen
        self._broker = broker
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self._is_open = asyncio.Event()
        self._is_open.set()
        self.connections = 0

    @property
    def port(self) -> int:
        """Return where it listens."""
        if self._server is None:
            return self._listen[1]
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, *self._listen)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        await self.cut()

    async def cut(self) -> None:
        """End every connection at once."""
        pipes = list(self._pipes)
        for pipe in pipes:
            pipe.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)

    def block(self) -> None:
        """Let new connections wait."""
        self._is_open.clear()

    def allow(self) -> None:
        """Let them through again."""
        self._is_open.set()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)
        with contextlib.suppress(asyncio.CancelledError, OSError):
            try:
                await self._is_open.wait()
                self.connections += 1
                await self._join(reader, writer)
            finally:
                writer.close()

    async def _join(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there, back = await asyncio.open_connection(*self._broker)
        try:
            ways = {
                asyncio.create_task(_copy(reader, back)),
                asyncio.create_task(_copy(there, writer)),
            }
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            # No farewell: to the broker the home has vanished.
            back.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(BYTES):
        writer.write(data)
        await writer.drain()
