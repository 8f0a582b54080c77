"""Messages of an aggregator for the fuzz benchmark: sound ones, and what breaks them."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import json
from random import Random
from typing import Any, Final

from custom_components.v2g_vpp.vpp.gate import Frame
from custom_components.v2g_vpp.vpp.topics import DownType
from script.benches.mutations import ODD_VALUES, place_in
from tests.vpp.actors import (
    AGGREGATOR_KEYS,
    PROGRAMME,
    STRANGER,
    TOPICS,
    Pen,
    wire_time,
)

type Json = Any

GROUP: Final = TOPICS.group_command("feeder-7")
KINDS: Final[tuple[DownType, ...]] = (
    *DownType,
    DownType.COMMAND,
    DownType.COMMAND,
    DownType.COMMAND,
    DownType.EVENT,
)
"""What is drawn from: commands are what matters most."""

MOST_KEPT: Final = 200
LONG: Final = 70_000
DEEP: Final = 30_000
ODD_BYTES: Final[tuple[bytes, ...]] = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"\xff\xfe\x00",
    b"\xef\xbb\xbf{}",
    b"[" * DEEP,
    b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    b'{"id":' + b"9" * 60_000 + b"}",
    b'{"epoch":1e999}',
    b'{"type":"command","type":"cancel"}',
    b'{"a":"' + b"x" * LONG + b'"}',
    b'{"id":"\\ud800"}',
)
ODD_TOPICS: Final[tuple[str, ...]] = (
    "",
    "v2gvpp/v1/north/home-0002/dn/command",
    "v2gvpp/v1/north/home-0001/up/ack",
    "v2gvpp/v1/north/home-0001/dn/other",
    "v2gvpp/v1/north/group/a--b/dn/command",
    "v2gvpp/v1/north/group/\u202e/dn/command",
    TOPICS.regional_heartbeat,
    GROUP,
)
_ODD_WORDS: Final = (b"NaN", b"-Infinity", b"1e400", b"9" * 5_000, b'"\\udfff"', b"--1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One message, and what may come of it."""

    frame: Frame
    is_trusted: bool
    """Signed by the aggregator for this very topic, and not retained."""


class MessageMutator:
    """Makes the messages of one aggregator, always the same for a seed and a clock."""

    def __init__(self, seed: int, utcnow: Callable[[], datetime]) -> None:
        """Write with the aggregator's pen, and with a stranger's."""
        self._random = Random(seed)  # noqa: S311 - a test, no secret
        self._utcnow = utcnow
        self.pen = Pen(utcnow)
        self._stranger = Pen(utcnow, signer=STRANGER)
        self._old = Pen(utcnow, epoch=7)
        self._kinds = KINDS
        self._kept: deque[Sent] = deque(maxlen=MOST_KEPT)
        self._ids: deque[str] = deque(maxlen=MOST_KEPT)
        self.hello_id = self.clock_id = self.csr_id = ""
        """What the home said last; what answers it is taken."""

        self._bodies: dict[DownType, Callable[[str], Json]] = {
            DownType.COMMAND: self._command,
            DownType.CANCEL: self._cancel,
            DownType.EVENT: self._event,
            DownType.HEARTBEAT: lambda topic: self.pen.payload(topic, "heartbeat"),
            DownType.WELCOME: self._welcome,
            DownType.CLOCK: self._clock,
            DownType.REQUEST: self._request,
            DownType.CERTIFICATE: self._certificate,
            DownType.SETTLEMENT: self._settlement,
        }
        self._damages: Sequence[Callable[[Json], bytes]] = (
            self._plain,
            self._plain,
            self._plain,
            self._one_value,
            self._one_value,
            self._key_gone,
            self._key_more,
            self._characters,
            self._cut,
            self._odd_word,
            self._other_kind,
        )

    def messages(self, count: int) -> Iterator[Sent]:
        """Yield so many messages; about one in five is sound and signed."""
        for _ in range(count):
            sent = self._next()
            self._kept.append(sent)
            yield sent

    def leave_out(self, *kinds: DownType) -> None:
        """Write none of these."""
        self._kinds = tuple(kind for kind in KINDS if kind not in kinds)

    def sound(self, kind: DownType) -> Sent:
        """Return a message that nothing is wrong with."""
        topic = TOPICS.down(kind)
        return self._signed(topic, self._plain(self._bodies[kind](topic)))

    def _next(self) -> Sent:
        draw = self._random.random()
        if draw < 0.03:
            topic = TOPICS.down(self._random.choice(self._kinds))
            return self._signed(topic, self._random.choice(ODD_BYTES))
        if draw < 0.1 and self._kept:
            # The same once more, and perhaps by way of what the broker retains.
            again = self._random.choice(self._kept)
            return again if self._random.random() < 0.7 else _retained(again)
        kind = self._random.choice(self._kinds)
        topic = TOPICS.down(kind)
        if kind is DownType.COMMAND and self._random.random() < 0.2:
            topic = GROUP
        payload = self._random.choice(self._damages)(self._bodies[kind](topic))
        if self._random.random() < 0.03:
            topic = self._random.choice(ODD_TOPICS)
        return self._addressed(topic, payload)

    def _addressed(self, topic: str, payload: bytes) -> Sent:
        sent = self._signed(topic, payload)
        draw = self._random.random()
        if draw > 0.25:
            return sent
        if draw > 0.22:
            return _retained(sent)
        wrong = self._random.choice(
            (
                (),
                (self._stranger.sign(topic, payload),),
                (self.pen.sign(topic + "x", payload),),
                (self.pen.sign(topic, payload + b" "),),
                sent.frame.signatures * 2,
                ("agg-1:",),
                ("agg-1:" + "A" * 86,),
                ("agg-2:" + sent.frame.signatures[0].partition(":")[2],),
                ("\ud800:\ud800",),
                (":" * LONG,),
            )
        )
        return Sent(frame=replace(sent.frame, signatures=wrong), is_trusted=False)

    def _signed(self, topic: str, payload: bytes) -> Sent:
        frame = Frame(
            topic=topic,
            payload=payload,
            signatures=(self.pen.sign(topic, payload),),
            is_retained=False,
        )
        return Sent(frame=frame, is_trusted=True)

    # --- sound bodies -----------------------------------------------------------

    def _command(self, topic: str) -> Json:
        draw = self._random
        kind = draw.choice(
            ("setpoint", "setpoint", "limit", "release", "droop", "curve")
        )
        start_s = draw.choice((-5, 0, 0, 60, 3_600, 180_000))
        pen = draw.choice((self.pen, self.pen, self.pen, self.pen, self._old))
        body: dict[str, Json] = {
            "kind": kind,
            "start": self._moment(start_s),
            "end": self._moment(start_s + draw.choice((-1, 5, 900, 1_800, 20_000))),
        }
        if kind in {"setpoint", "limit"}:
            body["power_w"] = draw.choice((0, -5_000, 5_000, -11_000, 10**6))
        if kind == "droop":
            body["droop"] = {
                "nominal_mhz": 50_000,
                "dead_band_mhz": 10,
                "power_w_per_hz": 5_000,
            }
        if kind == "curve":
            body["curve"] = [
                {"frequency_mhz": 49_800, "power_w": -5_000},
                {"frequency_mhz": 50_200, "power_w": 5_000},
            ]
        for name, values in (
            ("resource", ("CS1/1", "CS9/1")),
            ("priority", (0, 9)),
            ("ramp_w_per_s", (1, 500)),
            ("start_spread_s", (0, 60)),
            ("event_id", ("peak-1", "peak-2")),
            ("test", (True, False)),
            ("dry_run", (True, False)),
        ):
            if draw.random() < 0.2:
                body[name] = draw.choice(values)
        made = pen.payload(topic, "command", **body)
        self._ids.append(made["id"])
        return made

    def _cancel(self, topic: str) -> Json:
        if self._ids and self._random.random() < 0.8:
            known = self._random.choice(self._ids)
            return self.pen.payload(topic, "cancel", command_id=known)
        return self.pen.payload(topic, "cancel", all=True)

    def _event(self, topic: str) -> Json:
        draw = self._random
        windows = [
            {
                "start": self._moment(3_600 * number),
                "end": self._moment(3_600 * number + 1_800),
                draw.choice(("power_w", "limit_w")): draw.choice((-5_000, 0, 4_000)),
            }
            for number in range(draw.randint(1, 3))
        ]
        return self.pen.payload(
            topic,
            "event",
            status=draw.choice(("announced", "updated", "withdrawn")),
            event_id=f"peak-{draw.randint(1, 400)}",
            programme_id=draw.choice((PROGRAMME, PROGRAMME, "another")),
            windows=windows,
            notice_s=draw.choice((0, 600)),
            opt_out_until=self._moment(600),
            price={"amount_minor_per_kwh": 42, "currency": "EUR"},
            start_spread_s=draw.choice((0, 60)),
            test=draw.random() < 0.1,
        )

    def _welcome(self, topic: str) -> Json:
        # Seldom: damaged in the right place they end what can be said here.
        keys = {"signing_keys": dict(AGGREGATOR_KEYS)}
        return self.pen.payload(
            topic,
            "welcome",
            **(keys if self._random.random() < 0.05 else {}),
            hello_id=self.hello_id,
            status="refused" if self._random.random() < 0.05 else "accepted",
            code=self._random.choice(("OK", "VERSION", "UNSUPPORTED")),
            chosen_version="1.7" if self._random.random() < 0.05 else "1.0",
            features=["setpoint", "limit"],
            heartbeat_period_s=5,
            telemetry_period_s=10,
            reconnect_max_s=30,
            groups=["feeder-7"],
        )

    def _clock(self, topic: str) -> Json:
        now = self._moment(-3_600 if self._random.random() < 0.01 else 0)
        return self.pen.payload(
            topic,
            "clock_reply",
            request_id=self.clock_id,
            received_at=now,
            sent_at=now,
        )

    def _request(self, topic: str) -> Json:
        wanted = ("state", "hello", "offer", "availability", "telemetry", "forecast")
        return self.pen.payload(
            topic, "request", wanted=self._random.sample(wanted, k=2)
        )

    def _certificate(self, topic: str) -> Json:
        pem = self._random.choice(("MIIB", "", "x" * 30_000))
        return self.pen.payload(
            topic,
            "certificate",
            csr_id=self.csr_id,
            certificate_pem=f"-----BEGIN CERTIFICATE-----\n{pem}\n",
        )

    def _settlement(self, topic: str) -> Json:
        made = self.pen.payload(topic, "settlement")
        return made | {
            "settlement_id": made["id"],
            "event_id": "peak-1",
            "accepted_wh": self._random.choice((0, 7, 10**9)),
            "amount_minor": self._random.choice((-5, 0, 10**9)),
            "currency": "EUR",
            "deductions": [{"code": "out_of_tolerance", "energy_wh": 1}],
        }

    def _moment(self, ahead_s: float) -> str:
        return str(wire_time(self._utcnow() + timedelta(seconds=ahead_s)))

    # --- damages ----------------------------------------------------------------

    def _plain(self, message: Json) -> bytes:
        return json.dumps(message).encode()

    def _one_value(self, message: Json) -> bytes:
        for _ in range(self._random.randint(1, 2)):
            holder, key = place_in(message, self._random)
            if holder is not None:
                holder[key] = deepcopy(self._random.choice(ODD_VALUES))
        return json.dumps(message).encode()

    def _key_gone(self, message: Json) -> bytes:
        holder, key = place_in(message, self._random)
        if holder is not None:
            del holder[key]
        return json.dumps(message).encode()

    def _key_more(self, message: Json) -> bytes:
        message[self._random.choice(("foo", "all", "kind", "windows", "\ud800"))] = (
            deepcopy(self._random.choice(ODD_VALUES))
        )
        return json.dumps(message).encode()

    def _characters(self, message: Json) -> bytes:
        raw = bytearray(json.dumps(message).encode())
        for _ in range(self._random.randint(1, 4)):
            raw[self._random.randrange(len(raw))] = self._random.randrange(256)
        return bytes(raw)

    def _cut(self, message: Json) -> bytes:
        raw = json.dumps(message).encode()
        return raw[: self._random.randrange(len(raw))]

    def _odd_word(self, message: Json) -> bytes:
        """Put something where a value stood that no encoder would write."""
        name = self._random.choice(list(message))
        message[name] = "@"
        odd = self._random.choice(_ODD_WORDS)
        return json.dumps(message).encode().replace(b'"@"', odd, 1)

    def _other_kind(self, message: Json) -> bytes:
        message["type"] = self._random.choice(("command", "cancel", "event", "welcome"))
        return json.dumps(message).encode()


def _retained(sent: Sent) -> Sent:
    return Sent(frame=replace(sent.frame, is_retained=True), is_trusted=False)
