"""A household behind one meter: an evening of cooking, a home battery, an EVSE."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random

from custom_components.v2g_vpp.control.inputs import EvseInputs, SiteInputs
from custom_components.v2g_vpp.domain.site_meters import (
    SiteMeter,
    SiteMeters,
    SiteWiring,
)
from custom_components.v2g_vpp.domain.units import clamp, energy_wh
from custom_components.v2g_vpp.virtual.plant import PlantParameters
from tests.control.given import reading
from tests.control.rig import SUBSTEP_S, Rig

EVENING_S = 6 * 3600


def evening_w(seed: int) -> list[float]:
    """Return six hours of load, W each second: kettle, oven, induction; 6 to 7 kWh."""
    random = Random(seed)
    load_w = [300.0 + 60.0 * random.random() for _ in range(EVENING_S)]
    # A fridge.
    for begin in range(random.randrange(600), EVENING_S, 2_400):
        _add(load_w, begin, 800, 90.0)
    for _ in range(9):
        _add(load_w, random.randrange(EVENING_S - 300), random.randrange(90, 200), 2e3)
    # An oven heats up and then switches.
    begin = random.randrange(1_800, 3_600)
    _add(load_w, begin, 600, 2_400.0)
    for cycle in range(begin + 660, begin + 4_200, 120):
        _add(load_w, cycle, random.randrange(35, 60), 2_400.0)
    # Two plates of a hob that pulse every few seconds.
    for power_w, minutes in ((1_800.0, 35), (1_200.0, 25)):
        begin, period_s = random.randrange(2_400, 5_400), random.randrange(6, 18)
        _add(load_w, begin, 240, power_w)
        for cycle in range(begin + 240, begin + 60 * minutes, period_s):
            _add(load_w, cycle, max(2, period_s // 3), power_w)
    # A dishwasher heats twice.
    begin = random.randrange(9_000, 12_000)
    for heat in (begin, begin + 3_000):
        _add(load_w, heat, 900, 2_000.0)
    return load_w


def _add(load_w: list[float], begin: int, duration_s: int, power_w: float) -> None:
    for second in range(begin, min(begin + duration_s, len(load_w))):
        load_w[second] += power_w


@dataclass(slots=True)
class HomeBattery:
    """A battery that holds its meter at 0 by itself."""

    answers_in_s: float
    maximum_w: float = 5_000.0
    capacity_wh: float = 10_000.0
    stored_wh: float = 5_000.0
    power_w: float = 0.0
    """Positive = it charges."""

    def step(self, others_w: float, duration_s: float) -> None:
        """Move towards what would bring the meter to 0."""
        share = min(1.0, duration_s / self.answers_in_s * 2.0)
        wish_w = self.power_w + share * (-others_w - self.power_w)
        lowest_w = -self.maximum_w if self.stored_wh > 0 else 0.0
        highest_w = self.maximum_w if self.stored_wh < self.capacity_wh else 0.0
        self.power_w = clamp(wish_w, lowest_w, highest_w)
        self.stored_wh += energy_wh(self.power_w, duration_s)


@dataclass(slots=True)
class Household:
    """Runs a rig beside a load; the meter of the grid reports once a second."""

    evse: EvseInputs
    parameters: PlantParameters
    load_w: Callable[[int], float]
    """Of each second, W; negative while the sun gives more than the house needs."""

    wiring: SiteWiring = field(default_factory=SiteWiring)
    battery: HomeBattery | None = None
    grid_lag_s: int = 0
    """How late the meter of the grid tells, without saying so."""

    imported_wh: float = 0.0
    exported_wh: float = 0.0
    shuttled_wh: float = 0.0
    """What went between the vehicle and the home battery."""

    grids_w: list[float] = field(default_factory=list)
    second: int = 0
    rig: Rig = field(init=False)
    meters: SiteMeters = field(init=False)

    def __post_init__(self) -> None:
        """Connect the meters."""
        names = [SiteMeter.GRID]
        if self.battery is not None:
            names.append(SiteMeter.BATTERY)
        self.meters = SiteMeters().kept(names)
        self.rig = Rig(evse=self.evse, parameters=self.parameters)
        self.rig.on_tick = self._report

    def run(self, seconds: int) -> None:
        """Let seconds pass and count what crosses the meter."""
        for _ in range(seconds):
            before = len(self.rig.powers_w)
            self.rig.run(1.0)
            for _, power_w in self.rig.powers_w[before:]:
                self._flow(power_w)
            self.grids_w.append(self._grid_w())
            self.second += 1

    def _flow(self, power_w: float) -> None:
        others_w = self.load_w(self.second) + power_w
        battery_w = 0.0
        if self.battery is not None:
            self.battery.step(others_w, SUBSTEP_S)
            battery_w = self.battery.power_w
            if power_w * battery_w < 0:
                both_w = min(abs(power_w), abs(battery_w))
                # Only what the house does not explain is the one feeding the other.
                load_w = self.load_w(self.second)
                fed_w = max(0.0, both_w - abs(load_w)) if power_w < 0 else both_w
                self.shuttled_wh += energy_wh(fed_w, SUBSTEP_S)
        grid_w = others_w + battery_w
        self.imported_wh += energy_wh(max(0.0, grid_w), SUBSTEP_S)
        self.exported_wh += energy_wh(max(0.0, -grid_w), SUBSTEP_S)

    def _grid_w(self) -> float:
        battery_w = self.battery.power_w if self.battery is not None else 0.0
        return self.load_w(self.second) + self.rig.power_w() + battery_w

    def _report(self, rig: Rig) -> None:
        told_w = self._grid_w()
        if self.grid_lag_s and len(self.grids_w) >= self.grid_lag_s:
            told_w = self.grids_w[-self.grid_lag_s]
        meters = self.meters.updated_by(SiteMeter.GRID, reading(told_w, rig.now_s))
        if self.battery is not None:
            meters = meters.updated_by(
                SiteMeter.BATTERY, reading(self.battery.power_w, rig.now_s)
            )
        self.meters = meters
        rig.site = SiteInputs(meters=meters, wiring=self.wiring)


def turns_per_hour(writes_w: Sequence[float], hours: float) -> float:
    """Return how often a series of setpoints changed its direction."""
    moving = [power_w for power_w in writes_w if power_w != 0]
    turns = sum(1 for a, b in pairwise(moving) if a * b < 0)
    return turns / hours
