"""What a resource of the home is set to now."""

from ..domain.ids import EvseKey
from ..domain.snapshot import SiteSnapshot


def present_power_w(
    snapshot: SiteSnapshot | None, resource: EvseKey | None
) -> float | None:
    """Return the sum of the setpoints, W; None when they are not one direction.

    Args:
        snapshot: of the home, None while there is none.
        resource: one EVSE, or None for all.
    """
    if snapshot is None:
        return None
    powers = [
        evse.setpoint.power_w for evse in snapshot.evses if resource in (None, evse.key)
    ]
    if any(p > 0 for p in powers) and any(p < 0 for p in powers):
        return None
    return sum(powers)
