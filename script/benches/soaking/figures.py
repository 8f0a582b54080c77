"""Numbers from many samples: slopes that steps do not move, and quantiles."""

from collections.abc import Sequence
from itertools import combinations
from statistics import median

SECONDS_PER_HOUR = 3600.0
MOST_POINTS = 120
"""Of a slope: more are put together by their medians first."""


def slope_per_h(points: Sequence[tuple[float, float]]) -> float:
    """Return the median slope of all pairs (Theil and Sen), per hour.

    Up to 29 % of the samples may be anything; a step or a dip in between moves it little.

    Args:
        points: (seconds, value), by time.
    """
    few = _put_together(points)
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for earlier, later in combinations(few, 2)
        if later[0] > earlier[0]
    ]
    return SECONDS_PER_HOUR * median(slopes) if slopes else 0.0


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def difference_percent(measured: float, truth: float) -> float:
    """Return by how much a sum is off, percent of the truth, as a magnitude."""
    return 100.0 * abs(measured - truth) / truth if truth else 100.0


def _put_together(
    points: Sequence[tuple[float, float]],
) -> Sequence[tuple[float, float]]:
    size = -(-len(points) // MOST_POINTS)
    if size <= 1:
        return points
    groups = [points[at : at + size] for at in range(0, len(points), size)]
    return [
        (median(time_s for time_s, _ in group), median(value for _, value in group))
        for group in groups
    ]
