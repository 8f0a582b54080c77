"""Orders for the whole home, shared among its EVSEs."""

from collections.abc import Sequence

from ..domain.dispatch import CommandKind, DispatchOrder
from ..domain.setpoint import ControlOwner, Reason
from .allocation import Follower, allocate
from .evse_case import Case
from .inputs import SiteInputs
from .lease import Lease, mode_lease
from .limits import minimum_power_w


def share_home_orders(cases: Sequence[Case], site: SiteInputs) -> None:
    """Share what is asked of the whole home among the EVSEs that can serve it.

    An EVSE that the user or the self-test holds is left out. After a lost link there
    is nothing to share.
    """
    groups: dict[str, tuple[DispatchOrder, list[Case]]] = {}
    for case in cases:
        order = case.order
        is_free = case.lease.owner in (ControlOwner.VPP, ControlOwner.MODE)
        if order is not None and order.resource is None and is_free:
            groups.setdefault(order.order_id, (order, []))[1].append(case)
    for order, group in groups.values():
        # One EVSE takes the order whole: what it cannot serve is then named by its
        # own limits.
        if len(group) == 1 or site.is_failsafe:
            continue
        if order.kind is CommandKind.SETPOINT:
            _share_setpoint(order, group, site)
        elif order.kind is CommandKind.LIMIT:
            _share_limit(order, group)


def _share_setpoint(
    order: DispatchOrder, group: Sequence[Case], site: SiteInputs
) -> None:
    power_w = order.power_w
    if power_w < 0 and site.export_limit_w is not None:
        power_w = max(power_w, -site.export_limit_w)
    followers = [
        _follower(case, power_w, abs(case.offer.clamp(power_w))) for case in group
    ]
    shares = allocate(power_w, followers).shares
    for case in group:
        share_w = shares[case.evse.key]
        refused = case.offer.reason_against(power_w) if share_w == 0 else None
        case.lease = Lease(
            owner=ControlOwner.VPP,
            requested_w=share_w,
            reason=refused or Reason.AS_REQUESTED,
            order=order,
        )


def _share_limit(order: DispatchOrder, group: Sequence[Case]) -> None:
    """Cap what the modes charge together; discharge of a mode is left alone."""
    power_w = max(0.0, order.power_w)
    followers: list[Follower] = []
    for case in group:
        wish_w = max(0.0, mode_lease(case.evse).requested_w)
        followers.append(_follower(case, power_w, case.offer.clamp(wish_w)))
    shares = allocate(power_w, followers).shares
    for case in group:
        share_w, mode = shares[case.evse.key], mode_lease(case.evse)
        is_capped = mode.requested_w > share_w
        case.lease = mode
        if is_capped:
            case.lease = Lease(owner=ControlOwner.VPP, requested_w=share_w, order=order)


def _follower(case: Case, power_w: float, maximum_w: float) -> Follower:
    return Follower(
        key=case.evse.key,
        minimum_w=minimum_power_w(case.evse, power_w),
        maximum_w=maximum_w,
        is_running=case.track.power_w * power_w > 0,
        is_ready=not case.is_startable,
    )
