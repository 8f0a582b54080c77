"""Merit order, for a site that is too large for an exact search.

The best followers run at full power and the others are off; those around the margin,
where a small residual meets a dead zone, are searched exactly. A running follower
keeps its place within a band, so that nearly equal ones do not take turns.
"""

from collections.abc import Sequence
from dataclasses import replace

from .on_sets import fill_best_on_set
from .share_problem import SharedRow, ShareProblem, Stretch, fill_stretches

MERIT_BAND = 0.05
"""An idle follower must be cheaper by this to take the place of a running one."""

MARGIN = 12
"""Followers around the margin that are searched exactly, as many as in a home."""

EPSILON = 1e-6
"""Cents per hour, and watts: closer is the same."""


def fill_in_merit_order(problem: ShareProblem) -> list[float]:
    """Return the power of each follower, 0 or within its bounds, W."""
    problem = replace(
        problem, values=[_banded(problem, n) for n, _ in enumerate(problem.keys)]
    )
    stretches = [
        s for n in range(len(problem.keys)) for s in fill_stretches(problem, n)
    ]
    # Sorting is stable: equal ones stay in the order of the keys.
    orders = [sorted(stretches, key=lambda s: -s.value)]
    if problem.rows:
        # Where a limit is short, what needs least of it for its worth comes first.
        needs = [_need(problem, n) for n in range(len(problem.keys))]
        orders.append(sorted(stretches, key=lambda s: -s.value / needs[s.follower]))
    best_w, best = [0.0] * len(problem.keys), 0.0
    for order in orders:
        powers_w = _filled(problem, order)
        for margin in _margins(problem, order, powers_w):
            powers_w = _searched(problem, powers_w, margin)
        worth = problem.worth(powers_w)
        if worth > best + EPSILON:
            best_w, best = powers_w, worth
    return best_w


def _banded(problem: ShareProblem, n: int) -> float:
    """Return the value of a watt; one that runs counts as cheaper by the band."""
    value = problem.values[n]
    if not problem.is_running[n]:
        return value
    return value + MERIT_BAND * abs(problem.unserved - value)


def _need(problem: ShareProblem, n: int) -> float:
    """Return which part of the power and of all limits a watt of a follower takes."""
    parts = (row.portions[n] / max(1.0, row.limit_w) for row in problem.rows)
    return 1.0 / max(1.0, problem.power_w) + sum(parts)


def _filled(problem: ShareProblem, order: Sequence[Stretch]) -> list[float]:
    """Return the powers when each stretch in turn takes all that it can."""
    powers_w = [0.0] * len(problem.keys)
    left_w = problem.power_w
    rooms_w = [row.limit_w for row in problem.rows]
    for stretch in order:
        n = stretch.follower
        more_w = min(left_w, stretch.length_w)
        for row, room_w in zip(problem.rows, rooms_w, strict=True):
            if row.portions[n] > 0:
                more_w = min(more_w, room_w / row.portions[n])
        if powers_w[n] + more_w < problem.lows_w[n]:
            continue
        powers_w[n] += more_w
        left_w -= more_w
        if problem.rows:
            rooms_w = [
                max(0.0, room_w - row.portions[n] * more_w)
                for row, room_w in zip(problem.rows, rooms_w, strict=True)
            ]
    return powers_w


def _margins(
    problem: ShareProblem, order: Sequence[Stretch], powers_w: Sequence[float]
) -> list[list[int]]:
    """Return the groups of followers that are worth a search, each in key order.

    One is around the first that is not full. Each limit has a margin of its own, around
    the first that needs it and is not full.
    """
    merit = list(dict.fromkeys(stretch.follower for stretch in order))
    ranks = [merit]
    ranks += [[n for n in merit if row.portions[n] > 0] for row in problem.rows]
    margins: list[list[int]] = []
    for rank in ranks:
        first = next(
            (i for i, n in enumerate(rank) if powers_w[n] < problem.highs_w[n]), None
        )
        if first is None:
            continue
        begin = max(0, min(first - MARGIN // 2, len(rank) - MARGIN))
        margins.append(sorted(rank[begin : begin + MARGIN]))
    return margins


def _searched(
    problem: ShareProblem, powers_w: Sequence[float], margin: Sequence[int]
) -> list[float]:
    """Return the powers with those of a margin as good as the others leave room for."""
    others_w = list(powers_w)
    for n in margin:
        others_w[n] = 0.0
    part = replace(
        problem,
        power_w=max(0.0, problem.power_w - sum(others_w)),
        keys=[problem.keys[n] for n in margin],
        lows_w=[problem.lows_w[n] for n in margin],
        highs_w=[problem.highs_w[n] for n in margin],
        is_running=[problem.is_running[n] for n in margin],
        values=[problem.values[n] for n in margin],
        costs=[problem.costs[n] for n in margin],
        rows=_left_rows(problem, others_w, margin),
    )
    found_w = list(others_w)
    for n, power_w in zip(margin, fill_best_on_set(part), strict=True):
        found_w[n] = power_w
    return found_w if problem.worth(found_w) > problem.worth(powers_w) else [*powers_w]


def _left_rows(
    problem: ShareProblem, others_w: Sequence[float], margin: Sequence[int]
) -> list[SharedRow]:
    rows = (
        SharedRow(
            limit_w=max(0.0, row.limit_w - row.taken_w(others_w)),
            portions=[row.portions[n] for n in margin],
        )
        for row in problem.rows
    )
    highs_w = [problem.highs_w[n] for n in margin]
    return [row for row in rows if row.may_bind(highs_w)]
