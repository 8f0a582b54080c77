"""What is said on one connection: birth, hello, clock checks, reports."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import Protocol

from ..domain.clock import Clock
from ..domain.errors import BrokerRefusedLogin
from ..domain.ids import ProgrammeId
from ..domain.snapshot import SiteSnapshot
from ..domain.units import seconds_to_milliseconds
from .clock_check import ClockCheck
from .codec import serialise
from .event_messages import Forecast, ParticipationNote
from .event_reporting import (
    describe_forecast,
    describe_participations,
    is_participation_news,
)
from .messages import (
    SUPPORTED_VERSIONS,
    Availability,
    ClockReply,
    ClockRequest,
    Hello,
    Offer,
    Outbound,
    Publication,
    Request,
    State,
    Welcome,
)
from .reporting import (
    describe_availability,
    describe_offer,
    describe_telemetry,
    followed_command,
    is_news,
)
from .speaker import Speaker
from .topics import DownType, Topics, UpType

REBIRTH_AFTER_S = 12.0
"""A broker may publish the old Will after our birth (contract)."""

HELLO_AGAIN_S = 10.0
CLOCK_PERIOD_S = 60.0
CLOCK_AGAIN_S = 2.0
"""While the offset is unknown no heartbeat counts, so the question is repeated."""

OFFER_PERIOD_S = 3600.0
AVAILABILITY_PERIOD_S = 60.0
DISPATCH_TELEMETRY_S = 1.0
DEFAULT_TELEMETRY_S = 10
ANSWERS_PER_S = 1.0
"""Requests are not signed: they must not make the home talk without end."""

_HELLO_EXPIRY_S = 30
_OFFER_EXPIRY_S = 86_400
_AVAILABILITY_EXPIRY_S = 900
_PARTICIPATION_EXPIRY_S = 300
_FORECAST_EXPIRY_S = 93_600
_SHORT_EXPIRY_S = 10
_TICK_SLACK_S = 0.5
"""Half a tick: what is due before the next one goes out now."""


class Channel(Protocol):
    """What a conversation needs of a session."""

    def publish(self, publication: Publication) -> int | None:
        """Send a message; return its packet id, None when it could not be sent."""
        ...

    def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for topics."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What a conversation needs of the link that holds it."""

    topics: Topics
    programme_id: ProgrammeId
    software: str
    signing_keys: dict[str, str]
    speaker: Speaker
    clock: Clock
    clock_check: ClockCheck
    snapshot: Callable[[], SiteSnapshot | None]
    welcomed: Callable[[str, Welcome], None]
    """A welcome that answers our hello, accepted or not, with its topic."""


class Conversation:
    """One connection's part of the protocol; the link keeps what outlives it."""

    def __init__(self, voice: Voice, session: Channel, connection: int) -> None:
        """Talk on ``session``, the ``connection``-th of this boot."""
        self._voice = voice
        self._session = session
        self._connection = connection
        self._hello_id = ""
        self._clock_request: tuple[str, float] | None = None
        self._is_welcomed = False
        self._telemetry_period_s = float(DEFAULT_TELEMETRY_S)
        self._offer: Offer | None = None
        self._availability: Availability | None = None
        self._participations: dict[str, ParticipationNote] = {}
        self._forecast: Forecast | None = None
        self._is_forecast_told = False
        now_mono_s = voice.clock.monotonic()
        self._rebirth_mono_s = now_mono_s + REBIRTH_AFTER_S
        self._last_mono_s: dict[UpType, float] = {}
        self._answered_mono_s = -inf

    def begin(self) -> None:
        """Say who is here, and ask what time it is."""
        self._say_state(is_online=True)
        self._say_hello()

    @property
    def is_welcomed(self) -> bool:
        """True once the aggregator works with this home."""
        return self._is_welcomed

    def farewell(self) -> int | None:
        """Say that the home leaves; return the packet id to wait for."""
        return self._say_state(is_online=False)

    def tick(self) -> None:
        """Say what is due; called each second."""
        now_mono_s = self._voice.clock.monotonic()
        if now_mono_s >= self._rebirth_mono_s:
            self._rebirth_mono_s = inf
            self._say_state(is_online=True)
        if not self._is_welcomed and self._is_due(UpType.HELLO, HELLO_AGAIN_S):
            self._say_hello()
        is_known = self._voice.clock_check.quality_s(now_mono_s) is not None
        if self._is_due(UpType.CLOCK, CLOCK_PERIOD_S if is_known else CLOCK_AGAIN_S):
            self._ask_clock()
        snapshot = self._voice.snapshot()
        if snapshot is not None and self._is_welcomed:
            self._report(snapshot)

    def take_welcome(self, topic: str, welcome: Welcome) -> None:
        """Take up work when the welcome answers the last hello."""
        if welcome.hello_id != self._hello_id:
            return
        self._voice.welcomed(topic, welcome)
        if refusal(welcome) is not None:
            return
        self._telemetry_period_s = float(welcome.telemetry_period_s)
        if welcome.groups:
            topics = self._voice.topics
            self._session.subscribe([topics.group_command(g) for g in welcome.groups])
        self._is_welcomed = True
        self._offer, self._availability = None, None
        snapshot = self._voice.snapshot()
        if snapshot is not None:
            self._report(snapshot)

    def take_clock(self, reply: ClockReply) -> None:
        """Measure the offset when the reply answers the last request."""
        asked, self._clock_request = self._clock_request, None
        if asked is None or reply.request_id != asked[0]:
            return
        self._voice.clock_check.add(
            asked_mono_s=asked[1],
            received_at=reply.received_at,
            sent_at=reply.sent_at,
            answered_mono_s=self._voice.clock.monotonic(),
        )

    def answer_event(self, event_id: str) -> None:
        """Say again whether the home takes part: the aggregator told the event."""
        self._participations.pop(event_id, None)

    def take_request(self, request: Request) -> None:
        """Say again what is wanted; at most once per second."""
        now_mono_s = self._voice.clock.monotonic()
        if now_mono_s - self._answered_mono_s < ANSWERS_PER_S:
            return
        self._answered_mono_s = now_mono_s
        if "state" in request.wanted:
            self._say_state(is_online=True)
        if "offer" in request.wanted:
            self._offer = None
        if "availability" in request.wanted:
            self._availability = None
        if "telemetry" in request.wanted:
            self._last_mono_s.pop(UpType.TELEMETRY, None)
        if "participation" in request.wanted:
            self._participations.clear()
        if "forecast" in request.wanted:
            self._is_forecast_told = False
        if "hello" in request.wanted:
            self._say_hello()

    def _report(self, snapshot: SiteSnapshot) -> None:
        voice = self._voice
        now_mono_s = voice.clock.monotonic()
        self._say_offer(snapshot, now_mono_s)
        availability = describe_availability(snapshot, voice.programme_id)
        if is_news(self._availability, availability) or self._is_due(
            UpType.AVAILABILITY, AVAILABILITY_PERIOD_S
        ):
            self._availability = availability
            self._say(
                UpType.AVAILABILITY,
                availability,
                is_retained=True,
                expiry_s=_AVAILABILITY_EXPIRY_S,
            )
        self._say_events(snapshot)
        is_dispatched = followed_command(snapshot.programme(voice.programme_id))
        period_s = DISPATCH_TELEMETRY_S if is_dispatched else self._telemetry_period_s
        if self._is_due(UpType.TELEMETRY, period_s):
            telemetry = describe_telemetry(snapshot, voice.programme_id, now_mono_s)
            self._say(UpType.TELEMETRY, telemetry, qos=0, expiry_s=_SHORT_EXPIRY_S)

    def _say_offer(self, snapshot: SiteSnapshot, now_mono_s: float) -> None:
        # A better clock alone is no news: once known, the figure stays until the
        # offer is due anyway.
        known_ms = self._offer.clock_quality_ms if self._offer is not None else None
        quality_s = self._voice.clock_check.quality_s(now_mono_s)
        quality_ms = known_ms
        if known_ms is None and quality_s is not None:
            quality_ms = ceil(seconds_to_milliseconds(quality_s))
        offer = describe_offer(snapshot, self._voice.programme_id, quality_ms)
        if offer == self._offer and not self._is_due(UpType.OFFER, OFFER_PERIOD_S):
            return
        self._offer = offer
        self._say(UpType.OFFER, offer, is_retained=True, expiry_s=_OFFER_EXPIRY_S)

    def _say_events(self, snapshot: SiteSnapshot) -> None:
        programme_id, told = self._voice.programme_id, self._participations
        for note in describe_participations(snapshot, programme_id):
            if is_participation_news(told.get(note.event_id), note):
                told[note.event_id] = note
                self._say(UpType.PARTICIPATION, note, expiry_s=_PARTICIPATION_EXPIRY_S)
        forecast = describe_forecast(snapshot, programme_id)
        if self._is_forecast_told and forecast == self._forecast:
            return
        if forecast is None:
            # An owner who shares none any more takes the last one back, too, also
            # one who said so while there was no connection.
            topic = self._voice.topics.up(UpType.FORECAST)
            self._session.publish(
                Publication(topic=topic, payload=b"", qos=1, is_retained=True)
            )
        else:
            self._say(
                UpType.FORECAST,
                forecast,
                is_retained=True,
                expiry_s=_FORECAST_EXPIRY_S,
            )
        self._forecast, self._is_forecast_told = forecast, True

    def _say_state(self, *, is_online: bool) -> int | None:
        state = State(
            is_online=is_online,
            boot_id=self._voice.speaker.boot_id,
            connection=self._connection,
        )
        return self._say(UpType.STATE, state, is_retained=True)

    def _say_hello(self) -> None:
        voice = self._voice
        topic = voice.topics.up(UpType.HELLO)
        envelope = voice.speaker.envelope(topic)
        hello = Hello(
            boot_id=voice.speaker.boot_id,
            connection=self._connection,
            software=voice.software,
            signing_keys=voice.signing_keys,
        )
        self._hello_id = envelope.message_id
        self._last_mono_s[UpType.HELLO] = voice.clock.monotonic()
        self._session.publish(
            Publication(
                topic=topic,
                payload=serialise(envelope, hello),
                qos=1,
                expiry_s=_HELLO_EXPIRY_S,
                response_topic=voice.topics.down(DownType.WELCOME),
                correlation=envelope.message_id.encode(),
            )
        )
        # A hello may be wanted by another leader, with another clock.
        self._ask_clock()

    def _ask_clock(self) -> None:
        voice = self._voice
        topic = voice.topics.up(UpType.CLOCK)
        envelope = voice.speaker.envelope(topic)
        now_mono_s = voice.clock.monotonic()
        self._clock_request = (envelope.message_id, now_mono_s)
        self._last_mono_s[UpType.CLOCK] = now_mono_s
        self._session.publish(
            Publication(
                topic=topic,
                payload=serialise(envelope, ClockRequest()),
                qos=0,
                expiry_s=_SHORT_EXPIRY_S,
            )
        )

    def _say(
        self,
        kind: UpType,
        message: Outbound,
        *,
        qos: int = 1,
        is_retained: bool = False,
        expiry_s: int | None = None,
    ) -> int | None:
        topic = self._voice.topics.up(kind)
        self._last_mono_s[kind] = self._voice.clock.monotonic()
        return self._session.publish(
            Publication(
                topic=topic,
                payload=self._voice.speaker.say(topic, message),
                qos=qos,
                is_retained=is_retained,
                expiry_s=expiry_s,
            )
        )

    def _is_due(self, kind: UpType, period_s: float) -> bool:
        now_mono_s = self._voice.clock.monotonic()
        return (
            now_mono_s - self._last_mono_s.get(kind, -inf) >= period_s - _TICK_SLACK_S
        )


def refusal(welcome: Welcome) -> BrokerRefusedLogin | None:
    """Return why the aggregator will not work with this home, None when it will."""
    if not welcome.is_accepted:
        return BrokerRefusedLogin(welcome.code.lower())
    if welcome.chosen_version not in SUPPORTED_VERSIONS:
        return BrokerRefusedLogin("version")
    return None
