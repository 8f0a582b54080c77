"""How much came together in the last 24 hours of running time."""

from collections import deque
from collections.abc import Iterable

WINDOW_S = 24 * 3600.0
BUCKET_S = 600.0
"""Amounts are added up in spans of this: exact enough for a day, few enough to keep."""


class DaySum:
    """Add amounts up over a rolling day of running time.

    The age of an amount grows by the monotonic clock alone: neither a step of the clock
    nor the time that the home was switched off takes any away.
    """

    def __init__(self) -> None:
        """Start without any."""
        self._buckets: deque[tuple[float, float]] = deque()

    def add(self, amount: float, now_mono_s: float) -> None:
        """Add an amount, >= 0."""
        self._forget(now_mono_s)
        if self._buckets and now_mono_s - self._buckets[-1][0] < BUCKET_S:
            begun_mono_s, total = self._buckets.pop()
            self._buckets.append((begun_mono_s, total + amount))
        else:
            self._buckets.append((now_mono_s, amount))

    def total(self, now_mono_s: float) -> float:
        """Return the sum of the last day."""
        self._forget(now_mono_s)
        return sum((amount for _, amount in self._buckets), start=0.0)

    def dump(self, now_mono_s: float) -> list[tuple[float, float]]:
        """Return ages, s, and amounts, to be kept across a restart."""
        self._forget(now_mono_s)
        return [(now_mono_s - begun, amount) for begun, amount in self._buckets]

    def restore(self, kept: Iterable[tuple[float, float]], now_mono_s: float) -> None:
        """Take what was kept, as old as it was when the home was switched off."""
        spans = (
            (now_mono_s - max(0.0, age_s), max(0.0, amount)) for age_s, amount in kept
        )
        self._buckets = deque(sorted(spans))

    def _forget(self, now_mono_s: float) -> None:
        # A span is over when its last amount may be a day old.
        while self._buckets and now_mono_s - self._buckets[0][0] >= WINDOW_S + BUCKET_S:
            self._buckets.popleft()
