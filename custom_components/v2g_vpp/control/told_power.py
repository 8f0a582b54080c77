"""What flows at an EVSE, in the measure of what it is told.

A charger that gives more than it is told would exceed a limit by that for good, and one
that gives less would leave a part of it. So what flows is turned into what was told for
it, before the room of a limit is reckoned.

Too much counts as soon as it is no moment, whatever it comes from, and is forgotten
slowly. Too little counts for charging only, as far as it flows too little right now and
the charger was learnt to do so: a vehicle that limits itself may take all of it in a
second. Of a discharge a part is left rather.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import copysign

from ..domain.ids import EvseKey
from ..domain.units import clamp
from .house_load import HomePowers, Window
from .inputs import EvseInputs
from .pid import MAX_GAP_S, correction_limit_w

SETTLED_AFTER_S = 3.0
"""For the meter, beside dead time and ramp (control brief, guards)."""

PERSISTS_S = 5.0
NOISE_W = 50.0
"""Of a meter (control brief, the plant)."""

FORGET_W_PER_S = 0.2
"""A charger sets its power in steps: forgotten quicker, it would swing between two."""

GROW_W_PER_S = 50.0


class ToldPowers:
    """Remembers of each EVSE what it was told and what flowed then."""

    def __init__(self) -> None:
        """Start without a memory: what flows counts as it is."""
        self._watches: dict[EvseKey, _Watch] = {}

    def step(
        self,
        powers: HomePowers,
        evses: Sequence[EvseInputs],
        told_w: Mapping[EvseKey, float],
        now_mono_s: float,
    ) -> HomePowers:
        """Return the powers with those of the EVSEs in the measure of what is told.

        Args:
            powers: of the home; an EVSE whose meter is silent is missing, and begins
                anew.
            evses: of the home.
            told_w: the last setpoint of each, before this step.
            now_mono_s: the present.
        """
        flows_w = dict(powers.evses_w)
        watches: dict[EvseKey, _Watch] = {}
        for evse in evses:
            if evse.key in flows_w:
                watch = watches[evse.key] = self._watches.get(evse.key) or _Watch()
                flows_w[evse.key] = watch.step(
                    evse, told_w.get(evse.key, 0.0), flows_w[evse.key], now_mono_s
                )
        self._watches = watches
        return replace(powers, evses_w=flows_w)


class _Watch:
    """One EVSE."""

    def __init__(self) -> None:
        self._told: deque[tuple[float, float]] = deque()
        self._excess = Window(PERSISTS_S)
        self._step_mono_s: float | None = None
        self._too_much_w = 0.0
        self._too_little_w = 0.0

    def step(
        self, evse: EvseInputs, told_w: float, flows_w: float, now_mono_s: float
    ) -> float:
        """Return what was told for what flows, W."""
        before_s, self._step_mono_s = self._step_mono_s, now_mono_s
        elapsed_s = 0.0 if before_s is None else now_mono_s - before_s
        if not 0.0 <= elapsed_s <= MAX_GAP_S:
            self._told.clear()
            elapsed_s = 0.0
        self._note(told_w, now_mono_s)
        span = self._told_since(now_mono_s - _answer_s(evse), flows_w)
        forgotten_w = FORGET_W_PER_S * elapsed_s
        self._too_much_w = max(0.0, self._too_much_w - forgotten_w)
        if span is None:
            self._excess.clear()
            self._too_little_w = 0.0
            return flows_w
        least_w, most_w = span
        power_w = abs(flows_w)
        self._excess.take(power_w - most_w, now_mono_s)
        excess_w = self._excess.lowest if self._excess.is_full else 0.0
        if NOISE_W < excess_w <= correction_limit_w(most_w):
            self._too_much_w = max(self._too_much_w, excess_w)
        lacking_w = -evse.fingerprint.offset_charge_w if flows_w > 0 else 0.0
        lacking_w = clamp(lacking_w, 0.0, correction_limit_w(least_w))
        lacking_w = clamp(least_w - power_w, 0.0, lacking_w)
        grown_w = self._too_little_w + GROW_W_PER_S * elapsed_s
        self._too_little_w = 0.0 if self._too_much_w > 0 else min(lacking_w, grown_w)
        power_w = max(0.0, power_w - self._too_much_w + self._too_little_w)
        return copysign(power_w, flows_w)

    def _note(self, told_w: float, now_mono_s: float) -> None:
        if not self._told or self._told[-1][1] != told_w:
            self._told.append((now_mono_s, told_w))

    def _told_since(self, begin_s: float, flows_w: float) -> tuple[float, float] | None:
        """Return the least and the most that was told since, as magnitudes.

        Returns:
            None while that is not known, or where something else than this direction
            was told meanwhile.
        """
        told = self._told
        while len(told) > 1 and told[1][0] <= begin_s:
            told.popleft()
        if told[0][0] > begin_s or any(w * flows_w <= 0 for _, w in told):
            return None
        magnitudes_w = [abs(w) for _, w in told]
        return min(magnitudes_w), max(magnitudes_w)


def _answer_s(evse: EvseInputs) -> float:
    """Return how long the charger needs for any change."""
    rating_w = max(evse.limits.max_charge_power_w, evse.limits.max_discharge_power_w)
    fingerprint = evse.fingerprint
    return (
        fingerprint.dead_time_s + rating_w / fingerprint.ramp_w_per_s + SETTLED_AFTER_S
    )
