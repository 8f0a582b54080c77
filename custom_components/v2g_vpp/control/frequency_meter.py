"""How well the frequency is measured, and whether a home can honestly follow it."""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from statistics import median

from ..domain.capability import Fingerprint
from ..domain.frequency_response import SupportRefusal
from ..domain.grid_profile import GridProfile
from ..domain.measurement import LONGEST_STALE_AFTER_S, Reading

FINEST_NEEDED_HZ = 0.010
LONGEST_PERIOD_S = 2.0
LONGEST_RESPONSE_S = 10.0
"""Worse than any of them, a droop would answer another grid than there is (control
brief, frequency support)."""

SLACK_S = 0.05
"""A meter that reports each two seconds is a little late half of the time."""

ROUNDING_HZ = 1e-6
"""Below it two readings differ by their floating point only."""

KEPT_READINGS = 120
"""A meter of 10 mHz shows a calm grid as the same number for many seconds."""

FEWEST_STEPS = 10
"""Changes of a frequency that are seen before its resolution is believed."""

SETTLED_SHARE = 0.9
"""A response time is told for this share of a step (IEEE 1547-2018)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrequencyQuality:
    """How good the readings of a frequency are; infinite while not known."""

    resolution_hz: float = inf
    period_s: float = inf


NOT_KNOWN = FrequencyQuality()


class FrequencyMeter:
    """Learn from its readings how fine and how often a frequency is measured.

    A meter that shows the same number for ever becomes one of which nothing is known:
    it may as well be stuck.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self._readings: deque[tuple[float, float]] = deque(maxlen=KEPT_READINGS)
        self._quality: FrequencyQuality | None = NOT_KNOWN
        """Of the kept readings; None: to be found anew."""

    def note(self, reading: Reading | None) -> None:
        """Take the newest reading; one that is known already is none."""
        if reading is None:
            return
        if self._readings and reading.received_mono_s <= self._readings[-1][0]:
            return
        self._readings.append((reading.received_mono_s, reading.value))
        self._quality = None

    def quality(self, now_mono_s: float) -> FrequencyQuality:
        """Return what the kept readings tell; nothing once they ended.

        Args:
            now_mono_s: the present.
        """
        if not self._readings:
            return NOT_KNOWN
        if now_mono_s - self._readings[-1][0] > LONGEST_STALE_AFTER_S:
            return NOT_KNOWN
        if self._quality is None:
            self._quality = self._find_quality()
        return self._quality

    def _find_quality(self) -> FrequencyQuality:
        pairs = list(pairwise(self._readings))
        steps_hz = [
            step_hz
            for (_, before), (_, after) in pairs
            if (step_hz := abs(after - before)) > ROUNDING_HZ
        ]
        if len(steps_hz) < FEWEST_STEPS:
            return NOT_KNOWN
        periods_s = [after - before for (before, _), (after, _) in pairs]
        return FrequencyQuality(resolution_hz=min(steps_hz), period_s=median(periods_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowingCharger:
    """What decides whether a charger keeps up with the frequency."""

    fingerprint: Fingerprint
    rated_w: float
    write_interval_s: float
    """How often it may be told another power, on average."""


def step_response_s(fingerprint: Fingerprint, rated_w: float) -> float:
    """Return how long a charger takes to 90 % of a step of its rating, s."""
    ramp_s = SETTLED_SHARE * abs(rated_w) / fingerprint.ramp_w_per_s
    return fingerprint.dead_time_s + ramp_s


def support_refusal(
    profile: GridProfile,
    quality: FrequencyQuality,
    charger: FollowingCharger,
) -> SupportRefusal | None:
    """Return why the frequency is not followed, None when it honestly can be.

    Args:
        profile: of the region.
        quality: of the frequency that is measured.
        charger: that would follow.
    """
    fingerprint = charger.fingerprint
    resolution_hz = quality.resolution_hz
    grounds = (
        (SupportRefusal.NO_PROFILE, profile.nominal_hz is None),
        (SupportRefusal.NOT_MEASURED, resolution_hz == inf),
        (SupportRefusal.TOO_COARSE, resolution_hz > FINEST_NEEDED_HZ + ROUNDING_HZ),
        (SupportRefusal.TOO_SELDOM, quality.period_s > LONGEST_PERIOD_S + SLACK_S),
        (SupportRefusal.FEW_WRITES, charger.write_interval_s > LONGEST_PERIOD_S),
        (SupportRefusal.NOT_LEARNT, not fingerprint.is_learnt),
        (
            SupportRefusal.TOO_SLOW,
            step_response_s(fingerprint, charger.rated_w) > LONGEST_RESPONSE_S,
        ),
    )
    return next((refusal for refusal, applies in grounds if applies), None)
