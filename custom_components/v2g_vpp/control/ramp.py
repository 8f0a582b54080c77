"""The way from one power to another."""

from math import copysign

from ..domain.units import clamp


def approach(previous_w: float, goal_w: float, change_w: float) -> float:
    """Return ``previous_w`` moved towards ``goal_w`` by at most ``change_w`` >= 0."""
    return previous_w + clamp(goal_w - previous_w, -change_w, change_w)


def slew(
    previous_w: float, goal_w: float, *, minimum_w: float, change_w: float
) -> float:
    """Return the next power on the way to ``goal_w``.

    A goal of 0 is reached at once. So is 0 when the direction changes, because nobody
    asks for the old direction any more; there the way rests for a step. Nothing flows
    between 0 and the minimum power, so the way leaves out that dead zone.

    Args:
        previous_w: the power before, already inside every limit.
        goal_w: 0 or at least ``minimum_w`` in magnitude.
        minimum_w: below it nothing flows, >= 0.
        change_w: most that this step may move, >= 0.
    """
    if goal_w == 0 or previous_w * goal_w < 0:
        return 0.0
    next_w = approach(previous_w, goal_w, change_w)
    return next_w if abs(next_w) >= minimum_w else copysign(minimum_w, goal_w)
