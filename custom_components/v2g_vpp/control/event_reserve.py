"""Whether what a vehicle still holds is kept for an event that is booked."""

from ..domain.energy import KeptEnergy
from .soc_guard import is_held

MARGIN_PERCENT = 0.5
"""The state of charge comes in steps and grows older between them."""


class EventReserve:
    """Hold what is kept, with the hysteresis of a floor."""

    def __init__(self) -> None:
        """Start with nothing kept."""
        self._is_held = False

    def step(
        self, lowest_percent: float | None, cycle_left_wh: float, kept: KeptEnergy
    ) -> bool:
        """Return True when all that is left is kept.

        Args:
            lowest_percent: what the vehicle holds at least, None when not known.
            cycle_left_wh: what the day's budget still lets out of the battery.
            kept: for events other than the one that is followed.
        """
        if kept.percent <= 0 or lowest_percent is None:
            self._is_held = False
            return False
        level = kept.percent + MARGIN_PERCENT
        self._is_held = is_held(lowest_percent, level, self._is_held)
        return self._is_held or cycle_left_wh <= kept.wh
