"""A demand that is followed, and how well that goes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .series import Series

PERIOD_MIN = 15
"""As energy is settled in most markets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """A demand that is being followed."""

    series: Series
    begun_mono_s: float
    event_id: str | None = None
    """None: it belongs to no event of the operator's."""

    def event_of(self, now: datetime) -> str:
        """Return the event that a command of now belongs to.

        A demand without one is settled each quarter of an hour: a home reports per
        event, and each command would be one of its own.
        """
        if self.event_id is not None:
            return self.event_id
        begun = now.replace(minute=now.minute // PERIOD_MIN * PERIOD_MIN)
        return f"follow-{begun:%Y%m%dT%H%MZ}"

    @property
    def end_mono_s(self) -> float:
        """Return when it is over."""
        return self.begun_mono_s + self.series.end_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The last step in figures; powers in W, positive = charging."""

    demand_w: int = 0
    aim_w: int = 0
    """The demand for when the commands of now show; ahead of it by the dead time."""

    orders_w: int = 0
    """What homes do by orders that are not part of the demand."""

    planned_w: int = 0
    """What homes do, and will once they have answered."""

    homes_running: int = 0
    homes_silent: int = 0
    homes_barred: int = 0
    fairness: float | None = None
    """Jain's index of the energy served over the energy offered, None before any."""

    @property
    def unserved_w(self) -> int:
        """Return what of the aim nobody takes, with its sign."""
        return self.aim_w - self.planned_w


def jain(values: Sequence[float]) -> float | None:
    """Return Jain's fairness index, 1 when all are equal; None without any."""
    squares = sum(value * value for value in values)
    if squares == 0:
        return None
    return float(sum(values) ** 2 / (len(values) * squares))
