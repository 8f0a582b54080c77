"""What the home asks of its EVSEs: follow the grid meter, calmly.

The wish comes from the load alone, which is measured beside the EVSEs at one instant:
no power that was asked for before is part of it, so dead time cannot make it swing. Less
is asked for at once. More is asked for only when it was needed all the time for a while,
so that a hob that switches every few seconds is not followed but served at its bottom.
"""

from dataclasses import dataclass, replace

from ..domain.policy import PATIENT_SOLAR, Mode, SolarPolicy
from ..domain.setpoint import Reason
from ..domain.units import clamp
from .home_battery import LeftOver
from .house_load import Window

BIAS_W = 60.0
"""The grid is not held at 0 but this far on the harmless side: a little import while a
vehicle serves the home, a little export while it takes surplus (control brief)."""

DEAD_BAND_W = 150.0
"""A smaller change is not asked for (control brief)."""

RAISE_AFTER_S = 10.0
"""More is asked for when it was needed for this long (control brief)."""


SETTLED_AFTER_S = 20.0
SETTLED_BAND_W = 25.0
"""What was needed for this long is asked for inside the dead band as well: otherwise
half of the band is bought all evening."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandInputs:
    """What one step of the demand of a home is given."""

    mode: Mode
    """Of the EVSEs that follow together."""

    is_measured: bool
    """False: the home has no meter of the grid."""

    load: LeftOver | None
    """Of the home without these EVSEs; None: its meters are silent."""

    minimum_charge_w: float
    """Below it nothing flows: the smallest of the EVSEs, >= 0."""

    minimum_discharge_w: float
    maximum_charge_w: float
    """What the EVSEs can take together now, >= 0."""

    maximum_discharge_w: float
    """Positive magnitude."""

    running_w: float = 0.0
    """What the EVSEs do now, whoever asked for it: where the mode takes over."""

    solar: SolarPolicy = PATIENT_SOLAR
    peak_import_w: float | None = None
    """What peak shaving holds the import at; None: nobody said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What the EVSEs of one mode shall do together."""

    power_w: float
    reason: Reason
    needed_w: float = 0.0
    """What would bring the grid where the mode wants it, also where it is too little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """One direction: what is needed, and from where it can flow; magnitudes."""

    need_w: float
    minimum_w: float
    start_after_s: float
    stop_after_s: float = 0.0
    """Held at the minimum for this long before it stops."""


class MeterFollower:
    """Asks for power by the meter, for the EVSEs of one mode."""

    def __init__(self) -> None:
        """Start at rest: more than 0 must have been needed for a while."""
        self._held_w = 0.0
        self._is_new = True
        self._needs = Window(RAISE_AFTER_S)
        self._settled_needs = Window(SETTLED_AFTER_S)
        self._enough_since_s: float | None = None
        self._short_since_s: float | None = None

    def reset(self) -> None:
        """Come to rest: nobody follows the meter any more."""
        self._held_w = 0.0
        self._is_new = True
        self._needs.clear()
        self._settled_needs.clear()
        self._enough_since_s = self._short_since_s = None

    def step(self, inputs: DemandInputs, now_mono_s: float) -> Demand:
        """Return what to ask for now.

        Args:
            inputs: what is known.
            now_mono_s: the present.

        Returns:
            0 W, or a power within the maximum and not below the minimum of its
            direction.
        """
        is_peak = inputs.mode is Mode.PEAK_SHAVING
        if not inputs.is_measured or (is_peak and inputs.peak_import_w is None):
            self.reset()
            return Demand(power_w=0.0, reason=Reason.MODE_NOT_SET_UP)
        if inputs.load is None:
            self.reset()
            return Demand(power_w=0.0, reason=Reason.SITE_METER_STALE)
        if self._is_new:
            self._held_w, self._is_new = inputs.running_w, False
        self._held_w = clamp(
            self._held_w, -inputs.maximum_discharge_w, inputs.maximum_charge_w
        )
        need_w = needed_w(inputs, inputs.load)
        self._needs.take(need_w, now_mono_s)
        self._settled_needs.take(need_w, now_mono_s)
        is_charge = need_w > 0 if self._held_w == 0 else self._held_w > 0
        span = _span_of(inputs, need_w, is_charge=is_charge)
        held_w = self._next(span, is_charge, now_mono_s)
        self._held_w = held_w if is_charge else 0.0 - held_w
        if self._held_w != 0:
            return Demand(
                power_w=self._held_w, reason=Reason.AS_REQUESTED, needed_w=need_w
            )
        is_solar = inputs.mode is Mode.SOLAR
        reason = Reason.NO_SURPLUS if is_solar else Reason.NOTHING_TO_BALANCE
        return Demand(power_w=0.0, reason=reason, needed_w=need_w)

    def _next(self, span: _Span, is_charge: bool, now_mono_s: float) -> float:  # noqa: FBT001 - the direction
        """Return the magnitude to hold from now on."""
        held_w = abs(self._held_w)
        steady_w = _steady_w(self._needs, is_charge)
        settled_w = _steady_w(self._settled_needs, is_charge)
        if held_w == 0:
            return self._begun(span, steady_w, now_mono_s)
        self._enough_since_s = None
        is_less = span.need_w < held_w - DEAD_BAND_W or span.need_w == 0
        if is_less or span.need_w < span.minimum_w:
            held_w = span.need_w
        elif steady_w > held_w + DEAD_BAND_W:
            held_w = steady_w
        elif settled_w > held_w + SETTLED_BAND_W:
            held_w = settled_w
        if held_w >= span.minimum_w:
            self._short_since_s = None
            return held_w
        if self._short_since_s is None:
            self._short_since_s = now_mono_s
        is_held = now_mono_s - self._short_since_s < span.stop_after_s
        return span.minimum_w if is_held else 0.0

    def _begun(self, span: _Span, steady_w: float, now_mono_s: float) -> float:
        self._short_since_s = None
        if span.need_w < max(span.minimum_w, DEAD_BAND_W):
            self._enough_since_s = None
            return 0.0
        if self._enough_since_s is None:
            self._enough_since_s = now_mono_s
        is_due = now_mono_s - self._enough_since_s >= span.start_after_s
        is_enough = steady_w >= max(span.minimum_w, DEAD_BAND_W)
        return steady_w if is_due and is_enough else 0.0


def _steady_w(needs: Window, is_charge: bool) -> float:  # noqa: FBT001 - the direction
    """Return what was needed all the time for a while, as a magnitude."""
    if not needs.is_full:
        return 0.0
    return max(0.0, needs.lowest if is_charge else -needs.highest)


def needed_w(inputs: DemandInputs, load: LeftOver) -> float:
    """Return the power that would bring the grid where its mode wants it, W.

    Positive: charge. It is within what the EVSEs can do, and may be below what can
    flow.
    """
    peak_w = inputs.peak_import_w or 0.0
    match inputs.mode:
        case Mode.SOLAR:
            charge_w, serve_w = -load.load_to_charge_w - BIAS_W, 0.0
            if _is_topped_up(inputs, charge_w + BIAS_W):
                charge_w = max(charge_w, inputs.minimum_charge_w)
        case Mode.SELF_CONSUMPTION:
            charge_w = -load.load_to_charge_w - BIAS_W
            serve_w = load.load_to_serve_w - BIAS_W
        case _:
            # Whatever is left under the peak may charge.
            charge_w = (
                -load.load_to_charge_w - BIAS_W
                if load.load_to_import_w is None
                else peak_w - BIAS_W - load.load_to_import_w
            )
            serve_w = load.load_to_serve_w - (peak_w - BIAS_W)
    if charge_w > 0:
        return min(charge_w, inputs.maximum_charge_w)
    return 0.0 - clamp(serve_w, 0.0, inputs.maximum_discharge_w)


def _is_topped_up(inputs: DemandInputs, surplus_w: float) -> bool:
    from_w = inputs.solar.top_up_from_w
    return from_w is not None and surplus_w >= max(from_w, DEAD_BAND_W)


def _span_of(inputs: DemandInputs, need_w: float, *, is_charge: bool) -> _Span:
    span = _Span(
        need_w=max(0.0, need_w if is_charge else -need_w),
        minimum_w=(
            inputs.minimum_charge_w if is_charge else inputs.minimum_discharge_w
        ),
        start_after_s=inputs.solar.hold_on_s if is_charge else RAISE_AFTER_S,
    )
    if inputs.mode is Mode.SOLAR and is_charge and _may_wait(inputs):
        return replace(span, stop_after_s=inputs.solar.hold_off_s)
    return span


def _may_wait(inputs: DemandInputs) -> bool:
    """Return True where the minimum during a cloud is not what the home battery gives.

    Without its owner's word it gives a vehicle nothing, not even for a few minutes.
    """
    load = inputs.load
    return load is None or inputs.minimum_charge_w <= load.power_to_charge_w
