"""Power that shall follow the frequency of the grid, and why a home may not offer it."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import isfinite

FEWEST_POINTS = 2
MOST_POINTS = 16
"""Of a curve (VPP contract, command)."""

NOMINAL_TOLERANCE_HZ = 0.1
"""The set frequency of a grid is moved a little to correct its clocks; another grid is
10 Hz away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Droop:
    """Power against the deviation from a nominal frequency.

    Raises:
        ValueError: for numbers that no droop has.
    """

    nominal_hz: float
    dead_band_hz: float
    """To both sides of the nominal frequency: inside it nothing is asked for."""

    power_w_per_hz: float
    """Of what lies beyond the dead band, >= 0: more frequency charges more."""

    def __post_init__(self) -> None:
        """Refuse what is no number, and a droop that would add to the deviation."""
        numbers = (self.nominal_hz, self.dead_band_hz, self.power_w_per_hz)
        if not all(isfinite(number) and number >= 0 for number in numbers):
            raise ValueError("a number of the droop is no number >= 0")

    def fits(self, nominal_hz: float) -> bool:
        """Return True when it is about a grid of this nominal frequency."""
        return abs(self.nominal_hz - nominal_hz) <= NOMINAL_TOLERANCE_HZ

    @property
    def may_charge(self) -> bool:
        """True when some frequency asks for charging."""
        return self.power_w_per_hz > 0

    @property
    def may_discharge(self) -> bool:
        """True when some frequency asks for discharge."""
        return self.power_w_per_hz > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyPoint:
    """A power at a frequency."""

    frequency_hz: float
    power_w: float
    """Signed: positive flows into the vehicle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyCurve:
    """Points of power over frequency: straight between two, level beyond the ends.

    Raises:
        ValueError: for too few or too many points, for frequencies that do not rise, and
            for a power that falls with the frequency: it would add to the deviation.
    """

    points: tuple[FrequencyPoint, ...]

    def __post_init__(self) -> None:
        """Refuse what is no curve."""
        if not FEWEST_POINTS <= len(self.points) <= MOST_POINTS:
            raise ValueError(f"a curve has {FEWEST_POINTS} to {MOST_POINTS} points")
        numbers = [n for p in self.points for n in (p.frequency_hz, p.power_w)]
        if not all(isfinite(number) for number in numbers):
            raise ValueError("a number of the curve is none")
        for low, high in pairwise(self.points):
            if low.frequency_hz >= high.frequency_hz or low.power_w > high.power_w:
                raise ValueError("frequencies must rise, and no power may fall")

    def fits(self, nominal_hz: float) -> bool:
        """Return True when it is about a grid of this nominal frequency."""
        first, last = self.points[0], self.points[-1]
        return first.frequency_hz <= nominal_hz <= last.frequency_hz

    @property
    def may_charge(self) -> bool:
        """True when some frequency asks for charging."""
        return self.points[-1].power_w > 0

    @property
    def may_discharge(self) -> bool:
        """True when some frequency asks for discharge."""
        return self.points[0].power_w < 0


type FrequencyResponse = Droop | FrequencyCurve


class SupportRefusal(StrEnum):
    """Why a home does not follow the frequency; the first one is told."""

    NO_PROFILE = "no_profile"
    """No region was chosen for the grid, so that nothing is known of it."""

    NOT_MEASURED = "not_measured"
    """Too few readings, or none that changes, to say how fine and how often they are."""

    TOO_COARSE = "too_coarse"
    TOO_SELDOM = "too_seldom"
    FEW_WRITES = "few_writes"
    """The charger may be told another power less often than the frequency moves."""

    NOT_LEARNT = "not_learnt"
    """How quickly the charger answers is not known."""

    TOO_SLOW = "too_slow"

    @property
    def is_of_meter(self) -> bool:
        """True when the reading is not good enough, whatever the charger is."""
        return self in _OF_METER


_OF_METER = frozenset(
    {SupportRefusal.NOT_MEASURED, SupportRefusal.TOO_COARSE, SupportRefusal.TOO_SELDOM}
)
