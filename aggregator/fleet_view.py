"""The whole fleet in a few figures: what the page shows and Prometheus collects."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from .follower import Follower
from .homes import Home
from .leader import Leader

UNSERVED_SHARE = 0.02
"""Of the demand; below it is the noise of chargers."""

UNTRUE_SHARE = 0.1
"""Of what homes committed to; ramps and dead times of a steady demand stay below."""

SETTLE_S = 20.0
"""Dead time, ramp and rest of a slow charger."""

FORGED = ("retained", "bad_signature", "other_keys")
"""Counters of messages that nobody sends by mistake."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """Sums over all homes; powers in W, positive = charging."""

    homes: int
    online: int
    offline: int
    unknown: int
    lowest_w: int
    highest_w: int
    deliverable_wh: int
    absorbable_wh: int
    commanded_w: int
    delivered_w: int
    """As homes measure it, as far as that is fresh."""

    measured: int
    """Homes whose measurement is fresh."""

    settled_w: int
    """What homes measure that have had time to do what they committed to."""

    settled_committed_w: int
    """What those committed to."""

    forged: int


def fleet(leader: Leader) -> Fleet:
    """Return the sums of this moment."""
    now_mono_s = leader.clock.monotonic()
    statuses: Counter[str] = Counter()
    sums: Counter[str] = Counter()
    for home_id in leader.enrolments.homes:
        home = leader.homes.get(home_id)
        if home is None:
            statuses["unknown"] += 1
            continue
        status = home.presence.status(now_mono_s)
        statuses[status] += 1
        sums["forged"] += sum(home.counters[name] for name in FORGED)
        commanded_w = leader.dispatcher.commanded_w(home_id)
        sums["commanded_w"] += commanded_w
        power_w = home.power_w(now_mono_s)
        if power_w is not None:
            sums["measured"] += 1
            sums["delivered_w"] += power_w
            if _is_settled(leader, home):
                sums["settled_w"] += power_w
                sums["settled_committed_w"] += commanded_w
        if status == "online" and home.availability is not None:
            site = home.availability.site
            sums["lowest_w"] += site.lowest_w
            sums["highest_w"] += site.highest_w
            sums["deliverable_wh"] += site.deliverable_wh
            sums["absorbable_wh"] += site.absorbable_wh
    return Fleet(
        homes=statuses.total(),
        online=statuses["online"],
        offline=statuses["offline"],
        unknown=statuses["unknown"],
        lowest_w=sums["lowest_w"],
        highest_w=sums["highest_w"],
        deliverable_wh=sums["deliverable_wh"],
        absorbable_wh=sums["absorbable_wh"],
        commanded_w=sums["commanded_w"],
        delivered_w=sums["delivered_w"],
        measured=sums["measured"],
        settled_w=sums["settled_w"],
        settled_committed_w=sums["settled_committed_w"],
        forged=sums["forged"],
    )


def _is_settled(leader: Leader, home: Home) -> bool:
    """Return True when the last measurement is of one command that ran for a while."""
    open_commands = leader.dispatcher.of(home.home_id).open_commands(
        leader.clock.utcnow()
    )
    if len(open_commands) != 1 or not home.frames:
        return False
    begun_mono_s = open_commands[0].first_ack_mono_s
    frame = home.frames[-1]
    return begun_mono_s is not None and (
        frame.received_mono_s - begun_mono_s >= SETTLE_S
    )


def totals(leader: Leader, follower: Follower) -> dict[str, Any]:
    """Return the sums, and how far what is measured is from what is wanted."""
    sums = fleet(leader)
    is_following = follower.following is not None
    error_w = sums.delivered_w - follower.progress.demand_w if is_following else None
    return {**asdict(sums), "error_w": error_w}


def alarms(leader: Leader, follower: Follower) -> list[str]:
    """Return what an operator should look at, one sentence each; none is good."""
    sums, progress = fleet(leader), follower.progress
    found = []
    if not leader.is_connected:
        found.append("The broker is away: homes fall to 0 W.")
    elif not leader.is_heartbeat_enabled:
        found.append("Heartbeats are paused: homes fall to 0 W.")
    if sums.forged:
        found.append(
            f"Messages of homes that were forged, replayed or wrongly signed: "
            f"{sums.forged}."
        )
    if abs(progress.unserved_w) > UNSERVED_SHARE * abs(progress.demand_w):
        found.append(f"{_kw(abs(progress.unserved_w))} of the demand find no home.")
    if progress.homes_silent:
        found.append(f"Homes that do not answer: {progress.homes_silent}.")
    untrue_w = sums.settled_w - sums.settled_committed_w
    if abs(untrue_w) > UNTRUE_SHARE * max(abs(sums.settled_committed_w), 10_000):
        found.append(
            f"Homes measure {_kw(sums.settled_w)}, but committed to "
            f"{_kw(sums.settled_committed_w)}."
        )
    return found


def _kw(power_w: int) -> str:
    return f"{power_w / 1000:.1f} kW"
