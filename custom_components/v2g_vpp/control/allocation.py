"""Share one power among followers, at least cost, so that every share can flow.

A follower gives nothing between 0 and its minimum power, and few at high power lose
less than many at little. A home is solved exactly: the on-set of least cost, filled by
marginal cost. A larger site is served in merit order. What cannot be served is told,
never forced.

Costs are in cents; only their ratios matter. All of them are rates per hour over
``HORIZON_S``, so that a switch, which is paid once, can be weighed against energy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..domain.ids import EvseKey
from ..domain.setpoint import Reason
from ..domain.units import SECONDS_PER_HOUR, WATTS_PER_KILOWATT
from .merit_order import fill_in_merit_order
from .on_sets import fill_best_on_set
from .share_problem import SharedRow, ShareProblem

LARGEST_EXACT = 30
"""Up to this size the search is exact. Deviation: the control brief wants it for 12 and
merit order above; branch and bound needs no more time for 30 than merit order does."""

HORIZON_S = 900.0
"""A switch pays when its cost comes back within this time: a usual market interval."""

UNSERVED_CENTS_PER_KWH = 100.0
"""What is not served costs this much more than the dearest energy: it is promised.

With the costs of a start below, a shortfall under some 120 W starts no follower: that
is what a charger and its meter are noisy by (control brief, the plant).
"""

STANDBY_CENTS_PER_H = 3.6
"""Loss of a running charger beside what grows with power: 120 W at 30 cents per kWh,
from an efficiency of 0.77-0.87 at 5 % and 0.95 at 50 % (control brief)."""

START_CENTS = 2.0
"""One start: contactor wear, and what flows late."""

STOP_CENTS = 0.85
"""One stop. Over the horizon just less than the standby: a follower that nobody needs
ends, one that is needed for a little stays, and noise makes none of them switch."""


NOT_READY_CENTS = 3.0
"""More for a start that begins a transaction: up to a minute without power."""


# Not frozen: made for one call, of each EVSE in each step, where freezing costs time.
@dataclass(slots=True, kw_only=True)
class Follower:
    """What one EVSE could take of a power; magnitudes of one direction, W."""

    key: EvseKey
    minimum_w: float
    maximum_w: float
    """0 when it can give nothing now."""

    is_running: bool
    """True when its committed power already runs in this direction."""

    is_ready: bool = True
    """False when its transaction has to be started first."""

    cents_per_kwh: float = 0.0
    """Marginal: wear, opportunity, urgency; may be negative."""

    standby_cents_per_h: float = STANDBY_CENTS_PER_H
    switch_cents: float | None = None
    """Of changing its state now, once; None: the usual price of a start or stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedLimit:
    """The sum of share x magnitude over the followers must not exceed the room."""

    reason: Reason
    room_w: float
    """>= 0, of a phase, a circuit or the site; what others take is off already."""

    shares: Mapping[EvseKey, float] | None = None
    """Part of its power with which each one counts, missing = 0; None: 1 for all."""

    def share_of(self, key: EvseKey) -> float:
        """Return with which part of its power a follower counts, 0..1."""
        return 1.0 if self.shares is None else self.shares.get(key, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """Who takes what of a power."""

    shares: Mapping[EvseKey, float]
    """One per follower, W, signed like the power; 0, or within its bounds."""

    unserved_w: float
    """What nobody takes, signed like the power."""

    bound_by: Reason | None = None
    """The shared limit that keeps the rest from being served, None when none does."""

    @property
    def committed_w(self) -> float:
        """What the home commits: the sum of the shares, W, signed like the power."""
        return sum(self.shares.values())


def allocate(
    power_w: float,
    followers: Sequence[Follower],
    limits: Sequence[SharedLimit] = (),
) -> Allocation:
    """Return each follower's share of ``power_w``.

    Args:
        power_w: for the whole home, either sign.
        followers: in any order; may be empty.
        limits: that they share, all in the direction of ``power_w``.

    Returns:
        Shares that sum up to at most ``power_w`` and keep every limit.
    """
    magnitude_w = abs(power_w)
    most_w = sum(follower.maximum_w for follower in followers)
    # No share counts with more than itself: a wider room cannot bind.
    limits = [limit for limit in limits if limit.room_w < most_w]
    problem = _problem(magnitude_w, followers, limits)
    if len(problem.keys) <= LARGEST_EXACT:
        powers_w = fill_best_on_set(problem)
    else:
        powers_w = fill_in_merit_order(problem)
    shares = dict.fromkeys((follower.key for follower in followers), 0.0)
    sign = -1.0 if power_w < 0 else 1.0
    for key, share_w in zip(problem.keys, powers_w, strict=True):
        # Adding 0.0 turns the -0.0 of a follower at rest into 0.0.
        shares[key] = sign * share_w + 0.0
    left_w = max(0.0, magnitude_w - sum(powers_w))
    return Allocation(
        shares=shares,
        unserved_w=sign * left_w + 0.0,
        bound_by=_binding(shares, followers, limits) if left_w > SAME_POWER_W else None,
    )


SAME_POWER_W = 1.0
"""Powers closer than this are the same to any charger."""


def _problem(
    power_w: float, followers: Sequence[Follower], limits: Sequence[SharedLimit]
) -> ShareProblem:
    """Return the usable followers in the order of their keys, as plain numbers."""
    dearest = max((f.cents_per_kwh for f in followers), default=0.0)
    unserved = (dearest + UNSERVED_CENTS_PER_KWH) / WATTS_PER_KILOWATT
    usable: list[tuple[Follower, float]] = []
    for follower in sorted(followers, key=lambda one: one.key):
        highest_w = follower.maximum_w
        for limit in limits:
            share = limit.share_of(follower.key)
            if share > 0:
                highest_w = min(highest_w, limit.room_w / share)
        if highest_w >= max(SAME_POWER_W, follower.minimum_w):
            usable.append((follower, highest_w))
    rows = [
        SharedRow(
            limit_w=limit.room_w,
            portions=[limit.share_of(f.key) for f, _ in usable],
        )
        for limit in limits
    ]
    return ShareProblem(
        power_w=power_w,
        keys=[f.key for f, _ in usable],
        lows_w=[max(SAME_POWER_W, f.minimum_w) for f, _ in usable],
        highs_w=[high_w for _, high_w in usable],
        is_running=[f.is_running for f, _ in usable],
        unserved=unserved,
        values=[unserved - f.cents_per_kwh / WATTS_PER_KILOWATT for f, _ in usable],
        costs=[_cost_of_running(f) for f, _ in usable],
        rows=[row for row in rows if row.may_bind([high_w for _, high_w in usable])],
    )


def _cost_of_running(follower: Follower) -> float:
    """Return what it costs per hour that a follower is on rather than off."""
    per_hour = SECONDS_PER_HOUR / HORIZON_S
    switch = follower.switch_cents
    if follower.is_running:
        stop = STOP_CENTS if switch is None else switch
        return follower.standby_cents_per_h - stop * per_hour
    start = START_CENTS if switch is None else switch
    start += 0.0 if follower.is_ready else NOT_READY_CENTS
    return follower.standby_cents_per_h + start * per_hour


def _binding(
    shares: Mapping[EvseKey, float],
    followers: Sequence[Follower],
    limits: Sequence[SharedLimit],
) -> Reason | None:
    """Return the first limit without room for more of anybody who could, else None."""
    able = [
        (f.key, SAME_POWER_W if shares[f.key] != 0 else f.minimum_w)
        for f in followers
        if f.maximum_w >= max(f.minimum_w, abs(shares[f.key]) + SAME_POWER_W)
    ]
    for limit in limits:
        taken_w = sum(abs(w) * limit.share_of(key) for key, w in shares.items())
        if any(
            limit.room_w - taken_w < limit.share_of(k) * more_w for k, more_w in able
        ):
            return limit.reason
    return None
