"""What a rehearsal home makes of commands: the rules of the contract, in small.

Rules 1 to 12 for setpoints and releases; limits are not offered. The marks and the last
verdicts live as long as the process, over every reconnect.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..messages import Cancel, Command, CommandKind

KEPT_VERDICTS = 256
MAX_AGE_S = 12.0
MAX_AHEAD_S = 2.0
MAX_LEAD = timedelta(hours=48)
RATE = 2
MAX_WAITING = 16

type Say = Callable[[Verdict], None]
type Commit = Callable[[int], int]
"""Returns what the home gives of a wanted power."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One answer; becomes an ack."""

    command_id: str
    status: str
    code: str = "OK"
    committed_w: int = 0
    binding: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A command that was accepted, with monotonic begin and end."""

    command_id: str
    power_w: int
    committed_w: int
    begin_mono_s: float
    end_mono_s: float


class Gate:
    """Judges commands and keeps the one that is followed."""

    def __init__(self, say: Say, commit: Commit) -> None:
        """Begin with nothing.

        Args:
            say: sends a verdict.
            commit: what the home gives of a wanted power now.
        """
        self._say = say
        self._commit = commit
        self.active: Order | None = None
        self.waiting: list[Order] = []
        self.counters: Counter[str] = Counter()
        self.applied: Counter[str] = Counter()
        """How often each command was put into effect; more than once is a fault."""

        self._verdicts: OrderedDict[str, Verdict] = OrderedDict()
        self._marks: dict[str, tuple[int, int]] = {}
        self._recent: deque[float] = deque(maxlen=RATE)

    @property
    def setpoint_w(self) -> int:
        """Return what is followed now, 0 without an order."""
        return self.active.committed_w if self.active else 0

    def is_newer(self, topic: str, epoch: int, seq: int) -> bool:
        """Raise the mark of a topic; False for what is old (rule 3)."""
        highest = max((mark[0] for mark in self._marks.values()), default=-1)
        if epoch < highest or (epoch, seq) <= self._marks.get(topic, (-1, -1)):
            return False
        self._marks[topic] = (epoch, seq)
        return True

    def take_command(
        self, topic: str, command: Command, now_mono_s: float, now: datetime
    ) -> None:
        """Judge one verified command and answer it."""
        known = self._verdicts.get(command.id)
        if known is not None:
            self.counters["again"] += 1
            self._say(known)
            return
        is_stop = command.kind is CommandKind.RELEASE or command.power_w == 0
        is_newer = self.is_newer(topic, command.epoch, command.seq)
        code = None if is_newer or is_stop else "STALE_SEQ"
        code = code or _clock_code(command, now, is_stop=is_stop)
        code = code or self._rate_code(now_mono_s, is_stop=is_stop)
        if code is None and command.kind is CommandKind.LIMIT:
            code = "UNSUPPORTED"
        if code is not None:
            self._answer(Verdict(command_id=command.id, status="rejected", code=code))
            return
        self._accept(command, now_mono_s, now)

    def take_cancel(self, cancel: Cancel) -> None:
        """End one order, or all, and answer."""
        known = self._verdicts.get(cancel.id)
        if known is not None:
            self._say(known)
            return
        self._answer(Verdict(command_id=cancel.id, status="accepted"))
        for order in [*self.waiting, *([self.active] if self.active else [])]:
            if cancel.all or order.command_id == cancel.command_id:
                self._drop(order, "cancelled")

    def fail(self, code: str) -> None:
        """End everything that runs or waits, because of the home."""
        for order in [*self.waiting, *([self.active] if self.active else [])]:
            self._drop(order, "failed", code)

    def step(self, now_mono_s: float) -> None:
        """Begin and end what is due."""
        if self.active is not None and now_mono_s >= self.active.end_mono_s:
            self._drop(self.active, "done")
        for order in list(self.waiting):
            if now_mono_s >= order.begin_mono_s:
                self.waiting.remove(order)
                self._begin(order)

    def _accept(self, command: Command, now_mono_s: float, now: datetime) -> None:
        wanted_w = command.power_w or 0
        committed_w = self._commit(wanted_w)
        is_clamped = committed_w != wanted_w
        verdict = Verdict(
            command_id=command.id,
            status="accepted",
            code="CLAMPED" if is_clamped else "OK",
            committed_w=committed_w,
            binding=("limit",) if is_clamped else (),
        )
        self._answer(verdict)
        if command.dry_run:
            return
        if command.kind is CommandKind.RELEASE:
            if self.active is not None:
                self._drop(self.active, "cancelled")
            return
        order = Order(
            command_id=command.id,
            power_w=wanted_w,
            committed_w=committed_w,
            begin_mono_s=now_mono_s + max(0.0, (command.start - now).total_seconds()),
            end_mono_s=now_mono_s + (command.end - now).total_seconds(),
        )
        if order.begin_mono_s <= now_mono_s:
            self._begin(order)
        elif len(self.waiting) < MAX_WAITING:
            self.waiting.append(order)
        else:
            self._drop(order, "rejected", "OVERLAP")

    def _begin(self, order: Order) -> None:
        if self.active is not None:
            self._drop(self.active, "superseded")
        self.active = order
        self.applied[order.command_id] += 1
        self._answer(
            Verdict(
                command_id=order.command_id,
                status="active",
                code="OK" if order.committed_w == order.power_w else "CLAMPED",
                committed_w=order.committed_w,
            )
        )

    def _drop(self, order: Order, status: str, code: str = "OK") -> None:
        if order in self.waiting:
            self.waiting.remove(order)
        if self.active is order:
            self.active = None
        self._answer(Verdict(command_id=order.command_id, status=status, code=code))

    def _rate_code(self, now_mono_s: float, *, is_stop: bool) -> str | None:
        is_full = len(self._recent) == RATE and now_mono_s - self._recent[0] < 1.0
        if is_full and not is_stop:
            return "RATE_LIMIT"
        self._recent.append(now_mono_s)
        return None

    def _answer(self, verdict: Verdict) -> None:
        self._verdicts[verdict.command_id] = verdict
        while len(self._verdicts) > KEPT_VERDICTS:
            self._verdicts.popitem(last=False)
        self.counters[verdict.status] += 1
        self._say(verdict)


def _clock_code(command: Command, now: datetime, *, is_stop: bool) -> str | None:
    """Return what is wrong with the times of a command (rule 4), None for nothing."""
    if command.end <= now and command.kind is not CommandKind.RELEASE:
        return "EXPIRED"
    if is_stop:
        return None
    age_s = (now - command.ts).total_seconds()
    if age_s > MAX_AGE_S:
        return "EXPIRED"
    if age_s < -MAX_AHEAD_S:
        return "CLOCK_SKEW"
    return "NOT_YET" if command.start - now > MAX_LEAD else None
