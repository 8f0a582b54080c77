"""Feed mutated frames of every OCPP version to the listener, and count what is wrong.

Most frames go through the whole way behind the socket (parse, judge, handle, answer);
a share goes over a real WebSocket. Every CALL whose id can be read must get one answer,
nothing may stay pending, no handler may fail, and memory must not grow with the count.
"""

import asyncio
from collections import Counter
import json
import logging
from pathlib import Path
import resource
import sys
from typing import Any, Final, override

from custom_components.v2g_vpp.csms.dispatch import Dispatcher
from custom_components.v2g_vpp.csms.frames import MAX_DEPTH, MAX_MESSAGE_ID_LENGTH
from custom_components.v2g_vpp.csms.link import StationLink
from custom_components.v2g_vpp.csms.rpc import RpcEngine
from custom_components.v2g_vpp.csms.station import Station
from custom_components.v2g_vpp.csms.store import StationStore
from custom_components.v2g_vpp.csms.versions import SERVED_VERSIONS, RpcVersion
from script.benches.mutations import Mutator
from script.benches.result import Bench, at_most
from tests.csms.charge_point import BOOT_16
from tests.csms.peer import (
    BOOT,
    Authority,
    Dialler,
    MemoryStore,
    RecordingSink,
    Rig,
    SystemClock,
    config,
)

FRAMES: Final = 100_000
QUICK_FRAMES: Final = 6_000
OVER_A_SOCKET: Final = 0.05
"""Share of the frames that take the way of a real station."""

BATCH: Final = 500
SETTLE_S: Final = 30.0
"""Only a request that is never answered takes that long."""

MAX_GROWTH_KIB: Final = 20_000.0
"""Between the first tenth and the end: caches fill up to their bounds before."""

REPEATED_IDS: Final = frozenset({"u", "x", "\x00", "\u202e", "NaN"})
"""Ids that several frames have: how often they are answered says nothing of one."""

_PAGE_KIB: Final = resource.getpagesize() / 1024


class ErrorCount(logging.Handler):
    """Counts what the product logs as its own error."""

    def __init__(self) -> None:
        """Start at none."""
        super().__init__(logging.ERROR)
        self.texts: Counter[str] = Counter()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Count a record by its text and exception."""
        cause = record.exc_info[1] if record.exc_info else ""
        self.texts[f"{record.getMessage()[:120]} {cause!r:.200}"] += 1


class Target:
    """One station of one version with everything behind its socket."""

    def __init__(self, version: RpcVersion) -> None:
        """Put it together and boot it."""
        self.sent: list[str] = []
        self.closes = 0
        self._version = version
        clock = SystemClock()
        self._tasks: set[asyncio.Task[None]] = set()
        store = StationStore(MemoryStore(), self._spawn)
        self._station = Station(
            config=config(),
            store=store,
            sink=Dropped(),
            authority=Authority(),
            clock=clock,
        )
        numbers = iter(range(sys.maxsize))
        book = Rig.book[version.protocol]
        self.engine = RpcEngine(
            version, lambda: f"L{next(numbers)}", self._station.answers
        )
        self.link = StationLink(
            name="CS1",
            engine=self.engine,
            book=book,
            clock=clock,
            close=self._closed,
        )
        self.link.listen(Dispatcher(self._station, book, version.protocol))
        self._station.link_up(self.link)
        boot = BOOT_16 if version.protocol == "ocpp1.6" else BOOT
        self.link.feed(json.dumps([2, "boot", "BootNotification", boot]))
        self._writer = asyncio.ensure_future(self.link.write_frames(self))

    def _closed(self, _code: int, _reason: str) -> None:
        self.closes += 1

    def _spawn(self, coro: Any, name: str) -> None:
        task = asyncio.create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def send_str(self, data: str) -> None:
        """Take a frame of ours."""
        self.sent.append(data)

    async def settle(self) -> None:
        """Let late answers out."""
        async with asyncio.timeout(SETTLE_S):
            while self.engine.pending_requests:
                await asyncio.sleep(0.005)
        for _ in range(5):
            # What was answered last is still on its way to the socket.
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """End what runs."""
        self.link.shut()
        self._writer.cancel()
        await asyncio.gather(self._writer, *self._tasks, return_exceptions=True)


class Dropped(RecordingSink):
    """Counts nothing: hours of events are not kept."""

    @override
    def post(self, event: Any) -> None:
        """Drop it."""


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
    wrong = []
    for text in frames:
        name = wants_answer(text)
        if name is None or by_id[name] == 1 or name in REPEATED_IDS:
            continue
        is_guarded = "NaN" in text or "\\ud8" in text or text.count("{") > MAX_DEPTH
        if not (is_guarded and by_id[name] == 0 and by_id["-1"] > 0):
            wrong.append(text)
    return wrong


def rss_kib() -> float:
    """Return what this process holds in memory now."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * _PAGE_KIB


async def fuzz_inside(version: RpcVersion, count: int, seed: int) -> dict[str, Any]:
    """Feed frames to one version; return what was wrong."""
    mutator = Mutator(version.protocol, seed)
    target = Target(version)
    wrong: list[str] = []
    batch: list[str] = []
    early_kib = rss_kib()

    async def judge() -> None:
        await target.settle()
        wrong.extend(unanswered_in(batch, target.sent))
        batch.clear()
        target.sent.clear()

    for number, text in enumerate(mutator.frames(count)):
        if target.closes:
            # It was told to go; the next frames come over a new link.
            await judge()
            await target.stop()
            target = Target(version)
        target.link.feed(text)
        batch.append(text)
        if len(batch) >= 20:
            await asyncio.sleep(0)
        if len(batch) >= BATCH:
            await judge()
        if number == count // 10:
            early_kib = rss_kib()
    await judge()
    pending = target.engine.pending_requests
    await target.stop()
    return {"wrong": wrong, "pending": pending, "growth_kib": rss_kib() - early_kib}


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
                await asyncio.sleep(1.0 if number > 400 else 0)
    return failures


async def measure(bench: Bench, frames: int) -> dict[str, float]:
    """Return every figure."""
    errors = ErrorCount()
    logger = logging.getLogger("custom_components.v2g_vpp")
    logger.addHandler(errors)
    logger.propagate = False
    logger.setLevel(logging.ERROR)
    each = frames // len(SERVED_VERSIONS)
    totals = {"unanswered": 0.0, "pending": 0.0, "growth_kib": 0.0, "socket": 0.0}
    for seed, version in enumerate(SERVED_VERSIONS):
        found = await fuzz_inside(version, round(each * (1 - OVER_A_SOCKET)), seed)
        totals["unanswered"] += len(found["wrong"])
        totals["pending"] += found["pending"]
        totals["growth_kib"] = max(totals["growth_kib"], found["growth_kib"])
        for text in found["wrong"][:5]:
            bench.say("%s: wrong number of answers: %.300s", version.protocol, text)
        totals["socket"] += await fuzz_socket(
            version, round(each * OVER_A_SOCKET), seed + 100
        )
        bench.say("%s: %d frames", version.protocol, each)
    for text, count in errors.texts.most_common(10):
        bench.say("%d x %s", count, text)
    return {
        "frames": float(frames),
        "unanswered": totals["unanswered"],
        "still_pending": totals["pending"],
        "own_errors": float(errors.texts.total()),
        "socket_failures": totals["socket"],
        "memory_growth_kib": totals["growth_kib"],
    }


def main(argv: list[str]) -> int:
    """Run the benchmark."""
    bench = Bench.from_arguments("fuzz", argv, __doc__)
    frames = QUICK_FRAMES if bench.is_quick else FRAMES
    figures = asyncio.run(measure(bench, frames))
    none = at_most(0)
    return bench.finish(
        figures,
        {
            "unanswered": none,
            "still_pending": none,
            "own_errors": none,
            "socket_failures": none,
            "memory_growth_kib": at_most(MAX_GROWTH_KIB),
        },
    )
