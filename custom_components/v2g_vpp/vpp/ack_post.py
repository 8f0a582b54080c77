"""Answers on their way: each is sent until the broker has it, or it is too old."""

from collections.abc import Callable

from ..domain.clock import Clock
from ..domain.dispatch import DispatchAck
from ..domain.ports import Signer
from .messages import Publication
from .outbox import ACK_LIFE_S, Kept, Outbox
from .signing import sign
from .speaker import Speaker

type Publish = Callable[[Publication], int | None]
"""Send a message; return its packet id, None when it could not be sent."""


class AckPost:
    """Keeps answers over connections, as they were said."""

    def __init__(
        self,
        topic: str,
        signer: Signer,
        clock: Clock,
        speaker: Callable[[], Speaker],
    ) -> None:
        """Send to ``topic`` in the words of the speaker of now: each start has one."""
        self._topic, self._signer, self._clock = topic, signer, clock
        self._speaker = speaker
        self._outbox = Outbox()
        self._in_flight: dict[int, int] = {}
        self._publish: Publish | None = None

    def answer(self, ack: DispatchAck) -> None:
        """Send one answer; it is kept until the broker has it."""
        payload = self._speaker().say(self._topic, ack)
        kept = Kept(
            topic=self._topic,
            payload=payload,
            signature=sign(self._signer, self._topic, payload),
            expires_mono_s=self._clock.monotonic() + ACK_LIFE_S,
        )
        self._send(self._outbox.keep(kept), kept)

    def connected(self, publish: Publish) -> None:
        """Send on a new connection what no earlier one brought through."""
        self._publish = publish
        for number, kept in self._outbox.waiting(self._clock.monotonic()):
            self._send(number, kept)

    def disconnected(self) -> None:
        """Forget what was under way: nobody will say any more that it arrived."""
        self._publish = None
        self._in_flight.clear()

    def published(self, packet_id: int) -> None:
        """Note that the broker has a packet."""
        number = self._in_flight.pop(packet_id, None)
        if number is not None:
            self._outbox.done(number)

    def _send(self, number: int, kept: Kept) -> None:
        if self._publish is None:
            return
        left_s = kept.expires_mono_s - self._clock.monotonic()
        packet_id = self._publish(
            Publication(
                topic=kept.topic,
                payload=kept.payload,
                qos=1,
                expiry_s=max(1, round(left_s)),
                signature=kept.signature,
            )
        )
        if packet_id is not None:
            self._in_flight[packet_id] = number
