"""Whether the loop is late for so long that nothing may be fed into the grid.

A stop is only as quick as the loop that carries it. One long block is over when it is
seen, and a computer that slept looks like one; so late looks count only where they come
again and again.
"""

from collections import deque
from math import ceil

from ..domain.loop_lag import LAG_RULE, LagFigures, LagRule, LoopLook

KEPT_LOOKS = 300
"""Some seven minutes of them, for the figures that are shown."""

_SHARE = 0.99


class LoopLag:
    """Takes in looks at the clock, oldest first."""

    def __init__(self, rule: LagRule = LAG_RULE) -> None:
        """Begin with a loop of which nothing bad is known."""
        self._rule = rule
        self._spell_from_s = self._last_late_s = float("-inf")
        self._lates_s: deque[float] = deque(maxlen=KEPT_LOOKS)
        self.is_late = False
        """True: late again and again, so nothing may discharge."""

    def note(self, look: LoopLook) -> None:
        """Take in the next look."""
        self._lates_s.append(look.late_s)
        rule, ran_s = self._rule, look.ran_mono_s
        if look.late_s > rule.late_s:
            if look.due_mono_s - self._last_late_s > rule.gap_s:
                # Its own length does not count: a single block is no spell.
                self._spell_from_s = ran_s
            self._last_late_s = ran_s
            self.is_late |= ran_s - self._spell_from_s >= rule.trip_s
        elif ran_s - self._last_late_s >= rule.clear_s:
            self.is_late = False

    def figures(self) -> LagFigures | None:
        """Return what the kept looks found, None before the first."""
        if not self._lates_s:
            return None
        in_order = sorted(self._lates_s)
        rank = ceil(_SHARE * len(in_order))
        return LagFigures(p99_s=in_order[rank - 1], worst_s=in_order[-1])
