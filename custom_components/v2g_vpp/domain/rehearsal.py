"""A rehearsal: what the owner asks for, and what is told of it afterwards."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from .dispatch import DispatchAck
from .ids import EvseKey, ProgrammeId
from .ports import DispatchReceiver, ProgrammePort

REHEARSAL = ProgrammeId("rehearsal")
"""The programme that exists only meanwhile. Real ones may not carry the name."""

LONGEST_REHEARSAL_S = 900.0
"""House rule: a quarter of an hour shows all that a longer one would."""


class RehearsalKind(StrEnum):
    """What is played."""

    DISPATCH = "dispatch"
    """A command that begins at once and ends by itself."""

    LINK_LOSS = "link_loss"
    """The leader falls silent once the power flows."""

    DRY_RUN = "dry_run"
    """The command is only answered."""


class RehearsalEvent(StrEnum):
    """What happened, in the order in which it may."""

    ACCEPTED = "accepted"
    CLAMPED = "clamped"
    REFUSED = "refused"
    SETPOINT_REACHED = "setpoint_reached"
    SETPOINT_NOT_REACHED = "setpoint_not_reached"
    HEARTBEATS_STOPPED = "heartbeats_stopped"
    OWNER_STOPPED = "owner_stopped"
    SUPERSEDED = "superseded"
    """By a real dispatch."""

    FAILED = "failed"
    RELEASED = "released"
    """The fail-safe ended the dispatch."""

    DONE = "done"
    ZERO_REACHED = "zero_reached"
    ZERO_NOT_REACHED = "zero_not_reached"
    FLOWED = "flowed"
    NOTHING_FLOWED = "nothing_flowed"
    INTERRUPTED = "interrupted"
    """The home was stopped meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalRequest:
    """What the owner asks for."""

    key: EvseKey
    kind: RehearsalKind
    duration_s: float
    """Of the command; at most ``LONGEST_REHEARSAL_S``."""

    power_w: float | None = None
    """Positive = charging; None: the smallest discharge that the charger knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalStep:
    """One thing that happened."""

    event: RehearsalEvent
    at_s: float
    """Since the command left."""

    power_w: float | None = None
    """What was promised or measured then."""

    energy_wh: float | None = None
    """What flowed, signed as power is."""

    after_s: float | None = None
    """How long it took, where something was waited for."""

    ack: DispatchAck | None = None
    """The answer that told it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalReport:
    """All that happened. No programme is told, nothing of it is settled."""

    key: EvseKey
    kind: RehearsalKind
    asked_w: float
    acks: tuple[DispatchAck, ...]
    """What an aggregator would have been told, in order."""

    steps: tuple[RehearsalStep, ...]

    def step(self, event: RehearsalEvent) -> RehearsalStep | None:
        """Return the first step of a kind, None when it did not happen."""
        return next((step for step in self.steps if step.event is event), None)

    @property
    def is_passed(self) -> bool:
        """True when it went as the contract promises."""
        events = {step.event for step in self.steps}
        answered = {RehearsalEvent.ACCEPTED, RehearsalEvent.CLAMPED} & events
        match self.kind:
            case RehearsalKind.DRY_RUN:
                return bool(answered)
            case RehearsalKind.LINK_LOSS:
                needed = {RehearsalEvent.RELEASED, RehearsalEvent.ZERO_REACHED}
            case _:
                needed = {RehearsalEvent.DONE, RehearsalEvent.ZERO_REACHED}
        needed.add(RehearsalEvent.SETPOINT_REACHED)
        return bool(answered) and needed <= events


class RehearsalStage(DispatchReceiver, Protocol):
    """The home, as far as a rehearsal may touch it."""

    def begin_rehearsal(
        self, port: ProgrammePort, key: EvseKey, duration_s: float
    ) -> None:
        """Make the programme that exists only meanwhile.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
            RehearsalRefused: it would disturb a real dispatch, or another rehearsal.
        """
        ...

    def end_rehearsal(self) -> None:
        """End what it asked for; the programme goes once its 0 W was held."""
        ...


class Rehearsing(Protocol):
    """Who plays the aggregator."""

    async def rehearse(self, request: RehearsalRequest) -> RehearsalReport:
        """Play it through the real gate and return what happened.

        Raises:
            UnknownTarget, RehearsalRefused: as the stage does.
        """
        ...
