"""One connection to the broker: paho driven by the event loop, no thread of its own.

A session lives from one CONNECT to its end and is never used again. Nothing that was
queued in it can therefore be sent late, after a reconnect.
"""

import asyncio
from collections.abc import Callable, Sequence
import contextlib
from dataclasses import dataclass
from datetime import datetime
import socket
import ssl
from threading import get_ident
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from .clock import Clock
from .errors import NotConnectedError
from .signing import PROPERTY
from .tls import ClientContext

KEEPALIVE_S = 10
"""VPP contract; a frozen broker is noticed after up to twice as long."""

CONNECT_TIMEOUT_S = 5.0
"""TCP only; the TLS handshake has KEEPALIVE_S."""

USER_TIMEOUT_MS = 15_000
"""VPP contract: TCP_USER_TIMEOUT, unacknowledged bytes end the connection."""

MISC_PERIOD_S = 1.0
"""How often paho looks at its keepalive."""

RECEIVE_MAXIMUM = 100
"""QoS 1 messages that the broker may have under way to us; one leader, many homes."""

MAX_PACKET_BYTES = 65536
MAX_INFLIGHT = 20
MAX_QUEUED = 200
"""As the broker is configured; a longer queue would only hold expired commands."""

PACKETS_PER_TURN = 64
"""Packets of one wake-up, then the rest of the event loop has its turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAddress:
    """Where the broker is and who we are to it."""

    host: str
    port: int
    client_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One message as it arrived."""

    topic: str
    payload: bytes
    is_retained: bool
    signatures: tuple[str, ...]
    correlation: bytes | None
    received_mono_s: float
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """One message to send; an aggregator's is never retained."""

    topic: str
    payload: bytes
    qos: int
    expiry_s: int
    """0: never."""

    signature: str | None = None
    correlation: bytes | None = None
    is_retained: bool = False
    response_topic: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHandlers:
    """What a session calls, always in the event loop."""

    on_ready: Callable[[], None]
    """The subscription is granted: the session is proven."""

    on_message: Callable[[Inbound], None]

    on_refused_publish: Callable[[str], None]
    """The broker did not take a message, for this reason."""


class MqttSession:
    """One connection; ``run`` returns why it ended."""

    def __init__(
        self,
        address: BrokerAddress,
        context: ClientContext,
        topic_filters: str | Sequence[str],
        handlers: SessionHandlers,
        clock: Clock,
        will: Outbound | None = None,
    ) -> None:
        """Prepare a session inside the running event loop.

        Args:
            address: the broker.
            context: our side of TLS.
            topic_filters: what is subscribed to, at QoS 1.
            handlers: what is called.
            clock: for the moment of each message.
            will: what the broker says when the connection breaks.
        """
        self._address = address
        self._topic_filters = (
            [topic_filters] if isinstance(topic_filters, str) else list(topic_filters)
        )
        self._handlers = handlers
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._loop_thread = get_ident()
        self._ended: asyncio.Future[str] = self._loop.create_future()
        self._misc: asyncio.TimerHandle | None = None
        self._is_ready = False
        self._context = context
        self._client = self._build_client(context)
        if will is not None:
            self._client.will_set(
                will.topic, will.payload, will.qos, retain=will.is_retained
            )

    @property
    def is_ready(self) -> bool:
        """Return True between the granted subscription and the end."""
        return self._is_ready and not self._ended.done()

    async def run(self) -> str:
        """Connect, serve, and return the reason of the end in a few words."""
        connecting = self._loop.run_in_executor(None, self._connect)
        try:
            reason = await asyncio.shield(connecting)
            if reason is not None:
                return reason
            self._look_after()
            return await self._ended
        finally:
            if not connecting.done():
                # The thread cannot be stopped, only made to fail; what it has
                # opened must be closed.
                self._context.abort_handshake()
                await connecting
            await self._close()

    def publish(self, message: Outbound) -> None:
        """Hand one message to the broker.

        Raises:
            NotConnectedError: when there is no proven session or its queue is full.
        """
        if not self.is_ready:
            raise NotConnectedError("The broker is not connected; nothing was sent.")
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if message.expiry_s > 0:
            properties.MessageExpiryInterval = message.expiry_s
        if message.signature is not None:
            properties.UserProperty = [(PROPERTY, message.signature)]
        if message.correlation is not None:
            properties.CorrelationData = message.correlation
        if message.response_topic is not None:
            properties.ResponseTopic = message.response_topic
        info = self._client.publish(
            message.topic,
            message.payload,
            message.qos,
            retain=message.is_retained,
            properties=properties,
        )
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise NotConnectedError(
                f"The broker takes no messages ({info.rc.name}); nothing was sent."
            )

    def _build_client(self, context: ClientContext) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._address.client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.tls_set_context(context)
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(MAX_INFLIGHT)
        client.max_queued_messages_set(MAX_QUEUED)
        client.on_socket_open = self._on_socket_open
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        return client

    def _connect(self) -> str | None:
        """Dial, in a worker thread; return why it failed."""
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        properties.ReceiveMaximum = RECEIVE_MAXIMUM
        properties.MaximumPacketSize = MAX_PACKET_BYTES
        try:
            self._client.connect(
                self._address.host,
                self._address.port,
                keepalive=KEEPALIVE_S,
                clean_start=True,
                properties=properties,
            )
        except OSError as err:
            self._context.close_dialled()
            return str(err) or type(err).__name__
        return None

    def _look_after(self) -> None:
        self._client.loop_misc()
        if not self._ended.done():
            self._misc = self._loop.call_later(MISC_PERIOD_S, self._look_after)

    async def _close(self) -> None:
        self._is_ready = False
        if self._misc is not None:
            self._misc.cancel()
        # Callbacks of the worker thread may still wait for their turn.
        await asyncio.sleep(0)
        if self._client.socket() is not None:
            self._client.disconnect()
            self._client.loop_write()
        open_socket = self._client.socket()
        if open_socket is not None:
            # The goodbye did not fit into the send buffer: the broker is stuck.
            self._detach(open_socket)
            with contextlib.suppress(OSError):
                open_socket.close()
        self._end("closed")

    def _end(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    # paho calls the next four in the worker thread while it connects, and in the
    # event loop afterwards.

    def _on_socket_open(self, client: Client, userdata: Any, sock: Any) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            sock.setsockopt(
                socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, USER_TIMEOUT_MS
            )
        self._loop.call_soon_threadsafe(self._attach, sock)

    def _on_socket_close(self, client: Client, userdata: Any, sock: Any) -> None:
        self._detach(sock)

    def _on_register_write(self, client: Client, userdata: Any, sock: Any) -> None:
        if get_ident() == self._loop_thread:
            self._attach_writer(sock)
        else:
            self._loop.call_soon_threadsafe(self._attach_writer, sock)

    def _on_unregister_write(self, client: Client, userdata: Any, sock: Any) -> None:
        self._loop.remove_writer(sock)

    def _attach(self, sock: Any) -> None:
        if sock.fileno() >= 0 and not self._ended.done():
            self._loop.add_reader(sock, self._on_readable)

    def _attach_writer(self, sock: Any) -> None:
        # What was to be written may have left while this call waited for its turn.
        if sock.fileno() >= 0 and self._client.want_write():
            self._loop.add_writer(sock, self._on_writable)

    def _detach(self, sock: Any) -> None:
        self._loop.remove_reader(sock)
        self._loop.remove_writer(sock)

    def _on_writable(self) -> None:
        self._client.loop_write()

    def _on_readable(self) -> None:
        for _ in range(PACKETS_PER_TURN):
            if self._client.loop_read() != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            sock = self._client.socket()
            # Bytes that TLS has decrypted already wake no selector.
            if not isinstance(sock, ssl.SSLSocket) or sock.pending() == 0:
                return
        self._loop.call_soon(self._on_readable)

    def _on_connect(
        self, client: Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if reason.is_failure:
            self._end(f"the broker refuses us: {reason}")
            return
        client.subscribe([(item, 1) for item in self._topic_filters])

    def _on_subscribe(
        self, client: Client, userdata: Any, mid: int, reasons: Any, properties: Any
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._end("the broker refuses the subscription")
            return
        self._is_ready = True
        self._loop.call_soon(self._handlers.on_ready)

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:
        properties = message.properties
        sigs = getattr(properties, "UserProperty", None) or []
        inbound = Inbound(
            topic=message.topic,
            payload=bytes(message.payload),
            is_retained=message.retain,
            signatures=tuple(value for name, value in sigs if name == PROPERTY),
            correlation=getattr(properties, "CorrelationData", None),
            received_mono_s=self._clock.monotonic(),
            received_at=self._clock.utcnow(),
        )
        # Later, not here: an error of ours would leave paho inside half a packet.
        self._loop.call_soon(self._handlers.on_message, inbound)

    def _on_publish(
        self, client: Client, userdata: Any, mid: int, reason: Any, properties: Any
    ) -> None:
        if reason.is_failure:
            self._loop.call_soon(self._handlers.on_refused_publish, str(reason))

    def _on_disconnect(
        self, client: Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        self._end(str(reason))
