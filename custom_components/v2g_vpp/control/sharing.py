"""One power for several EVSEs, whoever asks for it: an order or a mode of the home."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from ..domain.setpoint import Reason
from ..domain.units import share_of
from .allocation import Allocation, Follower, SharedLimit, allocate
from .evse_case import Case
from .limits import minimum_power_w
from .share_cost import urgency_cents_per_kwh
from .soc_guard import vehicle_floor_percent


# Not frozen: made for one call, of each EVSE in each step, where freezing costs time.
@dataclass(slots=True, kw_only=True)
class Taker:
    """What one EVSE could take of a power."""

    case: Case
    maximum_w: float
    """Magnitude in the direction that is shared."""

    bound_by: Reason | None = None
    """What holds the maximum below the offer; None: the offer itself is the maximum."""

    def minimum_w(self, power_w: float) -> float:
        """Return the least that can flow in the direction of ``power_w``, W."""
        return minimum_power_w(self.case.evse, power_w)


def share_power(
    power_w: float,
    takers: Sequence[Taker],
    limits: Sequence[SharedLimit],
    now_mono_s: float,
) -> Allocation:
    """Return who takes what of a power, and remember who does.

    What runs is judged by what was committed, never by what is measured: a charger
    that has not followed yet would be counted as free.

    Args:
        power_w: for all of them together, either sign.
        takers: in any order.
        limits: that they share in the direction of ``power_w``.
        now_mono_s: the present.
    """
    followers = [_follower(taker, power_w, now_mono_s) for taker in takers]
    allocation = allocate(power_w, followers, limits)
    for taker in takers:
        taker.case.track.share.note(
            is_on=allocation.shares[taker.case.evse.key] != 0, now_mono_s=now_mono_s
        )
    return allocation


def taken_most_w(case: Case, power_w: float) -> float:
    """Return what a vehicle takes of a power at most, W; inf while it limits nothing.

    What it does not take, others may have. The least that can flow it always gets: a
    vehicle that is nearly full charges on.
    """
    direction = 1 if power_w > 0 else -1
    taken_w = case.track.vehicle.self_limit.share_w(direction)
    if taken_w == inf:
        return inf
    return max(taken_w, minimum_power_w(case.evse, power_w))


def dispatch_energy_wh(case: Case) -> float | None:
    """Return what a dispatch may take, Wh in the battery: floors and the day's budget.

    None: not known, so that nothing can be discharged anyway.
    """
    vehicle, policy = case.evse.vehicle, case.evse.vehicle_policy
    held = case.soc.lowest_percent
    if vehicle is None or policy is None or held is None:
        return None
    own = vehicle_floor_percent(case.evse.session, vehicle.capacity_wh) or 0.0
    trip = case.vehicle.trip.floor_percent
    kept = case.evse.kept
    granted = case.evse.grant.reserve_percent
    dispatch = max(policy.vpp_reserve_percent, granted)
    floor = max(policy.reserve_percent, dispatch, own, trip, kept.percent)
    above_wh = share_of(max(0.0, held - floor), vehicle.capacity_wh)
    return min(above_wh, max(0.0, case.vehicle.cycle_left_wh - kept.wh))


def _urgency_cents(case: Case, now_mono_s: float) -> float:
    """Return how much a vehicle needs its energy for its next trip, cents per kWh."""
    vehicle, trip = case.evse.vehicle, case.vehicle.trip
    held = case.vehicle.soc.lowest_percent
    if vehicle is None or trip.departure is None or held is None:
        return 0.0
    missing_wh = share_of(max(0.0, trip.target_percent - held), vehicle.capacity_wh)
    left_s = trip.departure.due_mono_s - now_mono_s
    return urgency_cents_per_kwh(missing_wh, case.offer.highest_w, left_s)


def _follower(taker: Taker, power_w: float, now_mono_s: float) -> Follower:
    case = taker.case
    memory, is_running = case.track.share, case.track.power_w * power_w > 0
    # A kWh into a vehicle that leaves is worth more, and one out of it costs more.
    urgency = memory.steady_urgency(_urgency_cents(case, now_mono_s))
    cents = -urgency
    if power_w < 0:
        cents = urgency + memory.discharge_cents(
            case.evse.vehicle, case.vehicle.soc.lowest_percent
        )
    return Follower(
        key=case.evse.key,
        minimum_w=taker.minimum_w(power_w),
        maximum_w=taker.maximum_w,
        is_running=is_running,
        is_ready=not case.is_startable,
        cents_per_kwh=cents,
        switch_cents=memory.switch_cents(is_running=is_running, now_mono_s=now_mono_s),
    )
