"""The kit in the place of an aggregator, in front of one home."""

import asyncio
from collections.abc import Mapping
import contextlib
import math
from types import TracebackType
from typing import Any, Self

from . import clock
from .case import Failed, Inconclusive, NotOffered
from .home_options import GATE_CODES, HomeOptions, Loss
from .relay import Relay
from .session import Session
from .transcript import Message, Speaker, Transcript
from .wire import Json, Pen, SigningKey, from_bytes, to_bytes

HEARTBEAT_S = 5.0
ANSWER_S = 5.0
"""An ack takes milliseconds; a slow home on a slow network has seconds."""

SILENCE_S = 1.5
"""So long is waited for what must not come."""

COMMAND_SPACING_S = 0.75
"""Rule 9 allows two commands per second, counted where they arrive."""

COMMAND_LIFE_S = 12


class HomeBench:
    """Answers the home as an aggregator does, and says what a case wants said."""

    def __init__(
        self, options: HomeOptions, transcript: Transcript, relay: Relay | None = None
    ) -> None:
        """Prepare; entering the context connects."""
        self.options = options
        self.topics = options.topics
        self.transcript = transcript
        self.relay = relay
        self.pen = Pen(options.epoch)
        self.stranger = SigningKey.create(options.key.key_id)
        """Another key under the name of the right one."""

        self.answers_hello = True
        self.answers_clock = True
        self.beats = True
        self.welcome: Json = {}
        """Replaces keys of each welcome."""

        self.loss = Loss()
        self.started_at = clock.utcnow()
        self._session = Session(options.access, transcript)
        self._session.on_message = self._take
        self._beating: asyncio.Task[None] | None = None
        self._commanded_mono_s = -math.inf

    async def __aenter__(self) -> Self:
        """Connect and begin to beat."""
        await self._session.open([self.topics.up("#")])
        self._beating = asyncio.create_task(self._beat(), name="conformance heartbeat")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop what runs in the home, then leave."""
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating
        self.say("cancel", {"all": True})
        await asyncio.sleep(0.2)
        await self._session.close()

    # --- what is known of the home

    def newest(self, kind: str) -> Json:
        """Return the newest message of a kind.

        Raises:
            Inconclusive: when there was none.
        """
        said = [m for m in self.transcript.peer(kind) if m.document]
        if not said:
            raise Inconclusive(f"the home has sent no {kind}")
        return said[-1].document

    def offers(self, feature: str) -> None:
        """Do nothing when the home offers a feature in its hello.

        Raises:
            NotOffered: when it does not.
        """
        if feature not in self.newest("hello")["features"]:
            raise NotOffered(f"the hello does not name '{feature}'")

    def a_power_w(self) -> int:
        """Return a power that the home can hold by its availability.

        Raises:
            Inconclusive: when it has no room at all.
        """
        availability = self.newest("availability")
        site = availability["site"]
        least = max((r["dead_band_w"] for r in availability["resources"]), default=0)
        for bound_w, sign in ((site["highest_w"], 1), (-site["lowest_w"], -1)):
            power_w = min(self.options.power_w, bound_w)
            if power_w > 0 and power_w >= least:
                return int(sign * power_w)
        raise Inconclusive("the availability leaves no room for a setpoint")

    async def introduce(self) -> None:
        """Wait until the home was welcomed and has said what it can do.

        Raises:
            Inconclusive: when no home says hello.
        """
        since = self.transcript.here
        deadline_mono_s = clock.monotonic() + self.options.patience_s
        while not self.transcript.peer("hello", since):
            if clock.monotonic() > deadline_mono_s:
                raise Inconclusive("no hello: is the home connected to this broker?")
            self.request("hello")
            await self.transcript.first("hello", since=since, within_s=2.0)
        # What does not come is found missing by the cases. Heartbeats count only once
        # the clocks are compared, and then three are needed.
        for kind, place in (("offer", since), ("availability", since), ("clock", 0)):
            await self.transcript.first(kind, since=place, within_s=10.0)
        for _ in range(3):
            self.heartbeat()
            await asyncio.sleep(0.3)

    # --- what the kit says

    def say(
        self,
        kind: str,
        body: Json,
        *,
        topic: str | None = None,
        key: SigningKey | None = None,
        raw: bytes | None = None,
        remark: str = "",
        **how: Any,
    ) -> str:
        """Publish a message on a ``dn`` topic; return its id.

        Args:
            kind: type of the topic.
            body: what the message says; keys of the envelope replace the usual ones.
            topic: instead of the home's own.
            key: instead of the right one.
            raw: instead of the message, byte for byte.
            remark: for the report.
            how: fields of ``Message`` to replace.
        """
        topic = topic or self.topics.down(kind)
        name = {"clock": "clock_reply"}.get(kind, kind)
        message = self.pen.write(topic, name, body)
        payload = to_bytes(message) if raw is None else raw
        signature = (key or self.options.key).sign(topic, payload)
        fields = {
            "qos": 0 if kind in {"heartbeat", "clock"} else 1,
            "expiry_s": 10,
            "signatures": (signature,),
        }
        self._session.publish(
            Message(
                speaker=Speaker.KIT,
                topic=topic,
                payload=payload,
                remark=remark,
                **{**fields, **how},
            )
        )
        return str(message["id"] if raw is None else from_bytes(raw).get("id", ""))

    def again(self, message: Message, **changes: Any) -> None:
        """Publish a message of the kit once more, byte for byte."""
        fields: Json = {
            "topic": message.topic,
            "payload": message.payload,
            "qos": message.qos,
            "expiry_s": message.expiry_s,
            "signatures": message.signatures,
            "remark": "the same bytes again",
        }
        self._session.publish(Message(speaker=Speaker.KIT, **{**fields, **changes}))

    def heartbeat(self, **how: Any) -> None:
        """Publish one heartbeat to this home alone."""
        body = how.pop("body", {})
        self.say("heartbeat", body, **how)

    def request(self, *wanted: str) -> None:
        """Ask the home to say something again."""
        self.say("request", {"wanted": list(wanted)}, signatures=())

    def command_body(
        self,
        *,
        start_s: float = 0.0,
        end_s: float = 60.0,
        kind: str = "setpoint",
        power_w: int | None = None,
        **body: Any,
    ) -> Json:
        """Return what a command says; times in seconds from now."""
        made: Json = {
            "kind": kind,
            "start": self.pen.time(start_s),
            "end": self.pen.time(end_s),
        }
        if kind in {"setpoint", "limit"}:
            made["power_w"] = self.a_power_w() if power_w is None else power_w
        return made | body

    async def command(
        self, *, how: Mapping[str, Any] | None = None, **body: Any
    ) -> str:
        """Publish a command, no more than two a second; return its id."""
        ready_mono_s = self._commanded_mono_s + COMMAND_SPACING_S
        await asyncio.sleep(max(0.0, ready_mono_s - clock.monotonic()))
        self._commanded_mono_s = clock.monotonic()
        fields = {"expiry_s": COMMAND_LIFE_S} | dict(how or {})
        return self.say("command", self.command_body(**body), **fields)

    def last_said(self, kind: str) -> Message:
        """Return the last message of the kit of a kind."""
        return next(
            m
            for m in reversed(self.transcript.messages)
            if m.speaker is Speaker.KIT and m.kind == kind
        )

    # --- what the home says

    async def heard(
        self, kind: str, *, since: int, within_s: float = ANSWER_S
    ) -> Message:
        """Return the first message of a kind.

        Raises:
            Failed: when none comes.
        """
        found = await self.transcript.first(kind, since=since, within_s=within_s)
        if found is None:
            raise Failed(f"no {kind} within {within_s:.0f} s")
        return found

    def acks(self, command_id: str) -> list[Json]:
        """Return every answer about a command, in order."""
        return [
            m.document
            for m in self.transcript.peer("ack")
            if m.document.get("command_id") == command_id
        ]

    async def ack(
        self,
        command_id: str,
        *statuses: str,
        after: int = 0,
        within_s: float = ANSWER_S,
    ) -> Json:
        """Return the first answer about a command, of one of these statuses if any.

        Raises:
            Failed: when none comes.
        """
        found = await self.transcript.until(
            lambda: next(
                (
                    one
                    for one in self.acks(command_id)[after:]
                    if not statuses or one["status"] in statuses
                ),
                None,
            ),
            within_s,
        )
        if found is None:
            wanted = " or ".join(statuses) or "ack"
            came = [one["status"] for one in self.acks(command_id)]
            raise Failed(f"no {wanted} within {within_s:.0f} s; came: {came or 'none'}")
        return found

    async def expect(self, command_id: str, status: str, *codes: str) -> str:
        """Return what was seen when the first answer is as expected.

        Raises:
            Failed: when it is another one.
        """
        answer = await self.ack(command_id)
        seen = f"{answer['status']} {answer['code']}"
        is_right = answer["status"] == status and (not codes or answer["code"] in codes)
        if not is_right:
            raise Failed(f"{seen} instead of {status} {' or '.join(codes)}".rstrip())
        return seen

    async def taken(self, command_id: str) -> Json:
        """Return the verdict of a command that the home took.

        Raises:
            Failed: when it was refused by a rule of the gate.
            Inconclusive: when the home itself could not serve it.
        """
        answer = await self.ack(command_id)
        if answer["status"] != "rejected":
            return answer
        if answer["code"] in GATE_CODES:
            raise Failed(f"rejected {answer['code']}")
        raise Inconclusive(f"the home could not serve it: {answer['code']}")

    async def silence(self, command_id: str, why: str) -> str:
        """Return what was seen when a message gets no answer and has no effect.

        Raises:
            Failed: when it was answered.
        """
        await asyncio.sleep(SILENCE_S)
        answers = self.acks(command_id)
        if answers:
            said = f"{answers[0]['status']} {answers[0]['code']}"
            raise Failed(f"{why} was answered: {said}")
        if any(
            m.document.get("command_id") == command_id
            for m in self.transcript.peer("telemetry")
        ):
            raise Failed(f"{why} was not answered, but telemetry follows it")
        return f"no answer to {why}"

    async def at_rest(self) -> None:
        """End what a case left behind; the next one begins with an idle home."""
        self.answers_hello = self.answers_clock = self.beats = True
        self.welcome = {}
        since = self.transcript.here
        cancel_id = self.say("cancel", {"all": True}, remark="end of the case")
        with contextlib.suppress(Failed):
            await self.ack(cancel_id)
        # What was cancelled is answered as well.
        await asyncio.sleep(0.1 if since else 0.0)

    # --- inside

    async def _beat(self) -> None:
        while True:
            if self.beats:
                self.heartbeat()
            await asyncio.sleep(HEARTBEAT_S)

    def _take(self, message: Message) -> None:
        document = message.document
        if message.is_retained or "id" not in document:
            return
        if message.kind == "hello" and self.answers_hello:
            self.say_welcome(message)
        if message.kind == "clock" and self.answers_clock:
            now = self.pen.time()
            self.say(
                "clock",
                {"request_id": document["id"], "received_at": now, "sent_at": now},
            )

    def say_welcome(self, hello: Message, **how: Any) -> None:
        """Answer a hello."""
        body = {
            "hello_id": hello.document["id"],
            "status": "accepted",
            "code": "OK",
            "chosen_version": "1.0",
            "features": hello.document.get("features", []),
            "heartbeat_period_s": int(HEARTBEAT_S),
            "telemetry_period_s": 1,
            "reconnect_max_s": 2,
            "groups": list(self.options.groups),
            "signing_keys": self.options.key.public,
            **self.welcome,
            **how.pop("body", {}),
        }
        body = {key: value for key, value in body.items() if value is not None}
        how = {"correlation": hello.correlation, "expiry_s": 30} | how
        self.say("welcome", body, **how)
