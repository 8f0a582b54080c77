"""The kit's connection to the broker: MQTT 5 over TLS 1.3 by paho's own thread."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
import socket
import ssl
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from .transcript import Message, Speaker, Transcript

CONNECT_S = 10.0
KEEPALIVE_S = 10


class SessionError(Exception):
    """Carry one line that says why there is no connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Where the broker is, and who the kit is to it."""

    host: str
    port: int
    common_name: str
    context: ssl.SSLContext


class Session:
    """One connection; everything that is said goes into the transcript."""

    def __init__(self, access: Access, transcript: Transcript | None) -> None:
        """Prepare; nothing is opened. Without a transcript nothing is noted."""
        self.access = access
        self.on_message: Callable[[Message], None] = lambda _: None
        self.refused: list[str] = []
        """Why the broker did not take what was published."""

        self.ended: asyncio.Event = asyncio.Event()
        self._transcript = transcript
        self._loop = asyncio.get_running_loop()
        self._granted: asyncio.Future[None] = self._loop.create_future()
        self._topics: Sequence[str] = ()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=access.common_name,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client = self._client
        client.tls_set_context(access.context)
        client.connect_timeout = CONNECT_S
        client.on_socket_open = _without_delay
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._arrived
        client.on_publish = self._published
        client.on_disconnect = self._disconnected

    def will(self, message: Message) -> None:
        """Say what the broker publishes when the connection breaks; before ``open``."""
        self._client.will_set(
            message.topic, message.payload, message.qos, retain=message.is_retained
        )

    async def open(self, topics: Sequence[str]) -> None:
        """Connect and subscribe.

        Raises:
            SessionError: when the broker cannot be reached or does not want us.
        """
        self._topics = topics
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 0
        properties.ReceiveMaximum = 10
        properties.MaximumPacketSize = 65536
        try:
            await asyncio.to_thread(
                self._client.connect,
                self.access.host,
                self.access.port,
                KEEPALIVE_S,
                clean_start=True,
                properties=properties,
            )
            self._client.loop_start()
            async with asyncio.timeout(CONNECT_S):
                await self._granted
        except (OSError, TimeoutError) as err:
            await self.close()
            where = f"{self.access.host}:{self.access.port}"
            raise SessionError(f"no connection to {where}: {err}") from err

    def publish(self, message: Message) -> None:
        """Publish a message as it is and note it."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if message.expiry_s is not None:
            properties.MessageExpiryInterval = message.expiry_s
        if message.signatures:
            properties.UserProperty = [("sig", one) for one in message.signatures]
        if message.correlation is not None:
            properties.CorrelationData = message.correlation
        if message.response_topic is not None:
            properties.ResponseTopic = message.response_topic
        if self._transcript is not None:
            self._transcript.add(message)
        self._client.publish(
            message.topic,
            message.payload,
            message.qos,
            retain=message.is_retained,
            properties=properties,
        )

    def subscribe(self, topic: str) -> None:
        """Ask for one more topic."""
        self._client.subscribe([(topic, _OPTIONS)])

    async def close(self) -> None:
        """Say DISCONNECT, which keeps the Will from being sent."""
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    async def vanish(self) -> None:
        """Break the connection, so that the broker sends the Will."""
        open_socket: Any = self._client.socket()
        if open_socket is not None:
            open_socket.shutdown(socket.SHUT_RDWR)
        await asyncio.to_thread(self._client.loop_stop)
        if open_socket is not None:
            open_socket.close()

    # Of paho's thread; each hops into the loop.

    def _connected(
        self, client: Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if reason.is_failure:
            self._hop(self._settle, str(reason))
        elif self._topics:
            client.subscribe([(topic, _OPTIONS) for topic in self._topics])
        else:
            self._hop(self._settle, None)

    def _subscribed(
        self, client: Client, userdata: Any, mid: int, reasons: Any, properties: Any
    ) -> None:
        failed = [str(reason) for reason in reasons if reason.is_failure]
        self._hop(self._settle, failed[0] if failed else None)

    def _published(
        self, client: Client, userdata: Any, mid: int, reason: Any, properties: Any
    ) -> None:
        if reason.is_failure:
            self._hop(self.refused.append, str(reason))

    def _disconnected(
        self, client: Client, userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        self._hop(self._settle, str(reason))
        self._hop(self.ended.set)

    def _arrived(self, client: Client, userdata: Any, raw: MQTTMessage) -> None:
        properties = raw.properties
        pairs = getattr(properties, "UserProperty", None) or []
        message = Message(
            speaker=Speaker.PEER,
            topic=raw.topic,
            payload=bytes(raw.payload),
            qos=raw.qos,
            is_retained=raw.retain,
            expiry_s=getattr(properties, "MessageExpiryInterval", None),
            signatures=tuple(value for name, value in pairs if name == "sig"),
            correlation=getattr(properties, "CorrelationData", None),
            response_topic=getattr(properties, "ResponseTopic", None),
        )
        self._hop(self._take, message)

    def _take(self, message: Message) -> None:
        if self._transcript is not None:
            self._transcript.add(message)
        self.on_message(message)

    def _settle(self, problem: str | None) -> None:
        if self._granted.done():
            return
        if problem is None:
            self._granted.set_result(None)
        else:
            self._granted.set_exception(ConnectionError(problem))

    def _hop(self, function: Callable[..., None], *arguments: Any) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *arguments)


_OPTIONS = SubscribeOptions(qos=1, retainAsPublished=True)
"""What is retained shows it also when it comes live."""


def _without_delay(client: Client, userdata: Any, sock: Any) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def tls_context(root_pem: str, certificate: str, key: str) -> ssl.SSLContext:
    """Return a context for TLS 1.3 that trusts one root only; reads two files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(cadata=root_pem)
    context.load_cert_chain(certificate, key)
    return context
