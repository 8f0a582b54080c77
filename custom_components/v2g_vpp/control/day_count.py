"""How often something happened in the last 24 hours of running time."""

from .day_sum import DaySum


class DayCount(DaySum):
    """Count events over a rolling day of running time."""

    def note(self, now_mono_s: float) -> None:
        """Count one event."""
        self.add(1.0, now_mono_s)

    def count(self, now_mono_s: float) -> int:
        """Return the events of the last day."""
        return round(self.total(now_mono_s))
