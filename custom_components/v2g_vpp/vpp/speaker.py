"""Envelopes of this home: identity, epoch and one count per topic."""

from collections import defaultdict
import uuid

from ..domain.clock import Clock
from .codec import serialise
from .envelope import Envelope
from .messages import VERSION, Outbound


class Speaker:
    """Make the messages of one boot."""

    def __init__(self, epoch: int, clock: Clock) -> None:
        """Speak in the epoch ``epoch``, the boot count of the home."""
        self._epoch = epoch
        self._clock = clock
        self._seq: defaultdict[str, int] = defaultdict(int)
        self.boot_id = new_id()

    def envelope(self, topic: str) -> Envelope:
        """Return the next envelope of a topic."""
        self._seq[topic] += 1
        return Envelope(
            version=VERSION,
            message_id=new_id(),
            epoch=self._epoch,
            seq=self._seq[topic],
            made_at=self._clock.utcnow(),
        )

    def say(self, topic: str, message: Outbound) -> bytes:
        """Return the next message of a topic."""
        return serialise(self.envelope(topic), message)


def new_id() -> str:
    """Return an identity for a message or a boot."""
    return str(uuid.uuid7())
