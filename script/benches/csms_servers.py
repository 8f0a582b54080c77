"""Two servers to compare ours with, each a process of its own on the loopback.

`python -m script.benches.csms_servers echo|package PORT`: an aiohttp WebSocket that
sends every text back (the floor), and a bare CSMS on the `ocpp` package as it is
published, for OCPP 2.0.1 and 1.6.
"""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
import logging
import sys
from typing import Any

from aiohttp import WSMsgType, web

# The package has no types.
from ocpp.routing import on  # type: ignore[import-untyped]
from ocpp.v16 import (  # type: ignore[import-untyped]
    ChargePoint as ChargePoint16,
    call_result as result_16,
)
from ocpp.v201 import (  # type: ignore[import-untyped]
    ChargePoint as ChargePoint201,
    call_result as result_201,
)

PROTOCOLS = ("ocpp2.0.1", "ocpp1.6")


def now() -> str:
    """Return the time as OCPP wants it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251


class Bare201(ChargePoint201):  # type: ignore[misc]
    """What a user of the package writes for 2.0.1."""

    @on("BootNotification")  # type: ignore[untyped-decorator]
    def on_boot(self, **_: Any) -> Any:
        """Accept."""
        return result_201.BootNotification(
            current_time=now(), interval=300, status="Accepted"
        )

    @on("TransactionEvent")  # type: ignore[untyped-decorator]
    def on_transaction_event(self, **_: Any) -> Any:
        """Answer with nothing."""
        return result_201.TransactionEvent()


class Bare16(ChargePoint16):  # type: ignore[misc]
    """What a user of the package writes for 1.6."""

    @on("BootNotification")  # type: ignore[untyped-decorator]
    def on_boot(self, **_: Any) -> Any:
        """Accept."""
        return result_16.BootNotification(
            current_time=now(), interval=300, status="Accepted"
        )

    @on("StartTransaction")  # type: ignore[untyped-decorator]
    def on_start(self, **_: Any) -> Any:
        """Give a number."""
        return result_16.StartTransaction(
            transaction_id=17, id_tag_info={"status": "Accepted"}
        )

    @on("MeterValues")  # type: ignore[untyped-decorator]
    def on_meter_values(self, **_: Any) -> Any:
        """Answer with nothing."""
        return result_16.MeterValues()


class Connection:
    """The pair of functions that the package wants, on an aiohttp server."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        """Take an upgraded socket."""
        self._socket = socket

    async def recv(self) -> str:
        """Return the next text."""
        return await self._socket.receive_str()

    async def send(self, text: str) -> None:
        """Send a text."""
        await self._socket.send_str(text)


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Send every text back."""
    socket = web.WebSocketResponse(protocols=PROTOCOLS)
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


async def package(request: web.Request) -> web.WebSocketResponse:
    """Serve a station with the package."""
    socket = web.WebSocketResponse(protocols=PROTOCOLS)
    await socket.prepare(request)
    made = Bare16 if socket.ws_protocol == "ocpp1.6" else Bare201
    # How the package learns that the station has gone.
    with suppress(TypeError):
        await made(request.path.rpartition("/")[2], Connection(socket)).start()
    return socket


async def serve(kind: str, port: int) -> None:
    """Serve until the process is ended."""
    logging.getLogger("ocpp").setLevel(logging.WARNING)
    app = web.Application()
    app.router.add_get("/{path:.*}", echo if kind == "echo" else package)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    print("READY {}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
