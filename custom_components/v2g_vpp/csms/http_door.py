"""The HTTP side of the listener: who connects has to ask for something, and soon."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
import logging
import ssl
from typing import Final, NamedTuple, Protocol, override

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


class _Arrival(asyncio.Protocol):
    """A connection that is not yet handed to whoever answers requests."""

    def __init__(self, arrive: Callable[[_Arrival, asyncio.Transport], None]) -> None:
        """Say when it is there."""
        self._arrive = arrive
        self.early = bytearray()
        """What came in between the end of the handshake and whoever reads it."""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._arrive(self, transport)

    @override
    def data_received(self, data: bytes) -> None:
        self.early += data


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
        self._handshakes: dict[asyncio.Task[None], str] = {}
        """Those that go on, with the address of who shakes hands."""

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
        for handshake in list(self._handshakes):
            handshake.cancel()
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    async def _listen(self, address: Address) -> asyncio.Server:
        # In the clear at first: only so is it known who begins a handshake.
        arrive = partial(self._arrive, address.tls)
        return await asyncio.get_running_loop().create_server(
            lambda: _Arrival(arrive), address.host, address.port, backlog=_BACKLOG
        )

    def _arrive(
        self,
        tls: ssl.SSLContext | None,
        arrival: _Arrival,
        transport: asyncio.Transport,
    ) -> None:
        """Take a connection in that is there, or turn it away."""
        address = str((transport.get_extra_info("peername") or ("",))[0])
        if self._is_full_for(address):
            _LOGGER.debug("too many connections that ask for nothing")
            transport.abort()
        elif tls is None:
            self._seat(transport, address)
        else:
            transport.pause_reading()
            handshake = asyncio.get_running_loop().create_task(
                self._encrypt(tls, arrival, transport, address)
            )
            self._handshakes[handshake] = address
            handshake.add_done_callback(self._handshakes.pop)

    async def _encrypt(
        self,
        tls: ssl.SSLContext,
        arrival: _Arrival,
        transport: asyncio.Transport,
        address: str,
    ) -> None:
        try:
            encrypted = await asyncio.get_running_loop().start_tls(
                transport,
                arrival,
                tls,
                server_side=True,
                ssl_handshake_timeout=ASK_TIMEOUT_S,
            )
        except OSError as err:
            # What it was is for the watch of handshakes.
            _LOGGER.debug("no handshake: %s", err)
            return
        if isinstance(encrypted, asyncio.Transport):
            self._seat(encrypted, address, bytes(arrival.early))

    def _seat(
        self, transport: asyncio.Transport, address: str, early: bytes = b""
    ) -> None:
        """Hand a connection to aiohttp, for as long as nobody may wait."""
        server = self._runner.server if self._runner is not None else None
        if server is None or transport.is_closing():
            transport.abort()
            return
        handler = server()
        loop = asyncio.get_running_loop()
        timer = loop.call_later(ASK_TIMEOUT_S, self._give_up, handler)
        self._waiting[handler] = _Waiting(address, timer)
        transport.set_protocol(handler)
        handler.connection_made(transport)
        if early:
            handler.data_received(early)

    def _is_full_for(self, address: str) -> bool:
        if self._has_no_place_for(address):
            self._forget_gone()
        return self._has_no_place_for(address)

    def _has_no_place_for(self, address: str) -> bool:
        taken = len(self._waiting) + len(self._handshakes)
        if taken < MOST_OF_ONE_ADDRESS or taken >= MOST_WAITING:
            return taken >= MOST_WAITING
        from_there = sum(one.address == address for one in self._waiting.values())
        from_there += sum(one == address for one in self._handshakes.values())
        return from_there >= MOST_OF_ONE_ADDRESS

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
