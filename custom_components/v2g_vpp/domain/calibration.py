"""How far the meter of an EVSE is off, as a reference meter showed it."""

from dataclasses import dataclass, replace

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

    samples: int
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
