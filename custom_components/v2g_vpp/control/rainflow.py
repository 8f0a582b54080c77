"""Rainflow counting (ASTM E1049-85), one turning point at a time.

Cycles of different depth lie inside one another; this takes them apart. What is not
closed yet stays as a short list of turning points, so that it can be kept across a
restart.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Cycle:
    """One cycle, or half of one, of a series."""

    depth: float
    """From its lowest to its highest point, in the unit of the series; > 0."""

    count: float
    """1.0, or 0.5 for a half cycle."""


@dataclass(slots=True, kw_only=True)
class Rainflow:
    """Counts a series as it comes."""

    smallest: float = 0.0
    """A turn back by this or less is noise of the series, in its unit; >= 0."""

    points: list[float] = field(default_factory=list)
    """Turning points that are not part of a closed cycle; the last may move on yet."""

    def note(self, value: float) -> list[Cycle]:
        """Take the next value of the series; return the cycles that it closed."""
        points = self.points
        if not points:
            points.append(value)
            return []
        if len(points) == 1:
            if abs(value - points[0]) > self.smallest:
                points.append(value)
            return []
        is_rising = points[-1] > points[-2]
        if (value >= points[-1]) is is_rising or value == points[-1]:
            points[-1] = value
            return []
        if abs(value - points[-1]) <= self.smallest:
            return []
        # The last point is a turning point for good: only now may it close a cycle.
        closed = self._close()
        points.append(value)
        return closed

    def open_cycles(self) -> list[Cycle]:
        """Return what the series would still count for if it ended now."""
        rest = Rainflow(points=list(self.points))
        closed = rest._close()
        return closed + [
            Cycle(depth=abs(end - begin), count=0.5)
            for begin, end in pairwise(rest.points)
        ]

    def _close(self) -> list[Cycle]:
        """Take out what the newest turning point closes."""
        points, closed = self.points, list[Cycle]()
        while len(points) >= 3:
            newest = abs(points[-1] - points[-2])
            inner = abs(points[-2] - points[-3])
            if newest < inner:
                break
            if len(points) == 3:
                # It contains the begin of the series: only half of it was seen.
                closed.append(Cycle(depth=inner, count=0.5))
                del points[0]
            else:
                closed.append(Cycle(depth=inner, count=1.0))
                del points[-3:-1]
        return closed


def count_cycles(series: Iterable[float]) -> list[Cycle]:
    """Return all cycles of a series, the open ones at its end as halves."""
    rainflow = Rainflow()
    cycles = [cycle for value in series for cycle in rainflow.note(value)]
    return cycles + rainflow.open_cycles()
