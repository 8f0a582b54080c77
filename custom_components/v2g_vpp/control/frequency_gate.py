"""The output gate's own look at what shall follow the frequency.

It shares no code with what followed it before, and remembers nothing: the frequency of
this moment must ask for the power, or it is not asked for.
"""

from bisect import bisect_right
from collections.abc import Iterator

from ..domain.frequency_response import Droop, FrequencyCurve, FrequencyResponse
from ..domain.grid_profile import GridProfile, is_plausible_hz
from ..domain.measurement import is_fresh
from ..domain.policy import StationLimits
from ..domain.setpoint import Reason
from .gate_surroundings import GridFacts

UNHEARD_AFTER_S = 6.0
"""Of a frequency that comes each two seconds three were lost."""

TOLERANCE_W = 1_150.0
TOLERANCE_SHARE = 0.15
"""A charger is told more than shall flow when it gives less than it is told, and small
changes of the frequency are not followed."""


def resting_droop(profile: GridProfile, limits: StationLimits) -> Droop | None:
    """Return what an EVSE at rest may follow, None without a region.

    Args:
        profile: of the region.
        limits: of the station.
    """
    nominal_hz = profile.nominal_hz
    if nominal_hz is None:
        return None
    whole_hz = profile.droop * nominal_hz
    largest_w = max(limits.max_discharge_power_w, limits.max_charge_power_w)
    return Droop(
        nominal_hz=nominal_hz,
        dead_band_hz=profile.deadband_hz,
        power_w_per_hz=largest_w / whole_hz,
    )


def doubts_about_response(
    response: FrequencyResponse, facts: GridFacts, power_w: float, now_mono_s: float
) -> Iterator[Reason]:
    """Yield why the frequency does not ask for a power.

    Args:
        response: of the order that asks.
        facts: of the grid, with the raw frequency.
        power_w: that is to go to the wire, signed, not 0.
        now_mono_s: the present.
    """
    nominal_hz, reading = facts.profile.nominal_hz, facts.frequency_hz
    if nominal_hz is None or not response.fits(nominal_hz):
        yield Reason.FREQUENCY_UNFIT
    if not is_fresh(reading, now_mono_s, UNHEARD_AFTER_S):
        yield Reason.FREQUENCY_STALE
        return
    if not is_plausible_hz(reading.value):
        yield Reason.GRID_FREQUENCY
    asked_w = _asked_w(response, reading.value)
    most_w = abs(asked_w) * (1.0 + TOLERANCE_SHARE) + TOLERANCE_W
    if not asked_w * power_w > 0 or abs(power_w) > most_w:
        yield Reason.OUTPUT_GATE


def _asked_w(response: FrequencyResponse, frequency_hz: float) -> float:
    if isinstance(response, Droop):
        lowest_hz = response.nominal_hz - response.dead_band_hz
        highest_hz = response.nominal_hz + response.dead_band_hz
        nearest_hz = min(max(frequency_hz, lowest_hz), highest_hz)
        return (frequency_hz - nearest_hz) * response.power_w_per_hz
    return _read_off_w(response, frequency_hz)


def _read_off_w(curve: FrequencyCurve, frequency_hz: float) -> float:
    points = curve.points
    above = bisect_right([point.frequency_hz for point in points], frequency_hz)
    if above in (0, len(points)):
        return points[min(above, len(points) - 1)].power_w
    left, right = points[above - 1], points[above]
    to_left_hz = frequency_hz - left.frequency_hz
    to_right_hz = right.frequency_hz - frequency_hz
    weighed = left.power_w * to_right_hz + right.power_w * to_left_hz
    return weighed / (to_left_hz + to_right_hz)
