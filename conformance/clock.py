"""The two clocks of the kit: seconds that only grow, and UTC."""

from datetime import UTC, datetime, timedelta
import time


def monotonic() -> float:
    """Return monotonic seconds, for waits."""
    return time.monotonic()


def utcnow() -> datetime:
    """Return the time of day, for messages."""
    return datetime.now(UTC)  # noqa: TID251 - the kit's one clock


def wire_time(moment: datetime) -> str:
    """Return the one form of a time on the wire: UTC, three decimals."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def from_wire(text: str) -> datetime:
    """Return the moment of a time on the wire."""
    return datetime.fromisoformat(text)


def seconds(duration_s: float) -> timedelta:
    """Return a duration."""
    return timedelta(seconds=duration_s)
