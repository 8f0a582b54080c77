"""The two clocks, which are never mixed."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds for deadlines and staleness, aware UTC for records."""

    def monotonic(self) -> float:
        """Return seconds of a clock that no time synchronisation moves."""
        ...

    def utcnow(self) -> datetime:
        """Return the present moment as an aware UTC datetime."""
        ...
