"""How often a station is asked to begin a transaction with one vehicle.

Each transaction closes the contactor and opens it again. One that a station refuses
costs nothing, so it is asked again before long. One after the other in which nothing
flows wears the contactor in vain, so the pauses between them grow.
"""

from typing import Final

MOST_ASKED: Final = 3
"""Starts in a row that a station may ignore; then one now and then."""

RETRY_S: Final = 15.0
"""Vehicles take up to a minute to wake; each start is asked for in its turn."""

AGAIN_S: Final = 90.0
"""After its last start a station is asked once more, each time so much later: what kept
it from going on may be over, and nobody need come to plug anew."""

AUTHORISE_GRACE_S: Final = 10.0
"""After a plug the station authorises by itself first, which identifies the vehicle;
only when it does not, the home starts the transaction (house rule)."""

USEFUL_S: Final = 15.0
"""House rule: a transaction in which power flows for so long was worth its contactor."""

FREE: Final = 3
"""Transactions of no use that a plug gets without a pause: the wakes of one vehicle."""

SHORTEST_PAUSE_S: Final = 60.0
LONGEST_PAUSE_S: Final = 900.0
"""From one of no use to the next; it doubles (a contactor bears 100,000 operations
without load, which is ten years at two per hour)."""


class StartPace:
    """What was asked of a station for the vehicle that is plugged."""

    def __init__(self) -> None:
        """Start with nothing asked."""
        self._asked = 0
        self._next_mono_s = 0.0
        self._in_vain = 0
        self._pause_ends_mono_s = float("-inf")
        self._flows_since_mono_s: float | None = None

    def can_start(self, now_mono_s: float) -> bool:
        """Return True while a start may be counted on."""
        return self._asked < MOST_ASKED and now_mono_s >= self._pause_ends_mono_s

    def is_due(self, now_mono_s: float) -> bool:
        """Return True when a start that somebody waits for may be asked for now."""
        if now_mono_s >= self._next_mono_s + AGAIN_S:
            self._asked = min(self._asked, MOST_ASKED - 1)
        return self.can_start(now_mono_s) and now_mono_s >= self._next_mono_s

    def ask(self, now_mono_s: float) -> None:
        """Note that a start is asked for."""
        self._asked += 1
        self._next_mono_s = now_mono_s + RETRY_S

    def plugged(self, now_mono_s: float) -> None:
        """Leave a station its time to begin by itself."""
        self._next_mono_s = now_mono_s + AUTHORISE_GRACE_S

    def began(self, now_mono_s: float) -> None:
        """Note that a transaction began, whoever started it."""
        self._asked = 0
        self._flows_since_mono_s = None
        self._in_vain += 1
        if self._in_vain > FREE:
            doubled = SHORTEST_PAUSE_S * 2.0 ** min(self._in_vain - FREE - 1, 8)
            self._pause_ends_mono_s = now_mono_s + min(LONGEST_PAUSE_S, doubled)

    def look(self, now_mono_s: float, *, is_flowing: bool) -> None:
        """Note whether power flows now."""
        if not is_flowing:
            self._flows_since_mono_s = None
        elif self._flows_since_mono_s is None:
            self._flows_since_mono_s = now_mono_s
        elif now_mono_s - self._flows_since_mono_s >= USEFUL_S:
            self._in_vain = 0
            self._pause_ends_mono_s = float("-inf")

    def wake(self) -> None:
        """Let the wakes of a vehicle have their starts."""
        self._asked = 0

    def begin_anew(self) -> None:
        """Forget what was in vain: another vehicle, or somebody looked after it."""
        self._asked, self._in_vain = 0, 0
        self._pause_ends_mono_s = float("-inf")

    def by_hand(self) -> None:
        """Let a start be asked for at once: somebody is there and wants it."""
        self.begin_anew()
        self._next_mono_s = 0.0
