"""The book of events of one programme."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ..domain.dispatch import AckCode
from ..domain.event_picture import EventPicture
from ..domain.forecast import ForecastSlot
from ..domain.programme_events import BookedEvent, EventNews, EventNote, EventPhase

KEPT_OVER = 32
KEPT_FOR = timedelta(days=30)
"""Events that are over stay this long for the calendar, and no more than these."""

KEPT_NOTES = 16

MAX_BARRED = 256
"""Ids, as many as the link remembers of commands; the oldest go first, and those that
the owner left after all others."""


@dataclass(slots=True, kw_only=True)
class EventBook:
    """Written by the event desk alone, the forecast by its own desk."""

    events: tuple[BookedEvent, ...] = ()
    """In the order of their announcements; those that are over stay for a while."""

    barred: dict[str, EventPhase] = field(default_factory=dict)
    """Events that were left or withdrawn, oldest first: no command of theirs runs."""

    notes: tuple[EventNote, ...] = ()
    is_forecast_shared: bool = False
    verdict: AckCode | None = None
    forecast: tuple[ForecastSlot, ...] = ()

    @property
    def picture(self) -> EventPicture:
        """Return what may be shown of it."""
        return EventPicture(
            events=tuple(
                sorted(self.events, key=lambda b: (b.event.start_at, b.event.event_id))
            ),
            news=self.notes,
            forecast=self.forecast,
            is_forecast_shared=self.is_forecast_shared,
            verdict=self.verdict,
        )

    def event(self, event_id: str | None) -> BookedEvent | None:
        """Return an event by its id."""
        return next((b for b in self.events if b.event.event_id == event_id), None)

    def bar(self, event_id: str, phase: EventPhase) -> None:
        """Let no command of an event run any more; what was said first stays."""
        self.barred.setdefault(event_id, phase)
        while len(self.barred) > MAX_BARRED:
            # What the owner left goes last: withdrawals come without end.
            withdrawn = (
                one
                for one, why in self.barred.items()
                if why is EventPhase.WITHDRAWN and one != event_id
            )
            del self.barred[next(withdrawn, next(iter(self.barred)))]

    def rewrite(self, booked: BookedEvent) -> None:
        """Write an event anew in its place."""
        self.events = tuple(
            booked if one.event.event_id == booked.event.event_id else one
            for one in self.events
        )

    def note(
        self, news: EventNews, event_id: str | None, at: datetime, *, is_test: bool
    ) -> None:
        """Write down what happened, for those who want to hear of it."""
        number = 1 + (self.notes[-1].number if self.notes else 0)
        entry = EventNote(
            number=number, news=news, event_id=event_id, at=at, is_test=is_test
        )
        self.notes = (*self.notes, entry)[-KEPT_NOTES:]

    def drop_old(self, now: datetime) -> None:
        """Forget events that are over for long."""
        over = sorted(
            (b for b in self.events if b.is_over and now - b.event.end_at < KEPT_FOR),
            key=lambda b: b.event.end_at,
        )[-KEPT_OVER:]
        self.events = tuple(b for b in self.events if not b.is_over or b in over)
