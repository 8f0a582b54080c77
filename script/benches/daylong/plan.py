"""What happens in the home on one day in April, by minutes since midnight.

Load, sun and clouds come from small generators with a fixed seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sin
from random import Random

from custom_components.v2g_vpp.domain.chemistry import Chemistry
from custom_components.v2g_vpp.domain.ids import VehicleId
from custom_components.v2g_vpp.domain.policy import Mode, VehiclePolicy, VehicleSpec
from script.benches.closed_loop.household import Household

DAY_MIN = 24 * 60
SEED = 7
PEAK_SUN_W = 6_500.0
SUNRISE_MIN, SUNSET_MIN = 6 * 60 + 20, 19 * 60 + 50

EXPORT_PRICE = 0.08
"""Per kWh, for what the home feeds in."""

IMPORT_PRICES = (
    *(0.21,) * 6,
    *(0.34,) * 3,
    *(0.26,) * 2,
    *(0.19,) * 4,
    *(0.24,) * 2,
    *(0.41,) * 4,
    *(0.31,) * 2,
    0.23,
)
"""Per kWh, by the hour."""

ANN = VehicleSpec(
    vehicle_id=VehicleId("ev1"),
    name="Ann's car",
    capacity_wh=60_000.0,
    evcc_id="EV1",
    chemistry=Chemistry.NMC,
)
BEN = VehicleSpec(
    vehicle_id=VehicleId("ev2"),
    name="Ben's car",
    capacity_wh=50_000.0,
    evcc_id="EV2",
    chemistry=Chemistry.LFP,
)
VEHICLES = (ANN, BEN)
POLICY = VehiclePolicy(
    reserve_percent=35.0,
    vpp_reserve_percent=45.0,
    max_soc_percent=80.0,
    is_discharge_allowed=True,
    cycle_budget_percent=30.0,
)
"""Both owners give the power plant more than the 10 % that a vehicle begins with."""

GUEST_ID, GUEST_WH = "GUEST", 40_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A vehicle at an outlet."""

    outlet: int
    """0 or 1."""

    vehicle: VehicleSpec | None
    """None: a guest."""

    from_min: int
    until_min: int
    soc_percent: float
    """When it arrives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """An order of the aggregator for the whole home."""

    from_min: int
    duration_min: int
    power_w: float
    price: float
    """Per kWh, for energy either way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChange:
    """What the owner, or a clock of his, chooses."""

    at_min: int
    outlet: int
    mode: Mode


VISITS = (
    Visit(outlet=0, vehicle=ANN, from_min=0, until_min=450, soc_percent=52.0),
    Visit(outlet=1, vehicle=BEN, from_min=0, until_min=540, soc_percent=46.0),
    Visit(outlet=1, vehicle=None, from_min=640, until_min=830, soc_percent=30.0),
    Visit(outlet=0, vehicle=ANN, from_min=1_045, until_min=1_440, soc_percent=58.0),
    Visit(outlet=1, vehicle=BEN, from_min=1_080, until_min=1_440, soc_percent=64.0),
)
DISPATCHES = (
    Dispatch(from_min=405, duration_min=30, power_w=-6_000.0, price=0.45),
    Dispatch(from_min=750, duration_min=30, power_w=5_000.0, price=0.05),
    Dispatch(from_min=1_140, duration_min=60, power_w=-9_000.0, price=0.55),
)
FAULT_MIN = (1_165, 1_173)
"""The station of the first outlet reports a fault, in the middle of a dispatch."""

MODES = (
    ModeChange(at_min=0, outlet=0, mode=Mode.CHARGE_NOW),
    ModeChange(at_min=0, outlet=1, mode=Mode.OFF),
    # The cheap hours are shared: the house connection is not made for both at once.
    ModeChange(at_min=150, outlet=0, mode=Mode.SELF_CONSUMPTION),
    ModeChange(at_min=150, outlet=1, mode=Mode.CHARGE_NOW),
    ModeChange(at_min=330, outlet=1, mode=Mode.SELF_CONSUMPTION),
    ModeChange(at_min=640, outlet=1, mode=Mode.SOLAR),
    ModeChange(at_min=840, outlet=1, mode=Mode.SELF_CONSUMPTION),
    ModeChange(at_min=1_045, outlet=0, mode=Mode.SELF_CONSUMPTION),
    ModeChange(at_min=1_380, outlet=0, mode=Mode.CHARGE_NOW),
)


def load_w() -> Sequence[float]:
    """Return what the household uses, W each second of the day; about 11 kWh."""
    home = Household(SEED, DAY_MIN * 60)
    at = home.random.uniform
    for minute in (385, 400, 620, 770, 985, 1_130, 1_275):
        home.kettle(60.0 * (minute + at(-5.0, 5.0)))
    home.hob(60.0 * at(735.0, 745.0), 1_200.0)
    home.oven(60.0 * at(1_075.0, 1_090.0), 3_900.0)
    home.hob(60.0 * at(1_110.0, 1_120.0), 1_800.0)
    home.dishwasher(60.0 * at(1_215.0, 1_225.0))
    home.use(60.0 * at(560.0, 570.0), 1_200.0, 2_000.0)
    for begin, end in ((360, 480), (1_060, 1_380)):
        home.use(60.0 * begin, 60.0 * (end - begin), 180.0)
    return home.load_w


def sun_w() -> Sequence[float]:
    """Return what the panels make, W each second of the day."""
    random = Random(SEED)  # noqa: S311 - a sky, not a secret
    day_s = 60.0 * (SUNSET_MIN - SUNRISE_MIN)
    powers_w, clear, wanted = list[float](), 1.0, 1.0
    for second in range(DAY_MIN * 60):
        if random.random() < 1.0 / 420.0:
            wanted = random.choice((1.0, 1.0, 0.85, 0.5, 0.3))
        clear += (wanted - clear) / 25.0
        through = (second - 60.0 * SUNRISE_MIN) / day_s
        height = sin(pi * through) if 0.0 < through < 1.0 else 0.0
        powers_w.append(PEAK_SUN_W * clear * height**1.3)
    return powers_w


def import_price(minute: int) -> float:
    """Return what a kWh costs in a minute of the day."""
    return IMPORT_PRICES[minute // 60]
