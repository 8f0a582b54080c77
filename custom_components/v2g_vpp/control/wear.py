"""What the home's charging and discharging cost a battery.

Only what flows through a charger of this home counts: driving is not ours. A discharge
is what the home adds, and its loss depends on how deep it goes: each watt-hour costs a
little more than the one before it. Charging back makes the next discharge begin shallow.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final

from ..domain.chemistry import CYCLE_WEAR, SPENT_SHARE, Chemistry
from ..domain.policy import VehicleSpec
from ..domain.units import clamp, finite, watt_hours_to_kilowatt_hours, within
from .rainflow import Rainflow

SMALLEST_SWING = 0.005
"""Half a point of the state of charge: a smaller turn is regulation, no cycle."""

LARGEST_KEPT_POINTS = 4 * round(1 / SMALLEST_SWING)
"""Far more turning points than can stay open; a longer list was not written by us."""

DEPTH_BINS = 10
"""Counted cycles are kept by depth, in tenths of the capacity."""


CONTACTOR_PRICE_CENTS: Final = 10_000.0
CONTACTOR_LIFE_OPERATIONS: Final = 50_000
"""House rule: a contactor for 100 EUR, and its electrical life without a current."""

CONTACTOR_OPERATION_CENTS: Final = CONTACTOR_PRICE_CENTS / CONTACTOR_LIFE_OPERATIONS


@dataclass(frozen=True, slots=True, kw_only=True)
class WearReport:
    """What a ledger is told of the wear of one battery."""

    charged_wh: float
    discharged_wh: float
    equivalent_cycles: float
    """Throughput over twice the capacity."""

    cycles_by_depth: tuple[float, ...]
    """Rainflow, closed cycles only, by tenths of the capacity."""

    capacity_loss_share: float | None
    """That the discharges of the home caused; None while the chemistry is unknown."""

    cost: float | None
    """The same in the home's currency."""

    cold_operations: int = 0
    """Of the contactors that it hung on, without a current."""

    hot_operations: int = 0
    """Under load: these are what wears it."""


@dataclass(slots=True)
class WearMeter:
    """Counts what goes in and out of one battery at this home's chargers.

    The sums know no chemistry: the owner may tell it later.
    """

    charged_wh: float = 0.0
    discharged_wh: float = 0.0
    equivalent_cycles: float = 0.0
    cold_operations: int = 0
    """Of the contactors that it hung on, without a current."""

    hot_operations: int = 0
    _discharge_cycles: float = 0.0
    """Sum of discharges over the capacity."""

    _deep_cycles: float = 0.0
    """The same, each part weighted by twice its depth."""

    _open_depth: float = 0.0
    """How deep the home has discharged since it was full of what the home took."""

    _position: float = 0.0
    """What the home put in less what it took, over the capacity."""

    _rainflow: Rainflow = field(
        default_factory=lambda: Rainflow(smallest=SMALLEST_SWING)
    )
    _cycles: list[float] = field(default_factory=lambda: [0.0] * DEPTH_BINS)

    def note(self, charged_wh: float, discharged_wh: float, capacity_wh: float) -> None:
        """Count energy that went through a charger since the last call.

        Args:
            charged_wh: into the vehicle, >= 0.
            discharged_wh: out of it, >= 0.
            capacity_wh: usable; 0 or less counts energy alone.
        """
        self.charged_wh += charged_wh
        self.discharged_wh += discharged_wh
        if capacity_wh <= 0:
            return
        up, down = charged_wh / capacity_wh, discharged_wh / capacity_wh
        self.equivalent_cycles += (up + down) / 2.0
        before = max(0.0, self._open_depth - up)
        self._open_depth = min(1.0, before + down)
        self._discharge_cycles += down
        # The integral of twice the depth on the way down.
        self._deep_cycles += self._open_depth**2 - before**2
        self._position += up - down
        for cycle in self._rainflow.note(self._position):
            place = int(clamp(cycle.depth * DEPTH_BINS, 0, DEPTH_BINS - 1))
            self._cycles[place] += cycle.count

    def note_operations(self, cold: int, hot: int) -> None:
        """Count openings of the contactor in front of the vehicle, both >= 0."""
        self.cold_operations += cold
        self.hot_operations += hot

    def report(self, spec: VehicleSpec) -> WearReport:
        """Return what a ledger is told.

        Args:
            spec: of the vehicle: chemistry, capacity and price of the battery.
        """
        lost = self._lost_share(spec.chemistry)
        return WearReport(
            charged_wh=self.charged_wh,
            discharged_wh=self.discharged_wh,
            equivalent_cycles=self.equivalent_cycles,
            cycles_by_depth=tuple(self._cycles),
            capacity_loss_share=lost,
            cost=None if lost is None else lost / SPENT_SHARE * _battery_price(spec),
            cold_operations=self.cold_operations,
            hot_operations=self.hot_operations,
        )

    def _lost_share(self, chemistry: Chemistry | None) -> float | None:
        if chemistry is None:
            return None
        wear = CYCLE_WEAR[chemistry]
        return wear.shallow * self._discharge_cycles + wear.per_depth * (
            self._deep_cycles
        )

    def dump(self) -> dict[str, Any]:
        """Return what must survive a restart."""
        return {
            "charged_wh": self.charged_wh,
            "discharged_wh": self.discharged_wh,
            "equivalent_cycles": self.equivalent_cycles,
            "cold_operations": self.cold_operations,
            "hot_operations": self.hot_operations,
            "discharge_cycles": self._discharge_cycles,
            "deep_cycles": self._deep_cycles,
            "open_depth": self._open_depth,
            "position": self._position,
            "points": list(self._rainflow.points),
            "cycles": list(self._cycles),
        }

    @classmethod
    def restored(cls, kept: Mapping[str, Any]) -> WearMeter:
        """Return the meter as it was.

        Raises:
            KeyError, TypeError, ValueError: for what ``dump`` cannot have written.
        """
        meter = cls(
            charged_wh=_counted(kept, "charged_wh"),
            discharged_wh=_counted(kept, "discharged_wh"),
            equivalent_cycles=_counted(kept, "equivalent_cycles"),
            # What an older version kept has no openings.
            cold_operations=int(
                _counted({"cold_operations": 0, **kept}, "cold_operations")
            ),
            hot_operations=int(
                _counted({"hot_operations": 0, **kept}, "hot_operations")
            ),
            _discharge_cycles=_counted(kept, "discharge_cycles"),
            _deep_cycles=_counted(kept, "deep_cycles"),
            _open_depth=_counted(kept, "open_depth"),
            _position=finite("position", kept["position"]),
        )
        points = [finite("point", point) for point in kept["points"]]
        cycles = [within("cycles", count, 0.0, inf) for count in kept["cycles"]]
        if len(points) > LARGEST_KEPT_POINTS or len(cycles) != DEPTH_BINS:
            raise ValueError(len(points), len(cycles))
        meter._rainflow.points, meter._cycles = points, cycles
        return meter


def marginal_cost_per_kwh(spec: VehicleSpec, depth: float) -> float:
    """Return what one more discharged kWh costs the battery, in the home's currency.

    Args:
        spec: of the vehicle; without a chemistry the dearest one counts.
        depth: of the discharge so far, as a share of the capacity, 0..1.
    """
    chemistries = [spec.chemistry] if spec.chemistry is not None else list(Chemistry)
    lost_per_cycle = max(
        CYCLE_WEAR[chemistry].shallow
        + 2.0 * clamp(depth, 0.0, 1.0) * CYCLE_WEAR[chemistry].per_depth
        for chemistry in chemistries
    )
    # A cycle moves the capacity once, so its size cancels out.
    return lost_per_cycle / SPENT_SHARE * spec.battery_price_per_kwh


def _battery_price(spec: VehicleSpec) -> float:
    return watt_hours_to_kilowatt_hours(spec.capacity_wh) * spec.battery_price_per_kwh


def _counted(kept: Mapping[str, Any], name: str) -> float:
    return within(name, kept[name], 0.0, inf)
