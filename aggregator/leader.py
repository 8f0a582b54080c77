"""One leadership term: listens to the homes, answers them, keeps the heartbeat."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
import logging

from .clock import Clock
from .codec import decode
from .dispatcher import Dispatcher
from .enrolment import Enrolment, Enrolments
from .envelope import Message
from .errors import AggregatorError, ContractError, NotConnectedError
from .homes import Frame, Home
from .messages import (
    FEATURES,
    VERSION,
    Ack,
    Availability,
    Certificate,
    CertificateRequest,
    ClockReply,
    ClockRequest,
    Forecast,
    Heartbeat,
    Hello,
    Offer,
    Participation,
    Request,
    State,
    Telemetry,
    Welcome,
)
from .mqtt_session import Inbound, Outbound
from .outbox import CERTIFICATE, CLOCK, HEARTBEAT, REQUEST, WELCOME, Outbox, Sending
from .settlement_desk import SettlementDesk
from .settlement_messages import Report
from .signing import Signer, is_valid
from .topics import down_topic, parse_up_topic, regional_heartbeat_topic

_LOGGER = logging.getLogger(__name__)

RETAINED_TYPES = frozenset({"state", "offer", "availability", "forecast"})
"""What a home retains; anything else that is retained is a forgery or a mistake."""

REQUEST_PERIOD_S = 5.0
"""House rule: a home that loses messages is asked again at most this often."""

RESEND_PERIOD_S = 0.25

RENEW_PERIOD_S = 60.0
"""House rule: every certificate stays in the list of what was issued."""

_SIGNED = (Ack, CertificateRequest, Report)
"""What a home signs."""

_CLASSES: dict[str, type[Message]] = {
    "state": State,
    "hello": Hello,
    "offer": Offer,
    "availability": Availability,
    "ack": Ack,
    "telemetry": Telemetry,
    "clock": ClockRequest,
    "participation": Participation,
    "forecast": Forecast,
    "csr": CertificateRequest,
    "report": Report,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """Facts of one leadership term."""

    region: str
    groups: tuple[str, ...]
    epoch: int
    heartbeat_s: int
    reconnect_max_s: int | None
    """Longest wait of a home before it tries again; None: as the contract says."""

    telemetry_s: int


class Leader:
    """The aggregator between the broker and the operator; lives in the event loop."""

    def __init__(
        self,
        term: Term,
        enrolments: Enrolments,
        signer: Signer,
        clock: Clock,
        publish: Callable[[Outbound], None],
    ) -> None:
        """Begin a term; ``on_message`` and ``on_connection`` are the client's."""
        self.term = term
        self.enrolments = enrolments
        self.signer = signer
        self.clock = clock
        self.outbox = Outbox(term.epoch, signer, clock, publish)
        self.dispatcher = Dispatcher(term.region, self.outbox, clock)
        self.settlements: SettlementDesk | None = None
        """None: reports are only counted."""

        self.homes: dict[str, Home] = {}
        self.counters: Counter[str] = Counter()
        self.is_heartbeat_enabled = True
        self.on_welcome: list[Callable[[Home], None]] = []
        """Called for each home once it was welcomed."""

        self.last_heartbeat_mono_s: float | None = None
        self.is_connected = False
        self._asked_mono_s: dict[str, float] = {}
        self._renewed_mono_s: dict[str, float] = {}
        self._pinning: set[asyncio.Task[None]] = set()

    def home(self, home_id: str) -> Home:
        """Return what is known of an invited home.

        Raises:
            UnknownHomeError: when it was never invited.
        """
        self.enrolments.get(home_id)
        return self.homes.setdefault(home_id, Home(home_id=home_id))

    def forget(self, home_id: str) -> None:
        """Forget what a home said: another installation may follow under its name.

        Its numbers begin anew, and would be taken for old ones.
        """
        self.homes.pop(home_id, None)
        if self.settlements is not None:
            self.settlements.forget(home_id)

    def on_connection(self, is_connected: bool) -> None:  # noqa: FBT001  a callback
        """Note that the broker came or went; homes hear of us at once."""
        self.is_connected = is_connected
        if is_connected:
            self.beat()
            return
        for home in self.homes.values():
            home.link_lost()

    def on_message(self, inbound: Inbound) -> None:
        """Take one message of a home; whatever is wrong with it is only counted."""
        place = parse_up_topic(self.term.region, inbound.topic)
        if place is None:
            self.counters["other_topic"] += 1
            return
        enrolment = self.enrolments.homes.get(place.home_id)
        if enrolment is None or not enrolment.may_connect:
            self.counters["not_enrolled"] += 1
            return
        home = self.home(place.home_id)
        if inbound.is_retained and place.topic_type not in RETAINED_TYPES:
            home.counters["retained"] += 1
            return
        if not inbound.payload and place.topic_type in RETAINED_TYPES:
            home.forget_retained(place.topic_type)
            return
        try:
            message = decode_up(place.topic_type, inbound.payload)
        except ContractError as err:
            home.counters["schema"] += 1
            _LOGGER.debug("%s: %s", place.home_id, err)
            return
        self._take(home, enrolment, inbound, place.topic_type, message)

    def beat(self) -> None:
        """Send one heartbeat to every home of the region, unless they are paused."""
        if not (self.is_heartbeat_enabled and self.is_connected):
            return
        topic = regional_heartbeat_topic(self.term.region)
        beat = Heartbeat(**self.outbox.envelope(topic))
        if self._answer(topic, beat, HEARTBEAT):
            self.counters["heartbeats"] += 1
            self.last_heartbeat_mono_s = self.clock.monotonic()

    def ask(self, home: Home, wanted: tuple[str, ...]) -> None:
        """Ask a home to say something again, unless it was asked just now."""
        now_mono_s = self.clock.monotonic()
        last_mono_s = self._asked_mono_s.get(home.home_id)
        if last_mono_s is not None and now_mono_s - last_mono_s < REQUEST_PERIOD_S:
            return
        self._asked_mono_s[home.home_id] = now_mono_s
        topic = down_topic(self.term.region, home.home_id, "request")
        request = Request(**self.outbox.envelope(topic), wanted=wanted)
        self._answer(topic, request, REQUEST)

    async def run_heartbeats(self) -> None:
        """Beat for ever; a late wake-up does not shift the beats after it."""
        due_mono_s = self.clock.monotonic()
        while True:
            due_mono_s = max(due_mono_s + self.term.heartbeat_s, self.clock.monotonic())
            await asyncio.sleep(due_mono_s - self.clock.monotonic())
            self.beat()

    async def run_resends(self) -> None:
        """Send unanswered commands again, for ever."""
        while True:
            await asyncio.sleep(RESEND_PERIOD_S)
            self.dispatcher.resend_unanswered()

    async def close(self) -> None:
        """Wait for what is being written."""
        if self.settlements is not None:
            await self.settlements.close()
        if self._pinning:
            await asyncio.wait(self._pinning)

    def _take(
        self,
        home: Home,
        enrolment: Enrolment,
        inbound: Inbound,
        topic_type: str,
        message: Message,
    ) -> None:
        home.counters["received"] += 1
        if isinstance(message, State):
            self._take_state(home, message, inbound)
            return
        if isinstance(message, _SIGNED) and not self._is_signed(
            home, enrolment, inbound
        ):
            return
        gaps = home.counters["gap"]
        if not home.is_new(topic_type, message):
            return
        if home.counters["gap"] > gaps and topic_type in RETAINED_TYPES:
            self.ask(home, (topic_type,))
        if isinstance(message, Report) and self.settlements is not None:
            self.settlements.take_from(home, enrolment, message)
            return
        self._apply(home, enrolment, inbound, message)

    def _apply(
        self, home: Home, enrolment: Enrolment, inbound: Inbound, message: Message
    ) -> None:
        match message:
            case Hello():
                self._take_hello(home, enrolment, message)
            case Offer():
                home.offer = message
            case Availability():
                home.availability = message
            case Ack():
                self.dispatcher.note_ack(home.home_id, message, inbound.received_mono_s)
            case Telemetry():
                home.frames.append(
                    Frame(telemetry=message, received_mono_s=inbound.received_mono_s)
                )
            case ClockRequest():
                self._tell_time(home, message, inbound)
            case Participation():
                home.note_participation(message)
            case Forecast():
                home.forecast = message
            case CertificateRequest():
                self._renew_soon(home, message)

    def _renew_soon(self, home: Home, request: CertificateRequest) -> None:
        """Issue the next certificate in a thread; a home that asks often waits."""
        now_mono_s = self.clock.monotonic()
        last_mono_s = self._renewed_mono_s.get(home.home_id)
        if last_mono_s is not None and now_mono_s - last_mono_s < RENEW_PERIOD_S:
            home.counters["renewed_too_often"] += 1
            return
        self._renewed_mono_s[home.home_id] = now_mono_s
        task = asyncio.get_running_loop().create_task(
            self._renew(home, request), name=f"renew {home.home_id}"
        )
        self._pinning.add(task)
        task.add_done_callback(self._pinning.discard)

    async def _renew(self, home: Home, request: CertificateRequest) -> None:
        try:
            pem = await asyncio.to_thread(
                self.enrolments.renew, home.home_id, request.csr_pem
            )
        except AggregatorError as err:
            home.counters["csr_refused"] += 1
            _LOGGER.warning("%s: no certificate: %s", home.home_id, err)
            return
        topic = down_topic(self.term.region, home.home_id, "certificate")
        message = Certificate(
            **self.outbox.envelope(topic), csr_id=request.id, certificate_pem=pem
        )
        home.counters["renewed"] += 1
        self._answer(topic, message, CERTIFICATE)

    def _is_signed(self, home: Home, enrolment: Enrolment, inbound: Inbound) -> bool:
        keys = enrolment.signing_keys or {}
        if is_valid(inbound.topic, inbound.payload, inbound.signatures, keys):
            return True
        home.counters["bad_signature"] += 1
        _LOGGER.warning("%s: a message is not signed by the home", home.home_id)
        return False

    def _take_state(self, home: Home, state: State, inbound: Inbound) -> None:
        now_mono_s = self.clock.monotonic()
        before = home.presence.status(now_mono_s)
        home.presence.note(state, now_mono_s)
        after = home.presence.status(now_mono_s)
        if before != after:
            _LOGGER.info("%s: %s", home.home_id, after)
        if inbound.is_retained and after == "online" and home.hello is None:
            # It greeted our predecessor; we do not know what it speaks.
            self.ask(home, ("hello",))

    def _take_hello(self, home: Home, enrolment: Enrolment, hello: Hello) -> None:
        home.hello = hello
        if enrolment.signing_keys is None:
            task = asyncio.get_running_loop().create_task(
                self._pin_and_welcome(home, hello), name=f"pin {home.home_id}"
            )
            self._pinning.add(task)
            task.add_done_callback(self._pinning.discard)
            return
        if dict(enrolment.signing_keys) != dict(hello.signing_keys):
            home.counters["other_keys"] += 1
            _LOGGER.warning(
                "%s: names other signing keys than it enrolled with", home.home_id
            )
        self._welcome(home, hello)

    async def _pin_and_welcome(self, home: Home, hello: Hello) -> None:
        await asyncio.to_thread(
            self.enrolments.pin_keys, home.home_id, hello.signing_keys
        )
        self._welcome(home, hello)

    def _welcome(self, home: Home, hello: Hello) -> None:
        topic = down_topic(self.term.region, home.home_id, "welcome")
        envelope = self.outbox.envelope(topic)
        if VERSION in hello.versions:
            home.chosen_version = VERSION
            welcome = Welcome(
                **envelope,
                hello_id=hello.id,
                status="accepted",
                code="OK",
                chosen_version=VERSION,
                features=tuple(name for name in FEATURES if name in hello.features),
                heartbeat_period_s=self.term.heartbeat_s,
                telemetry_period_s=self.term.telemetry_s,
                reconnect_max_s=self.term.reconnect_max_s,
                groups=self.term.groups,
                signing_keys=self.signer.public_keys,
            )
        else:
            home.chosen_version = None
            welcome = Welcome(
                **envelope, hello_id=hello.id, status="refused", code="VERSION"
            )
        self._answer(topic, welcome, WELCOME, correlation=hello.id.encode())
        if home.chosen_version is not None:
            for greet in self.on_welcome:
                greet(home)

    def _tell_time(self, home: Home, request: ClockRequest, inbound: Inbound) -> None:
        topic = down_topic(self.term.region, home.home_id, "clock")
        envelope = self.outbox.envelope(topic)
        reply = ClockReply(
            **envelope,
            request_id=request.id,
            received_at=inbound.received_at,
            sent_at=envelope["ts"],
        )
        self._answer(topic, reply, CLOCK)

    def _answer(
        self,
        topic: str,
        message: Message,
        how: Sending,
        correlation: bytes | None = None,
    ) -> bool:
        try:
            self.outbox.send(self.outbox.prepare(topic, message, how, correlation))
        except NotConnectedError:
            self.counters["unsent"] += 1
            return False
        return True


def decode_up(topic_type: str, payload: bytes) -> Message:
    """Return the message that a home sent on a topic of this type.

    Raises:
        ContractError: when it does not fit.
    """
    return decode(payload, _CLASSES[topic_type])
