"""When to try the broker again: full jitter, so that a region does not come at once."""

from collections.abc import Callable

MAX_DELAY_S = 120.0
HEALTHY_AFTER_S = 60.0
"""A session that lasted this long was a real one; the next loss starts afresh."""

REFUSED_DELAY_S = 900.0
"""After a refusal that only a person can change: a try each 15 minutes (contract)."""

BUSY_DELAY_S = 60.0
"""At least this after "server busy": the broker asked for it."""

_MAX_EXPONENT = 7
"""2^7 s is beyond the longest delay already."""


class Backoff:
    """Delays before the tries of one link."""

    def __init__(self, uniform: Callable[[float, float], float]) -> None:
        """Draw by ``uniform(lowest, highest)``."""
        self._uniform = uniform
        self._tries = 0
        self._max_delay_s = MAX_DELAY_S

    def limit(self, max_delay_s: float | None) -> None:
        """Wait no longer than this between tries; None or more: the contract's 120 s.

        A small fleet may come back at once, a large one must not.
        """
        self._max_delay_s = min(MAX_DELAY_S, max_delay_s or MAX_DELAY_S)

    def next_delay_s(self) -> float:
        """Return how long to wait before the next try, s; the first is within 1 s."""
        delay_s = self._uniform(0.0, min(self._max_delay_s, 2.0**self._tries))
        self._tries = min(self._tries + 1, _MAX_EXPONENT)
        return delay_s

    def session_lasted(self, duration_s: float) -> None:
        """Note a session that ended; a healthy one starts the count afresh."""
        if duration_s >= HEALTHY_AFTER_S:
            self._tries = 0
