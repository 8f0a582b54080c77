"""Commands and cancels: sent, sent again until answered, followed to their end."""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .clock import Clock
from .errors import NotConnectedError
from .messages import Ack, Cancel, Command, CommandKind, CurvePoint, Droop
from .mqtt_session import Outbound
from .outbox import CANCEL, COMMAND_LIFE_S, Outbox, Sending, whole_seconds
from .topics import down_topic

RESEND_AFTER_S = (2.0, 5.0, 9.0)
"""An answer takes milliseconds; the last try still arrives within a command's 12 s."""

KEPT_COMMANDS = 200
"""Per home; older ones are history that a restart would lose as well."""

KEPT_ACKS = 200

OPEN_STATUSES = frozenset({"accepted", "active"})
FINAL_STATUSES = frozenset(
    {"done", "partial", "superseded", "cancelled", "rejected", "failed", "opted_out"}
)

LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOrder:
    """What an operator asks of a home; watts, positive = charging."""

    kind: CommandKind
    duration_s: float
    power_w: int | None = None
    start_in_s: float = 0.0
    resource: str | None = None
    event_id: str | None = None
    start_spread_s: int | None = None
    ramp_w_per_s: int | None = None
    test: bool = False
    dry_run: bool = False
    is_following: bool = False
    """Whether it serves the demand that is followed, not an order of its own."""
    droop: Droop | None = None
    curve: tuple[CurvePoint, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AckRecord:
    """One answer and the monotonic second it came."""

    ack: Ack
    received_mono_s: float


@dataclass(slots=True, kw_only=True)
class Dispatch:
    """One command or cancel and what became of it."""

    message: Command | Cancel
    outbound: Outbound
    published_mono_s: float
    status: str = "sent"
    """``sent``, ``unanswered``, or the status of the newest ack."""

    code: str | None = None
    committed_w: int = 0
    first_ack_mono_s: float | None = None
    attempts: int = 1
    is_following: bool = False

    @property
    def command(self) -> Command | None:
        """Return the command, None for a cancel."""
        return self.message if isinstance(self.message, Command) else None

    def is_in_force(self, now: datetime) -> bool:
        """Return True for a command that the home follows at this moment."""
        command = self.command
        return (
            command is not None
            and not command.dry_run
            and self.status in OPEN_STATUSES
            and command.start <= now < command.end
        )


@dataclass(slots=True)
class HomeDispatches:
    """Dispatches and acks of one home, oldest first, bounded."""

    dispatches: dict[str, Dispatch] = field(default_factory=dict)
    acks: deque[AckRecord] = field(default_factory=lambda: deque(maxlen=KEPT_ACKS))
    _open: dict[str, Dispatch] = field(default_factory=dict)

    def open_commands(self, now: datetime) -> list[Dispatch]:
        """Return the commands that may still run, oldest first."""
        over = [
            command_id
            for command_id, dispatch in self._open.items()
            if dispatch.status in FINAL_STATUSES
            or dispatch.command is None
            or dispatch.command.end <= now
        ]
        for command_id in over:
            del self._open[command_id]
        return list(self._open.values())

    def add(self, dispatch: Dispatch) -> None:
        """Keep one more and forget the oldest beyond the bound."""
        self.dispatches[dispatch.message.id] = dispatch
        if dispatch.command is not None:
            self._open[dispatch.message.id] = dispatch
        while len(self.dispatches) > KEPT_COMMANDS:
            del self.dispatches[next(iter(self.dispatches))]


class Dispatcher:
    """The one place that sends commands."""

    def __init__(self, region: str, outbox: Outbox, clock: Clock) -> None:
        """Begin with nothing under way."""
        self._region = region
        self._outbox = outbox
        self._clock = clock
        self._homes: dict[str, HomeDispatches] = {}
        self._waiting: list[Dispatch] = []
        self.acks: Counter[tuple[str, str]] = Counter()
        """Answers by status and code."""

        self.latency_buckets: Counter[float] = Counter()
        self.latency_sum_s = 0.0
        self.latency_count = 0
        self.resends = 0
        self.unanswered = 0

    def of(self, home_id: str) -> HomeDispatches:
        """Return the dispatches of one home."""
        return self._homes.setdefault(home_id, HomeDispatches())

    def send_command(self, home_id: str, order: CommandOrder) -> Dispatch:
        """Send one command.

        Raises:
            NotConnectedError: when the broker is away.
            ContractError: when the order does not fit the contract.
        """
        topic = down_topic(self._region, home_id, "command")
        envelope = self._outbox.envelope(topic)
        start = envelope["ts"] + timedelta(seconds=order.start_in_s)
        command = Command(
            **envelope,
            kind=order.kind,
            power_w=order.power_w,
            start=start,
            end=start + timedelta(seconds=order.duration_s),
            resource=order.resource,
            event_id=order.event_id,
            start_spread_s=order.start_spread_s,
            ramp_w_per_s=order.ramp_w_per_s,
            test=order.test,
            dry_run=order.dry_run,
            droop=order.droop,
            curve=order.curve,
        )
        life_s = min((command.end - command.ts).total_seconds(), COMMAND_LIFE_S)
        how = Sending(qos=1, expiry_s=life_s)
        dispatch = self._send(home_id, command, topic, how)
        dispatch.is_following = order.is_following
        return dispatch

    def send_cancel(self, home_id: str, command_id: str | None) -> Dispatch:
        """End one command of a home; None ends all of them.

        Raises:
            NotConnectedError: when the broker is away.
            ContractError: when the id is none.
        """
        topic = down_topic(self._region, home_id, "cancel")
        envelope = self._outbox.envelope(topic)
        cancel = Cancel(
            **envelope,
            command_id=command_id,
            all=True if command_id is None else None,
        )
        return self._send(home_id, cancel, topic, CANCEL)

    def note_ack(self, home_id: str, ack: Ack, received_mono_s: float) -> None:
        """Take one verified answer."""
        home = self.of(home_id)
        home.acks.append(AckRecord(ack=ack, received_mono_s=received_mono_s))
        self.acks[(ack.status, ack.code)] += 1
        dispatch = home.dispatches.get(ack.command_id)
        if dispatch is None:
            return
        if dispatch.first_ack_mono_s is None:
            dispatch.first_ack_mono_s = received_mono_s
            self._note_latency(received_mono_s - dispatch.published_mono_s)
        if dispatch.status in FINAL_STATUSES:
            # A recorded verdict that was sent again must not bring it back to life.
            return
        dispatch.status = ack.status
        dispatch.code = ack.code
        dispatch.committed_w = ack.committed_w

    def resend_unanswered(self) -> None:
        """Send what nobody answered again; call it every few hundred milliseconds."""
        now_mono_s = self._clock.monotonic()
        for dispatch in self._waiting:
            self._nudge(dispatch, now_mono_s - dispatch.published_mono_s)
        self._waiting = [d for d in self._waiting if d.status == "sent"]

    def commanded_w(self, home_id: str) -> int:
        """Return the sum that a home has committed to by setpoints in force.

        A newer command counts instead of an older one for the same EVSE, and one for
        the whole home instead of all, before the home has said so.
        """
        now = self._clock.utcnow()
        newest: dict[str | None, Dispatch] = {}
        for dispatch in self.of(home_id).open_commands(now):
            command = dispatch.command
            if command is None or not dispatch.is_in_force(now):
                continue
            if command.resource is None:
                newest.clear()
            newest.pop(None, None)
            newest[command.resource] = dispatch
        return sum(
            dispatch.committed_w
            for dispatch in newest.values()
            if dispatch.command and dispatch.command.kind is CommandKind.SETPOINT
        )

    def _send(
        self, home_id: str, message: Command | Cancel, topic: str, how: Sending
    ) -> Dispatch:
        outbound = self._outbox.prepare(topic, message, how)
        published_mono_s = self._outbox.send(outbound)
        dispatch = Dispatch(
            message=message, outbound=outbound, published_mono_s=published_mono_s
        )
        self.of(home_id).add(dispatch)
        self._waiting.append(dispatch)
        return dispatch

    def _nudge(self, dispatch: Dispatch, age_s: float) -> None:
        if dispatch.status != "sent":
            return
        if age_s >= COMMAND_LIFE_S:
            dispatch.status = "unanswered"
            self.unanswered += 1
            return
        is_due = (
            dispatch.attempts <= len(RESEND_AFTER_S)
            and age_s >= RESEND_AFTER_S[dispatch.attempts - 1]
        )
        left_s = dispatch.outbound.expiry_s - age_s
        if not is_due or left_s <= 0:
            return
        dispatch.attempts += 1
        try:
            # The same bytes: the home knows the id and applies nothing twice.
            self._outbox.send(_with_expiry(dispatch.outbound, left_s))
        except NotConnectedError:
            return
        self.resends += 1

    def _note_latency(self, latency_s: float) -> None:
        self.latency_sum_s += latency_s
        self.latency_count += 1
        for bound in LATENCY_BUCKETS_S:
            if latency_s <= bound:
                self.latency_buckets[bound] += 1


def _with_expiry(outbound: Outbound, left_s: float) -> Outbound:
    return Outbound(
        topic=outbound.topic,
        payload=outbound.payload,
        qos=outbound.qos,
        expiry_s=whole_seconds(left_s),
        signature=outbound.signature,
        correlation=outbound.correlation,
    )
