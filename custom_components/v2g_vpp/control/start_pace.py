"""How often a station is asked to begin a transaction with one vehicle.

Each transaction closes the contactor and opens it again. A start that a station refuses
costs nothing, so it is asked again before long. One after the other in which nothing
flows wears the contactor in vain, so the pauses between them grow, for each wish by
itself: that one waits in vain says nothing of another.
"""

from collections import Counter
from typing import Final

from ..domain.setpoint import ControlOwner

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

FREE: Final = 3
"""House rule: transactions in which nothing flows that come without a pause."""

SHORTEST_PAUSE_S: Final = 60.0
LONGEST_PAUSE_S: Final = 600.0
"""From the begin of one of no use to the next start; it doubles. Six an hour instead of
more than a hundred are twelve operations; a contactor without load bears 100,000."""

MOST_TO_BE_TOLD: Final = 3
"""Starts per plug for what only a transaction tells: who has not told it by then
will not."""

AWAY_S: Final = 3.0
"""A vehicle that is gone for less was not pulled out: a station said so that calls a
connector free between two transactions."""

type Wish = tuple[ControlOwner, bool]
"""Who wants power, and whether out of the vehicle."""


class StartPace:
    """What was asked of a station for the vehicle that is plugged."""

    def __init__(self) -> None:
        """Start with nothing asked."""
        self._asked = 0
        self._asked_for: Wish | None = None
        self._asked_to_be_told = 0
        self._next_mono_s = 0.0
        self._in_vain: Counter[Wish] = Counter()
        self._pause_ends_mono_s: dict[Wish, float] = {}
        self._left_mono_s = float("-inf")

    @property
    def can_start(self) -> bool:
        """True until a station ignored as many starts in a row as it gets."""
        return self._asked < MOST_ASKED

    @property
    def may_be_told(self) -> bool:
        """True while a start for what only a transaction tells is worth it."""
        return self._asked_to_be_told < MOST_TO_BE_TOLD

    def is_due(self, wish: Wish, now_mono_s: float) -> bool:
        """Return True when a start may be asked for now, for what somebody wants."""
        if now_mono_s >= self._next_mono_s + AGAIN_S:
            self._asked = min(self._asked, MOST_ASKED - 1)
        pause_ends_mono_s = self._pause_ends_mono_s.get(wish, now_mono_s)
        return self.can_start and now_mono_s >= max(
            self._next_mono_s, pause_ends_mono_s
        )

    def ask(self, wish: Wish, now_mono_s: float, *, to_be_told: bool) -> None:
        """Note that a start is asked for."""
        self._asked += 1
        self._asked_to_be_told += to_be_told
        self._asked_for = wish
        self._next_mono_s = now_mono_s + RETRY_S

    def began(self, now_mono_s: float) -> None:
        """Note that a transaction began, whoever started it."""
        self._asked = 0
        wish, self._asked_for = self._asked_for, None
        if wish is None:
            return
        self._in_vain[wish] += 1
        doubled = self._in_vain[wish] - FREE - 1
        if doubled >= 0:
            pause_s = min(LONGEST_PAUSE_S, SHORTEST_PAUSE_S * 2.0 ** min(doubled, 8))
            self._pause_ends_mono_s[wish] = now_mono_s + pause_s

    def flows(self) -> None:
        """Note that power flows: this transaction is of use, and so is the next."""
        self._in_vain.clear()
        self._pause_ends_mono_s.clear()

    def wake(self) -> None:
        """Let a vehicle that is to be woken have its next transaction at once."""
        self._asked = 0
        self._pause_ends_mono_s.clear()

    def left(self, now_mono_s: float) -> None:
        """Note that the vehicle seems to be gone."""
        self._left_mono_s = now_mono_s

    def swapped(self) -> None:
        """Note that it may be another vehicle, though nobody saw the plug move."""
        self._asked = 0

    def plugged(self, now_mono_s: float) -> None:
        """Leave a station its time to begin by itself."""
        self._next_mono_s = now_mono_s + AUTHORISE_GRACE_S
        if now_mono_s - self._left_mono_s >= AWAY_S:
            self.begin_anew()

    def begin_anew(self) -> None:
        """Forget what was in vain: another vehicle, or somebody looked after it."""
        self._asked = self._asked_to_be_told = 0
        self._asked_for = None
        self.flows()

    def by_hand(self) -> None:
        """Let a start be asked for at once: somebody is there and wants it."""
        self.begin_anew()
        self._next_mono_s = 0.0
