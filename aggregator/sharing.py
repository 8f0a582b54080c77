"""Share a demand over many homes: by merit, evenly over time, with few contactors.

The rule, for homes of one cost (a cheaper cost is filled before a dearer one starts):

1. As many homes run as can run well: each at 30 % of its bound or more, because
   efficiency falls at low power. One that runs already stays down to 20 %.
2. Who has served least goes first. A home that runs counts as 60 s behind, so that a
   contactor does not move for less. One that was switched on less than 5 minutes ago
   stays if it can at all; one that was switched off less than 5 minutes ago comes last.
3. A home that starts begins at the common level; whoever runs stays where it is. What is
   then missing is taken by those who have served least, what is too much is given up by
   those who have served most: a small change of the demand is a command to a few homes.
4. Who is more than 60 s of full power ahead passes power to who is behind.
5. A rest inside every dead band is made room for by the others, or it is left unserved.

Served time is counted in seconds at the home's full power, so that a small home is asked
for its share and not for that of a large one. Hysteresis: 5 minutes on, 5 minutes off and
a band, the numbers being those of a home's own contactors (30 % to start, 20 % to stay,
60 s are house rules: wide enough for about one command per home and minute).

Laws, see ``tests/aggregator/test_sharing.py``: nobody beyond its bound or inside its dead
band, never more than the demand, the order of the homes does not matter, a greater
demand is never served less.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import groupby

START_SHARE = 0.3
STAY_SHARE = 0.2
AHEAD_S = 60.0
"""Seconds at full power that a home may have served more than another one."""

WORTH_SHARE = 0.05
"""Of the bound: passing on less is not worth two commands."""

PASSED_SHARE = 0.02
"""Of the homes: at most so many pass power on in one step; at least one does."""


class Hold(IntEnum):
    """What the contactor of a home would like, in the order in which homes are used."""

    STAY_ON = 0
    FREE = 1
    STAY_OFF = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One home, seen in the direction of the demand; powers are magnitudes, W."""

    home_id: str
    bound_w: int
    """What it can hold for as long as it is needed."""

    least_w: int
    """Between 0 and this nothing flows."""

    now_w: int = 0
    """What it does by our command; 0 when off or in the other direction."""

    used_s: float = 0.0
    """Seconds at its full power that it has served."""

    cost: float = 0.0
    """Merit: lower is used first."""

    hold: Hold = Hold.FREE
    may_rise: bool = True
    """False: it can take less now, but no more (its charger needs time)."""


@dataclass(slots=True)
class _Seat:
    member: Member
    low_w: int
    least_w: int
    cap_w: int
    power_w: int = 0


def share(demand_w: int, members: Iterable[Member]) -> dict[str, int]:
    """Return the power of every home that runs; magnitudes, W.

    Args:
        demand_w: wanted sum, a magnitude.
        members: the homes; their order does not matter.

    Returns:
        Power by home, never 0; homes that stay off are missing. The sum falls short of
        the demand by what cannot be served.
    """
    tiers, cap_w = _choose(demand_w, members)
    left_w = min(demand_w, cap_w)
    reserve_w = sum(seat.low_w for tier in tiers for seat in tier)
    for tier in tiers:
        reserve_w -= sum(seat.low_w for seat in tier)
        amount_w = min(sum(seat.cap_w for seat in tier), left_w - reserve_w)
        _fill(tier, amount_w)
        left_w -= amount_w
    return {seat.member.home_id: seat.power_w for tier in tiers for seat in tier}


def _choose(demand_w: int, members: Iterable[Member]) -> tuple[list[list[_Seat]], int]:
    """Return who runs, by cost, and what all of them could give."""
    tiers: list[list[_Seat]] = []
    skipped: list[tuple[list[_Seat], _Seat]] = []
    cap_w = 0
    ordered = sorted(members, key=_merit)
    for _, group in groupby(ordered, key=lambda member: member.cost):
        if cap_w >= demand_w:
            break
        tier: list[_Seat] = []
        tiers.append(tier)
        # Cheaper homes are full by now, or this tier would not be asked.
        low_w = cap_w
        for seat in filter(None, map(_seat, group)):
            if low_w + seat.low_w <= demand_w:
                tier.append(seat)
                low_w += seat.low_w
                cap_w += seat.cap_w
            else:
                skipped.append((tier, seat))
    if cap_w < demand_w:
        cap_w = _make_room(demand_w, cap_w, tiers, skipped)
    return tiers, cap_w


def _make_room(
    demand_w: int,
    cap_w: int,
    tiers: Sequence[Sequence[_Seat]],
    skipped: Iterable[tuple[list[_Seat], _Seat]],
) -> int:
    """Add homes that fit only while the others run at less than they like."""
    least_w = sum(seat.least_w for tier in tiers for seat in tier)
    for tier, seat in skipped:
        if cap_w >= demand_w:
            break
        if least_w + seat.least_w <= demand_w:
            tier.append(seat)
            least_w += seat.least_w
            cap_w += seat.cap_w
    for members in tiers:
        for seat in members:
            seat.low_w = seat.least_w
    return cap_w


def _seat(member: Member) -> _Seat | None:
    """Return what a home can take, None when that is nothing."""
    cap_w = member.bound_w if member.may_rise else min(member.bound_w, member.now_w)
    least_w = max(member.least_w, 1)
    if cap_w < least_w:
        return None
    low_w = least_w
    if member.hold is not Hold.STAY_ON:
        part = STAY_SHARE if member.now_w > 0 else START_SHARE
        low_w = min(max(least_w, round(part * member.bound_w)), cap_w)
    return _Seat(member=member, low_w=low_w, least_w=least_w, cap_w=cap_w)


def _merit(member: Member) -> tuple[float, Hold, float, str]:
    sticky_s = AHEAD_S if member.now_w > 0 else 0.0
    return member.cost, member.hold, member.used_s - sticky_s, member.home_id


def _fill(tier: Sequence[_Seat], amount_w: int) -> None:
    """Give exactly ``amount_w`` to homes of one cost; it fits between low and cap."""
    cap_w = sum(seat.cap_w for seat in tier)
    for seat in tier:
        wanted_w = seat.member.now_w or seat.cap_w * amount_w // cap_w
        seat.power_w = min(max(wanted_w, seat.low_w), seat.cap_w)
    rest_w = amount_w - sum(seat.power_w for seat in tier)
    # Who has served least comes first.
    order = sorted(tier, key=lambda seat: (seat.member.used_s, seat.member.home_id))
    for seat in order if rest_w > 0 else reversed(order):
        if rest_w == 0:
            break
        moved_w = min(max(rest_w, seat.low_w - seat.power_w), seat.cap_w - seat.power_w)
        seat.power_w += moved_w
        rest_w -= moved_w
    _pass_on(order)


def _pass_on(order: Sequence[_Seat]) -> None:
    """Let who is far ahead pass power to who is far behind."""
    behind, ahead = 0, len(order) - 1
    passes = max(1, round(PASSED_SHARE * len(order)))
    while passes > 0 and behind < ahead:
        taker, giver = order[behind], order[ahead]
        if giver.member.used_s - taker.member.used_s <= AHEAD_S:
            return
        room_w = taker.cap_w - taker.power_w
        spare_w = giver.power_w - giver.low_w
        moved_w = min(room_w, spare_w)
        if moved_w >= max(1, round(WORTH_SHARE * taker.member.bound_w)):
            taker.power_w += moved_w
            giver.power_w -= moved_w
            passes -= 1
        if room_w <= spare_w:
            behind += 1
        if spare_w <= room_w:
            ahead -= 1
