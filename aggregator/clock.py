"""The two clocks of the aggregator, injected everywhere so that tests can set them."""

from datetime import UTC, datetime
import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds for deadlines and latencies, aware UTC for records."""

    def monotonic(self) -> float:
        """Return seconds of a clock that no time synchronisation moves.

        The clock counts from the start of the machine, so that values of two
        processes on one machine may be subtracted from each other.
        """
        ...

    def utcnow(self) -> datetime:
        """Return the present moment as an aware UTC datetime."""
        ...


class SystemClock:
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """Return the machine's monotonic seconds."""
        return time.monotonic()

    def utcnow(self) -> datetime:
        """Return the machine's UTC time."""
        return datetime.now(UTC)  # noqa: TID251  the one place that reads it
