"""One MQTT 5 session by paho, driven from the event loop without a thread of its own."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
import logging
import socket
import ssl
from typing import Any

from paho.mqtt.client import (
    Client,
    ConnectFlags,
    DisconnectFlags,
    MQTTMessage,
)
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from ..domain.errors import BrokerRefusedLogin, BrokerRefusedTls, BrokerUnreachable
from .gate import Frame
from .link_config import RunBlocking
from .messages import Publication
from .paho_values import (
    RECEIVE_MAXIMUM,
    ClosingSocket,
    as_socket,
    connect_properties,
    publish_properties,
    slug_of,
    to_frame,
    tune,
)
from .probe import CONNECT_TIMEOUT_S, classify
from .tls_errors import forget_tls_errors

_LOGGER = logging.getLogger(__name__)

KEEPALIVE_S = 10
SESSION_TIMEOUT_S = 10.0
"""CONNACK and SUBACK: two round trips; as long as one keepalive."""

MAX_QUEUED_MESSAGES = 200
_READS_PER_TURN = 100
TURN_S = 0.01
"""A flood must not keep the control loop waiting: the rest comes in the next turn. The
dearest message, an event that is news, takes some milliseconds itself."""


class ConnectionLost(Exception):  # noqa: N818 - an event, caught inside this layer
    """The session ended before it was established, paho does not say why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """Where to connect, as whom, and what the broker says when we are gone."""

    host: str
    port: int
    client_id: str
    will_topic: str
    will_payload: bytes


NO_LISTENER = "no_matching_subscribers"
"""The broker took a message and had nobody to give it to: it is gone (MQTT 5, 3.4.2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEvents:
    """What a session reports, always in the event loop."""

    arrived: Callable[[Frame], None]
    published: Callable[[int, str | None], None]
    """Packet id, and the broker's objection if there is one."""


class MqttSession:
    """From CONNECT to the loss of the connection; used once."""

    def __init__(
        self, settings: SessionSettings, context: ssl.SSLContext, events: SessionEvents
    ) -> None:
        """Prepare a session; nothing is opened yet.

        Args:
            settings: of the broker.
            context: TLS 1.3 client context; its socket class is set here.
            events: called for what arrives.
        """
        self._settings = settings
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._accepted: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._arrived: list[MQTTMessage] = []
        self._registered: socket.socket | None = None
        self._has_writer = False
        self._is_closed = False
        context.sslsocket_class = ClosingSocket
        self._client = self._make_client(context)

    @property
    def lost(self) -> asyncio.Future[str]:
        """Return the future that ends with the session; its result says why."""
        return self._lost

    async def open(self, run_blocking: RunBlocking, topics: Sequence[str]) -> None:
        """Connect and subscribe.

        Raises:
            BrokerUnreachable: no TCP connection, or no answer.
            BrokerRefusedTls: the handshake failed.
            BrokerRefusedLogin: the broker said no to CONNECT or to a topic.
            ConnectionLost: the session ended before the broker's answer.
        """
        settings = self._settings
        try:
            await self._connect(run_blocking)
        except ssl.SSLError as err:
            raise BrokerRefusedTls(settings.host, settings.port, classify(err)) from err
        except (OSError, ValueError) as err:
            raise BrokerUnreachable(settings.host, settings.port) from err
        try:
            async with asyncio.timeout(SESSION_TIMEOUT_S):
                await self._answer()
                self._accepted = self._loop.create_future()
                self.subscribe(topics)
                await self._answer()
        except TimeoutError as err:
            raise BrokerUnreachable(settings.host, settings.port) from err

    def publish(self, publication: Publication) -> int | None:
        """Send a message now; return its packet id, None when it could not be sent."""
        if self._is_closed or self._lost.done():
            return None
        info = self._client.publish(
            publication.topic,
            publication.payload,
            publication.qos,
            publication.is_retained,
            publish_properties(publication),
        )
        self._flush()
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for topics; a retained message keeps its flag, so that it can be seen."""
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        self._client.subscribe([(topic, options) for topic in topics])
        self._flush()

    def tick(self) -> None:
        """Keep the session alive, or notice that it is dead; call it each second."""
        self._client.loop_misc()
        self._flush()

    def close(self, *, with_will: bool) -> None:
        """End the session at once; idempotent.

        Args:
            with_will: True lets the broker publish the Will.
        """
        if self._is_closed:
            return
        self._is_closed = True
        reason = ReasonCode(
            PacketTypes.DISCONNECT,
            "Disconnect with will message" if with_will else "Normal disconnection",
        )
        if self._client.socket() is not None:
            self._client.disconnect(reasoncode=reason)
            self._flush()
            forget_tls_errors()
        self._abandon()
        if not self._lost.done():
            self._lost.set_result("closed")
        if not self._accepted.done():
            self._accepted.cancel()
        elif not self._accepted.cancelled():
            self._accepted.exception()

    async def _connect(self, run_blocking: RunBlocking) -> None:
        connecting = asyncio.ensure_future(run_blocking(self._connect_blocking))
        try:
            # Unlike a shield it has nothing to say of a failure after the end.
            await asyncio.wait({connecting})
        except asyncio.CancelledError:
            # The thread cannot be interrupted; its socket must not outlive it.
            connecting.add_done_callback(self._abandon_late)
            raise
        connecting.result()
        self._register()

    def _connect_blocking(self) -> None:
        self._client.connect(
            self._settings.host,
            self._settings.port,
            KEEPALIVE_S,
            clean_start=True,
            properties=connect_properties(),
        )

    def _make_client(self, context: ssl.SSLContext) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._settings.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            # Each write costs a system call: the answer to a command goes first.
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.tls_set_context(context)
        client.max_inflight_messages_set(RECEIVE_MAXIMUM)
        client.max_queued_messages_set(MAX_QUEUED_MESSAGES)
        client.will_set(
            self._settings.will_topic, self._settings.will_payload, qos=1, retain=True
        )
        # No on_socket_register_write: without it paho writes at once, and what the
        # socket does not take is waited for by `_flush`.
        client.on_socket_open = tune
        client.on_socket_close = self._on_socket_close
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    async def _answer(self) -> None:
        """Wait for CONNACK or SUBACK.

        Raises:
            ConnectionLost: when the connection ends first.
            BrokerRefusedLogin: when the answer is no.
        """
        ends: set[asyncio.Future[Any]] = {self._accepted, self._lost}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if self._accepted.done():
            self._accepted.result()
            return
        raise ConnectionLost(self._lost.result())

    # ---- reading and writing

    def _register(self) -> None:
        sock = self._client.socket()
        if sock is None or self._is_closed:
            self._abandon()
            return
        # Whoever else has a TLS socket in this thread may have lost one.
        forget_tls_errors()
        self._registered = as_socket(sock)
        self._loop.add_reader(self._registered, self._read)
        self._read()

    def _read(self) -> None:
        ends_s = self._loop.time() + TURN_S
        try:
            for _ in range(_READS_PER_TURN):
                code = self._client.loop_read()
                self._deliver()
                sock = self._client.socket()
                if code != MQTTErrorCode.MQTT_ERR_SUCCESS or sock is None:
                    return
                # TLS reads whole records: what it has kept wakes no selector.
                if not as_socket(sock).pending():
                    break
                if self._loop.time() >= ends_s:
                    self._loop.call_soon(self._read_on)
                    break
            else:
                self._loop.call_soon(self._read_on)
            self._flush()
        except Exception:
            # The top of everything that the aggregator causes. A fault here may have
            # left an order half judged: start over, and let the watchdog act.
            _LOGGER.exception("A message could not be handled, reconnecting")
            self.close(with_will=True)

    def _read_on(self) -> None:
        if self._registered is not None:
            self._read()

    def _deliver(self) -> None:
        # After loop_read, not from its callback: an exception cannot leave paho in
        # the middle of a packet, and answers are written in this very turn.
        arrived, self._arrived = self._arrived, []
        for message in arrived:
            self._events.arrived(to_frame(message))
            self._client.ack(message.mid, message.qos)

    def _flush(self) -> None:
        if self._client.want_write():
            self._client.loop_write()
        sock = self._registered
        if sock is None:
            return
        if self._client.want_write() and not self._has_writer:
            self._loop.add_writer(sock, self._flush)
            self._has_writer = True
        elif self._has_writer and not self._client.want_write():
            self._loop.remove_writer(sock)
            self._has_writer = False

    def _unregister(self) -> None:
        sock, self._registered = self._registered, None
        if sock is not None and sock.fileno() >= 0:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)
        self._has_writer = False

    def _abandon(self) -> None:
        """Close the socket even where the farewell could not be written."""
        self._unregister()
        self._client.on_socket_close = None
        sock = self._client.socket()
        if sock is not None:
            as_socket(sock).close()

    def _abandon_late(self, connecting: asyncio.Future[None]) -> None:
        if not connecting.cancelled():
            connecting.exception()
        self._abandon()

    # ---- callbacks of paho, in the event loop except on_socket_open

    def _on_socket_close(self, _client: Client, _userdata: Any, _sock: Any) -> None:
        self._unregister()

    def _on_connect(
        self,
        _client: Client,
        _userdata: Any,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._settle([reason])

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: Any,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        self._settle(reasons)

    def _settle(self, reasons: Sequence[ReasonCode]) -> None:
        if self._accepted.done():
            return
        refused = next((reason for reason in reasons if reason.is_failure), None)
        if refused is None:
            self._accepted.set_result(None)
        else:
            self._accepted.set_exception(BrokerRefusedLogin(slug_of(refused)))

    def _on_publish(
        self,
        _client: Client,
        _userdata: Any,
        mid: int,
        reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        word = slug_of(reason)
        is_objection = reason.is_failure or word == NO_LISTENER
        self._events.published(mid, word if is_objection else None)

    def _on_message(
        self, _client: Client, _userdata: Any, message: MQTTMessage
    ) -> None:
        self._arrived.append(message)

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: Any,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        forget_tls_errors()
        if not self._lost.done():
            self._lost.set_result(slug_of(reason))
