"""Guards on what the meter shows: wrong direction and discharge nobody asked for."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from ..domain.capability import Fingerprint
from ..domain.state import flow_threshold_w

REST_S = 3.0
"""Power stages rest this long when the direction changes (control brief)."""

UNLEARNT_ANSWER_S = 20.0
"""Time that a charger gets until its own is learnt."""

WRONG_DIRECTION_AFTER_S = 5.0
UNCOMMANDED_AFTER_S = 3.0
UNCOMMANDED_W = 500.0
"""Offsets of real chargers reach some hundred watts."""


class GuardFinding(StrEnum):
    """What a guard found; each one ends in the stop ladder and takes the proof."""

    WRONG_DIRECTION = "wrong_direction"
    UNCOMMANDED_DISCHARGE = "uncommanded_discharge"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowObserved:
    """What was told to a charger and what its meter shows."""

    setpoint_w: float
    """What the station was told last, signed."""

    measured_w: float | None
    """Fresh power; None when stale, then nothing can be said."""

    rating_w: float
    fingerprint: Fingerprint


class FlowGuard:
    """Compare the flow of one EVSE with what was told to it."""

    def __init__(self, *, quiet_until_mono_s: float = float("-inf")) -> None:
        """Start quiet.

        Args:
            quiet_until_mono_s: the dead-man of a time before may still run until then.
        """
        self._quiet_until_mono_s = quiet_until_mono_s
        self._told: deque[tuple[float, float]] = deque()
        self._wrong_since_mono_s: float | None = None
        self._uncommanded_since_mono_s: float | None = None

    def step(self, observed: FlowObserved, now_mono_s: float) -> GuardFinding | None:
        """Return what is wrong now, None when nothing is proven."""
        self._note(observed, now_mono_s)
        power_w = observed.measured_w
        if power_w is None or now_mono_s < self._quiet_until_mono_s:
            self._wrong_since_mono_s = self._uncommanded_since_mono_s = None
            return None
        threshold_w = flow_threshold_w(observed.rating_w)
        is_wrong = max(
            told_w for _, told_w in self._told
        ) < 0 and power_w > threshold_w + abs(observed.fingerprint.offset_zero_w)
        self._wrong_since_mono_s = _since(
            self._wrong_since_mono_s, now_mono_s, is_true=is_wrong
        )
        # An offset that the self-test saw is the charger's, not a discharge of its own.
        tolerance_w = max(
            threshold_w, UNCOMMANDED_W, -observed.fingerprint.offset_discharge_w
        )
        lowest_w = min(0.0, *(told_w for _, told_w in self._told))
        self._uncommanded_since_mono_s = _since(
            self._uncommanded_since_mono_s,
            now_mono_s,
            is_true=power_w < lowest_w - tolerance_w,
        )
        if _lasts(self._uncommanded_since_mono_s, now_mono_s, UNCOMMANDED_AFTER_S):
            return GuardFinding.UNCOMMANDED_DISCHARGE
        if _lasts(self._wrong_since_mono_s, now_mono_s, WRONG_DIRECTION_AFTER_S):
            return GuardFinding.WRONG_DIRECTION
        return None

    def _note(self, observed: FlowObserved, now_mono_s: float) -> None:
        """Remember what was told as long as the charger may still be on its way."""
        if not self._told or self._told[-1][1] != observed.setpoint_w:
            self._told.append((now_mono_s, observed.setpoint_w))
        powers = [told_w for _, told_w in self._told]
        fingerprint = observed.fingerprint
        change_w = max(powers) - min(powers)
        answer_s = fingerprint.dead_time_s + change_w / fingerprint.ramp_w_per_s
        answer_s += REST_S
        if not fingerprint.is_learnt:
            answer_s = max(UNLEARNT_ANSWER_S, answer_s)
        # An older power is left behind once the next one was told long enough ago.
        while len(self._told) > 1 and now_mono_s - self._told[1][0] > answer_s:
            self._told.popleft()


def _since(
    since_mono_s: float | None, now_mono_s: float, *, is_true: bool
) -> float | None:
    if not is_true:
        return None
    return now_mono_s if since_mono_s is None else since_mono_s


def _lasts(since_mono_s: float | None, now_mono_s: float, duration_s: float) -> bool:
    return since_mono_s is not None and now_mono_s - since_mono_s > duration_s
