"""How late the loop is in which everything of the home runs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LagRule:
    """What is late, and for how long that may go on."""

    period_s: float = 1.0
    """Between two looks at least, and twice that at most: more of them would be a load
    of their own."""

    late_s: float = 0.25
    """A stop has to leave the home within this (VPP contract, latencies)."""

    gap_s: float = 20.0
    """Late looks no farther apart are one spell.

    A look sees only what happens while it is due, so a loop that is blocked for one
    second in ten escapes some of them.
    """

    trip_s: float = 60.0
    """A spell this long forbids discharge (product, row 22)."""

    clear_s: float = 60.0
    """As long without a late look ends that."""


LAG_RULE = LagRule()


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopLook:
    """One look at the clock: when it was meant, and when it came."""

    due_mono_s: float
    ran_mono_s: float

    @property
    def late_s(self) -> float:
        """How late it came, s, >= 0: timers may come a little early."""
        return max(0.0, self.ran_mono_s - self.due_mono_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class LagFigures:
    """What the looks of the last minutes found."""

    p99_s: float
    """All but one look in a hundred were no later than this."""

    worst_s: float
