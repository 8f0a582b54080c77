"""What a charger does that somebody else has: left alone, unless it must not be."""

from collections.abc import Iterable, Sequence

from ..domain.setpoint import ControlOwner, Reason
from ..domain.state import flow_threshold_w
from .evse_case import Case, find_block
from .fuse import Direction, Rooms, SiteLimit
from .inputs import EvseInputs, SiteInputs


def reason_of_external(case: Case, site: SiteInputs) -> Reason:
    """Return why nothing is asked of an EVSE that somebody else has.

    Returns:
        ``EXTERNAL`` where it is left alone. Another reason is what forbids the
        discharge that its meter shows: then 0 W is meant, whoever asked for more.
    """
    threshold_w = flow_threshold_w(case.evse.limits.rating_w)
    if case.power is None or case.power.value >= -threshold_w:
        return Reason.EXTERNAL
    return find_block(case, site, ControlOwner.EXTERNAL) or Reason.EXTERNAL


def rooms_beside_external(
    limits: Sequence[SiteLimit], evses: Iterable[EvseInputs], now_mono_s: float
) -> Rooms:
    """Return the room of the home beside what others make flow, by its meter."""
    rooms = Rooms(limits)
    for evse in evses:
        power = evse.fresh_told_power(now_mono_s) if evse.is_external else None
        if power is not None:
            way = Direction.CHARGE if power.value > 0 else Direction.DISCHARGE
            rooms.take(evse.key, way, abs(power.value))
    return rooms
