"""Share one power among followers, so that it adds up and every share can flow.

A follower gives nothing between 0 and its minimum power, and few at high power lose
less than many at little. So the fewest followers that can serve the power are chosen,
in merit order: those that already run first, so that contactors stay as they are.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from ..domain.ids import EvseKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Follower:
    """What one EVSE could take of a power; magnitudes of one direction, W."""

    key: EvseKey
    minimum_w: float
    maximum_w: float
    """0 when it can give nothing now."""

    is_running: bool
    """True when it already runs in this direction."""

    is_ready: bool = True
    """False when its transaction has to be started first."""


def allocate(power_w: float, followers: Sequence[Follower]) -> Mapping[EvseKey, float]:
    """Return each follower's share of ``power_w``, signed like it.

    Args:
        power_w: for the whole home, either sign.
        followers: in any order; may be empty.

    Returns:
        One share per follower: 0, or between its minimum and its maximum. They sum up
        to at most ``power_w``; what is missing cannot be served and is never forced.
    """
    shares = dict.fromkeys((follower.key for follower in followers), 0.0)
    usable = sorted(
        (f for f in followers if f.maximum_w > 0 and f.maximum_w >= f.minimum_w),
        key=lambda one: (not one.is_running, not one.is_ready, one.key),
    )
    sign = -1.0 if power_w < 0 else 1.0
    for key, share_w in _fill(abs(power_w), _choose(abs(power_w), usable)).items():
        shares[key] = sign * share_w
    return shares


def _choose(power_w: float, usable: Sequence[Follower]) -> Sequence[Follower]:
    """Return the run of followers, in merit order, that serves most with the fewest."""
    minima_w = [0.0, *accumulate(follower.minimum_w for follower in usable)]
    maxima_w = [0.0, *accumulate(follower.maximum_w for follower in usable)]
    runs: list[tuple[float, int, int]] = []
    for start in range(len(usable)):
        # Up to here their minimum powers fit, and from here their maxima suffice.
        fits = bisect_right(minima_w, minima_w[start] + power_w) - 1
        suffices = bisect_left(maxima_w, maxima_w[start] + power_w)
        end = min(fits, suffices)
        served_w = min(power_w, maxima_w[end] - maxima_w[start])
        runs.append((-served_w, end - start, start))
    if not runs:
        return ()
    _, count, start = min(runs)
    return usable[start : start + count]


def _fill(power_w: float, chosen: Sequence[Follower]) -> dict[EvseKey, float]:
    """Return the minimum for each of ``chosen`` and the rest in merit order."""
    left_w = max(0.0, power_w - sum(f.minimum_w for f in chosen))
    shares: dict[EvseKey, float] = {}
    for follower in chosen:
        more_w = min(left_w, follower.maximum_w - follower.minimum_w)
        shares[follower.key] = follower.minimum_w + more_w
        left_w -= more_w
    return shares
