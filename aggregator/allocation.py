"""Split a demand over homes: merit order, never more than a home said it can do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import floor

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What one home offers now; watts, positive = charging."""

    home_id: str
    lowest_w: int
    highest_w: int
    dead_band_w: int
    """Between 0 and this magnitude nothing flows."""

    deliverable_wh: int
    absorbable_wh: int
    cost: float = 0.0
    """Merit: lower is used first."""

    is_running: bool = False
    """Used first among equals: each start costs a contactor operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """A demand as far as it can be served."""

    power_w: dict[str, int] = field(default_factory=dict)
    """Setpoint by home, never 0; homes that stay off are missing."""

    unserved_w: int = 0
    """What is left of the demand, with its sign."""


def allocate(demand_w: int, units: Sequence[Unit], duration_s: float) -> Allocation:
    """Serve a demand for a duration by as few homes as the merit order allows.

    Laws: every setpoint has the sign of the demand, lies within its home's range and
    outside of its dead band, and its energy over the duration within what the home
    offers; the setpoints never add up to more than the demand. Whatever cannot be
    served is reported, not forced.

    Args:
        demand_w: wanted sum, positive = charging.
        units: the homes; their order does not matter.
        duration_s: how long every setpoint must be held, > 0.
    """
    sign = 1 if demand_w > 0 else -1
    left_w = abs(demand_w)
    granted: dict[str, int] = {}
    minimum: dict[str, int] = {}
    for unit in sorted(units, key=lambda unit: _merit(unit, sign, duration_s)):
        if left_w <= 0:
            break
        most_w = bound_w(unit, sign, duration_s)
        least_w = max(unit.dead_band_w, 1)
        if most_w < least_w:
            continue
        power_w = min(most_w, left_w)
        if power_w < least_w:
            # The rest lies in the dead band: the others make room, or it stays unserved.
            spare_w = least_w - power_w
            if not _give_up(granted, minimum, spare_w):
                continue
            left_w += spare_w
            power_w = least_w
        granted[unit.home_id] = power_w
        minimum[unit.home_id] = least_w
        left_w -= power_w
    return Allocation(
        power_w={home_id: sign * power_w for home_id, power_w in granted.items()},
        unserved_w=sign * left_w,
    )


def bound_w(unit: Unit, sign: int, duration_s: float) -> int:
    """Return the greatest magnitude that the home can hold for the duration.

    Args:
        unit: the home.
        sign: 1 for charging, -1 for discharge.
        duration_s: > 0.
    """
    if sign > 0:
        power_w, energy_wh = unit.highest_w, unit.absorbable_wh
    else:
        power_w, energy_wh = -unit.lowest_w, unit.deliverable_wh
    return min(max(power_w, 0), floor(energy_wh * SECONDS_PER_HOUR / duration_s))


def _merit(unit: Unit, sign: int, duration_s: float) -> tuple[float, bool, int, str]:
    # Fewer homes at higher power lose less: efficiency falls at a tenth of the rating.
    return (
        unit.cost,
        not unit.is_running,
        -bound_w(unit, sign, duration_s),
        unit.home_id,
    )


def _give_up(granted: dict[str, int], minimum: dict[str, int], spare_w: int) -> bool:
    """Take ``spare_w`` from homes that stay above their minimum; False if impossible."""
    room = {home_id: granted[home_id] - minimum[home_id] for home_id in granted}
    if sum(room.values()) < spare_w:
        return False
    for home_id in reversed(list(granted)):
        taken_w = min(room[home_id], spare_w)
        granted[home_id] -= taken_w
        spare_w -= taken_w
    return True
