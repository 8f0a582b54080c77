"""What would bind a setpoint next, if what binds it now were gone."""

from math import inf

from ..domain.setpoint import Reason
from .evse_case import Case, find_blocks
from .inputs import SiteInputs
from .limits import discharge_bound
from .permission import stops


def runner_up(case: Case, site: SiteInputs) -> Reason | None:
    """Return the next limit behind the one that a setpoint names.

    Args:
        case: after its setpoint was shaped.
        site: what holds for the whole home.

    Returns:
        The reason that the setpoint would name without its own; None where none is
        known, as behind a request of 0 W.
    """
    named, wanted_w = case.setpoint.reason, case.lease.requested_w
    if case.stop is not None:
        shut = next((r for r in stops(case.evse) if r is not named), None)
        if shut is not None:
            return shut
    if wanted_w < 0:
        blocks = find_blocks(case, site, case.lease.owner)
        shut = next((r for r in blocks if r is not named), None)
        if shut is not None:
            return shut
    return None if wanted_w == 0 else _next_limit(case, named)


def _next_limit(case: Case, named: Reason) -> Reason | None:
    """Return the tightest limit but the named one; the request itself is one."""
    wanted_w = case.lease.requested_w
    side = case.envelope.charge if wanted_w > 0 else case.envelope.discharge
    if wanted_w < 0 and side.next_reason is None:
        # A shut gate leaves no bound; this is what there is behind all of them.
        side = discharge_bound(
            case.evse,
            None,
            owner=case.lease.owner,
            heat_share=case.evse.heat.lasting_share(0.0),
            site_bound=case.discharge_room,
        )
    limits = (
        (case.lease.reason, abs(wanted_w)),
        (side.reason, side.power_w),
        (side.next_reason, side.next_w),
    )
    found: Reason | None = None
    tightest_w = inf
    for reason, power_w in limits:
        if reason is not named and power_w < tightest_w:
            found, tightest_w = reason, power_w
    return found
