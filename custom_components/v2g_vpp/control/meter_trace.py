"""The last minutes of one meter, to be read over spans of time."""

from collections import deque
from itertools import pairwise
from statistics import median

from ..domain.measurement import Reading

KEPT_S = 180.0
PERIOD_OF = 6
"""Readings that tell how often a meter reports."""


class MeterTrace:
    """Readings by the time of their receipt, the oldest first."""

    def __init__(self) -> None:
        """Start empty."""
        self._readings: deque[tuple[float, float]] = deque()

    def take(self, reading: Reading | None) -> bool:
        """Keep a reading; return False for one that is known, older or missing."""
        if reading is None:
            return False
        at_s = reading.received_mono_s
        if self._readings and at_s <= self._readings[-1][0]:
            return False
        self._readings.append((at_s, reading.value))
        while self._readings[0][0] < at_s - KEPT_S:
            self._readings.popleft()
        return True

    @property
    def period_s(self) -> float:
        """How often it reports, s; 0 while that is not known."""
        times_s = [at_s for at_s, _ in self._readings][-PERIOD_OF:]
        gaps_s = [later - earlier for earlier, later in pairwise(times_s)]
        return median(gaps_s) if gaps_s else 0.0

    def between(self, begin_s: float, end_s: float) -> list[float]:
        """Return what it said within a span, both ends included."""
        return [value for _, value in self.readings(begin_s, end_s)]

    def readings(self, begin_s: float, end_s: float) -> list[tuple[float, float]]:
        """Return when it said what within a span, both ends included."""
        return [one for one in self._readings if begin_s <= one[0] <= end_s]
