"""Makes envelopes, signatures and sequence numbers for everything that is sent."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, TypedDict
import uuid

from .clock import Clock
from .codec import encode
from .envelope import Message
from .messages import VERSION
from .mqtt_session import Outbound
from .signing import Signer


class Envelope(TypedDict):
    """The fields that every message begins with."""

    version: str
    id: str
    epoch: int
    seq: int
    ts: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How one kind of message travels (VPP contract, table of topics)."""

    qos: int
    expiry_s: float
    """0: never."""

    is_signed: bool = True
    is_retained: bool = False


WELCOME = Sending(qos=1, expiry_s=30)
CANCEL = Sending(qos=1, expiry_s=30)
HEARTBEAT = Sending(qos=0, expiry_s=10)
CLOCK = Sending(qos=0, expiry_s=10)
CERTIFICATE = Sending(qos=1, expiry_s=300)
REQUEST = Sending(qos=1, expiry_s=30, is_signed=False)

COMMAND_LIFE_S = 12.0
"""VPP contract: a command older than this is refused, so the broker may drop it."""


class Outbox:
    """One leadership term: every (epoch, topic, seq) is used once."""

    def __init__(
        self,
        epoch: int,
        signer: Signer,
        clock: Clock,
        publish: Callable[[Outbound], None],
    ) -> None:
        """Begin a term.

        Args:
            epoch: greater than that of every earlier term, also across restarts.
            signer: our key.
            clock: for ``ts``.
            publish: hands a message to the broker or raises NotConnectedError.
        """
        self.epoch = epoch
        self._signer = signer
        self._clock = clock
        self._publish = publish
        self._seq: dict[str, int] = {}

    def envelope(self, topic: str) -> Envelope:
        """Return a fresh envelope; its number is used up even if nothing is sent."""
        self._seq[topic] = self._seq.get(topic, 0) + 1
        return Envelope(
            version=VERSION,
            id=str(uuid.uuid7()),
            epoch=self.epoch,
            seq=self._seq[topic],
            ts=self._clock.utcnow(),
        )

    def prepare(
        self,
        topic: str,
        message: Message,
        how: Sending,
        correlation: bytes | None = None,
    ) -> Outbound:
        """Return a message ready to send, and to be sent again byte by byte.

        Raises:
            ContractError: when it does not fit its schema.
        """
        payload = encode(message)
        return Outbound(
            topic=topic,
            payload=payload,
            qos=how.qos,
            expiry_s=whole_seconds(how.expiry_s) if how.expiry_s > 0 else 0,
            signature=self._signer.sign(topic, payload) if how.is_signed else None,
            correlation=correlation,
            is_retained=how.is_retained,
        )

    def send(self, outbound: Outbound) -> float:
        """Hand a message to the broker; return the monotonic second just before.

        Raises:
            NotConnectedError: when the broker is away.
        """
        before_mono_s = self._clock.monotonic()
        self._publish(outbound)
        return before_mono_s


def whole_seconds(seconds: float) -> int:
    """Return a Message Expiry Interval: rounded up, at least 1 (VPP contract)."""
    return max(1, ceil(seconds))
