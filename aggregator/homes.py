"""What is known of each home now: its presence, offer, availability and telemetry."""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime

from .envelope import Message
from .messages import (
    Availability,
    Forecast,
    Hello,
    Offer,
    Participation,
    State,
    Telemetry,
)

DEBOUNCE_S = 10.0
"""VPP contract: an ``offline`` is believed after this long without an ``online``."""

KEPT_TELEMETRY = 1800
"""Half an hour at one per second."""

KEPT_PARTICIPATIONS = 64
"""A home has at most 16 events ahead (VPP contract); whoever names more is wrong."""

FRESH_TELEMETRY_S = 30.0
"""House rule: three periods of the telemetry that a welcome asks for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One telemetry message and when it came."""

    telemetry: Telemetry
    received_mono_s: float


@dataclass(slots=True)
class SequenceWatch:
    """Newest (epoch, seq) of one topic of one home."""

    epoch: int = -1
    seq: int = -1
    has_listened: bool = False
    """Whether we have been connected since; otherwise a gap is our own absence."""


class Presence:
    """Online or not, by birth and Will, with the debounce of the contract."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.boot_id: str | None = None
        self.connection = 0
        self.flaps = 0
        self._is_online: bool | None = None
        self._doubted_mono_s: float | None = None

    def note(self, state: State, now_mono_s: float) -> None:
        """Take one birth or Will.

        A Will of another connection than the last birth is late and means nothing.
        """
        if state.status == "online":
            self.boot_id = state.boot_id
            self.connection = state.connection
            self._is_online = True
            self._doubted_mono_s = None
        elif self._is_online is None:
            self._is_online = False
        elif (state.boot_id, state.connection) == (self.boot_id, self.connection):
            if self._doubted_mono_s is None:
                self.flaps += 1
                self._doubted_mono_s = now_mono_s

    def forget(self) -> None:
        """Take the home's leave: it emptied its retained state."""
        self._is_online = False
        self._doubted_mono_s = None

    def status(self, now_mono_s: float) -> str:
        """Return ``unknown``, ``online`` or ``offline``."""
        if self._is_online is None:
            return "unknown"
        doubted = self._doubted_mono_s
        if doubted is not None and now_mono_s - doubted >= DEBOUNCE_S:
            return "offline"
        return "online" if self._is_online else "offline"


@dataclass(slots=True)
class Home:
    """Everything of one home that a restart may forget."""

    home_id: str
    presence: Presence = field(default_factory=Presence)
    hello: Hello | None = None
    chosen_version: str | None = None
    offer: Offer | None = None
    availability: Availability | None = None
    participations: dict[str, Participation] = field(default_factory=dict)
    """The newest answer to each event."""

    forecast: Forecast | None = None
    frames: deque[Frame] = field(default_factory=lambda: deque(maxlen=KEPT_TELEMETRY))
    counters: Counter[str] = field(default_factory=Counter)
    _watches: dict[str, SequenceWatch] = field(default_factory=dict)

    def note_participation(self, answer: Participation) -> None:
        """Keep the newest answer to an event, and no more than a home can need."""
        self.participations.pop(answer.event_id, None)
        self.participations[answer.event_id] = answer
        while len(self.participations) > KEPT_PARTICIPATIONS:
            del self.participations[next(iter(self.participations))]

    def is_new(self, topic_type: str, message: Message) -> bool:
        """Note the sequence of a message; False for one that is old or known.

        A gap is counted under ``gap`` and accepted.
        """
        watch = self._watches.setdefault(topic_type, SequenceWatch())
        if (message.epoch, message.seq) <= (watch.epoch, watch.seq):
            if (message.epoch, message.seq) != (watch.epoch, watch.seq):
                self.counters["old"] += 1
            return False
        is_same_epoch = message.epoch == watch.epoch
        if is_same_epoch and watch.has_listened and message.seq > watch.seq + 1:
            self.counters["gap"] += 1
            self.counters[f"gap_{topic_type}"] += 1
        watch.epoch, watch.seq, watch.has_listened = message.epoch, message.seq, True
        return True

    def link_lost(self) -> None:
        """Expect gaps: what the home says while we are away is not for us."""
        for watch in self._watches.values():
            watch.has_listened = False

    def forget_retained(self, topic_type: str) -> None:
        """Take back what the home emptied when it left the programme."""
        if topic_type == "state":
            self.presence.forget()
        elif topic_type == "offer":
            self.offer = None
        elif topic_type == "availability":
            self.availability = None
        elif topic_type == "forecast":
            self.forecast = None

    def is_ready(self, now_mono_s: float, now: datetime) -> bool:
        """Return True when it is online, opted in, and what it offers still holds."""
        return (
            self.presence.status(now_mono_s) == "online"
            and self.offer is not None
            and self.offer.is_opted_in
            and self.availability is not None
            and all(item.until > now for item in self.availability.resources)
        )

    def power_w(self, now_mono_s: float) -> int | None:
        """Return the measured power, None when nothing fresh is known."""
        if not self.frames:
            return None
        last = self.frames[-1]
        if now_mono_s - last.received_mono_s > FRESH_TELEMETRY_S:
            return None
        return last.telemetry.power_w
