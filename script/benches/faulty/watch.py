"""What is seen during a case: the plant, the heartbeats, what Home Assistant shows."""

import asyncio
from collections.abc import Awaitable, Callable
import contextlib
from dataclasses import dataclass, field
import time
from typing import Any, Final, Self

from script.benches.faulty.away import ASK_S, AWAY
from script.benches.faulty.world import FaultyWorld

LOOK_S: Final = 0.4


@dataclass(slots=True, kw_only=True)
class Seen:
    """What was seen since the beginning of a case."""

    began_mono_s: float
    heartbeats: list[float] = field(default_factory=list)
    """When the aggregator sent one."""

    soc: list[tuple[float, float]] = field(default_factory=list)
    """Of the vehicle itself: when, percent."""

    issues: set[str] = field(default_factory=set)
    """Translation keys of the repairs that were shown."""


class Watch:
    """Looks at all programs at once until it is stopped."""

    def __init__(self, world: FaultyWorld) -> None:
        """Prepare; nothing is asked yet."""
        self.seen = Seen(began_mono_s=time.monotonic())
        self._world = world
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        """Begin to look."""
        looks: tuple[Callable[[], Awaitable[None]], ...] = (
            self._look_at_plant,
            self._look_at_heartbeats,
            self._look_at_issues,
        )
        self._tasks = [asyncio.create_task(_repeat(look)) for look in looks]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _look_at_plant(self) -> None:
        await self._world.station.read()
        status: dict[str, Any] = await self._world.station.status()
        self.seen.soc.append((status["t_mono"], status["soc_percent"]))

    async def _look_at_heartbeats(self) -> None:
        last = await self._world.aggregator.last_heartbeat()
        beats = self.seen.heartbeats
        if last is not None and (not beats or beats[-1] != last):
            beats.append(last)

    async def _look_at_issues(self) -> None:
        if not self._world.home.socket.is_connected:
            return
        for issue in await self._world.issues():
            self.seen.issues.add(str(issue["translation_key"] or issue["issue_id"]))


async def _repeat(look: Callable[[], Awaitable[None]]) -> None:
    while True:
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(ASK_S):
                await look()
        await asyncio.sleep(LOOK_S)
