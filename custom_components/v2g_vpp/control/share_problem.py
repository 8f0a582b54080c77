"""The sharing of one power as plain numbers, in parallel lists for speed."""

from collections.abc import Sequence
from dataclasses import dataclass

from ..domain.ids import EvseKey


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRow:
    """A limit that several followers share."""

    limit_w: float
    portions: Sequence[float]
    """Per follower: which part of its power counts, 0..1."""

    def may_bind(self, powers_w: Sequence[float]) -> bool:
        """Return True when these powers together exceed the limit."""
        return self.taken_w(powers_w) > self.limit_w

    def taken_w(self, powers_w: Sequence[float]) -> float:
        """Return what these powers take of the limit."""
        return sum(p * w for p, w in zip(self.portions, powers_w, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareProblem:
    """One power and who could take it; item n of each list is follower n.

    A follower takes 0, or between its low and its high. Sought is the sharing with the
    largest worth: the values of all powers minus the costs of all that run.
    """

    power_w: float
    """Magnitude to serve; the shares sum up to at most this."""

    keys: Sequence[EvseKey]
    lows_w: Sequence[float]
    highs_w: Sequence[float]
    is_running: Sequence[bool]
    unserved: float
    """Cost of one watt that nobody serves, cents per hour."""

    values: Sequence[float]
    """Of one watt served, cents per hour: ``unserved`` less its own cost; > 0."""

    costs: Sequence[float]
    """Of being on rather than off, cents per hour; < 0 where stopping costs more."""

    rows: Sequence[SharedRow]
    """Only limits that can bind; each high is within every row by itself."""

    def worth(self, powers_w: Sequence[float]) -> float:
        """Return what a sharing is worth, cents per hour."""
        return sum(
            value * power_w - cost
            for value, cost, power_w in zip(
                self.values, self.costs, powers_w, strict=True
            )
            if power_w > 0
        )


# Not frozen: made for one call, of each EVSE in each step, where freezing costs time.
@dataclass(slots=True)
class Stretch:
    """A stretch of power of one follower with one value per watt."""

    follower: int
    value: float
    """Cents per hour and watt, with the cost of running spread over the stretch."""

    length_w: float


def fill_stretches(problem: ShareProblem, n: int) -> list[Stretch]:
    """Return how a follower fills when its dead zone is bridged by a straight line.

    That is never worth less than what it really can do: the concave envelope. Where a
    stop would cost more than to go on, most of the worth is in its minimum power.
    """
    low_w, high_w = problem.lows_w[n], problem.highs_w[n]
    value, cost = problem.values[n], problem.costs[n]
    if cost >= 0:
        return [Stretch(n, value - cost / high_w, high_w)]
    return [
        Stretch(n, value - cost / low_w, low_w),
        Stretch(n, value, high_w - low_w),
    ]
