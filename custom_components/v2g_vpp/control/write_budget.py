"""How often the memory of a charging station may be written to in a day."""

from collections import deque
from collections.abc import Iterable

DAILY_WRITES = 1_500
"""Charging profiles that stay across a reboot wear flash memory (control brief)."""

WINDOW_S = 24 * 3600.0
BUCKET_S = 600.0
"""Writes are counted in spans of this: exact enough for a day, few enough to keep."""


class WriteBudget:
    """Count persistent writes over a rolling day of running time.

    The age of a write grows by the monotonic clock alone: neither a step of the clock
    nor the time that the home was switched off gives any of the budget back.
    """

    def __init__(self, daily_writes: int = DAILY_WRITES) -> None:
        """Start unspent.

        Args:
            daily_writes: most per rolling day, refreshes included.
        """
        self._daily_writes = daily_writes
        self._buckets: deque[tuple[float, int]] = deque()

    def note(self, now_mono_s: float) -> None:
        """Count one write that left for the station."""
        self._forget(now_mono_s)
        if self._buckets and now_mono_s - self._buckets[-1][0] < BUCKET_S:
            begun_mono_s, count = self._buckets.pop()
            self._buckets.append((begun_mono_s, count + 1))
        else:
            self._buckets.append((now_mono_s, 1))

    def count(self, now_mono_s: float) -> int:
        """Return the writes of the last day."""
        self._forget(now_mono_s)
        return sum(count for _, count in self._buckets)

    def is_spent(self, now_mono_s: float) -> bool:
        """Return True when no new discharge may begin: it would need many more."""
        return self.count(now_mono_s) >= self._daily_writes

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
