"""A clock that a test moves, and the sleep that goes with it."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
import heapq
from itertools import count

START = datetime(2026, 11, 22, 18, tzinfo=UTC)
LOOP_TURNS = 12
"""Enough for a chain of tasks to hand on a result after one of them was woken."""

POLL_S = 0.005
REAL_TIMEOUT_S = 10.0
"""For the sockets, which do not follow this clock."""


class FakeClock:
    """Both clocks of a station; time passes only in ``advance``."""

    def __init__(self) -> None:
        self._now_mono_s = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def monotonic(self) -> float:
        return self._now_mono_s

    def utcnow(self) -> datetime:
        return START + timedelta(seconds=self._now_mono_s - 1000.0)

    async def sleep(self, duration_s: float) -> None:
        future = asyncio.get_running_loop().create_future()
        wakes_mono_s = self._now_mono_s + duration_s
        heapq.heappush(self._sleepers, (wakes_mono_s, next(self._order), future))
        await future

    async def advance(self, duration_s: float) -> None:
        """Let time pass and everything that waits for it happen, in its order."""
        end_mono_s = self._now_mono_s + duration_s
        while self._sleepers and self._sleepers[0][0] <= end_mono_s:
            wakes_mono_s, _, future = heapq.heappop(self._sleepers)
            self._now_mono_s = max(self._now_mono_s, wakes_mono_s)
            if not future.done():
                future.set_result(None)
                await turn()
        self._now_mono_s = end_mono_s
        await turn()


async def turn() -> None:
    for _ in range(LOOP_TURNS):
        await asyncio.sleep(0)


async def until(is_so: Callable[[], object], what: str = "") -> None:
    """Return when a condition holds; for what comes over a socket."""
    try:
        async with asyncio.timeout(REAL_TIMEOUT_S):
            while not is_so():
                await asyncio.sleep(POLL_S)
    except TimeoutError as err:
        raise AssertionError(f"never came: {what or is_so}") from err
