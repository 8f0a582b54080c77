"""The kit in the place of a home, in front of one aggregator."""

import asyncio
from collections.abc import Callable, Sequence
import contextlib
from types import TracebackType
from typing import Any, Self
import uuid

from . import clock
from .case import Failed, Inconclusive
from .player_options import ENERGY_WH, FEATURES, PLATE, POWER_W, RESOURCE, PlayerOptions
from .session import Access, Session, tls_context
from .transcript import Message, Speaker, Transcript
from .wire import Json, Pen, SigningKey, Topics, is_signed, to_bytes

ANSWER_S = 5.0
CLOCK_S = 60.0


class HomePlayer:
    """Says what a home says; acknowledges commands as a case wants it."""

    def __init__(self, options: PlayerOptions, transcript: Transcript) -> None:
        """Prepare; entering the context connects."""
        self.options = options
        self.transcript = transcript
        self.topics = Topics(
            options.invitation["region"], options.invitation["home_id"]
        )
        self.key: SigningKey = options.enrolled.signing_key
        self.stranger = SigningKey.create(self.key.key_id)
        self.keys: dict[str, str] = dict(options.invitation["aggregator_keys"])
        self.pen = Pen(int(clock.utcnow().timestamp()))
        """The boot count: whatever played this home before had a lower one."""

        self.boot_id = str(uuid.uuid7())
        self.connection = 0
        self.ledger: list[Json] = []
        """Entries of the played home, oldest first."""

        self.acknowledges: Callable[[Message], None] | None = self.accept
        """How a command is answered; None: not at all."""

        self._session: Session | None = None
        self._ticking: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Connect, greet and keep telling."""
        await self.connect()
        self._ticking = asyncio.create_task(self._tick(), name="conformance telemetry")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say good-bye and leave nothing retained."""
        if self._ticking is not None:
            self._ticking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticking
        if self._session is not None:
            for kind_ in ("state", "offer", "availability"):
                self.say(kind_, {}, raw=b"", is_retained=True)
            await asyncio.sleep(0.2)
            await self._session.close()

    # --- the connection

    def access(self, *, beside: str = "") -> Access:
        """Return what a connection of this home needs."""
        enrolled = self.options.enrolled
        context = tls_context(
            self.options.invitation["broker_root_pem"],
            str(enrolled.certificate),
            str(enrolled.key),
        )
        return Access(
            host=self.options.host,
            port=self.options.port,
            common_name=self.topics.common_name + beside,
            context=context,
        )

    async def connect(self) -> None:
        """Connect anew, say who is here and wait for nothing."""
        self.connection += 1
        session = Session(self.access(), self.transcript)
        session.on_message = self._take
        topic = self.topics.up("state")
        will = self.pen.write(topic, "state", self.state("offline"))
        session.will(
            Message(
                speaker=Speaker.KIT,
                topic=topic,
                payload=to_bytes(will),
                qos=1,
                is_retained=True,
            )
        )
        await session.open([self.topics.down("#"), self.topics.everybody("#")])
        self._session = session
        self.say("state", self.state("online"), is_retained=True)

    async def vanish(self) -> None:
        """Break the connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.vanish()

    async def introduce(self) -> Message:
        """Say hello, then offer and availability; return the welcome.

        Raises:
            Inconclusive: when nobody answers in time.
        """
        deadline_mono_s = clock.monotonic() + self.options.patience_s
        while clock.monotonic() < deadline_mono_s:
            since = self.transcript.here
            self.hello()
            welcome = await self.transcript.first("welcome", since=since, within_s=10)
            if welcome is not None:
                self.ask_clock()
                self.describe()
                return welcome
        raise Inconclusive("no welcome: does the aggregator run at this broker?")

    # --- what the kit says

    def say(
        self,
        kind: str,
        body: Json,
        *,
        key: SigningKey | None = None,
        raw: bytes | None = None,
        topic: str | None = None,
        **how: Any,
    ) -> str:
        """Publish a message on an ``up`` topic, signed only with a key; return its id."""
        if self._session is None:
            raise Inconclusive("the kit is not connected")
        topic = topic or self.topics.up(kind)
        name = {"clock": "clock_request"}.get(kind, kind)
        message = self.pen.write(topic, name, body)
        payload = to_bytes(message) if raw is None else raw
        fields: Json = {"qos": 0 if kind in {"telemetry", "clock"} else 1}
        if key is not None:
            fields["signatures"] = (key.sign(topic, payload),)
        self._session.publish(
            Message(
                speaker=Speaker.KIT, topic=topic, payload=payload, **{**fields, **how}
            )
        )
        return str(message["id"])

    def hello(self, **changes: Any) -> str:
        """Say hello; return its id."""
        message_id = str(uuid.uuid7())
        body: Json = {
            "id": message_id,
            "versions": ["1.0"],
            "features": list(FEATURES),
            "boot_id": self.boot_id,
            "connection": self.connection,
            "software": "conformance kit",
            "signing_keys": self.key.public,
            **changes.pop("body", {}),
        }
        how: Json = {
            "response_topic": self.topics.down("welcome"),
            "correlation": message_id.encode(),
            "expiry_s": 30,
        } | changes
        return self.say("hello", body, **how)

    def state(self, status: str, **changes: Any) -> Json:
        """Return what a state says."""
        return {
            "status": status,
            "boot_id": self.boot_id,
            "connection": self.connection,
            **changes,
        }

    def ask_clock(self) -> str:
        """Ask what time it is; return the id of the question."""
        return self.say("clock", {}, expiry_s=10)

    def describe(self) -> None:
        """Say offer, availability and telemetry."""
        self.say(
            "offer",
            {
                "programme_id": self.options.invitation["programme_id"],
                "is_opted_in": True,
                "clock_quality_ms": 5,
                "resources": [PLATE],
            },
            is_retained=True,
            expiry_s=86_400,
        )
        room = {
            "lowest_w": -POWER_W,
            "highest_w": POWER_W,
            "deliverable_wh": ENERGY_WH,
            "absorbable_wh": ENERGY_WH,
        }
        resource = {
            "resource": RESOURCE,
            "dead_band_w": 0,
            "until": self.pen.time(900),
            "why": [],
            **room,
        }
        self.say(
            "availability",
            {"resources": [resource], "site": room},
            is_retained=True,
            expiry_s=900,
        )
        self.telemetry()

    def telemetry(self, power_w: int = 0, command_id: str | None = None) -> None:
        """Say what is measured."""
        resource = {
            "resource": RESOURCE,
            "state": "idle",
            "power_w": power_w,
            "charged_wh": 0,
            "discharged_wh": 0,
            "quality": "good",
        }
        self.say(
            "telemetry",
            {
                "power_w": power_w,
                "frequency_mhz": None,
                "command_id": command_id,
                "quality": "good",
                "resources": [resource],
            },
            expiry_s=10,
        )

    def ack(
        self,
        command_id: str,
        status: str,
        code: str = "OK",
        *,
        key: SigningKey | None = None,
        **how: Any,
    ) -> None:
        """Answer a command or a cancel."""
        body = {
            "command_id": command_id,
            "status": status,
            "code": code,
            "committed_w": 0,
            "binding": [],
            **how.pop("body", {}),
        }
        self.say("ack", body, key=key or self.key, expiry_s=60, **how)

    def accept(self, message: Message) -> None:
        """Answer a command or a cancel as a willing home."""
        self.ack(message.document["id"], "accepted")

    # --- what the aggregator says

    async def heard(
        self,
        kind: str,
        fits: Callable[[Message], bool] = lambda _: True,
        *,
        since: int,
        within_s: float = ANSWER_S,
    ) -> Message:
        """Return the first message of a kind, of the right form.

        Raises:
            Failed: when none comes, or it is not of the right form.
        """
        found = await self.transcript.first(kind, fits, since=since, within_s=within_s)
        if found is None:
            raise Failed(f"no {kind} within {within_s:.0f} s")
        if found.fault is not None:
            raise Failed(found.fault)
        return found

    def check_signed(self, message: Message) -> None:
        """Do nothing when a message is signed by the aggregator.

        Raises:
            Failed: when it is not.
        """
        if not is_signed(message.topic, message.payload, message.signatures, self.keys):
            raise Failed(f"{message.kind} is not signed by a key of the invitation")

    async def asked_for(self, hook: str, kind: str) -> Message:
        """Let the tester's command make the aggregator send something; return it.

        Raises:
            Inconclusive: without the command, or when nothing comes of it.
        """
        run = self.options.hooks.get(hook)
        since = self.transcript.here
        if run is None:
            raise Inconclusive(f"needs --{hook}: a command that makes it send one")
        await run()
        found = await self.transcript.first(
            kind, lambda m: bool(m.payload), since=since, within_s=10
        )
        if found is None:
            raise Inconclusive(f"no {kind} came 10 s after --{hook}")
        return found

    async def at_rest(self) -> None:
        """Be a willing, connected home again."""
        self.acknowledges = self.accept
        if self._session is None:
            await self.connect()
            await self.introduce()

    def newest(self, kind: str) -> Json:
        """Return the newest message of a kind.

        Raises:
            Inconclusive: when there was none.
        """
        said = [m for m in self.transcript.peer(kind) if m.document]
        if not said:
            raise Inconclusive(f"the aggregator has sent no {kind}")
        return said[-1].document

    def of(self, kinds: Sequence[str], since: int = 0) -> list[Message]:
        """Return what the aggregator said of some kinds."""
        return [m for m in self.transcript.peer(since=since) if m.kind in kinds]

    # --- inside

    def _take(self, message: Message) -> None:
        document = message.document
        if message.is_retained or "id" not in document:
            return
        if message.kind in {"command", "cancel"} and self.acknowledges is not None:
            self.acknowledges(message)
        if message.kind == "request":
            wanted = document.get("wanted", [])
            if "hello" in wanted:
                self.hello()
            if "state" in wanted:
                self.say("state", self.state("online"), is_retained=True)
            if {"offer", "availability", "telemetry"} & set(wanted):
                self.describe()

    async def _tick(self) -> None:
        told_s = 0.0
        while True:
            await asyncio.sleep(5.0)
            told_s += 5.0
            if self._session is None:
                continue
            self.telemetry()
            if told_s % CLOCK_S == 0:
                self.ask_clock()
                self.describe()
