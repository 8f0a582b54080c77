"""How often something happened in the last 24 hours of running time."""

from collections import deque
from collections.abc import Iterable

WINDOW_S = 24 * 3600.0
BUCKET_S = 600.0
"""Events are counted in spans of this: exact enough for a day, few enough to keep."""


class DayCount:
    """Count events over a rolling day of running time.

    The age of an event grows by the monotonic clock alone: neither a step of the clock
    nor the time that the home was switched off takes any away.
    """

    def __init__(self) -> None:
        """Start without any."""
        self._buckets: deque[tuple[float, int]] = deque()

    def note(self, now_mono_s: float) -> None:
        """Count one event."""
        self._forget(now_mono_s)
        if self._buckets and now_mono_s - self._buckets[-1][0] < BUCKET_S:
            begun_mono_s, count = self._buckets.pop()
            self._buckets.append((begun_mono_s, count + 1))
        else:
            self._buckets.append((now_mono_s, 1))

    def count(self, now_mono_s: float) -> int:
        """Return the events of the last day."""
        self._forget(now_mono_s)
        return sum(count for _, count in self._buckets)

    def dump(self, now_mono_s: float) -> list[tuple[float, int]]:
        """Return ages, s, and counts, to be kept across a restart."""
        self._forget(now_mono_s)
        return [(now_mono_s - begun, count) for begun, count in self._buckets]

    def restore(self, kept: Iterable[tuple[float, int]], now_mono_s: float) -> None:
        """Take what was kept, as old as it was when the home was switched off."""
        spans = ((now_mono_s - max(0.0, age_s), max(0, n)) for age_s, n in kept)
        self._buckets = deque(sorted(spans))

    def _forget(self, now_mono_s: float) -> None:
        # A span is over when its last write may be a day old.
        while self._buckets and now_mono_s - self._buckets[0][0] >= WINDOW_S + BUCKET_S:
            self._buckets.popleft()
