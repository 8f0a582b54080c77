"""Follow a net demand over time with the homes that are there.

Each second the demand of that second is shared anew. What counts is what homes have
*committed* to: their answers, not our wishes. Therefore a home that was clamped, that
refused or that does not answer leaves a gap, and the others fill it in the next second.
What homes do by orders that are not part of the demand is subtracted from it, and those
homes are left alone.

A series is known beforehand, so that it is followed ahead by the response time of the
homes (the median of their dead times and a second and a half); a live value cannot be.

A command lives at most five minutes and never longer than the demand; it is renewed
before its end. Only changes are sent, what gives power back first, and never faster
than the homes and the broker can take.
"""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass, replace
import logging
from math import inf
from statistics import median
import time

from .allocation import bound_w
from .clock import Clock
from .dispatcher import CommandOrder, Dispatch
from .errors import ContractError, NotConnectedError
from .followed_home import PENDING_S, FollowedHome, Look, Standing
from .homes import Home
from .leader import Leader
from .messages import CommandKind
from .progress import Following, Progress, jain
from .series import Series
from .sharing import Member, share

_LOGGER = logging.getLogger(__name__)

STEP_S = 1.0
"""VPP contract: two commands per second and home are the limit; this is half of it."""

SLICE_S = 0.1
SLICE_SENDS = 50

WINDOW = 80
"""House rule: so many commands wait for their answer at most. Two answers to each fit
the broker's queue of 200 for us, and a slow machine sets its own pace."""

HORIZON_S = 300.0
"""House rule: a home that hears heartbeats but no commands stops after this long."""

RENEW_S = 100.0
"""Before the end of a command: time for many tries."""

LEAST_CHANGE_W = 20
"""House rule: below the step of any charger; nobody writes a setpoint for it."""

MAX_LEAD_S = 15.0
"""CONTROL.md: the slowest charger that is reported."""

RESPONSE_S = 1.5
"""House rule: half a second each for our step, for the home's and for its ramp."""

STRAY_CANCEL_S = 10.0
"""How often a home is told to end what an earlier term had asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """What one home has to be told; None: nothing is wanted of it any more."""

    home_id: str
    power_w: int | None
    command_id: str | None = None
    urgency: int = 0
    """Sent in this order: giving back, taking, renewing."""


class Follower:
    """Shares a demand over the homes of one leader, second by second."""

    def __init__(self, leader: Leader, clock: Clock) -> None:
        """Follow nothing yet."""
        self._leader = leader
        self._clock = clock
        self._homes: dict[str, FollowedHome] = {}
        self._changes: deque[_Change] = deque()
        self._stepped_mono_s: float | None = None
        self._lead_s = 0.0
        self._waiting: list[Dispatch] = []
        self.following: Following | None = None
        self.progress = Progress()
        self.counters: Counter[str] = Counter()
        self.step_cpu_s = 0.0
        """Processor time of all steps, for the figures."""

    def follow(
        self, series: Series, event_id: str | None = None, elapsed_s: float = 0.0
    ) -> Following:
        """Follow a series from now on, instead of any earlier one.

        Args:
            series: the demand.
            event_id: the event that it belongs to.
            elapsed_s: how much of the series has passed already.
        """
        if self.following is None:
            for state in self._homes.values():
                state.begin()
        self.following = Following(
            series=series,
            begun_mono_s=self._clock.monotonic() - elapsed_s,
            event_id=event_id,
        )
        return self.following

    def stop(self) -> bool:
        """End the demand; return whether there was one. The homes are told next."""
        was, self.following = self.following, None
        return was is not None

    async def run(self) -> None:
        """Step and send for ever."""
        due_mono_s = self._clock.monotonic()
        while True:
            if self._clock.monotonic() >= due_mono_s:
                begun_s = time.thread_time()
                self.step()
                self.step_cpu_s += time.thread_time() - begun_s
                due_mono_s = max(due_mono_s + STEP_S, self._clock.monotonic())
            self.send(SLICE_SENDS)
            await asyncio.sleep(SLICE_S)

    def step(self) -> None:
        """Share the demand of this moment; what follows is sent by ``send``."""
        now_mono_s = self._clock.monotonic()
        dt_s = 0.0
        if self._stepped_mono_s is not None:
            dt_s = now_mono_s - self._stepped_mono_s
        self._stepped_mono_s = now_mono_s
        demand_w, aim_w = self._demand(now_mono_s)
        self._changes.clear()
        if self.following is None and not self._is_anything_open():
            self.progress = Progress()
            return
        looks = self._look(now_mono_s)
        orders_w = sum(
            look.power_w for look in looks.values() if look.standing is Standing.BUSY
        )
        fixed_w = sum(
            look.power_w
            for look in looks.values()
            if look.standing in {Standing.BUSY, Standing.SILENT, Standing.BARRED}
        )
        left_w = aim_w - fixed_w if aim_w else 0
        sign = 1 if left_w > 0 else -1
        free = {
            home_id: look
            for home_id, look in looks.items()
            if self._may_be_told(home_id, look, now_mono_s)
        }
        shared = share(abs(left_w), self._members(free, sign, now_mono_s))
        self._account(looks, sign, dt_s)
        changes = [
            change
            for home_id, look in free.items()
            if (
                change := self._change(
                    home_id, look, sign * shared.get(home_id, 0), now_mono_s
                )
            )
        ]
        self._changes.extend(sorted(changes, key=_order_of_sending))
        standings = Counter(look.standing for look in looks.values())
        self.progress = Progress(
            demand_w=demand_w,
            aim_w=aim_w,
            orders_w=orders_w,
            planned_w=fixed_w + sign * sum(shared.values()),
            homes_running=len(shared),
            homes_silent=standings[Standing.SILENT],
            homes_barred=standings[Standing.BARRED],
            fairness=self._fairness(),
        )

    def send(self, most: int) -> int:
        """Send at most so many changes; return how many were sent."""
        now_mono_s = self._clock.monotonic()
        self._waiting = [
            item
            for item in self._waiting
            if item.status == "sent" and now_mono_s - item.published_mono_s < PENDING_S
        ]
        most = min(most, WINDOW - len(self._waiting))
        sent = 0
        while self._changes and sent < most:
            try:
                self._send(self._changes[0])
            except NotConnectedError:
                # The broker is away or its queue is full: the next slice tries again.
                self.counters["held_back"] += 1
                return sent
            except ContractError as err:
                _LOGGER.error("%s: %s", self._changes[0].home_id, err)
            self._changes.popleft()
            sent += 1
        return sent

    def _demand(self, now_mono_s: float) -> tuple[int, int]:
        """Return the demand of now, and the one that commands of now will meet."""
        following = self.following
        if following is None:
            return 0, 0
        elapsed_s = now_mono_s - following.begun_mono_s
        power_w = following.series.power_w(elapsed_s)
        if power_w is None:
            _LOGGER.info("the demand is over")
            self.following = None
            return 0, 0
        ahead_w = following.series.power_w(elapsed_s + self._lead_s)
        return power_w, power_w if ahead_w is None else ahead_w

    def _is_anything_open(self) -> bool:
        now = self._clock.utcnow()
        return any(
            item.is_following
            for home_id in self._homes
            for item in self._leader.dispatcher.of(home_id).open_commands(now)
        )

    def _look(self, now_mono_s: float) -> dict[str, Look]:
        now = self._clock.utcnow()
        dispatcher = self._leader.dispatcher
        looks = {}
        common_s = self._common_used_s()
        for home_id, home in self._leader.homes.items():
            state = self._homes.get(home_id)
            if state is None:
                state = FollowedHome(home_id=home_id, used_s=common_s)
                self._homes[home_id] = state
            looks[home_id] = state.look(home, dispatcher, now_mono_s, now)
        for home_id in self._homes.keys() - looks.keys():
            del self._homes[home_id]
        return looks

    def _may_be_told(self, home_id: str, look: Look, now_mono_s: float) -> bool:
        """Return True for a home that may be asked, or told that the demand is over."""
        if self.following is not None or look.newest is None:
            return look.standing is Standing.FREE
        return not self._homes[home_id].is_ending(look.newest, now_mono_s)

    def _common_used_s(self) -> float:
        """Who comes later is no further behind than the others are."""
        used = [state.used_s for state in self._homes.values() if state.offered_wh > 0]
        return sum(used) / len(used) if used else 0.0

    def _members(
        self, free: dict[str, Look], sign: int, now_mono_s: float
    ) -> list[Member]:
        duration_s = self._duration_s(now_mono_s)
        members = []
        dead_times_s = []
        for home_id, look in free.items():
            state, home = self._homes[home_id], self._leader.homes[home_id]
            bounds = state.bounds(home)
            if bounds is None:
                continue
            most_w = bound_w(bounds.unit, sign, duration_s)
            if state.clamp_w is not None:
                most_w = min(most_w, state.clamp_w)
            if most_w > 0:
                dead_times_s.append(bounds.dead_time_s)
            power_w = self._present_w(home, look, now_mono_s)
            members.append(
                Member(
                    home_id=home_id,
                    bound_w=most_w,
                    least_w=bounds.least_w,
                    now_w=max(0, sign * power_w),
                    used_s=state.used_s,
                    hold=state.hold(now_mono_s),
                    may_rise=state.may_rise(bounds, now_mono_s),
                )
            )
        self._lead_s = 0.0
        if dead_times_s:
            self._lead_s = min(MAX_LEAD_S, median(dead_times_s) + RESPONSE_S)
        return members

    def _present_w(self, home: Home, look: Look, now_mono_s: float) -> int:
        """Return what a home does; after a restart it may still follow the last term."""
        if look.newest is not None or not self._is_stray(home):
            return look.power_w
        return home.power_w(now_mono_s) or 0

    def _is_stray(self, home: Home) -> bool:
        if not home.frames:
            return False
        command_id = home.frames[-1].telemetry.command_id
        known = self._leader.dispatcher.of(home.home_id).dispatches
        return command_id is not None and command_id not in known

    def _duration_s(self, now_mono_s: float) -> float:
        if self.following is None:
            return HORIZON_S
        return max(1.0, min(HORIZON_S, self.following.end_mono_s - now_mono_s))

    def _account(self, looks: dict[str, Look], sign: int, dt_s: float) -> None:
        """Count what each home served and could have since the last step."""
        if dt_s <= 0 or self.following is None:
            return
        paces: list[float] = []
        away: list[FollowedHome] = []
        for home_id, look in looks.items():
            state = self._homes[home_id]
            bounds = state.bounds(self._leader.homes[home_id])
            most_w = bound_w(bounds.unit, sign, HORIZON_S) if bounds else 0
            if look.standing is not Standing.FREE or most_w == 0:
                away.append(state)
                continue
            power_w = max(0, sign * look.power_w)
            paces.append(min(1.0, power_w / most_w))
            state.used_s += paces[-1] * dt_s
            state.served_wh += power_w * dt_s / 3600.0
            state.offered_wh += most_w * dt_s / 3600.0
        common = sum(paces) / len(paces) if paces else 0.0
        for state in away:
            state.used_s += common * dt_s

    def _change(
        self, home_id: str, look: Look, target_w: int, now_mono_s: float
    ) -> _Change | None:
        """Return what a home has to be told, None when it does what is wanted."""
        newest = look.newest
        if target_w == 0:
            return self._ending(home_id, newest, now_mono_s)
        change = _Change(home_id=home_id, power_w=target_w)
        if newest is None or newest.command is None:
            return replace(change, urgency=1)
        difference_w = target_w - look.power_w
        if abs(difference_w) >= LEAST_CHANGE_W:
            is_rise = difference_w * target_w > 0
            return replace(change, urgency=1 if is_rise else 0)
        left_s = (newest.command.end - self._clock.utcnow()).total_seconds()
        if left_s < RENEW_S and left_s + 1.0 < self._duration_s(now_mono_s):
            return replace(change, urgency=2)
        return None

    def _ending(
        self, home_id: str, newest: Dispatch | None, now_mono_s: float
    ) -> _Change | None:
        if newest is not None:
            return _Change(home_id=home_id, power_w=None, command_id=newest.message.id)
        state = self._homes[home_id]
        is_due = now_mono_s - state.cancelled_mono_s >= STRAY_CANCEL_S
        if is_due and self._is_stray(self._leader.homes[home_id]):
            return _Change(home_id=home_id, power_w=None)
        return None

    def _send(self, change: _Change) -> None:
        now_mono_s, now = self._clock.monotonic(), self._clock.utcnow()
        state = self._homes.get(change.home_id)
        if state is None:
            return
        dispatcher = self._leader.dispatcher
        if change.power_w is None:
            dispatch = dispatcher.send_cancel(change.home_id, change.command_id)
            self.counters["cancels"] += 1
        else:
            dispatch = dispatcher.send_command(
                change.home_id,
                CommandOrder(
                    kind=CommandKind.SETPOINT,
                    power_w=change.power_w,
                    duration_s=self._duration_s(now_mono_s),
                    event_id=self.following.event_of(now) if self.following else None,
                    is_following=True,
                ),
            )
            self.counters["renewals" if change.urgency == 2 else "commands"] += 1
        self._waiting.append(dispatch)
        state.note_sent(dispatch, now_mono_s, is_new=change.urgency != 2)

    def _fairness(self) -> float | None:
        return jain(
            [
                state.served_wh / state.offered_wh
                for state in self._homes.values()
                if state.offered_wh > 0
            ]
        )


def _order_of_sending(change: _Change) -> tuple[int, int, str]:
    size_w = inf if change.power_w is None else abs(change.power_w)
    return change.urgency, -int(min(size_w, 10**9)), change.home_id
