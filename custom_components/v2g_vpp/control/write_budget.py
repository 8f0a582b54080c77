"""How often the memory of a charging station may be written to in a day."""

from .day_count import DayCount

DAILY_WRITES = 1_500
"""Charging profiles that stay across a reboot wear flash memory (control brief)."""


class WriteBudget(DayCount):
    """Count the persistent writes of a station, and say when they are too many."""

    def __init__(self, daily_writes: int = DAILY_WRITES) -> None:
        """Start unspent.

        Args:
            daily_writes: most per rolling day, refreshes included.
        """
        super().__init__()
        self._daily_writes = daily_writes

    def is_spent(self, now_mono_s: float) -> bool:
        """Return True when no new discharge may begin: it would need many more."""
        return self.count(now_mono_s) >= self._daily_writes
