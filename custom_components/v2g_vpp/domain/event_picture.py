"""What may be shown of the events of one programme."""

from dataclasses import dataclass

from .dispatch import AckCode
from .forecast import ForecastSlot
from .programme_events import BookedEvent, EventNote


@dataclass(frozen=True, slots=True, kw_only=True)
class EventPicture:
    """Events, what happened to them, and the forecast."""

    events: tuple[BookedEvent, ...] = ()
    """Ahead, running and, for a while, over; by start."""

    news: tuple[EventNote, ...] = ()
    """The newest, oldest first."""

    forecast: tuple[ForecastSlot, ...] = ()
    """Empty while the owner shares none."""

    is_forecast_shared: bool = False
    verdict: AckCode | None = None
    """What was answered last about an order; None before the first one."""

    def current_event(self) -> BookedEvent | None:
        """Return the event that runs or comes next, None without one."""
        ahead = (one for one in self.events if one.is_taken_part_in)
        return min(ahead, key=lambda one: one.event.start_at, default=None)


NO_EVENTS = EventPicture()
