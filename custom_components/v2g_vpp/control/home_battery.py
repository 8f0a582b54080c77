"""What a home battery leaves for the vehicles.

A battery that regulates the grid meter takes every surplus and serves every load up to
its power, within a second. Two regulators of one meter fight; so the EVSEs follow a band
outside the battery's: they take the surplus that it cannot take and serve the load that
it cannot serve. How much that is, nobody tells: it is learnt from the meter, which only
leaves the middle when the battery is at its limit, full, or at its floor.
"""

from dataclasses import dataclass
from math import inf

from .house_load import Window

BAND_W = 150.0
"""A battery holds its meter closer than this; more is what it cannot regulate."""

AT_LIMIT_AFTER_S = 10.0
"""Longer than a slow battery (5 s) takes to answer a step of the load."""

RAISE_BAND_W = 50.0
"""A battery that gives this much more than it ever could was not at its limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatteryInputs:
    """Powers of one instant, W."""

    rest_w: float
    """House + home battery - solar."""

    grid_w: float
    """Positive = import."""

    battery_w: float
    """Positive = it charges."""

    is_full: bool = False
    """Its own word, where it tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOver:
    """The load that the EVSEs may follow, W; infinite where there is nothing."""

    load_to_charge_w: float
    """Negative is a surplus that may charge a vehicle; else there is none."""

    load_to_serve_w: float
    """Positive is a load that a vehicle may serve; else there is none."""

    load_to_import_w: float | None
    """Load beside which the grid may charge a vehicle up to a peak; None: what the
    grid would give would come from the home battery."""

    load_to_discharge_w: float = inf
    """What vehicles may discharge together before the home battery takes it; >= 0."""

    power_to_charge_w: float = inf
    """What vehicles may charge with together before the home battery gives it; >= 0."""

    def beside(self, power_w: float) -> LeftOver:
        """Return what is left beside an EVSE that charges or, negative, discharges.

        No vehicle charges another: what one takes is no load to serve, and what one
        gives is no surplus.
        """
        import_w = self.load_to_import_w
        return LeftOver(
            load_to_charge_w=self.load_to_charge_w + max(0.0, power_w),
            load_to_serve_w=self.load_to_serve_w + min(0.0, power_w),
            load_to_import_w=None if import_w is None else import_w + power_w,
            load_to_discharge_w=self.load_to_discharge_w,
            power_to_charge_w=self.power_to_charge_w,
        )


class BatteryBand:
    """Learns what a battery that regulates the meter can take and give."""

    def __init__(self) -> None:
        """Until it was seen at its limits the battery can do everything."""
        self._takes_w, self._gives_w = inf, inf
        self._grid = Window(AT_LIMIT_AFTER_S)

    def reset(self) -> None:
        """Forget what was learnt: its meter was silent."""
        self._takes_w, self._gives_w = inf, inf
        self._grid.clear()

    def step(self, inputs: BatteryInputs, now_mono_s: float) -> LeftOver:
        """Return what the battery leaves.

        Args:
            inputs: of one instant.
            now_mono_s: of this step.
        """
        self._grid.take(inputs.grid_w, now_mono_s)
        takes_w, gives_w = max(0.0, inputs.battery_w), max(0.0, -inputs.battery_w)
        if takes_w > self._takes_w + RAISE_BAND_W:
            self._takes_w = takes_w
        if gives_w > self._gives_w + RAISE_BAND_W:
            self._gives_w = gives_w
        if inputs.is_full or (self._grid.is_full and self._grid.highest < -BAND_W):
            self._takes_w = takes_w
        if self._grid.is_full and self._grid.lowest > BAND_W:
            self._gives_w = gives_w
        net_w = inputs.rest_w - inputs.battery_w
        # What the sun already fills, or what is full, takes nothing of a discharge.
        is_open = self._takes_w > max(0.0, -net_w) + BAND_W
        # What the home already empties, or what is empty, gives nothing to a charge.
        is_giving = self._gives_w > max(0.0, net_w) + BAND_W
        return LeftOver(
            load_to_charge_w=net_w + self._takes_w,
            load_to_serve_w=net_w - self._gives_w,
            load_to_import_w=None,
            load_to_discharge_w=max(0.0, net_w) if is_open else inf,
            power_to_charge_w=max(0.0, -net_w) if is_giving else inf,
        )


def without_battery(rest_w: float) -> LeftOver:
    """Return what is left in a home whose battery, if any, does not matter."""
    return LeftOver(
        load_to_charge_w=rest_w,
        load_to_serve_w=rest_w,
        load_to_import_w=rest_w,
    )


def beside_passive_battery(rest_w: float, battery_w: float) -> LeftOver:
    """Return what is left where we regulate and the battery does what it likes.

    What it gives is no surplus, and what it takes is no load.
    """
    # Only what it gives beyond the load could be in a charge.
    is_giving = min(-battery_w, -rest_w) > BAND_W
    return LeftOver(
        load_to_charge_w=rest_w - min(0.0, battery_w),
        load_to_serve_w=rest_w - max(0.0, battery_w),
        load_to_import_w=rest_w,
        load_to_discharge_w=max(0.0, rest_w - battery_w) if battery_w > BAND_W else inf,
        power_to_charge_w=max(0.0, battery_w - rest_w) if is_giving else inf,
    )
