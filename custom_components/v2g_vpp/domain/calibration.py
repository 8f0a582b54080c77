"""How far the meter of an EVSE is off, as a reference meter showed it."""

from dataclasses import dataclass, replace
from enum import StrEnum

from .measurement import Reading

LOWEST_GAIN, HIGHEST_GAIN = 0.9, 1.1
LARGEST_OFFSET_W = 300.0
"""Beyond them a meter is broken or wired wrong, not off (control brief)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A straight line from what the meter shows to what flows."""

    gain: float
    """0.9..1.1."""

    offset_w: float
    """-300..300."""

    residual_w: float
    """Largest miss of the line at a power that it was made of, >= 0."""

    samples: float
    """How many pairs of readings it was made of."""

    made_at: str
    """RFC 3339 UTC."""

    def calibrated(self, reading: Reading | None) -> Reading | None:
        """Return a reading of the meter as what flows; what is not known stays so."""
        if reading is None:
            return None
        return replace(reading, value=self.power_w(reading.value))

    def power_w(self, raw_w: float) -> float:
        """Return what flows when the meter shows ``raw_w``."""
        return self.gain * raw_w + self.offset_w


def believable_w(raw_w: float, calibration: Calibration | None) -> tuple[float, float]:
    """Return the lowest and the highest power that may flow, W.

    What protects takes the worse of the two: neither the meter nor its calibration is
    believed where that would allow more.

    Args:
        raw_w: what the meter shows.
        calibration: of the meter, None without one.
    """
    if calibration is None:
        return raw_w, raw_w
    power_w = calibration.power_w(raw_w)
    return min(raw_w, power_w), max(raw_w, power_w)


class CalibrationStep(StrEnum):
    """What a calibration needs next."""

    HOLD_POWER = "hold_power"
    """More samples at this power."""

    CHANGE_POWER = "change_power"
    """This power is known: now another one, at least 1.5 kW away."""

    DONE = "done"
    GAIN_OUT_OF_RANGE = "gain_out_of_range"
    OFFSET_OUT_OF_RANGE = "offset_out_of_range"
    NOT_STEADY = "not_steady"
    """The two meters do not agree from one sample to the next."""

    NOT_STRAIGHT = "not_straight"
    """No line goes through all levels."""

    TOO_MANY_POWERS = "too_many_powers"


REFUSALS = frozenset(
    {
        CalibrationStep.GAIN_OUT_OF_RANGE,
        CalibrationStep.OFFSET_OUT_OF_RANGE,
        CalibrationStep.NOT_STEADY,
        CalibrationStep.NOT_STRAIGHT,
        CalibrationStep.TOO_MANY_POWERS,
    }
)
"""With them a calibration ends without one; the next sample begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationProgress:
    """How far a calibration is."""

    step: CalibrationStep
    levels: tuple[tuple[float, float, int], ...]
    """Meter, reference and samples of each power, in the order of their begin."""

    gain: float | None = None
    offset_w: float | None = None
    residual_w: float | None = None
    """Of the line, also of one that is refused; None before there is one."""

    calibration: Calibration | None = None
    """Set when the step is DONE."""
