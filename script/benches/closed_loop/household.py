"""What a household uses, by the second: small generators with fixed seeds."""

from collections.abc import Sequence
from random import Random

EVENING_S = 6 * 3_600
STANDING_W = 110.0
FRIDGE_W = 90.0
KETTLE_W = 2_000.0
OVEN_W = 2_500.0
HOB_W = 1_800.0
DISHWASHER_W = 2_100.0
LIGHTS_W = 60.0
WASHING_W = 2_000.0


class Household:
    """Appliances that are switched on over some hours; adds up their power."""

    def __init__(self, seed: int, seconds: int) -> None:
        """Begin with what is always on."""
        self.random = Random(seed)  # noqa: S311 - a household, not a secret
        self.load_w = [STANDING_W] * seconds
        self.fridge()

    def use(self, begin_s: float, duration_s: float, power_w: float) -> None:
        """Add a constant power for a while."""
        last = min(len(self.load_w), round(begin_s + duration_s))
        for second in range(max(0, round(begin_s)), last):
            self.load_w[second] += power_w

    def fridge(self) -> None:
        """A compressor: a third of the time."""
        at_s = self.random.uniform(0.0, 2_400.0)
        while at_s < len(self.load_w):
            self.use(at_s, 900.0, FRIDGE_W)
            at_s += self.random.uniform(2_400.0, 3_000.0)

    def kettle(self, at_s: float) -> None:
        """Two to four minutes at full power."""
        self.use(at_s, self.random.uniform(120.0, 240.0), KETTLE_W)

    def oven(self, at_s: float, duration_s: float) -> None:
        """Heats up, then a thermostat."""
        self.use(at_s, 600.0, OVEN_W)
        pulse_s = at_s + 660.0
        while pulse_s < at_s + duration_s:
            self.use(pulse_s, self.random.uniform(60.0, 110.0), OVEN_W)
            pulse_s += self.random.uniform(140.0, 200.0)

    def hob(self, at_s: float, duration_s: float) -> None:
        """Induction: boils for some minutes, then switches on and off."""
        self.use(at_s, 420.0, HOB_W)
        pulse_s = at_s + 420.0
        while pulse_s < at_s + duration_s:
            on_s = self.random.uniform(40.0, 90.0)
            self.use(pulse_s, on_s, HOB_W)
            pulse_s += on_s + self.random.uniform(20.0, 45.0)

    def dishwasher(self, at_s: float) -> None:
        """Heats its water twice."""
        self.use(at_s, 80.0 * 60.0, 60.0)
        for later_s in (600.0, 3_300.0):
            self.use(at_s + later_s, self.random.uniform(780.0, 960.0), DISHWASHER_W)


def evening(seed: int) -> Sequence[float]:
    """Return the load of an evening of 6 h, W each second; about 6.4 kWh.

    Kettle, oven and induction: large powers that come and go, some within seconds.
    """
    home = Household(seed, EVENING_S)
    at = home.random.uniform
    for hour in (0.3, 1.1, 2.4, 4.2, 5.3):
        home.kettle(3_600.0 * (hour + at(-0.2, 0.2)))
    home.oven(3_600.0 * at(0.6, 1.0), 3_600.0 * at(1.1, 1.3))
    home.hob(3_600.0 * at(1.2, 1.5), 2_400.0)
    home.hob(3_600.0 * at(2.2, 2.6), 1_500.0)
    home.dishwasher(3_600.0 * at(3.2, 3.6))
    home.use(3_600.0 * at(4.4, 4.7), 1_000.0, WASHING_W)
    home.use(3_600.0 * at(0.5, 1.0), 4.5 * 3_600.0, LIGHTS_W)
    return home.load_w


def evening_by_phase(seed: int) -> Sequence[Sequence[float]]:
    """Return an evening on three phases, W each second; the large loads are shared."""
    one, two, three = (Household(seed + number, EVENING_S) for number in range(3))
    at = one.random.uniform
    for hour in (0.3, 1.1, 2.4, 4.2, 5.3):
        one.kettle(3_600.0 * (hour + at(-0.2, 0.2)))
    one.oven(3_600.0 * at(0.6, 1.0), 3_600.0 * at(1.1, 1.3))
    two.hob(3_600.0 * at(1.2, 1.5), 2_400.0)
    two.hob(3_600.0 * at(2.2, 2.6), 1_500.0)
    three.dishwasher(3_600.0 * at(3.2, 3.6))
    three.use(3_600.0 * at(4.4, 4.7), 1_150.0, WASHING_W)
    return one.load_w, two.load_w, three.load_w
