"""Stand-ins for what a test must command: only time."""

from datetime import UTC, datetime, time, timedelta, tzinfo

from custom_components.v2g_vpp.domain.wall_time import next_wall_time


class FakeClock:
    """Both clocks of a ``Clock``, moved by hand; they only move together."""

    def __init__(
        self,
        *,
        mono_s: float = 1_000.0,
        utc: datetime = datetime(2026, 1, 15, 12, tzinfo=UTC),
    ) -> None:
        """Start at a monotonic time and a UTC moment."""
        self._mono_s = mono_s
        self._utc = utc
        self.zone: tzinfo = UTC

    def monotonic(self) -> float:
        """Return the monotonic time, s."""
        return self._mono_s

    def utcnow(self) -> datetime:
        """Return the UTC moment."""
        return self._utc

    def next_wall_time(self, wall: time, after: datetime) -> datetime:
        """Return when the wall shows a time next, UTC."""
        return next_wall_time(wall, after, self.zone)

    def advance(self, duration_s: float) -> None:
        """Let time pass on both clocks.

        Raises:
            ValueError: for a negative duration: a monotonic clock never goes back.
        """
        if duration_s < 0:
            raise ValueError(duration_s)
        self._mono_s += duration_s
        self._utc += timedelta(seconds=duration_s)

    def set_utc(self, utc: datetime) -> None:
        """Step only the wall clock, as a time synchronisation does."""
        self._utc = utc
