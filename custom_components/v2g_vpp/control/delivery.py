"""Which setpoint is written to a station, and when: few writes, never a late stop."""

from collections import deque
from dataclasses import dataclass, replace

from ..domain.capability import CLOCK_ERROR_S, DialectTiming
from ..domain.ids import EvseKey, TransactionId
from ..domain.setpoint import (
    Reason,
    Setpoint,
    SetpointWrite,
    WriteResult,
    WriteStatus,
)

DEAD_BAND_W = 100.0
DEAD_BAND_SHARE = 0.02
"""A change smaller than both is noise of the trim, not worth a write."""

SAME_POWER_W = 1.0
"""Powers closer than this are the same to any charger."""

ZERO_REFRESH_SHARE = 0.5
"""At 0 W a write is due this part of the validity after the last one: an expired zero
would fall back to the floor profile, which may charge."""

RESEND_STOP_AFTER_S = 2.0
"""A stop without an answer is sent again; a newer one supersedes a waiting one."""

ANSWER_TIMEOUT_S = 35.0
"""Longer than any CALL may take: a write without an outcome by then is lost."""

STOP_RETRY_S = 0.5
"""A refused stop is tried again with the next tick, but not as fast as it is refused."""

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 16.0
"""Retries of a write that is no stop: doubling, so that a charger that says no is not
nagged."""


KEPT_CHANGES = 16
"""More than a station takes in a tick; whoever does not look loses the oldest."""

_MAY_RUN = frozenset({WriteStatus.ACCEPTED, WriteStatus.TIMEOUT, WriteStatus.OFFLINE})
"""A write without an answer may have been taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryContext:
    """What else decides whether a setpoint is written now."""

    timing: DialectTiming
    is_ready: bool
    """The station is connected and its device model was read."""

    transaction_id: TransactionId | None
    command_id: str | None = None
    """Identity of the order or override behind the setpoint; a new one is not held
    back by the write budget."""

    is_withheld: bool = False
    """True: the self-test lets the station's dead-man fire; only stops are written."""

    is_connected: bool = False
    """The link is up, ready or not: then a stop may leave."""

    is_floor_enough: bool = False
    """True: at 0 W the floor profile of the station says the same without an end, so
    nothing has to be written to its memory again and again."""

    is_silenced: bool = False
    """True: the station ignores stops, and each would only put off its dead-man."""


@dataclass(slots=True)
class _TokenBucket:
    """Budget of regulation writes."""

    tokens: float = 0.0
    filled_mono_s: float | None = None

    def fill(self, timing: DialectTiming, now_mono_s: float) -> None:
        """Add what the time since the last call earned; full at the first."""
        if self.filled_mono_s is None:
            self.tokens = timing.burst_writes
        else:
            earned = (now_mono_s - self.filled_mono_s) / timing.write_interval_s
            self.tokens = min(timing.burst_writes, self.tokens + max(0.0, earned))
        self.filled_mono_s = now_mono_s

    def take(self) -> bool:
        """Return True and pay when there is a token."""
        if self.tokens < 1.0:
            return False
        self.tokens -= 1.0
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A power that a station accepted."""

    power_w: float
    since_mono_s: float
    """When it may first have heard of it."""


class SetpointDelivery:
    """Bring the setpoints of one EVSE to its station.

    Call ``plan`` on every tick and ``done`` with the outcome of every write. Only a
    call of ``plan`` makes a write, so a stuck loop refreshes nothing.
    """

    def __init__(self, key: EvseKey) -> None:
        """Start without a link: the first write renews the whole profile."""
        self._key = key
        self._bucket = _TokenBucket()
        self._transaction_id: TransactionId | None = None
        self._dead_man_expires_mono_s: float | None = None
        self._left_running_w = 0.0
        self._last_write_mono_s: float | None = None
        self._validity_s = 0.0
        self._is_discharge_taken = False
        self.link_lost()

    @property
    def dead_man_expires_mono_s(self) -> float | None:
        """When the station has ended every power by itself; None: none was written."""
        return self._dead_man_expires_mono_s

    def left_running_w(self, now_mono_s: float) -> float | None:
        """Return what a station may still run that cannot be told anything now, W.

        None while something was told on this link, and when it has run out.
        """
        expires_mono_s = self._dead_man_expires_mono_s
        if self._told_w is not None or expires_mono_s is None:
            return None
        return self._left_running_w if now_mono_s < expires_mono_s else None

    @property
    def last_write_mono_s(self) -> float | None:
        """When the last accepted write left; None before the first one."""
        return self._last_write_mono_s

    @property
    def is_stop_acknowledged(self) -> bool:
        """True when the station accepted 0 W and nothing newer is on its way."""
        return self._told_w == 0 and self._is_known

    @property
    def told_w(self) -> float | None:
        """What was told last on this link, W, taken or not; None: nothing yet.

        The write budget may keep it behind the setpoint of this tick for some seconds.
        """
        return self._told_w

    @property
    def taken_w(self) -> float | None:
        """What the station accepted last, W; None while something is on its way."""
        return self._told_w if self._is_known else None

    def take_changes(self) -> tuple[Taken, ...]:
        """Return once what the station took since the last call, the oldest first.

        Also what was replaced before anybody could look at it: its answer is seen.
        """
        changes = tuple(self._changes)
        self._changes.clear()
        return changes

    def runs_out(self, now_mono_s: float) -> bool:
        """Return True when the station has ended what it took by itself."""
        return now_mono_s - self._accepted_mono_s >= self._validity_s

    def is_unheard(self, now_mono_s: float) -> bool:
        """Return True when the station has not taken a write for a while."""
        waited_s = now_mono_s - self._unheard_mono_s
        return not self._is_known and waited_s > RESEND_STOP_AFTER_S

    def is_settled(self, setpoint: Setpoint) -> bool:
        """Return True when the station accepted this very power."""
        return (
            self._is_known
            and not self._is_forced
            and self._told_w is not None
            and abs(self._told_w - setpoint.power_w) <= SAME_POWER_W
        )

    def link_lost(self) -> None:
        """Forget what the station was told: link or transaction are new."""
        self._told_w: float | None = None
        self._is_known = False
        self._unheard_mono_s = float("inf")
        self._accepted_mono_s = 0.0
        self._changes: deque[Taken] = deque(maxlen=KEPT_CHANGES)
        self._requested_w: float | None = None
        self._command_id: str | None = None
        self._in_flight: SetpointWrite | None = None
        self._is_forced = False
        self._retry_s = FIRST_RETRY_S
        self._retry_mono_s = 0.0
        self._wants_renewal = True
        self._zero_owed_until_mono_s = 0.0
        self._refused_retry_s = FIRST_RETRY_S

    def force_write(self) -> None:
        """Write with the next plan, even what the station was told before."""
        self._is_forced = True

    def renew(self) -> None:
        """Write with the next plan, as a whole profile."""
        self._is_forced = True
        self._wants_renewal = True

    def plan(
        self, desired: Setpoint, context: DeliveryContext, now_mono_s: float
    ) -> SetpointWrite | None:
        """Return the write that is due now, None when none is.

        Args:
            desired: of this tick, after the output gate.
            context: of the station and the owner.
            now_mono_s: of this tick.
        """
        self._bucket.fill(context.timing, now_mono_s)
        self._validity_s = context.timing.validity_s
        is_link_up = context.is_ready or context.is_connected
        if not is_link_up or context.transaction_id is None:
            self.link_lost()
            return None
        if context.transaction_id != self._transaction_id:
            self.link_lost()
            self._transaction_id = context.transaction_id
            self._is_discharge_taken = False
        if desired.power_w < 0 and now_mono_s < self._zero_owed_until_mono_s:
            desired = replace(desired, power_w=0.0)
        is_expired = now_mono_s - self._accepted_mono_s >= self._validity_s
        # A profile that ended, for the test or by itself, is not there to be updated.
        self._wants_renewal |= context.is_withheld or is_expired
        self._wants_renewal |= context.is_silenced
        is_stop_only = context.is_withheld or not context.is_ready
        is_held = context.is_silenced or (is_stop_only and desired.power_w != 0)
        if is_held or not self._is_due(desired, context, now_mono_s):
            return None
        return self._begin(desired, context.transaction_id, context, now_mono_s)

    def _begin(
        self,
        desired: Setpoint,
        transaction_id: TransactionId,
        context: DeliveryContext,
        now_mono_s: float,
    ) -> SetpointWrite:
        """Return the write of a setpoint and wait for its outcome."""
        write = SetpointWrite(
            key=self._key,
            power_w=desired.power_w,
            transaction_id=transaction_id,
            decided_mono_s=now_mono_s,
            is_renewal=self._wants_renewal,
        )
        if self._is_known or self._told_w is None:
            self._unheard_mono_s = now_mono_s
        self._in_flight, self._told_w, self._is_known = write, write.power_w, False
        self._is_forced = False
        self._requested_w = desired.requested_w
        self._command_id = context.command_id
        # Until the station says otherwise it may run this as long as it is valid.
        self._note_dead_man(write, now_mono_s)
        return write

    def done(
        self, write: SetpointWrite, result: WriteResult, now_mono_s: float
    ) -> None:
        """Take in the outcome of a write; of a replaced one only when it ended."""
        sent_mono_s = result.on_wire_mono_s or now_mono_s
        if result.is_accepted:
            self._last_write_mono_s = sent_mono_s
            self._note_dead_man(write, now_mono_s)
            # A write before it that got no answer may have been heard.
            since_mono_s = min(sent_mono_s, self._unheard_mono_s)
            self._changes.append(
                Taken(power_w=write.power_w, since_mono_s=since_mono_s)
            )
        may_run = result.status in _MAY_RUN and write.power_w < 0
        if may_run and write.transaction_id == self._transaction_id:
            # Even of a replaced write: the station runs it until it hears another.
            self._is_discharge_taken = True
        if write is not self._in_flight:
            return
        self._in_flight = None
        if result.is_accepted:
            self._note_taken(write, now_mono_s)
            self._is_known = True
            # A renewal that was asked for meanwhile is still owed.
            self._wants_renewal &= not write.is_renewal
            self._accepted_mono_s = sent_mono_s
            self._retry_s = FIRST_RETRY_S
            return
        if result.status in (WriteStatus.SUPERSEDED, WriteStatus.STALE):
            # Nothing left for the station: the next tick decides anew.
            self._is_forced = True
            return
        self._wants_renewal = True
        is_refused = result.status is WriteStatus.REJECTED and write.power_w < 0
        if is_refused and self._is_discharge_taken:
            # What it took before may go on for long: 0 W first, and only then again.
            self._zero_owed_until_mono_s = float("inf")
        is_stop = write.power_w == 0
        self._retry_mono_s = now_mono_s + (STOP_RETRY_S if is_stop else self._retry_s)
        self._retry_s = min(LONGEST_RETRY_S, 2 * self._retry_s)

    def _note_taken(self, write: SetpointWrite, now_mono_s: float) -> None:
        """Note whether a discharge runs; after an owed 0 W it waits for its turn."""
        if write.power_w < 0:
            return
        self._is_discharge_taken = False
        if self._zero_owed_until_mono_s == float("inf"):
            self._zero_owed_until_mono_s = now_mono_s + self._refused_retry_s
            self._refused_retry_s = min(LONGEST_RETRY_S, 2 * self._refused_retry_s)

    def _is_due(
        self, desired: Setpoint, context: DeliveryContext, now_mono_s: float
    ) -> bool:
        told_w = self._told_w
        if told_w is None or self._is_forced or self._is_towards_zero(told_w, desired):
            return True
        is_change = _is_beyond_dead_band(told_w, desired.power_w)
        if is_change and context.command_id != self._command_id:
            return True
        if self._in_flight is not None:
            age_s = now_mono_s - self._in_flight.decided_mono_s
            is_stop = desired.power_w == 0
            return age_s >= (RESEND_STOP_AFTER_S if is_stop else ANSWER_TIMEOUT_S)
        if not self._is_known:
            return now_mono_s >= self._retry_mono_s
        if self._is_refresh_due(told_w, context, now_mono_s):
            return True
        return is_change and self._bucket.take()

    def _is_towards_zero(self, told_w: float, desired: Setpoint) -> bool:
        """Return True for what must never wait: less power, or the other direction.

        A trim that takes back some watts of what was asked before is regulation.
        """
        power_w = desired.power_w
        if told_w * power_w < 0 or (power_w == 0 and told_w != 0):
            return True
        if abs(power_w) >= abs(told_w) - SAME_POWER_W:
            return False
        is_trim = (
            desired.requested_w == self._requested_w
            and desired.reason is Reason.AS_REQUESTED
        )
        return not is_trim or _is_beyond_dead_band(told_w, power_w)

    def _is_refresh_due(
        self, told_w: float, context: DeliveryContext, now_mono_s: float
    ) -> bool:
        if told_w == 0 and context.is_floor_enough:
            return False
        timing = context.timing
        zero_s = timing.validity_s * ZERO_REFRESH_SHARE
        due_s = timing.refresh_s if told_w != 0 else zero_s
        return now_mono_s - self._accepted_mono_s >= due_s

    def _note_dead_man(self, write: SetpointWrite, now_mono_s: float) -> None:
        if write.power_w != 0:
            self._left_running_w = write.power_w
            self._dead_man_expires_mono_s = (
                now_mono_s + self._validity_s + CLOCK_ERROR_S
            )


def _is_beyond_dead_band(before_w: float, power_w: float) -> bool:
    band_w = max(DEAD_BAND_W, DEAD_BAND_SHARE * abs(before_w))
    return abs(power_w - before_w) > band_w
