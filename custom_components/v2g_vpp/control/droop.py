"""Power by the frequency of the grid, and whether a home can honestly offer it."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import copysign, exp, inf, log
from statistics import median

from ..domain.capability import Fingerprint
from ..domain.grid_profile import GridProfile
from ..domain.measurement import Reading

FINEST_NEEDED_HZ = 0.010
LONGEST_PERIOD_S = 2.0
LONGEST_RESPONSE_S = 10.0
"""Worse than any of them, a droop would answer another grid than there is (control
brief, frequency support)."""

ROUNDING_HZ = 1e-6
"""Below it two readings differ by their floating point only."""

KEPT_READINGS = 60
FEWEST_STEPS = 10
"""Changes of a frequency that are seen before its resolution is believed."""

SETTLED_SHARE = 0.9
"""A response time is told for this share of a step (IEEE 1547-2018)."""


class DroopRefusal(StrEnum):
    """Why a home does not offer frequency support; the first one is told."""

    NO_PROFILE = "no_profile"
    NOT_MEASURED = "not_measured"
    """Too few readings to say how fine and how often they are."""

    TOO_COARSE = "too_coarse"
    TOO_SELDOM = "too_seldom"
    NOT_LEARNT = "not_learnt"
    """How quickly the charger answers is not known."""

    TOO_SLOW = "too_slow"


def droop_power_w(profile: GridProfile, frequency_hz: float, rated_w: float) -> float:
    """Return the change of power for a frequency, W; positive into the vehicle.

    Args:
        profile: of the region; without a nominal frequency there is no droop.
        frequency_hz: measured.
        rated_w: of the charger, > 0.
    """
    if profile.nominal_hz is None:
        return 0.0
    off_hz = frequency_hz - profile.nominal_hz
    beyond_hz = max(0.0, abs(off_hz) - profile.deadband_hz)
    share = min(1.0, beyond_hz / (profile.nominal_hz * profile.droop))
    return copysign(share * rated_w, off_hz) + 0.0


class DroopFilter:
    """The answer in time: 90 % of a step by the response time of the profile."""

    def __init__(self) -> None:
        """Start without any support."""
        self._power_w = 0.0
        self._step_mono_s: float | None = None

    def step(self, wanted_w: float, profile: GridProfile, now_mono_s: float) -> float:
        """Return what is asked for now, W.

        Args:
            wanted_w: what the frequency asks for.
            profile: whose ``response_s`` it keeps.
            now_mono_s: the present; a step back in time changes nothing.
        """
        before, self._step_mono_s = self._step_mono_s, now_mono_s
        elapsed_s = 0.0 if before is None else max(0.0, now_mono_s - before)
        if profile.response_s <= 0:
            self._power_w = wanted_w
        else:
            decades = -log(1.0 - SETTLED_SHARE) * elapsed_s / profile.response_s
            self._power_w += (wanted_w - self._power_w) * (1.0 - exp(-decades))
        return self._power_w


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyQuality:
    """How good the readings of a frequency are; infinite while not known."""

    resolution_hz: float = inf
    period_s: float = inf


class FrequencyMeter:
    """Learn from its readings how fine and how often a frequency is measured."""

    def __init__(self) -> None:
        """Know nothing."""
        self._readings: deque[tuple[float, float]] = deque(maxlen=KEPT_READINGS)

    def note(self, reading: Reading | None) -> None:
        """Take the newest reading; one that is known already is none."""
        if reading is None:
            return
        if self._readings and reading.received_mono_s <= self._readings[-1][0]:
            return
        self._readings.append((reading.received_mono_s, reading.value))

    @property
    def quality(self) -> FrequencyQuality:
        """What the kept readings tell."""
        kept = list(self._readings)
        pairs = list(pairwise(kept))
        steps_hz = [
            step_hz
            for (_, before), (_, after) in pairs
            if (step_hz := abs(after - before)) > ROUNDING_HZ
        ]
        if len(steps_hz) < FEWEST_STEPS:
            return FrequencyQuality()
        periods_s = [after - before for (before, _), (after, _) in pairs]
        return FrequencyQuality(resolution_hz=min(steps_hz), period_s=median(periods_s))


def step_response_s(fingerprint: Fingerprint, rated_w: float) -> float:
    """Return how long a charger takes to 90 % of a step of its rating, s."""
    ramp_s = SETTLED_SHARE * abs(rated_w) / fingerprint.ramp_w_per_s
    return fingerprint.dead_time_s + ramp_s


def droop_refusal(
    profile: GridProfile,
    quality: FrequencyQuality,
    fingerprint: Fingerprint,
    rated_w: float,
) -> DroopRefusal | None:
    """Return why a droop is not offered, None when it honestly can be.

    Args:
        profile: of the region.
        quality: of the frequency that is measured.
        fingerprint: of the charger.
        rated_w: of the charger.
    """
    resolution_hz = quality.resolution_hz
    grounds = (
        (DroopRefusal.NO_PROFILE, profile.nominal_hz is None),
        (DroopRefusal.NOT_MEASURED, resolution_hz == inf),
        (DroopRefusal.TOO_COARSE, resolution_hz > FINEST_NEEDED_HZ + ROUNDING_HZ),
        (DroopRefusal.TOO_SELDOM, quality.period_s > LONGEST_PERIOD_S),
        (DroopRefusal.NOT_LEARNT, not fingerprint.is_learnt),
        (
            DroopRefusal.TOO_SLOW,
            step_response_s(fingerprint, rated_w) > LONGEST_RESPONSE_S,
        ),
    )
    return next((refusal for refusal, applies in grounds if applies), None)
