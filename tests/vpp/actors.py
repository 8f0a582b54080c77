"""Who takes part in the tests: a home that records, an aggregator that is scripted."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
import json
import ssl
from typing import Any
import uuid

from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    DispatchAck,
    DispatchOrder,
)
from custom_components.v2g_vpp.domain.programme_events import ProgrammeEvent
from custom_components.v2g_vpp.pki.signing import Ed25519Signer
from custom_components.v2g_vpp.vpp.gate import Frame
from custom_components.v2g_vpp.vpp.messages import Publication
from custom_components.v2g_vpp.vpp.mqtt_client import (
    MqttSession,
    SessionEvents,
    SessionSettings,
)
from custom_components.v2g_vpp.vpp.signing import encode_base64url, signed_bytes
from custom_components.v2g_vpp.vpp.topics import DownType, Topics

REGION, HOME = "north", "home-0001"
TOPICS = Topics(region=REGION, home_id=HOME)
PROGRAMME = "evening-peak"
AGGREGATOR = Ed25519Signer(b"a" * 32)
STRANGER = Ed25519Signer(b"b" * 32)
HOME_SIGNER = Ed25519Signer(b"h" * 32)
AGGREGATOR_KEYS = {"agg-1": encode_base64url(AGGREGATOR.public_key)}
EPOCH_START = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


class FakeClock:
    """Both clocks, moved by hand."""

    def __init__(self) -> None:
        self.mono_s = 1000.0
        self.wall = EPOCH_START

    def monotonic(self) -> Any:
        return self.mono_s

    def utcnow(self) -> Any:
        return self.wall

    def advance(self, seconds: float) -> None:
        self.mono_s += seconds
        self.wall += timedelta(seconds=seconds)


class MemoryStore:
    """A document that survives the objects that use it; JSON in between, as on disk."""

    def __init__(self, document: Any = None) -> None:
        self.text = None if document is None else json.dumps(document)
        self.saves = 0

    async def load(self) -> Any:
        return None if self.text is None else json.loads(self.text)

    async def save(self, data: Mapping[str, Any]) -> None:
        self.saves += 1
        self.text = json.dumps(dict(data))

    def save_later(self, read: Callable[[], Any]) -> None:
        self.text = json.dumps(dict(read()))


@dataclass
class RecordingHome:
    """The home's side of the port: accepts, and writes down what it was told."""

    orders: list[DispatchOrder] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    beats: list[float] = field(default_factory=list)
    events: list[ProgrammeEvent] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    links: list[bool] = field(default_factory=list)
    verdict: tuple[AckStatus, AckCode] = (AckStatus.ACCEPTED, AckCode.OK)
    on_order: Callable[[DispatchOrder], None] | None = None

    def receive_order(self, order: DispatchOrder) -> DispatchAck:
        self.orders.append(order)
        if self.on_order is not None:
            self.on_order(order)
        status, code = self.verdict
        return DispatchAck(
            order_id=order.order_id, status=status, code=code, committed_w=order.power_w
        )

    def cancel_order(self, programme_id: str, order_id: str) -> Any:
        self.cancelled.append(order_id)
        return DispatchAck(
            order_id=order_id, status=AckStatus.CANCELLED, code=AckCode.OK
        )

    def announce_event(self, event: ProgrammeEvent) -> None:
        self.events.append(event)

    def withdraw_event(self, programme_id: str, event_id: str) -> None:
        self.withdrawn.append(event_id)

    def heartbeat_seen(self, programme_id: str, sent_mono_s: float) -> None:
        self.beats.append(sent_mono_s)

    def link_changed(self, programme_id: str, *, is_connected: bool) -> None:
        self.links.append(is_connected)


def wire_time(moment: datetime) -> Any:
    """The one form of a time on the wire."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


class Pen:
    """Writes what an aggregator sends: envelope, payload, signature."""

    def __init__(
        self,
        utcnow: Callable[[], datetime],
        epoch: int = 42,
        signer: Ed25519Signer = AGGREGATOR,
        key_id: str = "agg-1",
    ) -> None:
        self.utcnow = utcnow
        self.epoch = epoch
        self.signer = signer
        self.key_id = key_id
        self.seq: dict[str, int] = {}

    def payload(self, topic: str, message_type: str, /, **body: Any) -> Any:
        self.seq[topic] = self.seq.get(topic, 0) + 1
        head = {
            "version": "1.0",
            "type": message_type,
            "id": str(uuid.uuid7()),
            "epoch": self.epoch,
            "seq": self.seq[topic],
            "ts": wire_time(self.utcnow()),
        }
        return head | body

    def command(
        self,
        topic: str | None = None,
        *,
        start_s: float = 0,
        end_s: float = 1800,
        **body: Any,
    ) -> Any:
        now = self.utcnow()
        body = {
            "kind": "setpoint",
            "power_w": -5000,
            "start": wire_time(now + timedelta(seconds=start_s)),
            "end": wire_time(now + timedelta(seconds=end_s)),
        } | body
        if body["kind"] == "release":
            del body["power_w"]
        return self.payload(topic or TOPICS.down(DownType.COMMAND), "command", **body)

    def frame(self, topic: str, message: Any, *, is_retained: bool = False) -> Any:
        raw = json.dumps(message).encode()
        return Frame(
            topic=topic,
            payload=raw,
            signatures=(self.sign(topic, raw),),
            is_retained=is_retained,
        )

    def sign(self, topic: str, raw: bytes) -> Any:
        signature = self.signer.sign(signed_bytes(topic, raw))
        return f"{self.key_id}:{encode_base64url(signature)}"


@dataclass(frozen=True)
class Heard:
    """One message of the home."""

    topic: str
    payload: bytes
    is_retained: bool
    signatures: tuple[str, ...]

    @property
    def kind(self) -> Any:
        return self.topic.rpartition("/")[2]

    @property
    def message(self) -> Any:
        return json.loads(self.payload) if self.payload else None


class ScriptedAggregator:
    """The other end of a real broker: answers hello and clock, says what it is told."""

    def __init__(self, port: int, context: ssl.SSLContext, clock: Any) -> None:
        self.clock = clock
        self.pen = Pen(clock.utcnow)
        self.heard: list[Heard] = []
        self.welcome: dict[str, Any] = {}
        self.answers_clock = True
        self.answers_hello = True
        self._news = asyncio.Event()
        self._context = context
        self._settings = SessionSettings(
            host="127.0.0.1",
            port=port,
            client_id="aggregator",
            will_topic="v2gvpp/v1/north/aggregator/will",
            will_payload=b"",
        )
        self.session: MqttSession | None = None

    async def connect(self, run_blocking: Any) -> None:
        self.session = MqttSession(
            self._settings,
            self._context,
            SessionEvents(arrived=self._arrived, published=lambda *_: None),
        )
        await self.session.open(run_blocking, [f"v2gvpp/v1/{REGION}/+/up/#"])

    def close(self) -> None:
        if self.session is not None:
            self.session.close(with_will=False)

    def say(
        self,
        kind: DownType,
        message: Any,
        *,
        topic: str | None = None,
        qos: int = 0,
        is_retained: bool = False,
        pen: Any = None,
    ) -> Any:
        topic = topic or TOPICS.down(kind)
        raw = json.dumps(message).encode()
        assert self.session is not None
        self.session.publish(
            Publication(
                topic=topic,
                payload=raw,
                qos=qos,
                is_retained=is_retained,
                expiry_s=10,
                signature=(pen or self.pen).sign(topic, raw),
            )
        )
        return message["id"]

    def command(self, **body: Any) -> Any:
        return self.say(DownType.COMMAND, self.pen.command(**body), qos=1)

    def heartbeat(self) -> None:
        topic = TOPICS.down(DownType.HEARTBEAT)
        self.say(DownType.HEARTBEAT, self.pen.payload(topic, "heartbeat"))

    def of(self, kind: str) -> Any:
        return [one.message for one in self.heard if one.kind == kind]

    async def wait_for(
        self, condition: Callable[[], Any], timeout_s: float = 10.0
    ) -> Any:
        """Return the first true result, looked for after each message of the home."""
        async with asyncio.timeout(timeout_s):
            while not (found := condition()):
                self._news.clear()
                await self._news.wait()
        return found

    async def ack_of(self, command_id: str | None) -> Any:
        return await self.wait_for(
            lambda: next(
                (a for a in self.of("ack") if a["command_id"] == command_id), None
            )
        )

    def _arrived(self, frame: Frame) -> None:
        heard = Heard(frame.topic, frame.payload, frame.is_retained, frame.signatures)
        self.heard.append(heard)
        if heard.kind == "hello" and self.answers_hello and not frame.is_retained:
            self._say_welcome(heard.message)
        if heard.kind == "clock" and self.answers_clock:
            self._say_clock(heard.message)
        self._news.set()

    def _say_welcome(self, hello: dict[str, Any]) -> None:
        body = {
            "hello_id": hello["id"],
            "status": "accepted",
            "code": "OK",
            "chosen_version": "1.0",
            "features": hello["features"],
            "heartbeat_period_s": 5,
            "telemetry_period_s": 1,
        } | self.welcome
        topic = TOPICS.down(DownType.WELCOME)
        self.say(DownType.WELCOME, self.pen.payload(topic, "welcome", **body), qos=1)

    def _say_clock(self, request: dict[str, Any]) -> None:
        now = wire_time(self.clock.utcnow())
        topic = TOPICS.down(DownType.CLOCK)
        message = self.pen.payload(
            topic, "clock_reply", request_id=request["id"], received_at=now, sent_at=now
        )
        self.say(DownType.CLOCK, message)
