"""Power by the frequency of the grid: what it asks for, and the way there."""

from dataclasses import dataclass
from itertools import pairwise
from math import copysign, exp, log
from typing import TypeGuard

from ..domain.frequency_response import Droop, FrequencyCurve, FrequencyResponse
from ..domain.grid_profile import GridProfile, is_plausible_hz
from ..domain.measurement import Reading, is_fresh
from ..domain.setpoint import Reason
from ..domain.units import clamp
from .frequency_meter import LONGEST_PERIOD_S, SETTLED_SHARE

FREQUENCY_FRESH_S = 3.0 * LONGEST_PERIOD_S
"""Two readings may be lost in a row; then nobody knows what the grid needs."""

OUTPUT_BAND_W = 115.0
"""A change below it is not asked for: half an ampere of one phase, which most chargers
round away, so that it would be a write for nothing."""


def profile_droop(profile: GridProfile, rated_w: float) -> Droop | None:
    """Return the droop of a profile as watts per hertz, None without a region.

    Args:
        profile: of the region.
        rated_w: of the charger.
    """
    if profile.nominal_hz is None:
        return None
    return Droop(
        nominal_hz=profile.nominal_hz,
        dead_band_hz=profile.deadband_hz,
        power_w_per_hz=rated_w / (profile.nominal_hz * profile.droop),
    )


def support_power_w(response: FrequencyResponse, frequency_hz: float) -> float:
    """Return what a frequency asks for, W; positive into the vehicle.

    Args:
        response: droop or curve.
        frequency_hz: measured.
    """
    match response:
        case Droop():
            off_hz = frequency_hz - response.nominal_hz
            beyond_hz = max(0.0, abs(off_hz) - response.dead_band_hz)
            return copysign(beyond_hz * response.power_w_per_hz, off_hz) + 0.0
        case FrequencyCurve():
            return _along(response, frequency_hz) + 0.0


def _along(curve: FrequencyCurve, frequency_hz: float) -> float:
    first, last = curve.points[0], curve.points[-1]
    if frequency_hz <= first.frequency_hz:
        return first.power_w
    for low, high in pairwise(curve.points):
        if frequency_hz < high.frequency_hz:
            span_hz = high.frequency_hz - low.frequency_hz
            share = (frequency_hz - low.frequency_hz) / span_hz
            power_w = low.power_w + share * (high.power_w - low.power_w)
            return clamp(power_w, low.power_w, high.power_w)
    return last.power_w


class DroopFilter:
    """The answer in time: 90 % of a step by the response time of the profile."""

    def __init__(self) -> None:
        """Start without any support."""
        self.power_w = 0.0
        """What was asked for last."""

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
            self.power_w = wanted_w
        else:
            decades = -log(1.0 - SETTLED_SHARE) * elapsed_s / profile.response_s
            self.power_w += (wanted_w - self.power_w) * (1.0 - exp(-decades))
        return self.power_w


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """What an order asks for by the frequency of this moment."""

    power_w: float
    reason: Reason
    """Other than as requested: nothing is known to ask for."""


SILENT = Followed(power_w=0.0, reason=Reason.FREQUENCY_STALE)


class FrequencyFollower:
    """One order's way after the frequency, from step to step.

    More is asked for at the pace of the profile. Less is asked for at once: no power is
    owed that the present frequency does not ask for.
    """

    def __init__(self) -> None:
        """Start at rest."""
        self._filter = DroopFilter()
        self._held_w = 0.0

    def step(
        self,
        response: FrequencyResponse,
        reading: Reading | None,
        profile: GridProfile,
        now_mono_s: float,
    ) -> Followed:
        """Return what to ask for now.

        Args:
            response: of the order.
            reading: of the frequency, None when there is none.
            profile: of the region.
            now_mono_s: the present.

        Returns:
            0 W without a fresh and plausible frequency; else a power between 0 and
            what the frequency asks for, give or take the output band.
        """
        if not is_followable(reading, now_mono_s):
            self._filter.step(0.0, profile, now_mono_s)
            self._rest()
            return SILENT
        wanted_w = support_power_w(response, reading.value)
        if wanted_w * self._filter.power_w < 0:
            self._rest()
        filtered_w = self._filter.step(wanted_w, profile, now_mono_s)
        if wanted_w == 0:
            self._rest()
        else:
            most_w = abs(wanted_w) + OUTPUT_BAND_W
            self._filter.power_w = clamp(filtered_w, -most_w, most_w)
            if abs(self._filter.power_w - self._held_w) >= OUTPUT_BAND_W:
                self._held_w = self._filter.power_w
            self._held_w = clamp(self._held_w, -most_w, most_w)
        return Followed(power_w=self._held_w, reason=Reason.AS_REQUESTED)

    def _rest(self) -> None:
        self._filter.power_w = self._held_w = 0.0


def is_followable(reading: Reading | None, now_mono_s: float) -> TypeGuard[Reading]:
    """Return True for a frequency that is fresh and that a grid can have."""
    return is_fresh(reading, now_mono_s, FREQUENCY_FRESH_S) and is_plausible_hz(
        reading.value
    )
