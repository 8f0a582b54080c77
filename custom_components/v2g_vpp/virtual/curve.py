"""Curves of points with straight lines between them."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from ..domain.units import finite


@dataclass(frozen=True, slots=True)
class Curve:
    """Points (x, y) in the order of x; beyond its ends a curve goes on level."""

    points: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, points: Iterable[tuple[float, float]]) -> Curve:
        """Return the curve through some points, in any order.

        Raises:
            ValueError: for a number that is not finite.
        """
        numbers = ((finite("x", float(x)), finite("y", float(y))) for x, y in points)
        return cls(tuple(sorted(numbers, key=lambda point: point[0])))

    def at(self, x: float) -> float:
        """Return y at x; 0 where there are no points."""
        if not self.points:
            return 0.0
        if x <= self.points[0][0]:
            return self.points[0][1]
        for (left_x, left_y), (right_x, right_y) in pairwise(self.points):
            if left_x < right_x and x <= right_x:
                return left_y + (right_y - left_y) * (x - left_x) / (right_x - left_x)
        return self.points[-1][1]
