"""The output gate's own look at grid and heat.

It shares no code with the watches that the coordinator listens to, and keeps no more
than when the grid was last seen out of service. A lost voltage is not judged here: an
open contactor shows the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ..domain.grid_profile import UNSPECIFIED, GridProfile, TripPoint, is_plausible_hz
from ..domain.heat import HANDLE_FRESH_S, HANDLE_STOP_C, HANDLE_WARN_C
from ..domain.measurement import LONGEST_STALE_AFTER_S, Reading, is_fresh
from ..domain.setpoint import Reason

LONG_AGO_S = float("-inf")


@dataclass(frozen=True, slots=True, kw_only=True)
class GridFacts:
    """What is known of the grid at one EVSE, as raw as it came in."""

    profile: GridProfile = UNSPECIFIED
    frequency_hz: Reading | None = None
    is_islanded: bool = False
    out_mono_s: float = LONG_AGO_S
    """When a generator was last seen to have to be out of service."""

    load_out_mono_s: float = LONG_AGO_S
    """The same for a load, which neither a frequency that is too high nor a station
    that was switched off keeps away."""


@dataclass(slots=True)
class GridTrace:
    """When the grid of one EVSE was last out of service."""

    out_mono_s: float = LONG_AGO_S
    load_out_mono_s: float = LONG_AGO_S
    _crossed_mono_s: dict[TripPoint, float] = field(default_factory=dict)

    def note(
        self,
        frequency_hz: Reading | None,
        profile: GridProfile,
        now_mono_s: float,
        *,
        is_islanded: bool,
        has_lost_power: bool,
    ) -> None:
        """Take what was told.

        Args:
            frequency_hz: the newest reading, whatever its age.
            profile: of the region.
            now_mono_s: the present.
            is_islanded: the station makes a grid of its own.
            has_lost_power: the station tells that it had no power.
        """
        is_known = is_fresh(frequency_hz, now_mono_s, LONGEST_STALE_AFTER_S)
        value = frequency_hz.value if is_known and frequency_hz is not None else None
        is_implausible = value is not None and not is_plausible_hz(value)
        if is_islanded or is_implausible:
            self.out_mono_s = self.load_out_mono_s = now_mono_s
        elif has_lost_power:
            self.out_mono_s = now_mono_s
        for is_low, points in ((True, profile.under), (False, profile.over)):
            for point in points:
                if value is None:
                    continue
                limit_hz = point.frequency_hz
                if not (value < limit_hz if is_low else value > limit_hz):
                    self._crossed_mono_s.pop(point, None)
                    continue
                crossed = self._crossed_mono_s.setdefault(point, now_mono_s)
                if now_mono_s - crossed >= point.after_s:
                    self.out_mono_s = now_mono_s
                    if is_low:
                        self.load_out_mono_s = now_mono_s


def doubts_about_grid(
    facts: GridFacts, power_w: float, rating_w: float, now_mono_s: float
) -> Iterator[Reason]:
    """Yield what the grid holds against a power.

    Args:
        facts: of the grid.
        power_w: asked for, signed.
        rating_w: of the station in that direction.
        now_mono_s: the present.
    """
    profile, reading = facts.profile, facts.frequency_hz
    if facts.is_islanded:
        yield Reason.GRID_LOST
    if is_fresh(reading, now_mono_s, LONGEST_STALE_AFTER_S):
        is_cut = power_w > 0 and reading.value < profile.charge_cut_hz
        if is_cut or not is_plausible_hz(reading.value):
            yield Reason.GRID_FREQUENCY
    out_mono_s = facts.out_mono_s if power_w < 0 else facts.load_out_mono_s
    back_s = now_mono_s - out_mono_s - profile.enter_delay_s
    if back_s < 0 or abs(power_w) > entered_w(back_s, profile, rating_w):
        yield Reason.ENTER_SERVICE


def entered_w(back_s: float, profile: GridProfile, rating_w: float) -> float:
    """Return the power that the ramp of entering service allows, W.

    Args:
        back_s: since its begin.
        profile: of the region.
        rating_w: at its end.
    """
    if back_s >= profile.enter_ramp_s:
        return float("inf")
    # A watt for the rounding of whoever computed the same.
    return rating_w * back_s / profile.enter_ramp_s + 1.0


def heat_limit_w(handle_c: Reading | None, rating_w: float, now_mono_s: float) -> float:
    """Return the power that the present temperature of the handle allows, W.

    Args:
        handle_c: the last reading; without a fresh one nothing is known here.
        rating_w: that a cool handle carries.
        now_mono_s: the present.
    """
    if not is_fresh(handle_c, now_mono_s, HANDLE_FRESH_S):
        return float("inf")
    if handle_c.value <= HANDLE_WARN_C:
        return float("inf")
    left_k = max(0.0, HANDLE_STOP_C - handle_c.value)
    return rating_w * left_k / (HANDLE_STOP_C - HANDLE_WARN_C)
