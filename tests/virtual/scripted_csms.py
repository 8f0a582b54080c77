"""A CSMS of a few lines on a raw WebSocket server, which says what a test told it."""

import asyncio
from collections.abc import Callable, Mapping
import json
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from .fake_clock import until

type Answer = dict[str, Any] | list[Any] | None
"""A payload; a list is sent as the whole frame after its id; None is silence."""

type Answerer = Callable[[dict[str, Any]], Answer]

ACCEPTED = {"idTokenInfo": {"status": "Accepted"}}
BOOT = {"status": "Accepted", "currentTime": "2026-11-22T18:00:00Z", "interval": 300}
TRANSFER = ["AC_three_phase", "AC_BPT"]


class ScriptedCsms:
    """Takes one station after the other and remembers every frame."""

    def __init__(self, protocol: str = "ocpp2.1") -> None:
        self.protocol = protocol
        self.frames: list[list[Any]] = []
        self.connections = 0
        self.headers: list[Mapping[str, str]] = []
        self.paths: list[str] = []
        self.refuse_with: int | None = None
        self.url = ""
        self.pings = 0
        self.pongs: list[bytes] = []
        self.is_frozen = False
        """True: the socket stays open and nobody reads it, as after SIGSTOP."""

        self.answers: dict[str, Answerer] = {
            "BootNotification": lambda _: BOOT,
            "Heartbeat": lambda _: {"currentTime": "2026-11-22T18:00:00Z"},
            "Authorize": lambda _: {**ACCEPTED, "allowedEnergyTransfer": TRANSFER},
            "NotifyEVChargingNeeds": lambda _: {"status": "NoChargingProfile"},
        }
        self._socket: web.WebSocketResponse | None = None
        self._runner: web.AppRunner | None = None
        self._next_id = 0

    async def start(self) -> None:
        app = web.Application()
        app.add_routes([web.get("/ocpp/{identity:.*}", self._serve)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}/ocpp/"

    async def stop(self) -> None:
        await self.drop()
        if self._runner is not None:
            await self._runner.cleanup()

    async def drop(self) -> None:
        """Close the link."""
        if self._socket is not None:
            await self._socket.close(code=WSCloseCode.GOING_AWAY)
            self._socket = None

    @property
    def is_linked(self) -> bool:
        return self._socket is not None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.headers.append(request.headers)
        self.paths.append(request.path)
        if self.refuse_with is not None:
            return web.Response(status=self.refuse_with)
        socket = web.WebSocketResponse(protocols=[self.protocol], autoping=False)
        await socket.prepare(request)
        self._socket = socket
        self.connections += 1
        async for message in socket:
            if message.type is WSMsgType.PING:
                self.pings += 1
                if not self.is_frozen:
                    await socket.pong(message.data)
                continue
            if message.type is WSMsgType.PONG:
                self.pongs.append(message.data)
                continue
            frame = json.loads(message.data)
            self.frames.append(frame)
            if frame[0] == 2:
                await self._answer(socket, frame)
        if self._socket is socket:
            self._socket = None
        return socket

    async def _answer(self, socket: web.WebSocketResponse, frame: list[Any]) -> None:
        answerer = self.answers.get(frame[2])
        answer: Answer = {} if answerer is None else answerer(frame[3])
        if isinstance(answer, list):
            await socket.send_json([answer[0], frame[1], *answer[1:]])
        elif answer is not None:
            await socket.send_json([3, frame[1], answer])

    # What a test does

    async def send(self, text: str) -> None:
        assert self._socket is not None, "no station"
        await self._socket.send_str(text)

    async def send_bytes(self, data: bytes) -> None:
        assert self._socket is not None, "no station"
        await self._socket.send_bytes(data)

    async def ping(self, data: bytes) -> None:
        assert self._socket is not None, "no station"
        await self._socket.ping(data)

    async def ask(self, action: str, payload: Any) -> list[Any]:
        """Send a CALL and return the whole frame that answers it."""
        self._next_id += 1
        message_id = f"c{self._next_id}"
        await self.send(json.dumps([2, message_id, action, payload]))
        await until(lambda: self._reply(message_id), f"answer to {action}")
        reply = self._reply(message_id)
        assert reply is not None
        return reply

    async def call(self, action: str, payload: dict[str, Any]) -> dict[str, Any]:
        """Send a CALL and return the payload of its result."""
        reply = await self.ask(action, payload)
        assert reply[0] == 3, reply
        result: dict[str, Any] = reply[2]
        return result

    def _reply(self, message_id: str) -> list[Any] | None:
        return next((f for f in self.frames if f[1] == message_id), None)

    def calls(self, action: str) -> list[dict[str, Any]]:
        """Return the payloads of all CALLs of an action so far."""
        return [f[3] for f in self.frames if f[0] == 2 and f[2] == action]

    def sent(self, action: str) -> list[dict[str, Any]]:
        """Return the payloads of all SENDs of an action so far."""
        return [f[3] for f in self.frames if f[0] == 6 and f[2] == action]

    def events(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return the TransactionEvents whose top-level fields match."""
        return [
            event
            for event in self.calls("TransactionEvent")
            if all(event.get(name) == value for name, value in wanted.items())
        ]

    def states(self, component: str, variable: str) -> list[str]:
        """Return the values of a variable, in the order of their NotifyEvents."""
        return [
            each["actualValue"]
            for message in self.calls("NotifyEvent")
            for each in message["eventData"]
            if each["component"]["name"] == component
            and each["variable"]["name"] == variable
        ]

    async def came(self, action: str, number: int = 1) -> dict[str, Any]:
        """Return the n-th CALL of an action, waiting for it."""
        await until(lambda: len(self.calls(action)) >= number, f"{action} {number}")
        return self.calls(action)[number - 1]

    async def events_number(self, number: int) -> None:
        """Return when so many TransactionEvents came."""
        await until(lambda: len(self.events()) >= number, f"{number} events")

    async def event(self, **wanted: Any) -> dict[str, Any]:
        """Return the first TransactionEvent that matches, waiting for it."""
        await until(lambda: self.events(**wanted), f"event {wanted}")
        return self.events(**wanted)[0]


def silent(_payload: dict[str, Any]) -> Answer:
    """Answer nothing."""
    return None


async def settle() -> None:
    """Give the sockets a moment in which nothing is expected to happen."""
    await asyncio.sleep(0.03)
