"""The watchdog of the VPP link: no dispatch outlives the aggregator that asked for it.

The contract promises 0 W no later than 30 s after the last valid heartbeat. A charger
needs time to get there, so the dispatch is released that much earlier.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ..domain.capability import Fingerprint
from ..domain.dispatch import LinkState
from ..domain.units import clamp

DEADLINE_S = 30.0
"""0 W is reached by then, counted from the last valid heartbeat (rule 12)."""

LONGEST_WAIT_S = 20.0
"""No home waits longer, however fast its charger is (control brief)."""

SHORTEST_WAIT_S = 6.0
"""A wait shorter than the 5 s between two heartbeats would trip on each one."""

SLOT_S = 1.0
"""One control tick may pass before the decision."""

MARGIN_S = 2.0
"""For the write itself and the station's own second."""

UNLEARNT_DEAD_TIME_S = 15.0
"""The slowest charger that was reported (control brief, the plant)."""

LOWEST_SPREAD = 0.6
"""Homes release at 0.6..1 of their time, so that a lost broker is no grid step."""

GOOD_HEARTBEATS_TO_RESUME = 3
END_TRANSACTION_AFTER_S = 30.0
"""Power is 0 by now; asked here, the contactor is open by 35 s (control brief)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchdogStatus:
    """What the watchdog believes now."""

    state: LinkState
    age_s: float | None
    """Since the last valid message was signed; None before the first one."""

    stop_after_s: float
    """Age at which the dispatch is released."""

    must_end_transaction: bool
    """True: a released discharge must end its transaction, so the contactor opens."""


class VppWatchdog:
    """Judge the link of one programme by the age of what the aggregator signed.

    A link that never was healthy cannot fail; one that fails while no dispatch is
    followed has nothing to release and is healthy again with the next heartbeats.
    """

    def __init__(self, *, spread: float = 1.0) -> None:
        """Start without a link.

        Args:
            spread: fixed number of this home, 0.6..1.
        """
        self._spread = clamp(spread, LOWEST_SPREAD, 1.0)
        self._state = LinkState.DOWN
        self._is_connected = False
        self._last_valid_mono_s: float | None = None
        self._stop_after_s = LONGEST_WAIT_S
        self._good_heartbeats = 0
        self._resumable_mono_s = 0.0
        self._was_discharging = False
        self._has_transaction_ended = False

    @property
    def state(self) -> LinkState:
        """What the last event or step made of the link."""
        return self._state

    def link_changed(self, *, is_connected: bool) -> None:
        """Note that the broker session began or ended; neither releases anything."""
        self._is_connected = is_connected
        if self._state is not LinkState.FAILSAFE:
            self._state = LinkState.CONNECTED if is_connected else LinkState.DOWN

    def seen_heartbeat(self, sent_mono_s: float, now_mono_s: float) -> None:
        """Note a valid heartbeat; its age counts from when it was signed."""
        if not self._renew(sent_mono_s, now_mono_s):
            return
        if self._state is LinkState.FAILSAFE:
            self._good_heartbeats += 1
            if self._good_heartbeats == GOOD_HEARTBEATS_TO_RESUME:
                self._resumable_mono_s = min(sent_mono_s, now_mono_s)
        else:
            self._state = LinkState.HEALTHY

    def seen_command(self, sent_mono_s: float, now_mono_s: float) -> None:
        """Note a valid command, before it is judged.

        After a fail-safe the first command behind three good heartbeats ends it.
        """
        is_news = self._renew(sent_mono_s, now_mono_s)
        if self._state is not LinkState.FAILSAFE:
            if is_news:
                self._state = LinkState.HEALTHY
            return
        # A heartbeat may overtake it on the way: fresh is what was signed since the
        # link is good again, not only what was signed last.
        is_fresh = (
            self._good_heartbeats >= GOOD_HEARTBEATS_TO_RESUME
            and sent_mono_s >= self._resumable_mono_s
            and now_mono_s - sent_mono_s < self._stop_after_s
        )
        if is_fresh:
            self._state = LinkState.HEALTHY

    def transaction_ended(self) -> None:
        """Note that the contactor of the released discharge is open."""
        self._has_transaction_ended = True

    def step(
        self,
        power_w: float,
        fingerprint: Fingerprint,
        now_mono_s: float,
        *,
        is_following: bool = True,
        is_discharging: bool | None = None,
    ) -> WatchdogStatus:
        """Return the state of the link at ``now_mono_s``.

        Args:
            power_w: the larger of what is asked for and what is measured.
            fingerprint: of the charger that takes longest to stop.
            now_mono_s: the present.
            is_following: False when no dispatch is followed.
            is_discharging: True when the dispatch discharges anywhere; None: as the
                sign of the power says.
        """
        self._stop_after_s = stop_after_s(power_w, fingerprint, self._spread)
        age_s = self._age_s(now_mono_s)
        # Without any trusted message nobody stands behind what is followed.
        is_lost = is_following if age_s is None else age_s >= self._stop_after_s
        if is_lost and self._state is LinkState.FAILSAFE:
            # Three good heartbeats in a row are asked for, not three in a week.
            self._good_heartbeats = 0
        elif is_lost and is_following:
            is_sign = power_w < 0
            self._trip(
                now_mono_s,
                is_discharging=is_sign if is_discharging is None else is_discharging,
            )
        elif is_lost:
            connected = LinkState.CONNECTED if self._is_connected else LinkState.DOWN
            self._state, self._last_valid_mono_s = connected, None
        return WatchdogStatus(
            state=self._state,
            age_s=age_s,
            stop_after_s=self._stop_after_s,
            must_end_transaction=self._must_end_transaction(now_mono_s),
        )

    def is_alive(self, now_mono_s: float) -> bool:
        """Return True while a trusted message is young enough to follow an order."""
        age_s = self._age_s(now_mono_s)
        return age_s is not None and age_s < self._stop_after_s

    def _trip(self, now_mono_s: float, *, is_discharging: bool) -> None:
        self._state = LinkState.FAILSAFE
        if self._last_valid_mono_s is None:
            self._last_valid_mono_s = now_mono_s - self._stop_after_s
        self._good_heartbeats = 0
        self._was_discharging = is_discharging
        self._has_transaction_ended = False

    def _must_end_transaction(self, now_mono_s: float) -> bool:
        age_s = self._age_s(now_mono_s)
        return (
            self._state is LinkState.FAILSAFE
            and self._was_discharging
            and not self._has_transaction_ended
            and age_s is not None
            and age_s >= END_TRANSACTION_AFTER_S
        )

    def _renew(self, sent_mono_s: float, now_mono_s: float) -> bool:
        """Return True when the message is newer than any before and not too old."""
        # A clock that runs ahead must not buy time: nothing is younger than now.
        sent_mono_s = min(sent_mono_s, now_mono_s)
        last = self._last_valid_mono_s
        is_newer = last is None or sent_mono_s > last
        if not is_newer or now_mono_s - sent_mono_s >= self._stop_after_s:
            return False
        self._last_valid_mono_s = sent_mono_s
        return True

    def _age_s(self, now_mono_s: float) -> float | None:
        if self._last_valid_mono_s is None:
            return None
        return now_mono_s - self._last_valid_mono_s


def stop_after_s(power_w: float, fingerprint: Fingerprint, spread: float) -> float:
    """Return how old the last valid message may get before the release, s.

    Args:
        power_w: what runs, either sign.
        fingerprint: of the charger that must stop.
        spread: of this home, 0.6..1; it never shortens the wait below 6 s.
    """
    left_s = _time_left_s(fingerprint) - abs(power_w) / fingerprint.ramp_w_per_s
    wait_s = min(LONGEST_WAIT_S, left_s)
    return max(0.0, min(wait_s, max(SHORTEST_WAIT_S, wait_s * spread)))


def largest_dispatch_w(fingerprint: Fingerprint) -> float:
    """Return the largest power that can be offered, so that the wait is at least 6 s.

    Positive magnitude; 0 for a charger that is too slow for any dispatch.
    """
    left_s = _time_left_s(fingerprint) - SHORTEST_WAIT_S
    return max(0.0, left_s * fingerprint.ramp_w_per_s)


def hardest_to_stop(
    loads: Iterable[tuple[float, Fingerprint]],
) -> tuple[float, Fingerprint]:
    """Return the pair of power and charger that needs the longest time to stop.

    Args:
        loads: power in W and fingerprint of each EVSE; may be empty.
    """
    return min(
        loads,
        key=lambda load: stop_after_s(load[0], load[1], 1.0),
        default=(0.0, Fingerprint()),
    )


def _time_left_s(fingerprint: Fingerprint) -> float:
    dead_time_s = (
        fingerprint.dead_time_s
        if fingerprint.is_learnt
        else max(UNLEARNT_DEAD_TIME_S, fingerprint.dead_time_s)
    )
    return DEADLINE_S - SLOT_S - MARGIN_S - dead_time_s
