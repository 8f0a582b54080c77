"""One home as the follower of a demand sees it: what it does and what may be asked."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from .allocation import Unit
from .demand import unit_of
from .dispatcher import OPEN_STATUSES, Dispatch, Dispatcher
from .homes import Home
from .messages import Availability, Offer
from .sharing import Hold

PENDING_S = 4.0
"""House rule: a command counts as obeyed for this long without an answer; it was sent
again after 2 s."""

SILENT_S = 30.0
"""House rule: who did not answer at all is asked again after this long."""

REFUSED_S = 60.0
"""As often as availability is published: then the home may have changed its mind."""

PASSING_CODES = frozenset({"EXPIRED", "RATE_LIMIT", "STALE_SEQ", "OLD_EPOCH"})
PASSING_S = 2.0
"""A refusal that says nothing of the home: the command was late or overtaken."""

CLAMPED_S = 120.0
"""House rule: a home that gave less than it offered is believed this long."""

FORGOTTEN_S = 5.0
"""House rule: telemetry that is this much later than the answer has heard of it."""

WRITES = 3.0
"""CONTROL.md: the bucket of a charger holds three writes."""

DWELL_S = 300.0
"""CONTROL.md: five minutes on and five minutes off for economic reasons."""

NEVER = float("-inf")


class Standing(Enum):
    """Whether a home can be asked now."""

    FREE = "free"
    AWAY = "away"
    """Offline, paused, or without an availability that still holds."""

    BUSY = "busy"
    """It follows an order that is not part of the followed demand."""

    SILENT = "silent"
    """It did not answer."""

    BARRED = "barred"
    """It refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One home at one moment; powers in W, positive = charging."""

    standing: Standing
    power_w: int = 0
    """What it does by our commands, one that waits for its answer included."""

    newest: Dispatch | None = None
    """The command of the followed demand that is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What of a home's offer and availability bounds a command."""

    unit: Unit
    least_w: int
    setpoint_interval_s: float
    """One changed setpoint per this time, on average."""

    dead_time_s: float
    """From a command to the first watt."""


@dataclass(slots=True, kw_only=True)
class FollowedHome:
    """What the follower remembers of one home."""

    home_id: str
    last: Dispatch | None = None
    """The newest command of the followed demand, whatever became of it."""

    writes: float = WRITES
    """Changed setpoints that its charger takes now without waiting."""

    _written_mono_s: float = NEVER
    cancelled_mono_s: float = NEVER
    used_s: float = 0.0
    """Seconds at full power that it has served; grows at the common pace while away."""

    served_wh: float = 0.0
    offered_wh: float = 0.0
    """What it served and what it could have, since the demand began."""

    is_on: bool = False
    switched_mono_s: float = NEVER
    clamp_w: int | None = None
    _clamped_mono_s: float = NEVER
    _barred_until_mono_s: float = NEVER
    _judged: Dispatch | None = None
    _known: tuple[Offer | None, Availability | None] = (None, None)
    _bounds: Bounds | None = None

    def look(
        self, home: Home, dispatcher: Dispatcher, now_mono_s: float, now: datetime
    ) -> Look:
        """Return what the home does and whether it can be asked."""
        commands = dispatcher.of(self.home_id).open_commands(now)
        own = [item for item in commands if item.is_following]
        newest = own[-1] if own else None
        self._learn(newest, now_mono_s)
        if not home.is_ready(now_mono_s, now):
            return Look(standing=Standing.AWAY, newest=newest)
        committed_w = dispatcher.commanded_w(self.home_id) if commands else 0
        if any(_is_order(item) for item in commands):
            return Look(standing=Standing.BUSY, power_w=committed_w, newest=newest)
        if now_mono_s < self._barred_until_mono_s:
            return Look(standing=Standing.BARRED, power_w=committed_w, newest=newest)
        if newest is None:
            return Look(standing=Standing.FREE, power_w=committed_w)
        return self._look_at_own(home, newest, committed_w, now_mono_s)

    def is_ending(self, newest: Dispatch, now_mono_s: float) -> bool:
        """Return True while the answer to a cancel is awaited."""
        return (
            self.cancelled_mono_s >= newest.published_mono_s
            and now_mono_s - self.cancelled_mono_s <= SILENT_S
        )

    def _look_at_own(
        self, home: Home, newest: Dispatch, committed_w: int, now_mono_s: float
    ) -> Look:
        if self.is_ending(newest, now_mono_s):
            # Until it says so nothing else is asked.
            is_late = now_mono_s - self.cancelled_mono_s > PENDING_S
            power_w = committed_w if is_late else 0
            return Look(standing=Standing.SILENT, power_w=power_w, newest=newest)
        if _is_forgotten(home, newest):
            return Look(standing=Standing.FREE)
        if newest.status in OPEN_STATUSES:
            power_w = newest.committed_w
            return Look(standing=Standing.FREE, power_w=power_w, newest=newest)
        age_s = now_mono_s - newest.published_mono_s
        if age_s <= PENDING_S and newest.command is not None:
            asked_w = newest.command.power_w or 0
            return Look(standing=Standing.FREE, power_w=asked_w, newest=newest)
        standing = Standing.FREE if age_s > SILENT_S else Standing.SILENT
        return Look(standing=standing, power_w=committed_w, newest=newest)

    def _learn(self, newest: Dispatch | None, now_mono_s: float) -> None:
        """Take what the answer to the last command says about the next."""
        last = self.last
        if last is None:
            return
        if last.status in {"rejected", "failed", "opted_out", "partial"}:
            if self._judged is not last:
                self._judged = last
                is_passing = last.code in PASSING_CODES
                wait_s = PASSING_S if is_passing else REFUSED_S
                self._barred_until_mono_s = now_mono_s + wait_s
        elif newest is last and last.status in OPEN_STATUSES and last.command:
            asked_w = abs(last.command.power_w or 0)
            if abs(last.committed_w) < asked_w:
                self.clamp_w = abs(last.committed_w)
                self._clamped_mono_s = now_mono_s
        if now_mono_s - self._clamped_mono_s > CLAMPED_S:
            self.clamp_w = None

    def bounds(self, home: Home) -> Bounds | None:
        """Return what bounds a command, None before the home has said it."""
        known = (home.offer, home.availability)
        if known[0] is not self._known[0] or known[1] is not self._known[1]:
            self._known, self._bounds = known, _bounds(self.home_id, *known)
        return self._bounds

    def hold(self, now_mono_s: float) -> Hold:
        """Return what its contactor would like."""
        if now_mono_s - self.switched_mono_s >= DWELL_S:
            return Hold.FREE
        return Hold.STAY_ON if self.is_on else Hold.STAY_OFF

    def may_rise(self, bounds: Bounds, now_mono_s: float) -> bool:
        """Return True when its charger takes one more changed setpoint by now.

        Whatever gives power back need not wait.
        """
        interval_s = bounds.setpoint_interval_s
        waited_s = now_mono_s - self._written_mono_s
        fresh = waited_s / interval_s if interval_s > 0 else WRITES
        self.writes = min(WRITES, self.writes + fresh)
        self._written_mono_s = now_mono_s
        return self.writes >= 1.0

    def note_sent(self, dispatch: Dispatch, now_mono_s: float, *, is_new: bool) -> None:
        """Remember what was just sent.

        Args:
            dispatch: a command, or a cancel.
            now_mono_s: when.
            is_new: whether it asks for another power than before.
        """
        is_on = dispatch.command is not None
        if is_on:
            self.last = dispatch
        else:
            self.cancelled_mono_s = now_mono_s
        if is_new:
            self.writes = max(0.0, self.writes - 1.0)
        if is_on != self.is_on:
            self.is_on, self.switched_mono_s = is_on, now_mono_s

    def begin(self) -> None:
        """Begin a new demand; who served more in the last one stays behind."""
        self.served_wh = self.offered_wh = 0.0
        self._barred_until_mono_s = NEVER


def _is_forgotten(home: Home, newest: Dispatch) -> bool:
    """Return True when the home says that it follows something else, or nothing.

    It does after its fail-safe or a restart, where the answer may have been lost.
    """
    answered_mono_s = newest.first_ack_mono_s
    if newest.status not in OPEN_STATUSES or answered_mono_s is None or not home.frames:
        return False
    last = home.frames[-1]
    return (
        last.received_mono_s > answered_mono_s + FORGOTTEN_S
        and last.telemetry.command_id != newest.message.id
    )


def _is_order(dispatch: Dispatch) -> bool:
    """Return True for an order of its own that the home follows or may follow soon."""
    return not dispatch.is_following and dispatch.status in {"sent", *OPEN_STATUSES}


def _bounds(
    home_id: str, offer: Offer | None, availability: Availability | None
) -> Bounds | None:
    if offer is None or availability is None:
        return None
    unit = unit_of(home_id, availability, is_running=False)
    return Bounds(
        unit=unit,
        least_w=max(
            unit.dead_band_w,
            min((item.minimum_power_w for item in offer.resources), default=0),
        ),
        setpoint_interval_s=max(
            (item.setpoint_interval_s for item in offer.resources), default=0.0
        ),
        dead_time_s=max(
            (item.fingerprint.dead_time_s for item in offer.resources), default=0.0
        ),
    )
