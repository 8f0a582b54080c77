"""No energy lost: the entities against the plant's own register, reading by reading."""

import asyncio
from bisect import bisect_left
from collections.abc import Mapping
import contextlib
from math import nan
from operator import itemgetter
import time
from typing import Any, Final

from script.benches.faulty.away import ASK_S, AWAY
from script.rig.entities import Entities
from script.rig.station_client import Station
from script.rig.world import EVSE

LOOK_S: Final = 0.5
READING_S: Final = 62.0
"""A charger tells its registers each minute, and once more when something happens."""

READINGS: Final = 2

KEPT_S: Final = 15.0
"""After Home Assistant has woken up, until its charger has dialled in and told."""

CLEAR_S: Final = 1.5
"""What was read before the way back was clear may still arrive."""


class Direction:
    """One register of the plant beside the entity that shows it."""

    def __init__(self, entities: Entities, entity: str, register: str) -> None:
        """Name both."""
        self._entities, self._entity, self._register = entities, entity, register
        self._seen: list[tuple[float, float]] = []
        self._apart_wh: float | None = None
        self._started_mono_s: list[float] = []
        self._due: list[tuple[str, float]] = []

    @property
    def due(self) -> tuple[str, ...]:
        """The cases that wait for their reading."""
        return tuple(case for case, _ in self._due)

    def note(self, status: Mapping[str, Any]) -> None:
        """Take what the plant has counted at this moment."""
        self._seen.append((status["t_mono"], status[self._register]))

    def started(self) -> None:
        """Note that Home Assistant wakes up: what it shows first is older than that."""
        self._started_mono_s.append(time.monotonic())

    def begin(self) -> None:
        """Take the newest reading as the one to compare with, before the first case."""
        readings = self._readings()
        if self._apart_wh is None and readings:
            self._apart_wh = self._apart_at(*readings[-1])

    def mark(self, case: str) -> None:
        """Note that a case is over."""
        self._due.append((case, time.monotonic() + CLEAR_S))

    def look(self, needed: int = READINGS) -> dict[str, float]:
        """Return what was not counted, Wh, by the cases of which readings tell.

        The next case may freeze the meter or the line, so that a reading is old. Energy
        that is lost does not come back: of two readings the nearer one is believed.

        Args:
            needed: how many of them there have to be.
        """
        found: dict[str, float] = {}
        readings = self._readings()
        for case, since_mono_s in tuple(self._due):
            after = [one for one in readings if one[0] >= since_mono_s]
            apart = [self._apart_at(*one) for one in after[:needed]]
            known = [wh for wh in apart if wh is not None]
            if len(known) < needed:
                break
            self._due.remove((case, since_mono_s))
            before = self._apart_wh if self._apart_wh is not None else nan
            now = min(known, key=lambda wh: abs(wh - before))
            found[case], self._apart_wh = abs(now - before), now
        return found

    def _readings(self) -> list[tuple[float, float]]:
        """Return when a reading arrived that was new, and what it said, Wh."""
        return [
            (change.received_mono_s, float(change.state) * 1_000.0)
            for change in self._entities.changes("sensor", f"{EVSE}_{self._entity}")
            if _is_number(change.state) and self._is_read(change.received_mono_s)
        ]

    def _is_read(self, mono_s: float) -> bool:
        return not any(0.0 <= mono_s - at <= KEPT_S for at in self._started_mono_s)

    def _apart_at(self, mono_s: float, shown_wh: float) -> float | None:
        """Return shown less counted at a moment; None outside of what was seen."""
        index = bisect_left(self._seen, mono_s, key=itemgetter(0))
        if index == 0 or index == len(self._seen):
            return None
        (a_s, a_wh), (b_s, b_wh) = self._seen[index - 1], self._seen[index]
        return shown_wh - a_wh - (mono_s - a_s) / (b_s - a_s) * (b_wh - a_wh)


class EnergyWatch:
    """Follows the registers of one station over all cases of a home.

    A reading that arrives is held against the register of that very moment. How far they
    are apart is the same before and after a case, unless something was not counted.
    """

    def __init__(self, station: Station, entities: Entities) -> None:
        """Start with nothing read."""
        self._station = station
        self._given = Direction(entities, "energy_discharged", "energy_export_wh")
        self._taken = Direction(entities, "energy_charged", "energy_import_wh")
        self._task: asyncio.Task[None] | None = None

    def started(self) -> None:
        """Note that Home Assistant wakes up: what it shows first is older than that."""
        self._given.started()
        self._taken.started()

    def start(self) -> None:
        """Begin to read the registers."""
        self._task = asyncio.create_task(self._read())

    async def stop(self) -> None:
        """Read no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def begin(self) -> None:
        """Take the newest readings as those to compare with, before the first case."""
        self._given.begin()
        self._taken.begin()

    def mark(self, case: str) -> None:
        """Note that a case is over: the next readings tell what was not counted."""
        self._given.mark(case)
        self._taken.mark(case)

    def look(self, needed: int = READINGS) -> list[tuple[str, float]]:
        """Return cases with what was not counted in one direction, Wh."""
        found = (self._given.look(needed), self._taken.look(needed))
        return [each for one in found for each in one.items()]

    async def settle(self) -> list[tuple[str, float]]:
        """Wait for the readings that are due; nan where none came.

        Nobody charges at the end: what was charged before was read by then.
        """
        deadline = time.monotonic() + READING_S
        found = self.look()
        while self._given.due and time.monotonic() < deadline:
            await asyncio.sleep(1.0)
            found += self.look()
        # One that has to do is better than none.
        found += self.look(1)
        return found + [(case, nan) for case in self._given.due]

    async def _read(self) -> None:
        while True:
            with contextlib.suppress(*AWAY):
                async with asyncio.timeout(ASK_S):
                    status = await self._station.status()
                self._given.note(status)
                self._taken.note(status)
            await asyncio.sleep(LOOK_S)


def _is_number(state: str) -> bool:
    try:
        float(state)
    except ValueError:
        return False
    return True
