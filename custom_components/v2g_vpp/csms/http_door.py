"""The HTTP side of the listener: who connects has to ask for something, and soon."""

import asyncio
from collections.abc import Callable, Iterable
import logging
import ssl
from typing import Final, NamedTuple, Protocol, override
from weakref import WeakSet

from aiohttp import hdrs, web
from aiohttp.http import HttpProcessingError

from .connection import CLOSE_TIMEOUT_S
from .probe import listener_error

_LOGGER = logging.getLogger(__name__)

ASK_TIMEOUT_S: Final = 10.0
"""House rule: how long whoever connects may take for its TLS handshake, and then for
its first request. aiohttp alone would wait for ever."""

LINGER_S: Final = 1.0
"""House rule: how long what nobody wanted is read on, so that the answer arrives."""

MOST_WAITING: Final = 256
"""House rule: of those who connected and asked for nothing yet. A home has 64 stations
at most; whoever opens more must not use up the files of this process."""

MOST_OF_ONE_ADDRESS: Final = 192
"""House rule: of these from one address, so that it cannot keep all others out. All
stations of a large home may return at once from behind one proxy."""

_BACKLOG: Final = 128


class _NoNoiseOfPeers(logging.Filter):
    """Drop what anybody can provoke: it is a traceback, and quotes what was sent.

    A malformed header may well be the one with the password.
    """

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, HttpProcessingError)


_HTTP_LOGGER: Final = logging.getLogger(f"{__name__}.http")
_HTTP_LOGGER.addFilter(_NoNoiseOfPeers())


class Address(Protocol):
    """Where to listen."""

    @property
    def host(self) -> str:
        """An address of this machine."""
        ...

    @property
    def port(self) -> int:
        """0: any free one."""
        ...

    @property
    def tls(self) -> ssl.SSLContext | None:
        """Encrypted with it; None: in the clear."""
        ...


class _TurnedAway(asyncio.Protocol):
    """One connection too many."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            transport.abort()


class _Arrival(asyncio.Protocol):
    """A connection whose handshake is not over; nothing else refers to it."""

    def __init__(self, seat: Callable[[_Arrival, asyncio.Transport], None]) -> None:
        """Give it a seat when it is there."""
        self._seat = seat

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._seat(self, transport)


class _Waiting(NamedTuple):
    """A connection that has asked for nothing yet."""

    address: str
    timer: asyncio.TimerHandle


class HttpDoor:
    """The sockets that are listened on, and the connections that said nothing yet."""

    def __init__(self) -> None:
        """Listen nowhere yet."""
        self._runner: web.AppRunner | None = None
        self._servers: list[asyncio.Server] = []
        self._waiting: dict[asyncio.BaseProtocol, _Waiting] = {}
        # One whose handshake ends unheard is told to nobody: it is only let go.
        self._arriving: WeakSet[_Arrival] = WeakSet()

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that are listened on, in the order of their addresses."""
        return tuple(
            int(server.sockets[0].getsockname()[1])
            for server in self._servers
            if server.sockets
        )

    @property
    def is_open(self) -> bool:
        """True from ``open`` until ``close``."""
        return self._runner is not None

    async def open(self, app: web.Application, addresses: Iterable[Address]) -> None:
        """Listen on every address, or on none.

        Raises:
            ListenerError: when a port is taken or forbidden.
        """
        app.on_response_prepare.append(_keep_nobody)
        runner = web.AppRunner(
            app,
            access_log=None,
            logger=_HTTP_LOGGER,
            lingering_time=LINGER_S,
            shutdown_timeout=CLOSE_TIMEOUT_S,
        )
        await runner.setup()
        self._runner = runner
        for address in addresses:
            try:
                self._servers.append(await self._listen(address))
            except (OSError, OverflowError) as err:
                self.close_to_new()
                await self.close()
                raise listener_error(address.port, err) from err

    def asked(self, request: web.Request) -> None:
        """Note that a connection has sent a request."""
        self._forget(request.protocol)

    def close_to_new(self) -> None:
        """Listen no more; those who are in stay."""
        for server in self._servers:
            server.close()
        self._servers.clear()

    async def close(self) -> None:
        """End every connection."""
        for handler in list(self._waiting):
            self._forget(handler)
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _listen(self, address: Address) -> asyncio.Server:
        timeout_s = ASK_TIMEOUT_S if address.tls is not None else None
        return await asyncio.get_running_loop().create_server(
            self._arrive,
            address.host,
            address.port,
            ssl=address.tls,
            backlog=_BACKLOG,
            ssl_handshake_timeout=timeout_s,
        )

    def _arrive(self) -> asyncio.BaseProtocol:
        """Return what handles a new connection until it is there."""
        if self._is_full():
            _LOGGER.debug("too many connections that ask for nothing")
            return _TurnedAway()
        arrival = _Arrival(self._seat)
        self._arriving.add(arrival)
        return arrival

    def _seat(self, arrival: _Arrival, transport: asyncio.Transport) -> None:
        """Hand a connection to aiohttp, for as long as nobody may wait."""
        self._arriving.discard(arrival)
        address = str((transport.get_extra_info("peername") or ("",))[0])
        server = self._runner.server if self._runner is not None else None
        if server is None or self._is_full_for(address):
            transport.abort()
            return
        handler = server()
        loop = asyncio.get_running_loop()
        timer = loop.call_later(ASK_TIMEOUT_S, self._give_up, handler)
        self._waiting[handler] = _Waiting(address, timer)
        transport.set_protocol(handler)
        handler.connection_made(transport)

    def _is_full(self) -> bool:
        if len(self._waiting) + len(self._arriving) >= MOST_WAITING:
            self._forget_gone()
        return len(self._waiting) + len(self._arriving) >= MOST_WAITING

    def _is_full_for(self, address: str) -> bool:
        if self._waiting_from(address) >= MOST_OF_ONE_ADDRESS:
            self._forget_gone()
        return self._waiting_from(address) >= MOST_OF_ONE_ADDRESS

    def _waiting_from(self, address: str) -> int:
        if len(self._waiting) < MOST_OF_ONE_ADDRESS:
            return 0
        return sum(one.address == address for one in self._waiting.values())

    def _forget_gone(self) -> None:
        """Let those who hung up take nobody's place."""
        server = self._runner.server if self._runner is not None else None
        here = set(server.connections) if server is not None else set()
        for handler in [one for one in self._waiting if one not in here]:
            self._forget(handler)

    def _forget(self, handler: asyncio.BaseProtocol) -> None:
        waiting = self._waiting.pop(handler, None)
        if waiting is not None:
            waiting.timer.cancel()

    def _give_up(self, handler: web.RequestHandler) -> None:
        self._waiting.pop(handler, None)
        handler.force_close()


async def _keep_nobody(_request: web.Request, response: web.StreamResponse) -> None:
    """End every connection that did not become a WebSocket with its answer.

    It is no longer counted among those who wait, so whoever asked for nonsense again
    and again could hold any number of the files of this process.
    """
    if not isinstance(response, web.WebSocketResponse):
        response.force_close()
        # It is asked too late for aiohttp to say so.
        response.headers[hdrs.CONNECTION] = "close"
