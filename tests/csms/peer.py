"""A scripted charging station on a raw WebSocket, and the listener it dials into."""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime, time as time_of_day, timedelta
import json
import time
from typing import Any, Self

import aiohttp

from custom_components.v2g_vpp.csms.access import StationConfig
from custom_components.v2g_vpp.csms.refusals import RefusalCause
from custom_components.v2g_vpp.csms.schemas import SchemaBook, load_schemas
from custom_components.v2g_vpp.csms.server import ListenAddress, OcppServer
from custom_components.v2g_vpp.domain.events import StationEvent
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import StationLimits
from custom_components.v2g_vpp.domain.ports import StoredData
from custom_components.v2g_vpp.domain.wall_time import next_wall_time

PASSWORD = "a-password-of-the-test-0123456789"
STATION = StationId("CS1")
EVSE1 = EvseKey(STATION, 1)
NOW = "2026-11-22T18:00:00Z"
ANSWER_S = 5.0
"""Nothing on the loopback interface takes that long."""

BOOT = {
    "reason": "PowerUp",
    "chargingStation": {
        "model": "V2X1",
        "vendorName": "Acme",
        "serialNumber": "A1",
        "firmwareVersion": "1.0",
    },
}

type Payload = dict[str, Any]
type Answer = Payload | str | None
"""A payload, an error code, or None for silence."""

type Responder = Callable[[Payload], Answer]


class SystemClock:
    """The real clocks; that of the day can be set ahead."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def monotonic(self) -> float:
        return time.monotonic()

    def utcnow(self) -> datetime:
        return datetime.now(UTC) + self.ahead  # noqa: TID251

    def next_wall_time(self, wall: time_of_day, after: datetime) -> datetime:
        return next_wall_time(wall, after, UTC)


class MemoryStore:
    """A store that survives a listener, as a file would."""

    def __init__(self) -> None:
        self.data: StoredData | None = None
        self.saves = 0

    async def load(self) -> StoredData | None:
        return self.data

    async def save(self, data: StoredData) -> None:
        # Through text, as a file would: what is not JSON fails here.
        self.data = json.loads(json.dumps(data))
        self.saves += 1

    def save_later(self, read: Callable[[], StoredData]) -> None:
        self.data = json.loads(json.dumps(read()))


class RecordingSink:
    """What the site would be told."""

    def __init__(self) -> None:
        self.events: list[StationEvent] = []
        self._changed = asyncio.Event()

    def post(self, event: StationEvent) -> None:
        self.events.append(event)
        self._changed.set()

    def of[E](self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    async def wait_for[E](
        self, kind: type[E], accept: Callable[[E], bool] = lambda _: True
    ) -> E:
        """Return the first event of a kind that is accepted, past or future."""
        async with asyncio.timeout(ANSWER_S):
            while True:
                for event in self.of(kind):
                    if accept(event):
                        return event
                self._changed.clear()
                await self._changed.wait()

    def clear(self) -> None:
        self.events.clear()


class Authority:
    """Owner's permissions by vehicle id."""

    def __init__(self) -> None:
        self.allowed: set[str | None] = set()

    def may_vehicle_discharge(self, station_id: StationId, evcc_id: str | None) -> bool:
        return evcc_id in self.allowed


class Rig:
    """The listener with recording neighbours; it can be started again."""

    book: Mapping[str, SchemaBook] = load_schemas()

    def __init__(self, *configs: StationConfig, **options: Any) -> None:
        self.store = MemoryStore()
        self.sink = RecordingSink()
        self.authority = Authority()
        self.clock = SystemClock()
        self.refused: list[tuple[str, str, RefusalCause, str]] = []
        self.configs = configs or (config(),)
        self.options = options
        self.port = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.server = self.new_server()

    def new_server(self) -> OcppServer:
        return OcppServer(
            schemas=self.book,
            stations=self.configs,
            sink=self.sink,
            authority=self.authority,
            store=self.store,
            clock=self.clock,
            spawn=self._spawn,
            on_refused=lambda *refusal: self.refused.append(refusal),
            **{
                "address": ListenAddress(host="127.0.0.1", port=self.port),
                **self.options,
            },
        )

    def _spawn(self, coro: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(coro, name=name)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop()

    async def restart(self) -> None:
        """Stop and start a new listener on the same store."""
        await self.server.stop()
        self.server = self.new_server()
        await self.server.start()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.server.port}/ocpp/"


def config(**changes: Any) -> StationConfig:
    return StationConfig(
        **{
            "identity": STATION,
            "password": PASSWORD,
            "limits": StationLimits(unattended_charge_w=0.0),
            **changes,
        }
    )


def basic(identity: str = STATION, password: str = PASSWORD) -> dict[str, str]:
    token = b64encode(f"{identity}:{password}".encode()).decode()
    return {"Authorization": f"Basic {token}"}


class Peer:
    """One connection of a station; answers requests by a table."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.responders: dict[str, Responder] = {}
        self.requests: list[tuple[str, Payload]] = []
        self.frames: list[list[Any]] = []
        """Answers and errors that came in, in order."""

        self.texts: list[str] = []
        """The same, as they were on the wire."""

        self.after_answer: list[tuple[str, Payload]] = []
        """Requests of the station that follow the answer it is about to give."""

        self.close_code: int | None = None
        self._changed = asyncio.Event()
        self._last_id = 0
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        async for message in self.socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            frame = json.loads(message.data)
            if frame[0] == 2:
                await self._answer(frame)
            else:
                self.frames.append(frame)
                self.texts.append(message.data)
            self._changed.set()
        self.close_code = self.socket.close_code
        self._changed.set()

    async def _answer(self, frame: list[Any]) -> None:
        _, message_id, asked, payload = frame
        self.requests.append((asked, payload))
        responder = self.responders.get(asked)
        answer = "NotImplemented" if responder is None else responder(payload)
        if isinstance(answer, str):
            await self.send([4, message_id, answer, "", {}])
        elif answer is not None:
            await self.send([3, message_id, answer])
        for action, told in self.after_answer:
            self._last_id += 1
            await self.send([2, f"p{self._last_id}", action, told])
        self.after_answer.clear()

    async def send(self, frame: object) -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        with suppress(ConnectionError):
            await self.socket.send_str(text)

    async def until(self, accept: Callable[[], bool]) -> None:
        async with asyncio.timeout(ANSWER_S):
            while not accept():
                self._changed.clear()
                await self._changed.wait()

    async def ask(self, frame: object) -> list[Any]:
        """Send a frame and return the next answer or error to such a frame."""
        seen = len(self._asked())
        await self.send(frame)
        await self.until(lambda: len(self._asked()) > seen)
        return self._asked()[seen]

    def _asked(self) -> list[list[Any]]:
        # Ids of this class begin with a p, those of scenarios never do.
        return [frame for frame in self.frames if not frame[1].startswith("p")]

    async def call(self, action: str, payload: Payload) -> Payload:
        """Send a request and return its answer."""
        self._last_id += 1
        message_id = f"p{self._last_id}"
        await self.send([2, message_id, action, payload])
        await self.until(lambda: any(f[1] == message_id for f in self.frames))
        frame = next(f for f in self.frames if f[1] == message_id)
        assert frame[0] == 3, frame
        answer: Payload = frame[2]
        return answer

    async def silent(self, frame: object) -> bool:
        """Send a frame; True when nothing but the answer to a later one comes back."""
        marker = f"marker{len(self.texts)}"
        seen = len(self._asked())
        await self.send(frame)
        answer = await self.ask([2, marker, "DataTransfer", {"vendorId": "marker"}])
        return answer[1] == marker and len(self._asked()) == seen + 1

    async def request(self, action: str, count: int = 1) -> Payload:
        """Return the payload of the count-th request of an action."""
        await self.until(lambda: len(self.payloads(action)) >= count)
        return self.payloads(action)[count - 1]

    def payloads(self, action: str) -> list[Payload]:
        return [payload for name, payload in self.requests if name == action]

    async def closed(self) -> int | None:
        """Wait for the end of the connection and return its close code."""
        await self.until(lambda: self.close_code is not None)
        return self.close_code

    async def leave(self) -> None:
        await self.socket.close()
        await self._reader


class Dialler:
    """Opens connections and closes them all at the end."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.session = aiohttp.ClientSession()
        self.peers: list[Peer] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self.peers:
            await peer.leave()
        await self.session.close()

    def spawn(self, life: Coroutine[Any, Any, None]) -> None:
        """Run what a station does by itself, also to the end of a test that fails."""
        self._tasks.append(asyncio.create_task(life))

    async def dial(
        self,
        protocols: tuple[str, ...] = ("ocpp2.1",),
        *,
        identity: str = STATION,
        password: str = PASSWORD,
        **options: Any,
    ) -> Peer:
        socket = await self.session.ws_connect(
            self.rig.url + identity,
            protocols=protocols,
            headers=basic(identity, password),
            **options,
        )
        peer = Peer(socket)
        self.peers.append(peer)
        return peer

    async def status(
        self, path: str = STATION, headers: Mapping[str, str] | None = None
    ) -> int:
        """Return the HTTP status that an attempt to upgrade gets."""
        try:
            socket = await self.session.ws_connect(
                self.rig.url + path, protocols=("ocpp2.1",), headers=headers
            )
        except aiohttp.WSServerHandshakeError as err:
            return err.status
        await socket.close()
        return 101
