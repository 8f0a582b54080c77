"""What paho leaves to its user: socket options, properties, values without types."""

import socket
import ssl
from typing import Any, override

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from .gate import Frame
from .messages import Publication
from .parsing import MAX_PAYLOAD_BYTES
from .signing import SIGNATURE_PROPERTY

RECEIVE_MAXIMUM = 10
TCP_USER_TIMEOUT_MS = 15_000
"""Unacknowledged data ends the connection after this (contract)."""


class ClosingSocket(ssl.SSLSocket):
    """A TLS socket that does not stay open after a failed handshake.

    paho drops such a socket without closing it.
    """

    @override
    def do_handshake(self, block: bool = False) -> None:
        """Shake hands, or close."""
        try:
            super().do_handshake(block)
        except OSError, ValueError:
            self.close()
            raise


def tune(_client: Client, _userdata: Any, sock: Any) -> None:
    """Set what the contract asks of the socket; runs in the connecting thread."""
    tcp = as_socket(sock)
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # Linux only; elsewhere the keepalive notices a dead peer, a little later.
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None:
        tcp.setsockopt(socket.IPPROTO_TCP, option, TCP_USER_TIMEOUT_MS)


def to_frame(message: MQTTMessage) -> Frame:
    """Return an arrived message as the gate wants it."""
    pairs = getattr(message.properties, "UserProperty", [])
    return Frame(
        topic=message.topic,
        payload=bytes(message.payload),
        signatures=tuple(value for name, value in pairs if name == SIGNATURE_PROPERTY),
        is_retained=message.retain,
    )


def slug_of(reason: ReasonCode) -> str:
    """Return a reason code as a word, for example ``not_authorized``."""
    name = str(reason.getName())  # type: ignore[no-untyped-call]  # as above
    return name.lower().replace(" ", "_")


def as_socket(sock: Any) -> ssl.SSLSocket:
    """Return the socket of a session."""
    # paho types it as the union of what any transport may give; ours is always TLS.
    if not isinstance(sock, ssl.SSLSocket):
        raise TypeError(type(sock))
    return sock


def connect_properties() -> Properties:
    """Return what the contract asks of CONNECT."""
    properties = _new_properties(PacketTypes.CONNECT)
    properties.SessionExpiryInterval = 0
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    properties.MaximumPacketSize = MAX_PAYLOAD_BYTES
    return properties


def publish_properties(publication: Publication) -> Properties:
    """Return the properties of a message."""
    properties = _new_properties(PacketTypes.PUBLISH)
    if publication.expiry_s is not None:
        properties.MessageExpiryInterval = publication.expiry_s
    if publication.signature is not None:
        properties.UserProperty = (SIGNATURE_PROPERTY, publication.signature)
    if publication.response_topic is not None:
        properties.ResponseTopic = publication.response_topic
    if publication.correlation is not None:
        properties.CorrelationData = publication.correlation
    return properties


def _new_properties(kind: int) -> Properties:
    return Properties(kind)  # type: ignore[no-untyped-call]  # paho's is not typed
