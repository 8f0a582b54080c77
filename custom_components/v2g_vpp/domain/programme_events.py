"""What an aggregator announces ahead of its commands, and what the home makes of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .dispatch import BindingClass
from .ids import ProgrammeId


@dataclass(frozen=True, slots=True, kw_only=True)
class EventWindow:
    """One span of an event; exactly one of both powers is given."""

    start_at: datetime
    end_at: datetime
    """Later than the start."""

    power_w: float | None = None
    """What the home shall be at, as far as it can; positive is charging."""

    limit_w: float | None = None
    """What it shall stay between 0 and, on its side of 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPrice:
    """What is paid for a kWh."""

    amount_minor_per_kwh: int
    """In the hundredth part of the currency."""

    currency: str
    """ISO 4217."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgrammeEvent:
    """One event of a programme, as it was announced last."""

    event_id: str
    programme_id: ProgrammeId
    windows: tuple[EventWindow, ...]
    """By start, never empty, no two at the same time."""

    notice_s: int = 0
    """Least time between the announcement and the first start."""

    opt_out_until_at: datetime | None = None
    """Until when the owner may leave it; None: until its end."""

    price: EventPrice | None = None
    delay_s: float = 0.0
    """How much later this home begins and ends than the windows say (rule 17)."""

    is_test: bool = False

    @property
    def start_at(self) -> datetime:
        """When the first window begins here."""
        return self.windows[0].start_at + timedelta(seconds=self.delay_s)

    @property
    def end_at(self) -> datetime:
        """When the last window ends here."""
        return self.windows[-1].end_at + timedelta(seconds=self.delay_s)


class Participation(StrEnum):
    """Whether the home takes part in an event."""

    OPTED_IN = "opted_in"
    OPTED_OUT = "opted_out"
    MAYBE = "maybe"
    """It would, and has nothing to give as things are."""


class EventPhase(StrEnum):
    """How far an event is; the last five are ends."""

    ANNOUNCED = "announced"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    NOT_CALLED = "not_called"
    """Its time passed and no command came."""

    OPTED_OUT = "opted_out"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class BookedEvent:
    """One event and what the home makes of it."""

    event: ProgrammeEvent
    number: int = 0
    """Place in the order of announcements, over all programmes of the home."""

    phase: EventPhase = EventPhase.ANNOUNCED
    is_failing: bool = False
    """True: its last command failed."""

    participation: Participation = Participation.MAYBE
    expected_w: tuple[float, ...] = ()
    """What the home expects to hold in each window, signed like power."""

    why: tuple[BindingClass, ...] = ()
    """What holds it below what the event asks for."""

    @property
    def is_void(self) -> bool:
        """True when nothing of it may run any more, whatever comes."""
        return self.phase in (EventPhase.OPTED_OUT, EventPhase.WITHDRAWN)

    @property
    def is_over(self) -> bool:
        """True when it is kept for the record alone."""
        return self.phase not in (EventPhase.ANNOUNCED, EventPhase.STARTED)

    @property
    def is_taken_part_in(self) -> bool:
        """True while it is ahead or runs and the home means to serve it."""
        return not self.is_over and self.participation is not Participation.OPTED_OUT


class EventNews(StrEnum):
    """What may be told about events and dispatches, as it happens."""

    ANNOUNCED = "announced"
    UPDATED = "updated"
    WITHDRAWN = "withdrawn"
    STARTED = "started"
    FINISHED = "finished"
    FAILED = "failed"
    OPTED_OUT = "opted_out"
    NOT_CALLED = "not_called"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventNote:
    """Something that happened to an event or a dispatch of a programme."""

    number: int
    """Grows from note to note."""

    news: EventNews
    event_id: str | None
    """None: a command that belongs to no event."""

    at: datetime
    is_test: bool = False
