"""Which messages went each way."""

from collections import Counter
import json
from typing import Final

from ..observer import StationObserver, Unobserved

SENT: Final = "sent"
RECEIVED: Final = "received"
CALLS: Final = frozenset({2, 6})
"""Message types that carry the name of an action."""


class MessageCount:
    """Counts the calls of each action; an observer that may stand before another."""

    def __init__(self, behind: StationObserver | None = None) -> None:
        """Start at zero; everything is handed on to the observer behind."""
        self._behind: StationObserver = behind or Unobserved()
        self._counts: Counter[tuple[str, str]] = Counter()

    def of(self, way: str, action: str) -> int:
        """Return how many calls of an action were sent or received."""
        return self._counts[way, action]

    def frame_received(self, text: str) -> None:
        """Count a frame of the CSMS."""
        self._count(RECEIVED, text)
        self._behind.frame_received(text)

    def frame_sent(self, text: str) -> None:
        """Count a frame of the station."""
        self._count(SENT, text)
        self._behind.frame_sent(text)

    def link_changed(self, *, is_up: bool) -> None:
        """Hand it on."""
        self._behind.link_changed(is_up=is_up)

    def power_sampled(self, true_power_w: float, commanded_w: float) -> None:
        """Hand it on."""
        self._behind.power_sampled(true_power_w, commanded_w)

    def _count(self, way: str, text: str) -> None:
        try:
            frame = json.loads(text)
            if frame[0] in CALLS:
                self._counts[way, frame[2]] += 1
        except ValueError, TypeError, LookupError, RecursionError:
            # What a CSMS sends need not be a message.
            return
