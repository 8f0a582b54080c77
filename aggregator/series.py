"""A demand over time, and the rule for what holds between two of its values.

A value holds from its time until the time of the next one; nothing is interpolated.
Before the first one the demand is 0. The last value holds as long as the one before it
did, then the series is over. A single value, which is what comes live, holds for
``HOLD_S`` unless it says otherwise: silence ends a demand, it never keeps it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
import csv
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Self

from .errors import BadRequestError

HOLD_S = 60.0
"""House rule: twice the time in which homes without a heartbeat are back at 0 W."""

MAX_POWER_W = 1_000_000_000
MAX_POINTS = 100_000
MAX_LENGTH_S = 48 * 3600.0
"""As far ahead as the contract lets a command start."""

HEAD = ("time", "power_w")


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Powers by time; the times rise strictly and there is at least one."""

    times_s: tuple[float, ...]
    """Seconds from the begin of the series; those before it may be negative."""

    powers_w: tuple[int, ...]
    """Positive = charging."""

    end_s: float

    @classmethod
    def of(
        cls, points: Iterable[tuple[float, float]], hold_s: float | None = None
    ) -> Self:
        """Return a series of (time s, power W) points.

        Args:
            points: in the order of their times.
            hold_s: how long the last value holds; None: as long as the one before.

        Raises:
            BadRequestError: naming the first point that is wrong.
        """
        times: list[float] = []
        powers: list[int] = []
        for number, (time_s, power_w) in enumerate(points, start=1):
            if not (isfinite(time_s) and abs(time_s) <= MAX_LENGTH_S):
                raise BadRequestError(
                    f"Point {number}: the time must be within 48 hours."
                )
            if not (isfinite(power_w) and abs(power_w) <= MAX_POWER_W):
                raise BadRequestError(f"Point {number}: the power is out of bounds.")
            if times and time_s <= times[-1]:
                raise BadRequestError(f"Point {number}: the times must rise.")
            if number > MAX_POINTS:
                raise BadRequestError(f"There are more than {MAX_POINTS} points.")
            times.append(time_s)
            powers.append(round(power_w))
        if not times:
            raise BadRequestError("The series has no points.")
        if hold_s is None:
            hold_s = times[-1] - times[-2] if len(times) > 1 else HOLD_S
        return cls(
            times_s=tuple(times), powers_w=tuple(powers), end_s=times[-1] + hold_s
        )

    def power_w(self, elapsed_s: float) -> int | None:
        """Return the demand at a second of the series, None when it is over."""
        if elapsed_s >= self.end_s:
            return None
        index = bisect_right(self.times_s, elapsed_s)
        return self.powers_w[index - 1] if index else 0

    def to_document(self) -> dict[str, Any]:
        """Return the series as a JSON-ready object."""
        return {
            "points": [
                list(point) for point in zip(self.times_s, self.powers_w, strict=True)
            ],
            "end_s": self.end_s,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the series of ``to_document``.

        Raises:
            BadRequestError: when it is damaged.
        """
        try:
            points = [(float(time_s), float(p)) for time_s, p in document["points"]]
            return cls.of(points, float(document["end_s"]) - points[-1][0])
        except (KeyError, TypeError, ValueError, IndexError) as err:
            raise BadRequestError("The kept series cannot be read.") from err


def parse_csv(lines: Iterable[str], now: datetime) -> Series:
    """Return the series of ``time,power_w`` rows; a head and empty lines are skipped.

    Args:
        lines: a time is a number of seconds from now, or a moment in RFC 3339 with its
            offset; one file uses one of both.
        now: where the series begins.

    Raises:
        BadRequestError: naming the line that cannot be read.
    """
    points = []
    for number, row in enumerate(csv.reader(lines), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or tuple(cells) == HEAD:
            continue
        points.append(_point(cells, number, now))
    return Series.of(points)


def parse_line(text: str) -> float:
    """Return the power of one live line: a number of watts.

    Raises:
        BadRequestError: when it is anything else.
    """
    return _number(text.strip(), "The line")


def _point(cells: Sequence[str], number: int, now: datetime) -> tuple[float, float]:
    if len(cells) != 2:
        raise BadRequestError(f"Line {number} is not 'time,power_w'.")
    return _time_s(cells[0], number, now), _number(
        cells[1], f"Line {number}: the power"
    )


def _time_s(text: str, number: int, now: datetime) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as err:
        raise BadRequestError(f"Line {number}: '{text[:40]}' is not a time.") from err
    if moment.tzinfo is None:
        raise BadRequestError(f"Line {number}: the time needs its offset, as in '12Z'.")
    return (moment - now).total_seconds()


def _number(text: str, what: str) -> float:
    try:
        value = float(text)
    except ValueError as err:
        raise BadRequestError(f"{what} is not a number of watts.") from err
    if not (isfinite(value) and abs(value) <= MAX_POWER_W):
        raise BadRequestError(f"{what} is out of bounds.")
    return value
