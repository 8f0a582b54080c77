"""What a meter showed since a moment: where it came to rest, and how it got there."""

from dataclasses import dataclass
from statistics import median

from ..domain.measurement import Reading

STEADY_SAMPLES = 3
STEADY_SPREAD_W = 120.0
"""Meters of 11 kW chargers show some ten watts of noise."""

SIGN_OF_FLOW_W = 200.0
"""A change beyond the noise of the meter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One reading of a power."""

    at_mono_s: float
    power_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a charger went from one power to another."""

    dead_time_s: float
    ramp_w_per_s: float


class FlowSamples:
    """Readings since the begin of a phase."""

    def __init__(self, begun_mono_s: float = 0.0) -> None:
        """Count only what reaches us after ``begun_mono_s``."""
        self._begun_mono_s = begun_mono_s
        self._samples: list[Sample] = []

    def __bool__(self) -> bool:
        """Return True once there is a reading."""
        return bool(self._samples)

    @property
    def last(self) -> Sample:
        """The newest; there must be one."""
        return self._samples[-1]

    def take(self, reading: Reading | None) -> None:
        """Keep a reading that is new."""
        if reading is None or reading.received_mono_s <= self._begun_mono_s:
            return
        if self._samples and reading.received_mono_s <= self.last.at_mono_s:
            return
        self._samples.append(
            Sample(at_mono_s=reading.received_mono_s, power_w=reading.value)
        )

    def steady_w(self) -> float | None:
        """Return the median of the last samples when they agree, W."""
        powers = [sample.power_w for sample in self._samples[-STEADY_SAMPLES:]]
        is_enough = len(powers) == STEADY_SAMPLES
        if not is_enough or max(powers) - min(powers) > STEADY_SPREAD_W:
            return None
        return median(powers)

    def answer(self, from_w: float, to_w: float) -> Answer | None:
        """Return dead time and ramp of a change that has just come to rest.

        None when that is no change beyond the noise.
        """
        moved = [s for s in self._samples if abs(s.power_w - from_w) > SIGN_OF_FLOW_W]
        if not moved:
            return None
        first = moved[0]
        quiet_mono_s = max(
            (s.at_mono_s for s in self._samples if s.at_mono_s < first.at_mono_s),
            default=self._begun_mono_s,
        )
        arrived = next(s for s in moved if abs(s.power_w - to_w) <= STEADY_SPREAD_W)
        return Answer(
            dead_time_s=first.at_mono_s - self._begun_mono_s,
            ramp_w_per_s=abs(to_w - from_w) / (arrived.at_mono_s - quiet_mono_s),
        )
