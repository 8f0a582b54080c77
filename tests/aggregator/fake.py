"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Both clocks, moved together."""

    def __init__(self) -> None:
        self.now_mono_s = 1000.0
        self.now = datetime(2026, 11, 23, 17, 0, 0, 250_000, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.now_mono_s

    def utcnow(self) -> datetime:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now_mono_s += seconds
        self.now += timedelta(seconds=seconds)
