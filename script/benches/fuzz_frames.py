"""Mutated OCPP frames, and mutated answers to what the home asks, for one station.

Most frames go through the whole way behind the socket (parse, judge, handle, answer),
with a real site behind it that asks and commands; a share goes over a real WebSocket.
Frames that took a branch of the product that none took before are damaged further.
"""

import asyncio
from collections import Counter
from collections.abc import Coroutine
import json
import logging
import sys
from typing import Any, Final
from unittest.mock import patch

from custom_components.v2g_vpp.csms import station as station_module
from custom_components.v2g_vpp.csms.command_desk import CommandDesk
from custom_components.v2g_vpp.csms.dispatch import Dispatcher
from custom_components.v2g_vpp.csms.frames import MAX_DEPTH, MAX_MESSAGE_ID_LENGTH
from custom_components.v2g_vpp.csms.link import StationLink
from custom_components.v2g_vpp.csms.provisioning import Provisioner
from custom_components.v2g_vpp.csms.rpc import RpcEngine
from custom_components.v2g_vpp.csms.station import Station
from custom_components.v2g_vpp.csms.store import StationStore
from custom_components.v2g_vpp.csms.versions import RpcVersion
from custom_components.v2g_vpp.domain.ids import VehicleId
from custom_components.v2g_vpp.domain.policy import VehiclePolicy, VehicleSpec
from custom_components.v2g_vpp.site import Site
from script.benches.fuzz_watch import PRODUCT, Guide, Memory
from script.benches.mutations import Mutator
from tests.csms.charge_point import BOOT_16
from tests.csms.peer import BOOT, STATION, Dialler, Rig, SystemClock, config
from tests.site.stores import MemoryStore

BATCH: Final = 500
MOST_PENDING: Final = 24
"""Below what the listener takes at once: each frame is to be handled, not put off."""

SETTLE_S: Final = 30.0
"""Only a request that is never answered takes that long."""

REPEATED_IDS: Final = frozenset({"u", "x", "\x00", "\u202e", "NaN"})
"""Ids that several frames have: how often they are answered says nothing of one."""

_LOGGER = logging.getLogger(f"{PRODUCT}.fuzz")


class Desk(CommandDesk):
    """The way of a site to the one station."""

    def __init__(self, station: Station) -> None:
        """Know it."""
        super().__init__()
        self._stations[station.station_id] = station

    async def close_link(self, _station_id: Any) -> None:
        """Leave the link alone: the fuzz ends it."""

    def admit_provisionally(self, *_: Any) -> None:
        """Let nobody else in."""

    def end_provisional(self, *_: Any) -> None:
        """End nobody's visit."""

    def visitor(self, *_: Any) -> None:
        """Know of no visitor."""


class Target:
    """One station of one version with everything behind its socket, and a site."""

    def __init__(self, version: RpcVersion, mutator: Mutator) -> None:
        """Put it together; ``start`` brings it to life."""
        self.sent: list[str] = []
        self.closes = 0
        self.answers = 0
        self._mutator = mutator
        self._tasks: set[asyncio.Task[None]] = set()
        self._clock = SystemClock()
        self._station_disk, self._site_disk = MemoryStore(), MemoryStore()
        self.site = self._new_site()
        self._store = StationStore(self._station_disk, self._spawn)
        self._station = self._new_station(self._store, self.site)
        numbers = iter(range(sys.maxsize))
        book = Rig.book[version.protocol]
        self.engine = RpcEngine(
            version, lambda: f"L{next(numbers)}", self._station.answers
        )
        self.link = StationLink(
            name=STATION,
            engine=self.engine,
            book=book,
            clock=self._clock,
            close=self._closed,
            recorder=self._station.recorder,
        )
        self.link.listen(Dispatcher(self._station, book, version.protocol))
        self._boot = BOOT_16 if version.protocol == "ocpp1.6" else BOOT

    async def start(self) -> None:
        """Boot it, and let the site and the set-up of the station run."""
        self.site.use_stations(Desk(self._station))
        await self.site.load()
        self.site.add_station(STATION, self._station.config.limits)
        self.site.add_vehicle(
            VehicleSpec(
                vehicle_id=VehicleId("leaf"),
                name="Leaf",
                capacity_wh=60_000.0,
                evcc_id="HA",
            ),
            VehiclePolicy(is_discharge_allowed=True),
        )
        self._spawn(self.site.run(), "site")
        self._station.link_up(self.link)
        self.link.feed(json.dumps([2, "boot", "BootNotification", self._boot]))
        self._spawn(self.link.write_frames(self), "writer")
        self._spawn(Provisioner(self._station, self.link).run(), "set-up")

    async def send_str(self, data: str) -> None:
        """Take a frame of ours; a question is answered, soundly or not."""
        self.sent.append(data)
        frame = json.loads(data)
        if frame[0] == 2:
            self.answers += 1
            loop = asyncio.get_running_loop()
            answer = self._mutator.answer(frame[1], frame[2])
            loop.call_soon(self.link.feed, answer)
            # Where that was none, the question would hold the set-up up for 30 s.
            loop.call_soon(self.link.feed, f'[4,"{frame[1]}","GenericError","",{{}}]')

    async def settle(self) -> None:
        """Let late answers out."""
        async with asyncio.timeout(SETTLE_S):
            while self.engine.pending_requests:
                await asyncio.sleep(0)
        for _ in range(5):
            # What was answered last is still on its way to the socket.
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """End what runs; then see that a next start can read what was kept.

        Raises:
            Exception: of that start.
        """
        self._station.link_down("over")
        self.link.shut()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._store.flush()
        for disk in (self._station_disk, self._site_disk):
            disk.crash()
        store = StationStore(self._station_disk, self._spawn)
        await store.load()
        site = self._new_site()
        await site.load()
        self._new_station(store, site)

    def _new_site(self) -> Site:
        return Site(store=self._site_disk, clock=self._clock, spawn=self._spawn)

    def _new_station(self, store: StationStore, site: Site) -> Station:
        return Station(
            config=config(), store=store, sink=site, authority=site, clock=self._clock
        )

    def _closed(self, _code: int, _reason: str) -> None:
        self.closes += 1

    def _spawn(self, coro: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            _LOGGER.error("task %s failed", task.get_name(), exc_info=task.exception())


def wants_answer(text: str) -> str | None:
    """Return the id that a frame wants an answer to, None when it can want none."""
    try:
        frame = json.loads(text)
    except ValueError, RecursionError:
        return None
    is_call = (
        isinstance(frame, list)
        and len(frame) > 1
        and type(frame[0]) is int
        and frame[0] == 2
        and isinstance(frame[1], str)
        and 0 < len(frame[1]) <= MAX_MESSAGE_ID_LENGTH
    )
    return frame[1] if is_call else None


def unanswered_in(frames: list[str], answers: list[str]) -> list[str]:
    """Return the frames that wanted one answer and got none, or more than one.

    A frame may be answered without its id only where the text is no JSON, nests too
    deeply or has half a character for an id; Python's own parser takes all three.
    """
    by_id: Counter[str] = Counter()
    for text in answers:
        answer = json.loads(text)
        if answer[0] in {3, 4}:
            by_id[answer[1]] += 1
    wanted = [(text, wants_answer(text)) for text in frames]
    asked = Counter(name for _, name in wanted if name is not None)
    wrong = []
    for text, name in wanted:
        if name is None or by_id[name] == asked[name] or name in REPEATED_IDS:
            continue
        is_unanswered_alone = by_id[name] == 0 and by_id["-1"] > 0
        if not (_is_no_json(text) and is_unanswered_alone):
            wrong.append(text)
    return wrong


def _is_no_json(text: str) -> bool:
    is_deep = text.count("{") + text.count("[") > MAX_DEPTH
    return is_deep or any(word in text for word in ("NaN", "Infinity", "\\ud8"))


async def fuzz_inside(
    version: RpcVersion, count: int, seed: int, guide: Guide | None = None
) -> dict[str, Any]:
    """Feed frames to one version; return what was wrong."""
    with patch.object(station_module, "ANSWER_PAUSE_S", 0.0):
        # A charger needs that pause; here it would only hold the run up.
        return await _Run(version, count, seed, guide).run()


class _Run:
    """Frames for one version, in batches that are judged."""

    def __init__(
        self, version: RpcVersion, count: int, seed: int, guide: Guide | None
    ) -> None:
        """Prepare the first target."""
        self._version, self._count, self._guide = version, count, guide
        self._mutator = Mutator(version.protocol, seed)
        self._target = Target(version, self._mutator)
        self._wrong: list[str] = []
        self._batch: list[str] = []
        self._answers = 0

    async def run(self) -> dict[str, Any]:
        """Feed all of them."""
        await self._target.start()
        memory = Memory()
        for number, text in enumerate(self._mutator.frames(self._count)):
            if self._target.closes:
                # It was told to go; the next frames come over a new link.
                await self._judge()
                await self._end()
                self._target = Target(self._version, self._mutator)
                await self._target.start()
            self._feed(text)
            await self._pause()
            if number == self._count // 10:
                memory.settled()
        await self._judge()
        pending = self._target.engine.pending_requests
        await self._end()
        return {
            "wrong": self._wrong,
            "pending": pending,
            "answers": self._answers,
            "growth_kib": memory.growth_kib,
            "growth_percent": memory.growth_percent,
        }

    def _feed(self, text: str) -> None:
        self._batch.append(text)
        if self._guide is not None:
            self._guide.has_news()
        self._target.link.feed(text)
        if self._guide is not None and self._guide.has_news():
            self._mutator.keep(text)

    async def _pause(self) -> None:
        if self._target.engine.pending_requests >= MOST_PENDING:
            await self._target.settle()
        elif len(self._batch) % 20 == 0:
            await asyncio.sleep(0)
        if len(self._batch) >= BATCH:
            await self._judge()

    async def _judge(self) -> None:
        await self._target.settle()
        self._wrong.extend(unanswered_in(self._batch, self._target.sent))
        self._batch.clear()
        self._target.sent.clear()

    async def _end(self) -> None:
        self._answers += self._target.answers
        await self._target.stop()


async def fuzz_socket(version: RpcVersion, count: int, seed: int) -> int:
    """Send frames over a WebSocket; return how often the listener stopped to answer."""
    mutator = Mutator(version.protocol, seed)
    boot = BOOT_16 if version.protocol == "ocpp1.6" else BOOT
    failures = 0
    async with Rig() as rig, Dialler(rig) as dialler:
        peer = await dialler.dial((version.protocol,))
        await peer.call("BootNotification", boot)
        for number, text in enumerate(mutator.frames(count)):
            if peer.close_code is not None:
                peer = await dialler.dial((version.protocol,))
            await peer.send(text)
            if number % 100 == 99 and peer.close_code is None:
                # Slowly enough for the rate limit, which is tested elsewhere.
                try:
                    await peer.call("Heartbeat", {})
                except TimeoutError, AssertionError:
                    failures += peer.close_code is None
                peer.frames.clear()
                peer.texts.clear()
                rig.sink.clear()
                await asyncio.sleep(1.0 if number > 400 else 0)
    return failures
