"""Guards on what the meter shows: direction, size, and what nobody asked for."""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from ..domain.capability import Fingerprint
from ..domain.faults import SizeHint
from ..domain.state import flow_threshold_w

REST_S = 3.0
"""Power stages rest this long when the direction changes (control brief)."""

UNLEARNT_ANSWER_S = 20.0
"""Time that a charger gets until its own is learnt."""

WRONG_DIRECTION_AFTER_S = 5.0
WRONG_SIZE_AFTER_S = 5.0
WRONG_SIZE_W = 1_000.0
WRONG_SIZE_SHARE = 0.25
"""Beyond both, power is not what was told (control brief, guards)."""

RATIO_SHARE = 0.15
"""How far a power may be from a ratio that has a name."""

UNCOMMANDED_AFTER_S = 3.0
UNCOMMANDED_W = 500.0
"""Offsets of real chargers reach some hundred watts."""


class GuardFinding(StrEnum):
    """What a guard found; each one ends in the stop ladder and takes the proof."""

    WRONG_DIRECTION = "wrong_direction"
    WRONG_SIZE = "wrong_size"
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
    meter_period_s: float = 1.0
    """How often the meter reports: until then it shows what was told before."""

    is_excused: bool = False
    """True: it may charge, or stay, as it likes. A discharge beyond all that it was told
    has no excuse."""


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
        self._oversize_since_mono_s: float | None = None
        self._hint = SizeHint.UNKNOWN

    @property
    def size_hint(self) -> SizeHint:
        """What the last power of the wrong size looked like."""
        return self._hint

    def step(self, observed: FlowObserved, now_mono_s: float) -> GuardFinding | None:
        """Return what is wrong now, None when nothing is proven."""
        self._note(observed, now_mono_s)
        power_w = observed.measured_w
        if power_w is None or now_mono_s < self._quiet_until_mono_s:
            self._wrong_since_mono_s = self._uncommanded_since_mono_s = None
            self._oversize_since_mono_s = None
            return None
        threshold_w = flow_threshold_w(observed.rating_w)
        is_wrong = (
            not observed.is_excused
            and max(told_w for _, told_w in self._told) < 0
            and power_w > threshold_w + abs(observed.fingerprint.offset_zero_w)
        )
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
        self._oversize_since_mono_s = _since(
            self._oversize_since_mono_s,
            now_mono_s,
            is_true=not observed.is_excused and self._is_wrong_size(power_w),
        )
        if self._oversize_since_mono_s is not None:
            self._hint = size_hint(self._told[-1][1], power_w)
        if _lasts(self._uncommanded_since_mono_s, now_mono_s, UNCOMMANDED_AFTER_S):
            # One that is a multiple of what was told has a cause with a name.
            is_named = size_hint(lowest_w, power_w) is not SizeHint.UNKNOWN
            return (
                GuardFinding.WRONG_SIZE
                if is_named
                else GuardFinding.UNCOMMANDED_DISCHARGE
            )
        if _lasts(self._oversize_since_mono_s, now_mono_s, WRONG_SIZE_AFTER_S):
            return GuardFinding.WRONG_SIZE
        if _lasts(self._wrong_since_mono_s, now_mono_s, WRONG_DIRECTION_AFTER_S):
            return GuardFinding.WRONG_DIRECTION
        return None

    def _is_wrong_size(self, power_w: float) -> bool:
        """Return True when power flows the right way and is not what was told.

        A vehicle may take or give less than it is told at any time: it limits itself,
        which is no fault. Only a third of a discharge has another reason.
        """
        powers = [told_w for _, told_w in self._told]
        if 0 in powers or power_w * powers[-1] <= 0:
            # A charger that is told 0 W is for the stop ladder.
            return False
        largest_w = max(abs(told_w) for told_w in powers)
        tolerance_w = max(WRONG_SIZE_W, WRONG_SIZE_SHARE * largest_w)
        if abs(power_w) > largest_w + tolerance_w:
            return True
        is_settled_discharge = len(powers) == 1 and powers[0] < 0
        is_far = abs(power_w - powers[0]) > tolerance_w
        is_third = size_hint(powers[0], power_w) is SizeHint.A_THIRD
        return is_settled_discharge and is_far and is_third

    def _note(self, observed: FlowObserved, now_mono_s: float) -> None:
        """Remember what was told as long as the charger may still be on its way."""
        if not self._told or self._told[-1][1] != observed.setpoint_w:
            self._told.append((now_mono_s, observed.setpoint_w))
        powers = [told_w for _, told_w in self._told]
        fingerprint = observed.fingerprint
        change_w = max(powers) - min(powers)
        answer_s = fingerprint.dead_time_s + change_w / fingerprint.ramp_w_per_s
        answer_s += max(REST_S, observed.meter_period_s)
        if not fingerprint.is_learnt:
            answer_s = max(UNLEARNT_ANSWER_S, answer_s)
        # An older power is left behind once the next one was told long enough ago.
        while len(self._told) > 1 and now_mono_s - self._told[1][0] > answer_s:
            self._told.popleft()


def size_hint(told_w: float, power_w: float) -> SizeHint:
    """Return what the ratio of a power to what was told looks like."""
    if told_w == 0:
        return SizeHint.UNKNOWN
    ratio = power_w / told_w
    named = (
        (SizeHint.THRICE, 3.0),
        (SizeHint.A_THIRD, 1.0 / 3.0),
        (SizeHint.THOUSANDFOLD, 1_000.0),
    )
    for hint, factor in named:
        if abs(ratio - factor) <= RATIO_SHARE * factor:
            return hint
    return SizeHint.UNKNOWN


def _since(
    since_mono_s: float | None, now_mono_s: float, *, is_true: bool
) -> float | None:
    if not is_true:
        return None
    return now_mono_s if since_mono_s is None else since_mono_s


def _lasts(since_mono_s: float | None, now_mono_s: float, duration_s: float) -> bool:
    return since_mono_s is not None and now_mono_s - since_mono_s > duration_s
