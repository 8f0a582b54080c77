"""An event as the operator plans it: windows, price, and what homes answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .errors import BadRequestError, DataDirectoryError
from .messages import EventPrice, EventWindow

ANNOUNCED = "announced"
UPDATED = "updated"
WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEvent:
    """One event; every home of it is told the same powers."""

    event_id: str
    windows: tuple[EventWindow, ...]
    """In order of start, never empty."""

    homes: tuple[str, ...] | None = None
    """Whom it is for; None: every home that is enrolled."""

    status: str = ANNOUNCED
    notice_s: int = 0
    opt_out_until: datetime | None = None
    price: EventPrice | None = None
    start_spread_s: int = 0
    test: bool = False

    @property
    def end(self) -> datetime:
        """When its last home is done."""
        return self.windows[-1].end

    def is_for(self, home_id: str) -> bool:
        """Return True for a home that is told of it."""
        return self.homes is None or home_id in self.homes


def checked(event: PlannedEvent, now: datetime) -> PlannedEvent:
    """Return an event that can still be held.

    Raises:
        BadRequestError: when a window overlaps another one or all are over.
    """
    for one, later in zip(event.windows, event.windows[1:], strict=False):
        if later.start < one.end:
            raise BadRequestError("The windows of an event must not overlap.")
    if event.end <= now:
        raise BadRequestError("The event is over already.")
    return event


def to_stored(event: PlannedEvent) -> dict[str, Any]:
    """Return an event as JSON."""
    return {
        "event_id": event.event_id,
        "windows": [
            {
                "start": window.start.isoformat(),
                "end": window.end.isoformat(),
                "power_w": window.power_w,
                "limit_w": window.limit_w,
            }
            for window in event.windows
        ],
        "homes": None if event.homes is None else list(event.homes),
        "status": event.status,
        "notice_s": event.notice_s,
        "opt_out_until": (
            None if event.opt_out_until is None else event.opt_out_until.isoformat()
        ),
        "price": (
            None
            if event.price is None
            else [event.price.amount_minor_per_kwh, event.price.currency]
        ),
        "start_spread_s": event.start_spread_s,
        "test": event.test,
    }


def from_stored(document: Mapping[str, Any]) -> PlannedEvent:
    """Return an event that was kept.

    Raises:
        DataDirectoryError: when it cannot be read.
    """
    try:
        homes, price = document["homes"], document["price"]
        until = document["opt_out_until"]
        return PlannedEvent(
            event_id=document["event_id"],
            windows=tuple(
                EventWindow(
                    start=_moment(one["start"]),
                    end=_moment(one["end"]),
                    power_w=one["power_w"],
                    limit_w=one["limit_w"],
                )
                for one in document["windows"]
            ),
            homes=None if homes is None else tuple(homes),
            status=document["status"],
            notice_s=document["notice_s"],
            opt_out_until=None if until is None else _moment(until),
            price=(
                None
                if price is None
                else EventPrice(amount_minor_per_kwh=price[0], currency=price[1])
            ),
            start_spread_s=document["start_spread_s"],
            test=document["test"],
        )
    except (KeyError, TypeError, ValueError, IndexError) as err:
        raise DataDirectoryError(f"cannot read an event: {err!r}") from err


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
