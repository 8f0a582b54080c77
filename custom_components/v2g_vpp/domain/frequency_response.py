"""Power that a station takes from the frequency of the grid by itself."""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import isfinite

from .grid_profile import PLAUSIBLE_HIGH_HZ, PLAUSIBLE_LOW_HZ
from .ids import EvseKey, TransactionId

FEWEST_POINTS = 2
MOST_POINTS = 20
"""OCPP 2.1 Q08 and the schema of a charging profile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyPoint:
    """A power at a frequency; between two points it is interpolated."""

    frequency_hz: float
    power_w: float
    """Signed, on top of the baseline; positive flows into the vehicle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalPoint:
    """A power for a signal of the transmission operator."""

    signal: int
    power_w: float
    """Signed, on top of the baseline and of what the frequency asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyResponse:
    """Let an EVSE follow the frequency of the grid during a transaction (OCPP Q08)."""

    key: EvseKey
    transaction_id: TransactionId
    baseline_w: float
    """Signed; positive flows into the vehicle."""

    by_frequency: tuple[FrequencyPoint, ...]
    """By rising frequency."""

    decided_mono_s: float
    by_signal: tuple[SignalPoint, ...] = ()

    @property
    def is_sound(self) -> bool:
        """True for finite powers at plausible frequencies that only rise."""
        points, signals = self.by_frequency, self.by_signal
        if not FEWEST_POINTS <= len(points) <= MOST_POINTS:
            return False
        if len(signals) > MOST_POINTS:
            return False
        powers_w = [self.baseline_w, *(p.power_w for p in points)]
        powers_w += [p.power_w for p in signals]
        marks = [PLAUSIBLE_LOW_HZ, *(p.frequency_hz for p in points), PLAUSIBLE_HIGH_HZ]
        # Comparisons with NaN are false, so that it is never in order.
        is_rising = all(low < high for low, high in pairwise(marks))
        return is_rising and all(isfinite(power_w) for power_w in powers_w)

    @property
    def lowest_w(self) -> float:
        """Return the lowest power that it can ask for, signed."""
        # Without a signal nothing is added.
        signals_w = [0.0, *(point.power_w for point in self.by_signal)]
        frequency_w = min(point.power_w for point in self.by_frequency)
        return self.baseline_w + frequency_w + min(signals_w)

    @property
    def highest_w(self) -> float:
        """Return the highest power that it can ask for, signed."""
        signals_w = [0.0, *(point.power_w for point in self.by_signal)]
        frequency_w = max(point.power_w for point in self.by_frequency)
        return self.baseline_w + frequency_w + max(signals_w)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSignal:
    """A signal of the transmission operator, for EVSEs that follow one (OCPP Q08)."""

    begins_at: datetime
    signal: int
