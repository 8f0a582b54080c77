"""What the grid and the heat of the handle leave of an EVSE's power."""

from ..domain.setpoint import Reason
from .grid import GridState, GridVerdict
from .inputs import EvseInputs

type Candidate = tuple[Reason, float]
"""A limit, W, and what it is told by."""


def plant_limits(
    evse: EvseInputs, *, is_discharge: bool, heat_share: float
) -> list[Candidate]:
    """Return the limits of grid and heat that bind now; none in a cool, sound home.

    Args:
        evse: the EVSE.
        is_discharge: the direction.
        heat_share: of the rating that lasts as long as the power is promised, 0..1.
    """
    limits, grid = evse.limits, evse.grid
    rating_w = (
        limits.max_discharge_power_w if is_discharge else limits.max_charge_power_w
    )
    candidates: list[Candidate] = []
    share = grid.discharge_share if is_discharge else grid.charge_share
    if share < 1.0:
        candidates.append((grid_reason(grid), share * rating_w))
    if heat_share < 1.0:
        candidates.append((Reason.THERMAL, heat_share * carried_w(evse)))
    return candidates


def carried_w(evse: EvseInputs) -> float:
    """Return the power that a cool handle carries, W; heat knows no direction."""
    return max(evse.limits.max_charge_power_w, evse.limits.max_discharge_power_w)


def grid_reason(grid: GridVerdict) -> Reason:
    """Return what to say of a grid that takes power away."""
    if grid.is_mains_lost:
        return Reason.GRID_LOST
    if grid.state in (GridState.WAITING, GridState.ENTERING):
        return Reason.ENTER_SERVICE
    return Reason.GRID_FREQUENCY
