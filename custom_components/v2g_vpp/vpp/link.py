"""The link to one aggregator: what outlives a connection, and the home's side of it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, override

from ..domain.dispatch import DispatchAck
from ..domain.errors import (
    BrokerRefusedLogin,
    BrokerUnreachable,
    InvitationInvalid,
)
from ..domain.ledger import LedgerEntry
from ..domain.ports import ProgrammePort
from ..domain.snapshot import SiteSnapshot
from .ack_post import AckPost
from .certificate_messages import CertificateReply
from .clock_check import ClockCheck, Now, OffsetWatch
from .connector import Connector
from .conversation import Conversation, Voice, refusal
from .dispatching import Dispatching
from .fields import SchemaError
from .gate import Dropped, DropReason, Frame, Gate
from .keeper import MemoryKeeper
from .link_config import LinkPorts, VppLinkConfig
from .memory import GateMemory
from .messages import ClockReply, Publication, Request, State, Welcome
from .mqtt_client import MqttSession, SessionEvents, SessionSettings
from .parsing import parse
from .present_power import present_power_w
from .receipts import Receipts
from .renewal import Pen, Renewal
from .report_post import ReportPost
from .signing import HOME_KEY_ID, KeyRing, decode_public_keys, encode_base64url
from .speaker import Speaker
from .topics import DownType, Topics, UpType

FAREWELL_TIMEOUT_S = 2.0
"""A stop must not wait longer for a broker that is gone; the Will says the rest."""

type LastWords = Callable[[], list[int | None]]
"""Publish something; return the packet ids to wait for."""


class VppLink(ProgrammePort):
    """Keep one programme connected, judge its commands, report what happens."""

    def __init__(self, config: VppLinkConfig, ports: LinkPorts) -> None:
        """Prepare the link.

        Raises:
            InvitationInvalid: when the names or keys of ``config`` cannot be used.
        """
        self._config = config
        self._ports = ports
        try:
            self._topics = Topics(region=config.region, home_id=config.home_id)
            decode_public_keys(config.aggregator_keys)
        except ValueError as err:
            raise InvitationInvalid("aggregator_keys") from err
        self._snapshot: SiteSnapshot | None = None
        self._clock_check = ClockCheck()
        self._offset_watch = OffsetWatch(ports.on_clock)
        self._receipts = Receipts()
        self._connections = 0
        self._session: MqttSession | None = None
        self._conversation: Conversation | None = None
        self._is_connected = False
        self._connector = Connector(config, ports, self._hold)
        self._acks = AckPost(
            self._topics.up(UpType.ACK),
            ports.signer,
            ports.clock,
            lambda: self._speaker,
        )
        self._reports = ReportPost(
            self._topics.up(UpType.REPORT),
            ports.signer,
            ports.clock,
            lambda: self._speaker,
            lambda sequence: ports.on_heard(config.programme_id, sequence),
        )
        self._adopt(GateMemory())

    # ---- life

    async def start(self) -> None:
        """Load what must not be forgotten and begin to connect; returns at once.

        Raises:
            StoreUnreadable: then nothing is connected: without the marks an old
                command could be obeyed again.
        """
        memory = GateMemory.restore(await self._ports.store.load())
        memory.boot_count += 1
        self._adopt(memory)
        # Before the first word: an epoch must never come twice.
        await self._keeper.write()
        self._connector.start()

    async def stop(self) -> None:
        """Say good-bye and disconnect; idempotent, at most about two seconds."""
        await self._end(self._farewell)

    async def leave(self) -> None:
        """Leave the programme: wipe what the broker retains, then stop."""
        await self._end(self._wipe)

    def retry_now(self) -> None:
        """Connect at once instead of waiting: something was repaired."""
        self._connector.retry_now()

    def renew_certificate(self) -> None:
        """Ask for the next certificate now.

        Raises:
            BrokerUnreachable: while there is no link to ask over.
        """
        conversation = self._conversation
        if conversation is None or not conversation.is_welcomed:
            raise BrokerUnreachable(self._config.host, self._config.port)
        self._renewal.want()

    # ---- what the shell may show

    @property
    def is_connected(self) -> bool:
        """True while the broker has accepted our session and subscriptions."""
        return self._is_connected

    @property
    def clock_offset_s(self) -> float | None:
        """Return the aggregator's clock minus ours, None while it is unknown."""
        now = self._now()
        if now.aggregator_at is None:
            return None
        return (now.aggregator_at - now.local_at).total_seconds()

    @property
    def dropped(self) -> Mapping[DropReason, int]:
        """Return how many frames got no answer, by cause."""
        return self._dispatching.dropped

    # ---- ProgrammePort

    @override
    def send_ack(self, ack: DispatchAck) -> None:
        """Send one answer; kept until the broker has it."""
        self._dispatching.tell(ack)
        self._keeper.write_soon()

    @override
    def publish(self, snapshot: SiteSnapshot) -> None:
        """Take the newest picture; what is news goes out with the next tick."""
        self._snapshot = snapshot

    def send_report(
        self, entry: LedgerEntry, links: Sequence[Mapping[str, Any]]
    ) -> None:
        """Send the report of an event until the broker has it."""
        self._reports.keep(entry, links)

    # ---- one connection

    async def _hold(self) -> None:
        """Connect, talk until the connection ends."""
        ports = self._ports
        context = await ports.run_blocking(ports.make_context)
        self._connections += 1
        session = MqttSession(
            self._session_settings(),
            context,
            SessionEvents(arrived=self._arrived, published=self._published),
        )
        conversation = Conversation(self._voice, session, self._connections)
        self._session, self._conversation = session, conversation
        self._gate.is_version_agreed = True
        try:
            await session.open(ports.run_blocking, self._topics.subscriptions)
            self._begin(session, conversation)
            await self._talk(session, conversation)
        finally:
            self._session = self._conversation = None
            self._acks.disconnected()
            self._reports.disconnected()
            session.close(with_will=True)
            if self._is_connected:
                self._is_connected = False
                ports.receiver.link_changed(
                    self._config.programme_id, is_connected=False
                )

    def _begin(self, session: MqttSession, conversation: Conversation) -> None:
        self._is_connected = True
        self._connector.connected()
        self._ports.receiver.link_changed(self._config.programme_id, is_connected=True)
        conversation.begin()
        self._acks.connected(session.publish)

    async def _talk(self, session: MqttSession, conversation: Conversation) -> None:
        while not session.lost.done():
            await asyncio.wait({session.lost}, timeout=self._config.tick_s)
            if not session.lost.done():
                session.tick()
                conversation.tick()
                self._offset_watch.look(self._now())
                question = (
                    self._renewal.question() if conversation.is_welcomed else None
                )
                if question is not None:
                    session.publish(question)

    def _session_settings(self) -> SessionSettings:
        topic = self._topics.up(UpType.STATE)
        last_will = State(
            is_online=False,
            boot_id=self._speaker.boot_id,
            connection=self._connections,
        )
        return SessionSettings(
            host=self._config.host,
            port=self._config.port,
            client_id=self._config.client_id,
            will_topic=topic,
            will_payload=self._speaker.say(topic, last_will),
        )

    # ---- what arrives

    def _arrived(self, frame: Frame) -> None:
        conversation = self._conversation
        match self._topics.kind_of(frame.topic):
            case DownType.COMMAND:
                self._dispatching.take_command(frame, self._now())
                self._keeper.write_soon()
            case DownType.CANCEL:
                self._dispatching.take_cancel(frame)
                self._keeper.write_soon()
            case DownType.EVENT:
                event_id = self._dispatching.take_event(frame, self._now())
                self._keeper.write_soon()
                if event_id is not None and conversation is not None:
                    conversation.answer_event(event_id)
            case DownType.HEARTBEAT:
                self._take_heartbeat(frame)
            case DownType.SETTLEMENT:
                self._take_settlement(frame)
            case DownType.REQUEST if conversation is not None:
                self._take_request(conversation, frame)
            case (DownType.WELCOME | DownType.CLOCK | DownType.CERTIFICATE) as kind if (
                conversation
            ):
                self._take_signed(conversation, kind, frame)
            case _:
                self._dispatching.drop(DropReason.TOPIC, frame.topic)

    def _take_heartbeat(self, frame: Frame) -> None:
        beat = self._dispatching.take_heartbeat(frame, self._now())
        if beat is None:
            return
        self._ports.receiver.heartbeat_seen(self._config.programme_id, beat.sent_mono_s)
        self._keeper.write_later(self._ports.clock.monotonic())

    def _take_settlement(self, frame: Frame) -> None:
        verdict = self._gate.judge_settlement(frame)
        if isinstance(verdict, Dropped):
            self._dispatching.drop(verdict.reason, frame.topic)
            return
        self._ports.on_settlement(self._config.programme_id, verdict)
        self._keeper.write_soon()

    def _take_request(self, conversation: Conversation, frame: Frame) -> None:
        try:
            message = parse(DownType.REQUEST, frame.payload)
        except SchemaError:
            message = None
        if frame.is_retained or not isinstance(message, Request):
            self._dispatching.drop(DropReason.FORM, frame.topic)
        else:
            conversation.take_request(message)
            if "report" in message.wanted:
                self._reports.again()

    def _take_signed(
        self, conversation: Conversation, kind: DownType, frame: Frame
    ) -> None:
        match self._gate.open(frame, kind):
            case Dropped(reason=reason):
                self._dispatching.drop(reason, frame.topic)
            case Welcome() as welcome:
                conversation.take_welcome(frame.topic, welcome)
            case ClockReply() as reply:
                conversation.take_clock(reply)
            case CertificateReply() as issued:
                pem = self._renewal.take(issued)
                if pem is not None:
                    self._ports.on_certificate(pem)
            case _:
                self._dispatching.drop(DropReason.FORM, frame.topic)

    def _welcomed(self, topic: str, welcome: Welcome) -> None:
        self._gate.accept_welcome(topic, welcome.envelope)
        refused: BrokerRefusedLogin | None = refusal(welcome)
        self._gate.is_version_agreed = refused is None
        if refused is not None:
            self._connector.refused_by_aggregator(refused)
            return
        self._connector.accepted_by_aggregator(welcome.reconnect_max_s)
        if self._session is not None:
            self._reports.listened_to(self._session.publish)
        if welcome.signing_keys:
            self._keys.replace(welcome.signing_keys)
            self._memory.remember_keys(
                self._config.aggregator_keys,
                {k: encode_base64url(raw) for k, raw in welcome.signing_keys.items()},
            )
        self._keeper.write_soon()

    # ---- what goes out

    def _published(self, packet_id: int, objection: str | None) -> None:
        self._reports.published(packet_id, objection)
        self._acks.published(packet_id)
        self._receipts.came(packet_id)
        if objection == "not_authorized":
            # The broker took the session and denies the topic: its list is wrong.
            self._connector.refused_by_aggregator(BrokerRefusedLogin(objection))

    # ---- the end

    async def _end(self, last_words: LastWords) -> None:
        session = self._session
        if session is not None and self._is_connected:
            await self._receipts.wait_for(last_words(), FAREWELL_TIMEOUT_S)
            session.close(with_will=False)
        await self._connector.stop()
        if self._memory.boot_count:
            await self._keeper.write()

    def _farewell(self) -> list[int | None]:
        conversation = self._conversation
        return [conversation.farewell()] if conversation is not None else []

    def _wipe(self) -> list[int | None]:
        session = self._session
        if session is None:
            return []
        kinds = (UpType.STATE, UpType.OFFER, UpType.AVAILABILITY, UpType.FORECAST)
        return [
            session.publish(
                Publication(
                    topic=self._topics.up(kind), payload=b"", qos=1, is_retained=True
                )
            )
            for kind in kinds
        ]

    # ---- inside

    def _adopt(self, memory: GateMemory) -> None:
        """Build what judges and speaks on top of a memory."""
        config, ports = self._config, self._ports
        self._memory = memory
        self._keeper = MemoryKeeper(memory, ports.store, ports.spawn)
        self._speaker = Speaker(memory.boot_count, ports.clock)
        trusted = decode_public_keys(memory.keys_for(config.aggregator_keys))
        self._keys = KeyRing(trusted, ports.verify)
        self._gate = Gate(
            topics=self._topics,
            programme_id=config.programme_id,
            keys=self._keys,
            memory=memory,
            present_w=lambda resource: present_power_w(self._snapshot, resource),
        )
        self._dispatching = Dispatching(
            self._gate, ports.receiver, self._acks.answer, lambda: self._snapshot
        )
        self._renewal = Renewal(
            config.csr_pem,
            config.certificate_expires_at,
            Pen(self._topics, self._speaker, ports.signer, ports.clock),
        )
        self._voice = Voice(
            topics=self._topics,
            programme_id=config.programme_id,
            software=config.software,
            signing_keys={HOME_KEY_ID: encode_base64url(ports.signer.public_key)},
            speaker=self._speaker,
            clock=ports.clock,
            clock_check=self._clock_check,
            snapshot=lambda: self._snapshot,
            welcomed=self._welcomed,
        )

    def _now(self) -> Now:
        clock = self._ports.clock
        return self._clock_check.now(clock.monotonic(), clock.utcnow())
