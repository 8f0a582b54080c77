"""What happens during a soak: cars come and go, links break, powers are dispatched."""

import asyncio
from collections import Counter
from collections.abc import Callable
from math import exp, sqrt
from random import Random
from time import monotonic
from typing import Final

from script.rig.processes import RigError
from script.rig.world import World

from .home import DISPATCHED, PLAIN
from .stations import Stations

DISPATCH_S: Final = 4.0
"""A new power for each dispatched station."""

SIGNAL_W: Final = 6_000.0
MEMORY_S: Final = 60.0
"""Of the signal: an Ornstein-Uhlenbeck process, clipped."""

CHARGE_W: Final = 2_000.0
"""Lowest of a signal that only charges."""

COMMAND_S: Final = 30
"""How long a command runs when no newer one comes."""

REST_S: Final = 24.0
"""0 W at the end of an event: nothing flows when its registers are read."""

GAP_S: Final = 36.0
"""Between two events; a report is written 15 s after the last command."""

UNPLUGGED_S: Final = 8.0
CHARGE_PERCENT: Final = 70.0
"""With which a dispatched car comes."""


class Life:
    """One soak's events; ends when it is told."""

    def __init__(
        self, world: World, stations: Stations, seed: int, *, lowest_w: float
    ) -> None:
        """Take the parts; nothing happens yet.

        Args:
            world: the home and its aggregator.
            stations: of all cars.
            seed: of what happens when.
            lowest_w: of the signal; above 0 where nothing is proven.
        """
        self._world = world
        self._stations = stations
        self._random = Random(seed)  # noqa: S311 - weather, no secret
        self._lowest_w = lowest_w
        self._is_over = asyncio.Event()
        self._signal_w = dict.fromkeys(DISPATCHED, 0.0)
        self.counts: Counter[str] = Counter()
        """What happened, by name."""

    def end(self) -> None:
        """Let everything come to its end."""
        self._is_over.set()

    async def run(self, event_s: float, visit_s: float) -> None:
        """Live until ``end``.

        Args:
            event_s: length of one event of the programme.
            visit_s: mean time that a car stays.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._dispatch(event_s))
            for identity in PLAIN:
                tasks.create_task(self._visits(identity, visit_s))

    # ---- cars that charge

    async def _visits(self, identity: str, visit_s: float) -> None:
        await self._pause(self._random.uniform(0.0, visit_s / 4))
        while not self._is_over.is_set():
            percent = self._random.uniform(15.0, 60.0)
            await self._stations.act("soc", identity, percent=percent)
            await self._stations.act("plug", identity)
            self.counts["visits"] += 1
            await self._pause(visit_s * self._random.uniform(0.4, 0.6))
            if not self._is_over.is_set():
                await self._trouble(identity)
            await self._pause(visit_s * self._random.uniform(0.4, 0.6))
            await self._stations.act("unplug", identity)
            await self._pause(UNPLUGGED_S)

    async def _trouble(self, identity: str) -> None:
        """Let a station lose its link, or its power, every now and then."""
        what = self._random.random()
        if what < 0.25:
            await self._stations.act("drop", identity)
            await self._pause(self._random.uniform(3.0, 25.0))
            await self._stations.act("restore", identity)
            self.counts["lost_links"] += 1
        elif what < 0.35:
            await self._stations.act("reboot", identity)
            self.counts["reboots"] += 1

    # ---- dispatches

    async def _dispatch(self, event_s: float) -> None:
        number = 0
        while not self._is_over.is_set():
            number += 1
            await self._event(f"soak-{number}", event_s)
            self.counts["events"] += 1
            await self._pause(GAP_S / 2)
            if number % 2 == 0 and not self._is_over.is_set():
                await self._next_cars()
            await self._pause(GAP_S / 2)

    async def _event(self, event_id: str, event_s: float) -> None:
        end_s = monotonic() + event_s - REST_S
        while monotonic() < end_s and not self._is_over.is_set():
            await self._round(event_id, self._next_w)
        rest_end_s = monotonic() + REST_S
        while monotonic() < rest_end_s:
            await self._round(event_id, lambda _: 0.0)
        for identity in DISPATCHED:
            await self._send("release", event_id, identity, None)
            await asyncio.sleep(DISPATCH_S / len(DISPATCHED))

    async def _round(self, event_id: str, power_of: Callable[[str], float]) -> None:
        """Send each dispatched station its power, a second apart from each other."""
        for identity in DISPATCHED:
            begin_s = monotonic()
            await self._send("setpoint", event_id, identity, round(power_of(identity)))
            share_s = DISPATCH_S / len(DISPATCHED)
            await asyncio.sleep(max(0.0, share_s - (monotonic() - begin_s)))

    async def _send(
        self, kind: str, event_id: str, identity: str, power_w: int | None
    ) -> None:
        try:
            await self._world.aggregator.command(
                kind, power_w, COMMAND_S, resource=f"{identity}/1", event_id=event_id
            )
        except RigError:
            self.counts["not_sent"] += 1
        else:
            self.counts["commands"] += 1

    def _next_w(self, identity: str) -> float:
        keep = exp(-DISPATCH_S / MEMORY_S)
        noise_w = SIGNAL_W / 2 * sqrt(1 - keep * keep) * self._random.gauss()
        power_w = self._signal_w[identity] = keep * self._signal_w[identity] + noise_w
        return max(self._lowest_w, min(SIGNAL_W, power_w))

    async def _next_cars(self) -> None:
        """Let every dispatched car go and come again."""
        for identity in DISPATCHED:
            await self._stations.act("unplug", identity)
        await asyncio.sleep(UNPLUGGED_S)
        for identity in DISPATCHED:
            await self._stations.act("soc", identity, percent=CHARGE_PERCENT)
            await self._stations.act("plug", identity)
            self.counts["visits"] += 1

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._is_over.wait()
        except TimeoutError:
            pass
