"""The two clocks, which are never mixed."""

from datetime import datetime, time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds for deadlines and staleness, aware UTC for records."""

    def monotonic(self) -> float:
        """Return seconds of a clock that no time synchronisation moves."""
        ...

    def utcnow(self) -> datetime:
        """Return the present moment as an aware UTC datetime."""
        ...


class HomeClock(Clock, Protocol):
    """Both clocks, and the one on the wall of the home."""

    def next_wall_time(self, wall: time, after: datetime) -> datetime:
        """Return the first moment after ``after`` at which the wall shows a time, UTC.

        As ``wall_time.next_wall_time`` in the zone of the home.
        """
        ...
