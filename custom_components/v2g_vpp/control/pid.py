"""The trim of one charger: what to add to a setpoint so that the meter shows it.

Feed-forward does the work: the learnt offset of the charger. What is left, drift and
efficiency, is slow, and a slow integral removes it. Dead time is the control problem:
each reading is compared with what a model of the charger says should flow at the time
of that reading, never with what is asked for now.

There is no derivative part: on measurement, with a charger of 4 s dead time and 50 W of
meter noise, 0.5 s of it raised the error from 15 to 98 W and 1 s made the loop swing
(script/bench control). A proportional part gained nothing.
"""

from collections import deque
from dataclasses import dataclass
from math import copysign

from ..domain.capability import Fingerprint
from ..domain.measurement import Reading
from ..domain.setpoint import ControlOwner
from ..domain.units import clamp
from .ramp import approach

INTEGRAL_SHARE = 0.1
"""Integral gain times dead time: the largest that stays calm (control brief)."""

SHORTEST_DEAD_TIME_S = 1.0
"""A faster charger is still seen through a meter that reports once a second."""

CORRECTION_LIMIT_W = 1000.0
CORRECTION_LIMIT_SHARE = 0.15
"""The larger of the two bounds the correction: beyond it something else is wrong."""

ERROR_BAND_W = 50.0
"""No integration inside: half the dead band of the writes, so that the two together
come to rest, and the noise of the meter."""

STEP_W = 200.0
DEAD_TIME_ERROR_S = 0.75
"""A reading this close to when a step of this size arrives says more about the dead
time, which is known to half a second at best, than about the offset."""

STEPS_KEPT = 64
"""More than arrive within the dead time of any charger that is regulated."""

RESIDUAL_KEPT_S = 600.0
"""What a direction was corrected by is a matter of the charger, and its next turn
begins with it; after ten minutes of rest it may have warmed up or cooled down."""

MAX_GAP_S = 5.0
"""Five missed ticks or readings: what happened between them is not known."""


# Not frozen: made for one call, of each EVSE in each step, where freezing costs time.
@dataclass(slots=True, kw_only=True)
class TrimInputs:
    """What one step of the trim is given."""

    owner: ControlOwner
    reference_w: float
    """The power that shall flow, after ramp and limits."""

    reading: Reading | None
    """Fresh measured power, None when stale."""

    fingerprint: Fingerprint
    limited: int
    """-1 or +1 when the last correction was cut at the lowest or highest power."""


class Trim:
    """Feed-forward and integral of one EVSE."""

    def __init__(self) -> None:
        """Start without a correction."""
        self._owner = ControlOwner.NONE
        self._step_mono_s: float | None = None
        self._integral_w = 0.0
        self._offset_w = 0.0
        self._residuals: dict[bool, tuple[float, float]] = {}
        self._begin(0.0)

    def reset(self) -> None:
        """Forget everything: no power of its own is asked for."""
        self.rest()
        self._residuals.clear()

    def ease(self) -> None:
        """Take back what was integrated: the vehicle limits itself."""
        self._integral_w = 0.0

    def rest(self) -> None:
        """Follow nothing at 0 W; each direction keeps what it was corrected by."""
        self._step_mono_s = None
        self._integral_w = 0.0
        self._begin(0.0)

    def step(self, inputs: TrimInputs, now_mono_s: float) -> float:
        """Return the correction to add to the reference, W.

        A new owner and a gap begin anew from what the meter shows; a new direction
        goes on from where it was left.
        """
        is_down = inputs.reference_w < 0
        offset_w = (
            inputs.fingerprint.offset_discharge_w
            if is_down
            else inputs.fingerprint.offset_charge_w
        )
        if self._is_new(inputs, now_mono_s):
            self._integral_w = self._residual_w(inputs, offset_w, now_mono_s)
            self._begin(inputs.reading.value if inputs.reading else 0.0)
            self._offset_w = offset_w
        previous_mono_s, self._step_mono_s = self._step_mono_s, now_mono_s
        self._owner = inputs.owner
        self._note_reference(inputs.reference_w, now_mono_s)
        dt_s = now_mono_s - previous_mono_s if previous_mono_s is not None else 0.0
        self._advance_model(inputs.fingerprint, dt_s, now_mono_s)
        # A newly learnt offset takes over from the integral without a jump.
        self._integral_w += offset_w - self._offset_w
        self._offset_w = offset_w
        limit_w = correction_limit_w(inputs.reference_w)
        self._integrate(inputs, limit_w)
        correction_w = clamp(self._integral_w - offset_w, -limit_w, limit_w)
        self._residuals[is_down] = (correction_w, now_mono_s)
        return correction_w

    def _is_new(self, inputs: TrimInputs, now_mono_s: float) -> bool:
        if self._step_mono_s is None:
            return True
        gap_s = now_mono_s - self._step_mono_s
        last_w = self._references[-1][1]
        return (
            not 0.0 <= gap_s <= MAX_GAP_S
            or inputs.owner is not self._owner
            or last_w * inputs.reference_w < 0
        )

    def _residual_w(
        self, inputs: TrimInputs, offset_w: float, now_mono_s: float
    ) -> float:
        """Return the integral that goes on with the last correction of a direction."""
        last_mono_s = self._step_mono_s
        is_gap = last_mono_s is not None and not (
            0.0 <= now_mono_s - last_mono_s <= MAX_GAP_S
        )
        if is_gap or inputs.owner is not self._owner:
            self._residuals.clear()
        kept = self._residuals.get(inputs.reference_w < 0)
        if kept is None or not 0.0 <= now_mono_s - kept[1] <= RESIDUAL_KEPT_S:
            return 0.0
        return kept[0] + offset_w

    def _begin(self, power_w: float) -> None:
        self._model_w = power_w
        self._delayed_w = power_w
        self._references: deque[tuple[float, float]] = deque()
        self._models: deque[tuple[float, float]] = deque()
        self._steps: deque[float] = deque(maxlen=STEPS_KEPT)
        self._reading_mono_s: float | None = None

    def _note_reference(self, reference_w: float, now_mono_s: float) -> None:
        references = self._references
        if references and abs(reference_w - references[-1][1]) > STEP_W:
            self._steps.append(now_mono_s)
        references.append((now_mono_s, reference_w))

    def _is_beside_step(self, taken_mono_s: float, dead_time_s: float) -> bool:
        """Return True when a step arrived at the charger about when this was read."""
        told_mono_s = taken_mono_s - dead_time_s
        return any(
            abs(step_mono_s - told_mono_s) < DEAD_TIME_ERROR_S
            for step_mono_s in self._steps
        )

    def _advance_model(
        self, fingerprint: Fingerprint, dt_s: float, now_mono_s: float
    ) -> None:
        """Move the model of the charger: dead time first, then its ramp."""
        heard_mono_s = now_mono_s - fingerprint.expected_dead_time_s
        while len(self._references) > 1 and self._references[0][0] <= heard_mono_s:
            self._delayed_w = self._references.popleft()[1]
        ramp_w_per_s = fingerprint.expected_ramp_w_per_s(self._model_w, self._delayed_w)
        self._model_w = approach(self._model_w, self._delayed_w, ramp_w_per_s * dt_s)
        self._models.append((now_mono_s, self._model_w))
        while self._models[0][0] < now_mono_s - MAX_GAP_S:
            self._models.popleft()

    def _integrate(self, inputs: TrimInputs, limit_w: float) -> None:
        """Use each reading once, against what the model said at its time."""
        reading = inputs.reading
        if reading is None:
            return
        last_mono_s, self._reading_mono_s = (
            self._reading_mono_s,
            reading.received_mono_s,
        )
        expected_w = self._model_at(reading.received_mono_s)
        if last_mono_s is None or expected_w is None:
            return
        dt_s = clamp(reading.received_mono_s - last_mono_s, 0.0, MAX_GAP_S)
        error_w = expected_w - reading.value
        # Within half a step of the charger's own no correction can do better.
        band_w = max(ERROR_BAND_W, inputs.fingerprint.step_w / 2.0)
        is_offset = band_w < abs(error_w) <= limit_w
        if not is_offset or error_w * inputs.limited > 0:
            # Larger than any correction: the vehicle limits itself. Cut at a limit:
            # more of the same would only wind up.
            return
        if self._is_beside_step(
            reading.received_mono_s, inputs.fingerprint.expected_dead_time_s
        ):
            return
        dead_time_s = max(SHORTEST_DEAD_TIME_S, inputs.fingerprint.dead_time_s)
        self._integral_w = clamp(
            self._integral_w + INTEGRAL_SHARE / dead_time_s * error_w * dt_s,
            -limit_w,
            limit_w,
        )

    def _model_at(self, mono_s: float) -> float | None:
        """Return what should have flowed then, None when that is not remembered."""
        for at_mono_s, power_w in reversed(self._models):
            if at_mono_s <= mono_s:
                return power_w
        return None


def correction_limit_w(reference_w: float) -> float:
    """Return the largest correction of a power, as a magnitude."""
    return max(CORRECTION_LIMIT_W, CORRECTION_LIMIT_SHARE * abs(reference_w))


def corrected(reference_w: float, correction_w: float, minimum_w: float) -> float:
    """Return the reference with its correction, never across the minimum power.

    Args:
        reference_w: what shall flow; may be less than the charger can be told.
        correction_w: from ``Trim.step``.
        minimum_w: below it the charger would stop.
    """
    power_w = reference_w + correction_w
    if power_w * reference_w > 0 and abs(power_w) >= minimum_w:
        return power_w
    return copysign(minimum_w, reference_w)
