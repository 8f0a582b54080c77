"""What to do, and when, while a station does not stop."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..domain.capability import Fingerprint
from ..domain.state import UNLEARNT_STANDBY_W, flow_threshold_w

ANSWER_WITHIN_S = 5.0
"""A write of 0 W without an answer by then is renewed."""

SETTLE_S = 3.0
"""Beyond the charger's own time, for the meter and a rest of the power stage."""

REPORT_S = 1.0
"""A meter that reports each 15 s may take this much longer now and then."""

RUNG_S = 5.0
"""Between two rungs (control brief, stop ladder)."""

RESET_AFTER_S = 10.0
"""From the taken-away operation to the reset: a contactor and a reset both take time."""


def has_stopped(
    power_w: float | None, rating_w: float, fingerprint: Fingerprint
) -> bool:
    """Return True when the meter shows that nothing flows; a stale one shows nothing.

    Args:
        power_w: measured, None when stale.
        rating_w: of the station.
        fingerprint: of the charger, for what flows at a setpoint of 0 W.
    """
    if power_w is None:
        return False
    threshold_w = flow_threshold_w(rating_w) + abs(fingerprint.offset_zero_w)
    if power_w > 0 and not fingerprint.is_learnt:
        threshold_w = max(threshold_w, UNLEARNT_STANDBY_W)
    return abs(power_w) <= threshold_w


class LadderAction(StrEnum):
    """The rungs, the gentlest first."""

    SET_ZERO = "set_zero"
    RENEW = "renew"
    """Send the whole profile with 0 W."""

    END_TRANSACTION = "end_transaction"
    MAKE_INOPERATIVE = "make_inoperative"
    """Take the EVSE out of operation."""

    RESET = "reset"
    """Nothing helped: reset the station at once. One with a dead-man is written to no
    more and its link is closed, so that it acts; one without is told 0 W again and
    again. The fault STATION_DOES_NOT_STOP is latched."""


_ABOVE: Mapping[LadderAction, LadderAction] = {
    LadderAction.RENEW: LadderAction.END_TRANSACTION,
    LadderAction.END_TRANSACTION: LadderAction.MAKE_INOPERATIVE,
    LadderAction.MAKE_INOPERATIVE: LadderAction.RESET,
}

_NEEDS_A_FLOW = frozenset({LadderAction.MAKE_INOPERATIVE, LadderAction.RESET})
"""A silent meter proves nothing: these need a flow that was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopProgress:
    """What is known of a wanted stop."""

    is_wanted: bool
    measured_power_w: float | None
    """None when the meter is stale: then it may still flow."""

    is_acknowledged: bool
    """True when the station accepted 0 W."""

    rating_w: float = 11_000.0
    meter_period_s: float = 1.0
    """How often the meter reports: what it said before the stop shows no disobedience."""


class StopLadder:
    """Climb from a setpoint of 0 W to the reset of the station and the latch."""

    def __init__(self) -> None:
        """Start on the ground."""
        self.reset()

    def reset(self) -> None:
        """Come down: no stop is wanted, or the owner acknowledged."""
        self._begun_mono_s = 0.0
        self._next_mono_s = 0.0
        self._settle_s = 0.0
        self._rung: LadderAction | None = None

    @property
    def is_ending(self) -> bool:
        """True once the transaction has to end, until nothing flows any more."""
        return self._rung is LadderAction.END_TRANSACTION or self._rung in _NEEDS_A_FLOW

    def step(
        self, progress: StopProgress, fingerprint: Fingerprint, now_mono_s: float
    ) -> LadderAction | None:
        """Return the action that is due now, None when none is.

        Each action is returned once; a flow that ended comes down to the ground.
        """
        if not progress.is_wanted:
            self.reset()
            return None
        power_w = progress.measured_power_w
        if self._rung is None:
            return self._begin(progress, fingerprint, now_mono_s)
        is_flowing = not has_stopped(power_w, progress.rating_w, fingerprint)
        if not is_flowing and progress.is_acknowledged:
            # It stopped. Should it begin again by itself, the way up starts again.
            self._rung, self._begun_mono_s = LadderAction.SET_ZERO, now_mono_s
            return None
        is_acknowledged = progress.is_acknowledged
        rung = self._next_rung(is_acknowledged=is_acknowledged, now_mono_s=now_mono_s)
        if rung is None or (rung is not LadderAction.RENEW and not is_flowing):
            return None
        if rung in _NEEDS_A_FLOW and power_w is None:
            return None
        self._rung = rung
        # An early renewal gets no less time than the charger needs from the start.
        earliest_mono_s = self._begun_mono_s + self._settle_s
        is_last_but_one = rung is LadderAction.MAKE_INOPERATIVE
        wait_s = RESET_AFTER_S if is_last_but_one else RUNG_S
        wait_s = max(wait_s, SETTLE_S + progress.meter_period_s)
        self._next_mono_s = max(now_mono_s, earliest_mono_s) + wait_s
        return rung

    def _next_rung(
        self, *, is_acknowledged: bool, now_mono_s: float
    ) -> LadderAction | None:
        """Return the rung whose time has come."""
        if self._rung is LadderAction.SET_ZERO:
            age_s = now_mono_s - self._begun_mono_s
            is_unanswered = not is_acknowledged and age_s >= ANSWER_WITHIN_S
            is_late = is_unanswered or age_s >= self._settle_s
            return LadderAction.RENEW if is_late else None
        if self._rung is None or now_mono_s < self._next_mono_s:
            return None
        return _ABOVE.get(self._rung)

    def _begin(
        self, progress: StopProgress, fingerprint: Fingerprint, now_mono_s: float
    ) -> LadderAction:
        power_w = abs(progress.measured_power_w or 0.0)
        own_s = fingerprint.dead_time_s + power_w / fingerprint.ramp_w_per_s
        # The first report after the charger's own time has to come in.
        self._settle_s = own_s + max(SETTLE_S, progress.meter_period_s + REPORT_S)
        self._begun_mono_s = now_mono_s
        self._rung = LadderAction.SET_ZERO
        return LadderAction.SET_ZERO
