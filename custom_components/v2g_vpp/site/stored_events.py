"""Events of a programme in the site's document."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..domain.ids import ProgrammeId
from ..domain.programme_events import (
    BookedEvent,
    EventPhase,
    EventPrice,
    EventWindow,
    Participation,
    ProgrammeEvent,
)
from .programme_book import EventBook
from .stored_values import read_bool, read_float, read_mapping, read_text


def dump_events(book: EventBook) -> dict[str, Any]:
    """Return what is kept of the events of a programme, as JSON."""
    return {
        "is_forecast_shared": book.is_forecast_shared,
        "barred": {event_id: phase.value for event_id, phase in book.barred.items()},
        "events": [_dump(booked) for booked in book.events],
    }


def restore_events(
    book: EventBook, programme_id: ProgrammeId, kept: Mapping[str, Any]
) -> None:
    """Bring the events back; an order is never among them.

    Raises:
        KeyError, TypeError, ValueError: for what cannot be read; nothing changed.
    """
    barred = {
        read_text(event_id): EventPhase(phase)
        for event_id, phase in read_mapping(kept.get("barred", {})).items()
    }
    events = tuple(_restore(one, programme_id) for one in kept.get("events", []))
    is_forecast_shared = read_bool(kept.get("is_forecast_shared", False))
    book.events, book.is_forecast_shared = events, is_forecast_shared
    book.barred = barred


def _dump(booked: BookedEvent) -> dict[str, Any]:
    event = booked.event
    price = event.price
    return {
        "event_id": event.event_id,
        "windows": [
            {
                "start_at": window.start_at.isoformat(),
                "end_at": window.end_at.isoformat(),
                "power_w": window.power_w,
                "limit_w": window.limit_w,
            }
            for window in event.windows
        ],
        "notice_s": event.notice_s,
        "opt_out_until_at": (
            None
            if event.opt_out_until_at is None
            else event.opt_out_until_at.isoformat()
        ),
        "price": (
            None if price is None else [price.amount_minor_per_kwh, price.currency]
        ),
        "delay_s": event.delay_s,
        "is_test": event.is_test,
        "phase": booked.phase.value,
        "number": booked.number,
        "is_failing": booked.is_failing,
        "is_opted_out": booked.participation is Participation.OPTED_OUT,
    }


def _restore(stored: object, programme_id: ProgrammeId) -> BookedEvent:
    kept = read_mapping(stored)
    until, price = kept["opt_out_until_at"], kept["price"]
    windows = tuple(_restore_window(read_mapping(one)) for one in kept["windows"])
    if not windows:
        raise ValueError("windows")
    is_out = read_bool(kept["is_opted_out"])
    return BookedEvent(
        event=ProgrammeEvent(
            event_id=read_text(kept["event_id"]),
            programme_id=programme_id,
            windows=windows,
            notice_s=int(read_float(kept["notice_s"])),
            opt_out_until_at=None if until is None else _moment(until),
            price=None if price is None else _restore_price(price),
            delay_s=read_float(kept["delay_s"]),
            is_test=read_bool(kept["is_test"]),
        ),
        phase=EventPhase(kept["phase"]),
        number=int(read_float(kept["number"])),
        is_failing=read_bool(kept["is_failing"]),
        participation=Participation.OPTED_OUT if is_out else Participation.MAYBE,
    )


def _restore_window(kept: Mapping[str, Any]) -> EventWindow:
    power_w, limit_w = kept["power_w"], kept["limit_w"]
    return EventWindow(
        start_at=_moment(kept["start_at"]),
        end_at=_moment(kept["end_at"]),
        power_w=None if power_w is None else read_float(power_w),
        limit_w=None if limit_w is None else read_float(limit_w),
    )


def _restore_price(stored: list[Any]) -> EventPrice:
    amount, currency = stored
    return EventPrice(
        amount_minor_per_kwh=int(read_float(amount)), currency=read_text(currency)
    )


def _moment(stored: object) -> datetime:
    moment = datetime.fromisoformat(read_text(stored))
    if moment.tzinfo is None:
        raise ValueError(stored)
    return moment
