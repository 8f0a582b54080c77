"""Events that entities of the home tell: when, in which direction, for how long.

Pure: what was read and a moment in, a window on the monotonic clock out.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

LONGEST_WINDOW = timedelta(hours=4)
"""As a command of the contract has it."""

CHAIN_GAP_S = 600.0
"""Windows that follow one another this closely are one: a source that moves its end
again and again must not discharge for a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceEvent:
    """One event of a source."""

    power_w: float
    """What is asked of the whole home; positive = charging."""

    start_at: datetime
    end_at: datetime
    """Aware; after ``start_at``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceReading:
    """What the entities say now."""

    is_lost: bool
    """True: one of them is unavailable or silent, so nothing is known."""

    event: SourceEvent | None = None
    """None: there is none, or nothing is known."""


LOST = SourceReading(is_lost=True)
NO_EVENT = SourceReading(is_lost=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """When an event runs, on the monotonic clock."""

    start_mono_s: float
    ends_mono_s: float


class EventWindows:
    """Fix the window of each event when it is first seen.

    A clock that is set later moves none of them, an event that comes back has the
    window that it had, and windows without a break are together at most 4 h long.
    """

    def __init__(self) -> None:
        """Begin without an event."""
        self._event: SourceEvent | None = None
        self._window: Window | None = None
        self._chain_mono_s: float | None = None
        """When the chain of windows began that the newest one belongs to."""

    def of(self, event: SourceEvent, now: datetime, now_mono_s: float) -> Window:
        """Return the window of an event.

        Args:
            event: as the source tells it now.
            now: aware, by the clock that the source's times are of.
            now_mono_s: the same moment.
        """
        if event == self._event and self._window is not None:
            return self._window
        longest_s = LONGEST_WINDOW.total_seconds()
        start_mono_s = now_mono_s + (event.start_at - now).total_seconds()
        ends_mono_s = now_mono_s + (event.end_at - now).total_seconds()
        before, chain_mono_s = self._window, self._chain_mono_s
        has_run = before is not None and before.start_mono_s <= now_mono_s
        is_chained = (
            before is not None
            and has_run
            and max(start_mono_s, now_mono_s) <= before.ends_mono_s + CHAIN_GAP_S
        )
        if chain_mono_s is None or not is_chained:
            chain_mono_s = start_mono_s
        self._event, self._chain_mono_s = event, chain_mono_s
        self._window = Window(
            start_mono_s=start_mono_s,
            ends_mono_s=min(ends_mono_s, chain_mono_s + longest_s),
        )
        return self._window
