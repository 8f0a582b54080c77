"""The output gate's own look at the loop that carries its setpoints.

It shares no code with the watch that the coordinator listens to: it remembers the late
looks themselves and asks of them whether they reach far enough back.
"""

from collections import deque
from itertools import pairwise

from ..domain.loop_lag import LAG_RULE, LagRule, LoopLook


class HostPast:
    """The late looks of the last while."""

    def __init__(self, rule: LagRule = LAG_RULE) -> None:
        """Nothing was late yet."""
        self._rule = rule
        self._last: LoopLook | None = None
        self._lates: deque[LoopLook] = deque()
        self._is_shut = False

    def note(self, look: LoopLook | None) -> None:
        """Take in the newest look, None while nobody looks; the same one is no news."""
        if look is None or look == self._last:
            return
        self._last = look
        rule, now_mono_s = self._rule, look.ran_mono_s
        if look.late_s > rule.late_s:
            self._lates.append(look)
            self._is_shut = self._is_shut or self._reaches_back()
        elif self._is_quiet_since(now_mono_s - rule.clear_s):
            self._lates.clear()
            self._is_shut = False
        kept_s = rule.trip_s + rule.clear_s + rule.gap_s
        while self._lates and self._lates[0].ran_mono_s < now_mono_s - kept_s:
            self._lates.popleft()

    def is_shut(self) -> bool:
        """Return True when the loop is too late to carry a discharge."""
        return self._is_shut

    def _reaches_back(self) -> bool:
        """Return True when the newest ones follow each other for long enough."""
        first = newest = self._lates[-1]
        for later, earlier in pairwise(reversed(self._lates)):
            if later.due_mono_s - earlier.ran_mono_s > self._rule.gap_s:
                break
            first = earlier
        return newest.ran_mono_s - first.ran_mono_s >= self._rule.trip_s

    def _is_quiet_since(self, mono_s: float) -> bool:
        return not self._lates or self._lates[-1].ran_mono_s <= mono_s
