"""The on-set of a home that is worth most, filled by marginal cost.

Every on-set is looked at, most of them without being touched: a branch is left as soon
as the sharing without dead zones, which is never worth less, is no better than the best
one that was found.
"""

from collections.abc import Sequence
from enum import Enum

from .share_problem import ShareProblem, Stretch, fill_stretches
from .small_lp import maximize

EPSILON = 1e-6
"""Cents per hour, and watts: closer is the same."""


class Switch(Enum):
    """What a branch says of one follower."""

    OPEN = 0
    ON = 1
    OFF = 2


MOST_BRANCHES = 2_000
"""Homes need some tens. A search that needs more ends with the best one so far, so that
no home, however odd, can hold up a control tick."""

type Branch = tuple[Switch, ...]


def fill_best_on_set(problem: ShareProblem) -> list[float]:
    """Return the power of each follower, 0 or within its bounds, W."""
    search = _Search(problem)
    search.descend((Switch.OPEN,) * len(problem.keys))
    return [
        min(max(power_w, low_w), high_w) if power_w > low_w - EPSILON else 0.0
        for power_w, low_w, high_w in zip(
            search.best_w, problem.lows_w, problem.highs_w, strict=True
        )
    ]


class _Search:
    """Depth-first branch and bound over on and off."""

    def __init__(self, problem: ShareProblem) -> None:
        self._problem = problem
        count = len(problem.keys)
        self.best_w = [0.0] * count
        self._best = 0.0
        self._branches = 0
        # Per follower: how it is filled while open, and once it is on.
        self._open = [fill_stretches(problem, n) for n in range(count)]
        self._on = [
            Stretch(n, problem.values[n], problem.highs_w[n] - problem.lows_w[n])
            for n in range(count)
        ]
        self._kinds = [_kind(problem, n) for n in range(count)]
        # Best first; of equal ones the first by key.
        marked = [(s, Switch.OPEN) for stretch in self._open for s in stretch]
        marked += [(s, Switch.ON) for s in self._on]
        self._by_value = sorted(
            (one for one in marked if one[0].value > 0),
            key=lambda one: (-one[0].value, one[0].follower),
        )

    def descend(self, branch: Branch) -> None:
        """Look at all on-sets of a branch that can be better than the best one."""
        self._branches += 1
        powers_w = self._relaxed(branch)
        if powers_w is None or self._branches > MOST_BRANCHES:
            return
        worth, undecided = self._weigh(branch, powers_w)
        if worth <= self._best + EPSILON:
            return
        if undecided is None:
            self._best, self.best_w = worth, powers_w
            return
        # What the relaxation uses is tried on first; the other way comes after it.
        self.descend(_decided(branch, undecided, Switch.ON))
        self.descend(self._without(branch, undecided))

    def _relaxed(self, branch: Branch) -> list[float] | None:
        """Return the best powers when the open ones have no dead zone, None if none."""
        problem = self._problem
        powers_w = [
            low_w if switch is Switch.ON else 0.0
            for low_w, switch in zip(problem.lows_w, branch, strict=True)
        ]
        left_w = problem.power_w - sum(powers_w)
        if left_w < -EPSILON:
            return None
        if problem.rows:
            return self._relaxed_under_rows(branch, powers_w, left_w)
        for stretch, switch in self._by_value:
            if branch[stretch.follower] is not switch:
                continue
            more_w = min(left_w, stretch.length_w)
            powers_w[stretch.follower] += more_w
            left_w -= more_w
            if left_w <= 0:
                break
        return powers_w

    def _relaxed_under_rows(
        self, branch: Branch, powers_w: list[float], left_w: float
    ) -> list[float] | None:
        rows = self._problem.rows
        rooms_w = [row.limit_w - row.taken_w(powers_w) for row in rows]
        if min(rooms_w) < -EPSILON:
            return None
        stretches = [s for s, switch in self._by_value if branch[s.follower] is switch]
        filled_w = maximize(
            [stretch.value for stretch in stretches],
            [stretch.length_w for stretch in stretches],
            [
                [1.0] * len(stretches),
                *([row.portions[s.follower] for s in stretches] for row in rows),
            ],
            [max(0.0, left_w), *(max(0.0, room_w) for room_w in rooms_w)],
        )
        for stretch, more_w in zip(stretches, filled_w, strict=True):
            powers_w[stretch.follower] += more_w
        return powers_w

    def _weigh(
        self, branch: Branch, powers_w: Sequence[float]
    ) -> tuple[float, int | None]:
        """Return the relaxed worth, and the open follower that is furthest from real.

        None: every power can be had as it is, so that the worth is a true one.
        """
        problem = self._problem
        total, furthest, undecided = 0.0, EPSILON, None
        for n, (power_w, switch) in enumerate(zip(powers_w, branch, strict=True)):
            value, cost = problem.values[n], problem.costs[n]
            if switch is Switch.ON:
                total += value * power_w - cost
                continue
            if switch is Switch.OFF or power_w <= EPSILON:
                continue
            relaxed = _worth_on(self._open[n], power_w)
            total += relaxed
            real = value * power_w - cost
            # Below its low it cannot run at all, however little that seems to cost.
            gap = relaxed - real
            if power_w < problem.lows_w[n] - EPSILON:
                gap = max(gap, 0.0) + value * power_w
            if gap > furthest:
                furthest, undecided = gap, n
        return total, undecided

    def _without(self, branch: Branch, follower: int) -> Branch:
        """Return the branch without a follower and the open ones that are alike.

        Those after it in order would only repeat, with another name, what was seen.
        """
        kind = self._kinds[follower]
        return tuple(
            Switch.OFF if switch is Switch.OPEN and self._kinds[n] == kind else switch
            for n, switch in enumerate(branch)
        )


def _worth_on(stretches: Sequence[Stretch], power_w: float) -> float:
    worth = 0.0
    for stretch in stretches:
        part_w = min(power_w, stretch.length_w)
        worth += stretch.value * part_w
        power_w -= part_w
    return worth


def _kind(problem: ShareProblem, n: int) -> tuple[object, ...]:
    """Return what makes two followers alike."""
    return (
        problem.lows_w[n],
        problem.highs_w[n],
        problem.values[n],
        problem.costs[n],
        *(row.portions[n] for row in problem.rows),
    )


def _decided(branch: Branch, follower: int, switch: Switch) -> Branch:
    return (*branch[:follower], switch, *branch[follower + 1 :])
