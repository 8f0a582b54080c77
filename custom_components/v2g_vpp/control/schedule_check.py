"""What a station says that it will do, against what it was told."""

from enum import StrEnum

CHECK_EVERY_S = 60.0
"""While it discharges (OCPP brief 2.2); a change of sign is checked at once."""

RECHECK_S = 5.0
"""A disagreement is asked about again before it counts."""

TOLERANCE_SHARE = 0.05
TOLERANCE_W = 50.0
"""Value within 5 %; amperes with one decimal are coarser than that at small powers."""


class ScheduleVerdict(StrEnum):
    """Outcome of the last answer about one transaction."""

    NOT_ASKED = "not_asked"
    AGREES = "agrees"
    NOT_VERIFIABLE = "not_verifiable"
    """The station does not say: then the meter alone is relied on."""

    WRONG_SIGN = "wrong_sign"
    WRONG_SIZE = "wrong_size"


class ScheduleWatch:
    """When to ask a station for its schedule, and what to make of the answer."""

    def __init__(self) -> None:
        """Start without an answer."""
        self.reset()

    @property
    def verdict(self) -> ScheduleVerdict:
        """Outcome of the last answer, a disagreement only once it was confirmed."""
        return self._verdict

    def reset(self) -> None:
        """Begin anew: another transaction or link."""
        self._verdict = ScheduleVerdict.NOT_ASKED
        self._checked_sign = 0
        self._next_mono_s = float("-inf")
        self._is_waiting = False
        self._has_doubt = False

    def is_due(self, told_w: float | None, now_mono_s: float) -> bool:
        """Return True when the station shall be asked now; then call ``take``.

        Args:
            told_w: what the station accepted, None while that is not known.
            now_mono_s: the present.
        """
        if told_w is None or told_w == 0 or self._is_waiting:
            return False
        sign = 1 if told_w > 0 else -1
        is_turned = sign != self._checked_sign
        is_again = sign < 0 or self._has_doubt
        if self._verdict is ScheduleVerdict.NOT_VERIFIABLE:
            return False
        if not (is_turned or (is_again and now_mono_s >= self._next_mono_s)):
            return False
        self._is_waiting = True
        self._checked_sign = sign
        self._next_mono_s = now_mono_s + CHECK_EVERY_S
        return True

    def take(
        self,
        scheduled_w: float | None,
        asked_w: float,
        told_w: float | None,
        now_mono_s: float,
    ) -> ScheduleVerdict:
        """Take an answer and return the verdict.

        Args:
            scheduled_w: what the station says, None when it does not say.
            asked_w: what it was told when it was asked.
            told_w: what it was told meanwhile, None when that is not known.
            now_mono_s: the present.
        """
        self._is_waiting = False
        if scheduled_w is None:
            self._verdict = ScheduleVerdict.NOT_VERIFIABLE
            return self._verdict
        if told_w is None or told_w * asked_w <= 0:
            # It was told another thing meanwhile: the answer is about no moment.
            self._checked_sign = 0
            return self._verdict
        found = _judge(scheduled_w, asked_w, told_w)
        if found is ScheduleVerdict.AGREES:
            self._verdict, self._has_doubt = found, False
        elif self._has_doubt:
            self._verdict = found
        else:
            self._has_doubt = True
            self._next_mono_s = now_mono_s + RECHECK_S
        return self._verdict


def _judge(scheduled_w: float, asked_w: float, told_w: float) -> ScheduleVerdict:
    lowest_w, highest_w = min(asked_w, told_w), max(asked_w, told_w)
    tolerance_w = max(TOLERANCE_W, TOLERANCE_SHARE * max(abs(asked_w), abs(told_w)))
    if scheduled_w * asked_w < 0:
        return ScheduleVerdict.WRONG_SIGN
    if asked_w > 0:
        # Whatever else limits a charge may do so.
        return ScheduleVerdict.AGREES
    is_close = lowest_w - tolerance_w <= scheduled_w <= highest_w + tolerance_w
    return ScheduleVerdict.AGREES if is_close else ScheduleVerdict.WRONG_SIZE
