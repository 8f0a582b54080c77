"""How much of the battery may be cycled in a day (control brief, floors and budgets).

Energy is counted at the battery: what the meter shows and what was lost before it. The
age of a sample is running time, so that nothing gives budget back but time in which the
home watched. A clock that is set forward, the end of daylight saving time and a restart
do not; a home that was off for a day gets its budget back later than it could.
"""

from ..domain.units import share_of
from .day_sum import DaySum

# Deviation: the control brief asks for samples by their UTC time. After a restart nobody
# can tell the time that passed from a clock that was set meanwhile.

REOPEN_SHARE = 0.2
"""Part of the budget that must be free again before the next discharge: a spent budget
comes back in small pieces, each of which would close and open the contactor once."""


class CycleBudget(DaySum):
    """The energy discharged from one battery in the last day, Wh at the battery."""


class CycleGuard:
    """Say when a vehicle has given what it may give in a day, with hysteresis."""

    def __init__(self) -> None:
        """Start unspent."""
        self._is_spent = False

    def step(self, spent_wh: float, budget_wh: float, stopping_wh: float) -> bool:
        """Return True when nothing more may be discharged.

        Args:
            spent_wh: in the last day, at the battery, >= 0.
            budget_wh: most per rolling day, at the battery, >= 0.
            stopping_wh: what would still flow if the discharge was ended now.
        """
        left_wh = budget_wh - spent_wh - stopping_wh
        needed_wh = REOPEN_SHARE * budget_wh if self._is_spent else 0.0
        self._is_spent = left_wh <= needed_wh
        return self._is_spent


def cycle_budget_wh(budget_percent: float, capacity_wh: float) -> float:
    """Return the budget of a vehicle, Wh at the battery."""
    return max(0.0, share_of(budget_percent, capacity_wh))
