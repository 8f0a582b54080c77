"""One home of a rehearsal: it speaks the contract and moves its plant.

It shares its clock with the aggregator, so that its clock checks are for show, and it
commands nothing but its own small plant. Everything else is as in a real home: it
verifies each signature itself, answers by the rules, and is at 0 W without heartbeats.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
import uuid

from ..clock import Clock
from ..codec import decode
from ..envelope import Message
from ..errors import ContractError, NotConnectedError
from ..messages import (
    Ack,
    Cancel,
    ClockReply,
    ClockRequest,
    Command,
    Heartbeat,
    Hello,
    Request,
    State,
    Welcome,
)
from ..mqtt_session import Inbound, Outbound
from ..outbox import Outbox, Sending
from ..signing import Signer, is_valid
from ..topics import PREFIX
from .gate import Gate, Verdict
from .profile import Manner, Profile
from .speech import availability, offer, telemetry

STATE = Sending(qos=1, expiry_s=0, is_signed=False, is_retained=True)
HELLO = Sending(qos=1, expiry_s=30, is_signed=False)
OFFER = Sending(qos=1, expiry_s=86_400, is_signed=False, is_retained=True)
AVAILABILITY = Sending(qos=1, expiry_s=900, is_signed=False, is_retained=True)
ACK = Sending(qos=1, expiry_s=60)
TELEMETRY = Sending(qos=0, expiry_s=10, is_signed=False)
CLOCK = Sending(qos=0, expiry_s=10, is_signed=False)

HELLO_PERIOD_S = 10.0
BIRTH_AGAIN_S = 12.0
AVAILABILITY_PERIOD_S = 60.0
AVAILABILITY_CHANGE = 0.05
CLOCK_PERIOD_S = 60.0
REQUEST_PERIOD_S = 1.0
WATCHDOG_S = 20.0
"""VPP contract: the dispatch is released early enough to be at 0 W after 30 s."""

MAX_BEAT_AGE_S = 12.0
GOOD_BEATS = 3

_CLASSES: dict[str, type[Message]] = {
    "command": Command,
    "cancel": Cancel,
    "heartbeat": Heartbeat,
    "welcome": Welcome,
    "clock": ClockReply,
    "request": Request,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeFacts:
    """Who a home is to its aggregator."""

    region: str
    home_id: str
    programme_id: str
    epoch: int
    """Boot count; grows with each start of the rehearsal."""

    aggregator_keys: Mapping[str, str]


class RehearsalHome:
    """One home; whoever owns it moves the clock by ``step``."""

    def __init__(
        self, facts: HomeFacts, profile: Profile, signer: Signer, clock: Clock
    ) -> None:
        """Prepare a home; ``publish`` has to be set before it connects."""
        self.facts = facts
        self.profile = profile
        self.plant = profile.plant
        self.gate = Gate(self._say, self._commit)
        self.boot_id = str(uuid.uuid7())
        self.connection = 0
        self.is_connected = False
        self.connected_mono_s: float | None = None
        """When its last connection was proven."""

        self.telemetry_s = 10.0
        self.reconnect_max_s = 120.0
        self._signer = signer
        self._clock = clock
        self._base = f"{PREFIX}/{facts.region}/{facts.home_id}"
        self.publish: Callable[[Outbound], None] = _nowhere
        self._outbox = Outbox(facts.epoch, signer, clock, self._publish)
        self._hello_id: str | None = None
        self._is_welcome = False
        self._asked_w = 0
        self._offered = (0, 0)
        self._beat_mono_s: float | None = None
        self._good_beats = GOOD_BEATS
        self._due: dict[str, float] = {}
        self._answered_mono_s = float("-inf")

    @property
    def topic_filters(self) -> list[str]:
        """Return what a home subscribes to."""
        everybody = f"{PREFIX}/{self.facts.region}/all/dn/#"
        return [f"{self._base}/dn/#", everybody]

    def will(self) -> Outbound:
        """Return the Will of the next connection."""
        self.connection += 1
        return self._outbox.prepare(self._up("state"), self._state("offline"), STATE)

    def on_connection(self, is_connected: bool) -> None:  # noqa: FBT001  a callback
        """Say who we are, or note that nobody hears us."""
        self.is_connected = is_connected
        self._is_welcome = False
        if not is_connected:
            return
        now_mono_s = self.connected_mono_s = self._clock.monotonic()
        self._send("state", self._state("online"), STATE)
        self._hello()
        phase = self.profile.phase
        self._due = {
            "birth": now_mono_s + BIRTH_AGAIN_S,
            "hello": now_mono_s + HELLO_PERIOD_S,
            "clock": now_mono_s + 1.0 + phase * CLOCK_PERIOD_S,
            "availability": now_mono_s + phase * AVAILABILITY_PERIOD_S,
            "telemetry": now_mono_s + phase * self.telemetry_s,
        }

    def goodbye(self) -> None:
        """Say that we leave on purpose."""
        self._send("state", self._state("offline"), STATE)

    def on_message(self, inbound: Inbound) -> None:
        """Take one message; whatever is wrong with it is only counted."""
        topic_type = inbound.topic.rpartition("/")[2]
        kind = _CLASSES.get(topic_type)
        counters = self.gate.counters
        if kind is None or inbound.is_retained:
            counters["ignored"] += 1
            return
        keys = self.facts.aggregator_keys
        is_signed = kind is Request or is_valid(
            inbound.topic, inbound.payload, inbound.signatures, keys
        )
        if not is_signed:
            counters["unsigned"] += 1
            return
        try:
            message = decode(inbound.payload, kind)
        except ContractError:
            counters["schema"] += 1
            return
        self._take(inbound.topic, message)

    def step(self, now_mono_s: float) -> None:
        """Do what is due; call it about twice a second."""
        self._watch(now_mono_s)
        self.gate.step(now_mono_s)
        if self.gate.setpoint_w != self._asked_w:
            self._asked_w = self.gate.setpoint_w
            self.plant.ask(self._asked_w, now_mono_s)
        self.plant.step(now_mono_s)
        if self.is_connected:
            self._speak(now_mono_s)

    def _take(self, topic: str, message: Message) -> None:
        now_mono_s, now = self._clock.monotonic(), self._clock.utcnow()
        match message:
            case Command():
                if self._good_beats < GOOD_BEATS and message.power_w:
                    verdict = Verdict(
                        command_id=message.id, status="rejected", code="FAILSAFE"
                    )
                    self._say(verdict)
                    return
                self.gate.take_command(topic, message, now_mono_s, now)
            case Cancel():
                self.gate.is_newer(topic, message.epoch, message.seq)
                self.gate.take_cancel(message)
            case Heartbeat():
                age_s = (now - message.ts).total_seconds()
                is_new = self.gate.is_newer(topic, message.epoch, message.seq)
                if is_new and age_s <= MAX_BEAT_AGE_S:
                    self._beat_mono_s = now_mono_s - max(0.0, age_s)
                    self._good_beats += 1
            case Welcome():
                self._take_welcome(message)
            case Request():
                self._take_request(message, now_mono_s)

    def _take_welcome(self, welcome: Welcome) -> None:
        if welcome.hello_id != self._hello_id or welcome.status != "accepted":
            return
        self._is_welcome = True
        self.telemetry_s = float(welcome.telemetry_period_s or self.telemetry_s)
        self.reconnect_max_s = float(welcome.reconnect_max_s or self.reconnect_max_s)
        self._offer()
        self._availability()

    def _take_request(self, request: Request, now_mono_s: float) -> None:
        if now_mono_s - self._answered_mono_s < REQUEST_PERIOD_S:
            return
        self._answered_mono_s = now_mono_s
        if "state" in request.wanted:
            self._send("state", self._state("online"), STATE)
        if "hello" in request.wanted:
            self._hello()
        if "offer" in request.wanted:
            self._offer()
        if "availability" in request.wanted:
            self._availability()
        if "telemetry" in request.wanted:
            self._telemetry()

    def _watch(self, now_mono_s: float) -> None:
        """Release everything when the aggregator has fallen silent (rule 12)."""
        if self._beat_mono_s is None:
            return
        if now_mono_s - self._beat_mono_s > WATCHDOG_S and self._good_beats > 0:
            self._good_beats = 0
            self.gate.counters["failsafe"] += 1
            self.gate.fail("FAILSAFE")

    def _speak(self, now_mono_s: float) -> None:
        if self._is_due("birth", now_mono_s, float("inf")):
            self._send("state", self._state("online"), STATE)
        if not self._is_welcome:
            if self._is_due("hello", now_mono_s, HELLO_PERIOD_S):
                self._hello()
            return
        if self._is_due("clock", now_mono_s, CLOCK_PERIOD_S):
            request = ClockRequest(**self._outbox.envelope(self._up("clock")))
            self._send("clock", request, CLOCK)
        is_due = self._is_due("availability", now_mono_s, AVAILABILITY_PERIOD_S)
        if is_due or self._has_changed():
            self._availability()
        if self._is_due("telemetry", now_mono_s, self.telemetry_s):
            self._telemetry()

    def _is_due(self, what: str, now_mono_s: float, period_s: float) -> bool:
        if now_mono_s < self._due.get(what, float("inf")):
            return False
        self._due[what] += period_s
        return True

    def _has_changed(self) -> bool:
        lowest_w, highest_w = self._range()
        return any(
            abs(new - old) > AVAILABILITY_CHANGE * max(abs(old), 1)
            for new, old in zip((lowest_w, highest_w), self._offered, strict=True)
        )

    def _range(self) -> tuple[int, int]:
        if self.profile.manner is Manner.AWAY:
            return 0, 0
        return self.plant.lowest_w, self.plant.highest_w

    def _commit(self, wanted_w: int) -> int:
        lowest_w, highest_w = self._range()
        most_w = self.profile.most_w
        return min(max(wanted_w, lowest_w, -most_w), highest_w, most_w)

    def _say(self, verdict: Verdict) -> None:
        ack = Ack(
            **self._outbox.envelope(self._up("ack")),
            command_id=verdict.command_id,
            status=verdict.status,
            code=verdict.code,
            committed_w=verdict.committed_w,
            binding=verdict.binding,
        )
        self._send("ack", ack, ACK)

    def _hello(self) -> None:
        hello = Hello(
            **self._outbox.envelope(self._up("hello")),
            versions=("1.0",),
            features=("setpoint", "release", "dry_run", "clock"),
            boot_id=self.boot_id,
            connection=self.connection,
            signing_keys=self._signer.public_keys,
            software="rehearsal",
        )
        self._hello_id = hello.id
        outbound = self._outbox.prepare(
            self._up("hello"), hello, HELLO, hello.id.encode()
        )
        answer_to = f"{self._base}/dn/welcome"
        self._publish(replace(outbound, response_topic=answer_to))

    def _offer(self) -> None:
        envelope = self._outbox.envelope(self._up("offer"))
        message = offer(envelope, self.facts.programme_id, self.plant.facts)
        self._send("offer", message, OFFER)

    def _availability(self) -> None:
        self._offered = self._range()
        envelope = self._outbox.envelope(self._up("availability"))
        is_away = self.profile.manner is Manner.AWAY
        message = availability(envelope, self.plant, is_away=is_away)
        self._send("availability", message, AVAILABILITY)

    def _telemetry(self) -> None:
        active = self.gate.active
        command_id = active.command_id if active else None
        envelope = self._outbox.envelope(self._up("telemetry"))
        self._send("telemetry", telemetry(envelope, self.plant, command_id), TELEMETRY)

    def _state(self, status: str) -> State:
        return State(
            **self._outbox.envelope(self._up("state")),
            status=status,
            boot_id=self.boot_id,
            connection=self.connection,
        )

    def _up(self, topic_type: str) -> str:
        return f"{self._base}/up/{topic_type}"

    def _send(self, topic_type: str, message: Message, how: Sending) -> None:
        self._publish(self._outbox.prepare(self._up(topic_type), message, how))

    def _publish(self, outbound: Outbound) -> None:
        try:
            self.publish(outbound)
        except NotConnectedError:
            # As in a real home: what could not be said is not said later.
            self.gate.counters["unsent"] += 1


def _nowhere(outbound: Outbound) -> None:
    raise NotConnectedError(f"{outbound.topic}: this home was never connected")
