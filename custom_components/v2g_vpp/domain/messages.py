"""What was said on the link of a charging station, fit to be shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from .grid_settings import GridNote


class Direction(StrEnum):
    """Who said it."""

    FROM_STATION = "from_station"
    TO_STATION = "to_station"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedMessage:
    """One frame, without secrets."""

    at: datetime
    """UTC; from the monotonic age, so that a stepped clock does not reorder frames."""

    age_s: float
    link: int
    """Number of the connection since the start, 1 and up."""

    direction: Direction
    text: str
    """The frame as compact JSON."""

    @classmethod
    def of_age(
        cls, now: datetime, age_s: float, *, link: int, direction: Direction, text: str
    ) -> Self:
        """Return a frame that was said so many seconds ago."""
        at = now - timedelta(seconds=age_s)
        return cls(at=at, age_s=age_s, link=link, direction=direction, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionNote:
    """A connection began or ended."""

    at: datetime
    link: int
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """All that was kept of one station."""

    messages: tuple[RecordedMessage, ...]
    connections: tuple[ConnectionNote, ...]
    grid_notes: tuple[GridNote, ...] = ()
    """What happened to its grid settings."""
