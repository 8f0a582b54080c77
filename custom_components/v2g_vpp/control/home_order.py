"""Orders for the whole home, shared among its EVSEs."""

from collections.abc import Sequence

from ..domain.dispatch import CommandKind, DispatchOrder
from ..domain.setpoint import LOCAL_OWNERS, ControlOwner, Reason
from .allocation import SAME_POWER_W, Allocation
from .evse_case import Case
from .fuse import Direction, SiteLimit, shared_limits
from .inputs import SiteInputs
from .lease import Lease, under_limit
from .share_cost import lasting_power_w
from .sharing import Taker, dispatch_energy_wh, share_power, taken_most_w

_SHARING = LOCAL_OWNERS | {ControlOwner.VPP}

SUPPORT_RESERVE_S = 900.0
"""A power that follows the frequency must last this long, not to the end of its order:
no deviation of a grid lasts for hours (EU 2017/1485, article 156: 15 minutes)."""


def share_home_orders(
    cases: Sequence[Case],
    site: SiteInputs,
    limits: Sequence[SiteLimit],
    now_mono_s: float,
) -> None:
    """Share what is asked of the whole home among the EVSEs that can serve it.

    An EVSE that the user or the self-test holds is left out. After a lost link there
    is nothing to share.

    Args:
        cases: all EVSEs of the home; the lease of each that shares is replaced.
        site: what holds for the whole home.
        limits: what the home leaves for its EVSEs.
        now_mono_s: the present.
    """
    groups: dict[str, tuple[DispatchOrder, list[Case]]] = {}
    for case in cases:
        order = case.order
        is_free = case.lease.owner in _SHARING
        # Where the frequency is not known, nothing is asked for that could be shared.
        is_free = is_free and case.evse.order_reason is Reason.AS_REQUESTED
        if order is not None and order.resource is None and is_free:
            groups.setdefault(order.order_id, (order, []))[1].append(case)
    for order, group in groups.values():
        # One EVSE takes the order whole: what it cannot serve is then named by its
        # own limits.
        if len(group) == 1 or any(site.is_failsafe_for(case.evse) for case in group):
            continue
        if order.kind is CommandKind.SETPOINT:
            _share_setpoint(order, group, limits, now_mono_s)
        elif order.kind is CommandKind.LIMIT:
            _share_limit(order, group, limits, now_mono_s)


def _share_setpoint(
    order: DispatchOrder,
    group: Sequence[Case],
    limits: Sequence[SiteLimit],
    now_mono_s: float,
) -> None:
    power_w = order.power_w
    direction = Direction.CHARGE if power_w > 0 else Direction.DISCHARGE
    takers = [_taker(case, order, now_mono_s) for case in group]
    shared = shared_limits(limits, direction)
    allocation = share_power(power_w, takers, shared, now_mono_s)
    for taker in takers:
        case, share_w = taker.case, allocation.shares[taker.case.evse.key]
        case.lease = Lease(
            owner=ControlOwner.VPP,
            requested_w=share_w,
            reason=_reason(taker, power_w, share_w, allocation),
            order=order,
        )


def _taker(case: Case, order: DispatchOrder, now_mono_s: float) -> Taker:
    """Return what one EVSE could take of an order, to its end."""
    offered_w, bound_by = abs(case.offer.clamp(order.power_w)), None
    taken_w = taken_most_w(case, order.power_w)
    if taken_w < offered_w:
        offered_w, bound_by = taken_w, Reason.VEHICLE_LIMIT
    energy_wh = None if order.power_w >= 0 else dispatch_energy_wh(case)
    if energy_wh is None:
        return Taker(case=case, maximum_w=offered_w, bound_by=bound_by)
    left_s = order.ends_mono_s - max(now_mono_s, order.start_mono_s)
    if order.response is not None:
        left_s = min(left_s, SUPPORT_RESERVE_S)
    lasting_w = case.track.share.steady_lasting_w(lasting_power_w(energy_wh, left_s))
    if lasting_w >= offered_w:
        return Taker(case=case, maximum_w=offered_w, bound_by=bound_by)
    return Taker(case=case, maximum_w=lasting_w, bound_by=Reason.ENERGY_WINDOW)


def _reason(
    taker: Taker, power_w: float, share_w: float, allocation: Allocation
) -> Reason:
    """Return why an EVSE has this share and no other."""
    is_short = abs(allocation.unserved_w) > SAME_POWER_W
    is_able = taker.maximum_w >= max(SAME_POWER_W, taker.minimum_w(power_w))
    if share_w == 0 and is_able:
        return (allocation.bound_by if is_short else None) or Reason.OTHERS_SERVE
    is_full = abs(share_w) >= taker.maximum_w - SAME_POWER_W
    if not is_able or (is_short and is_full):
        limit = taker.bound_by or taker.case.offer.reason_against(power_w)
        return limit or Reason.AS_REQUESTED
    if is_short and allocation.bound_by is not None:
        return allocation.bound_by
    return Reason.AS_REQUESTED


def _share_limit(
    order: DispatchOrder,
    group: Sequence[Case],
    limits: Sequence[SiteLimit],
    now_mono_s: float,
) -> None:
    """Cap what the modes charge together; discharge of a mode is left alone."""
    takers = [
        Taker(
            case=case,
            maximum_w=min(
                case.offer.clamp(max(0.0, case.local.requested_w)),
                taken_most_w(case, 1.0),
            ),
        )
        for case in group
    ]
    power_w = max(0.0, order.power_w)
    shared = shared_limits(limits, Direction.CHARGE)
    allocation = share_power(power_w, takers, shared, now_mono_s)
    for case in group:
        share_w, local = allocation.shares[case.evse.key], case.local
        is_capped = local.requested_w > share_w
        case.lease = under_limit(local)
        if is_capped:
            case.lease = Lease(owner=ControlOwner.VPP, requested_w=share_w, order=order)
