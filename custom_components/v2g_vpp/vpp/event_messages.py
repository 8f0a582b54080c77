"""Events, participation and forecast of the contract as typed values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from ..domain.dispatch import BindingClass
from ..domain.forecast import ForecastSlot
from ..domain.programme_events import EventPrice, EventWindow, Participation
from .envelope import Envelope


class EventStatus(StrEnum):
    """What happened to an event."""

    ANNOUNCED = "announced"
    UPDATED = "updated"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What the aggregator plans, ahead of its commands."""

    envelope: Envelope
    status: EventStatus
    event_id: str
    programme_id: str
    windows: tuple[EventWindow, ...] = ()
    """Empty for a withdrawn one alone."""

    notice_s: int = 0
    opt_out_until_at: datetime | None = None
    price: EventPrice | None = None
    start_spread_s: int = 0
    is_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedWindow:
    """What the home expects to hold in one window."""

    start_at: datetime
    """As announced."""

    expected_w: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipationNote:
    """Whether the home takes part in an event, and with what."""

    event_id: str
    status: Participation
    windows: tuple[ExpectedWindow, ...]
    why: tuple[BindingClass, ...]
    is_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """The next day in half hours."""

    slots: tuple[ForecastSlot, ...]
