"""Answers that are kept until the broker has them, or nobody needs them any more."""

from dataclasses import dataclass

ACK_LIFE_S = 60.0
"""An answer this old says nothing that telemetry has not said since (contract)."""

MAX_KEPT = 512
"""Two acks for each of the gate's remembered ids; beyond it the oldest go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One signed message, ready to be published again as it is."""

    topic: str
    payload: bytes
    signature: str
    expires_mono_s: float


class Outbox:
    """Messages in the order in which they were made."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept: dict[int, Kept] = {}
        self._next = 0

    def keep(self, message: Kept) -> int:
        """Note a message; return its number."""
        self._next += 1
        self._kept[self._next] = message
        while len(self._kept) > MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        return self._next

    def done(self, number: int) -> None:
        """Note that the broker has a message."""
        self._kept.pop(number, None)

    def waiting(self, now_mono_s: float) -> tuple[tuple[int, Kept], ...]:
        """Return what is still to be said, oldest first, and forget the rest."""
        self._kept = {
            number: message
            for number, message in self._kept.items()
            if message.expires_mono_s > now_mono_s
        }
        return tuple(self._kept.items())
