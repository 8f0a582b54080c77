"""An event of the aggregator -> a typed value; what is wrong in it is named."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

from ..domain.programme_events import EventPrice, EventWindow
from .envelope import Envelope
from .event_messages import Event, EventStatus
from .fields import Fields, SchemaError

MAX_WINDOWS = 16
MAX_WINDOW = timedelta(hours=4)
"""Longest command of the contract, which each window becomes."""

_MAX_NOTICE_S = 604_800
_MAX_SPREAD_S = 3_600
_MAX_AMOUNT = 1_000_000
_MAX_POWER_W = 1_000_000
EVENT_ID = r"[A-Za-z0-9._-]{1,64}"
_PROGRAMME_ID = r"[A-Za-z0-9._-]{1,64}"


def parse_event(fields: Fields, envelope: Envelope) -> Event:
    """Return the event of a message.

    Raises:
        SchemaError: naming the first field that is wrong.
    """
    status = EventStatus(fields.choice("status", tuple(EventStatus)))
    if status is not EventStatus.WITHDRAWN:
        fields.require("windows")
    return Event(
        envelope=envelope,
        status=status,
        event_id=fields.text("event_id", EVENT_ID),
        programme_id=fields.text("programme_id", _PROGRAMME_ID),
        windows=fields.optional("windows", lambda n: _windows(fields, n)) or (),
        notice_s=fields.optional(
            "notice_s", lambda n: fields.integer(n, 0, _MAX_NOTICE_S)
        )
        or 0,
        opt_out_until_at=fields.optional("opt_out_until", fields.moment),
        price=fields.optional("price", lambda n: _price(fields.nested(n))),
        start_spread_s=fields.optional(
            "start_spread_s", lambda n: fields.integer(n, 0, _MAX_SPREAD_S)
        )
        or 0,
        is_test=bool(fields.optional("test", fields.boolean)),
    )


def _windows(fields: Fields, name: str) -> tuple[EventWindow, ...]:
    raw = fields.array(name, 1, MAX_WINDOWS)
    windows = tuple(_window(Fields.of(one, name)) for one in raw)
    if not _are_in_order(windows):
        raise SchemaError(name)
    return windows


def _are_in_order(windows: Sequence[EventWindow]) -> bool:
    have_length = all(
        timedelta(0) < one.end_at - one.start_at <= MAX_WINDOW for one in windows
    )
    return have_length and all(
        later.start_at >= one.end_at for one, later in pairwise(windows)
    )


def _window(fields: Fields) -> EventWindow:
    def power_w(name: str) -> float:
        return float(fields.integer(name, -_MAX_POWER_W, _MAX_POWER_W))

    if ("power_w" in fields) is ("limit_w" in fields):
        raise SchemaError("windows")
    return EventWindow(
        start_at=fields.moment("start"),
        end_at=fields.moment("end"),
        power_w=fields.optional("power_w", power_w),
        limit_w=fields.optional("limit_w", power_w),
    )


def _price(fields: Fields) -> EventPrice:
    return EventPrice(
        amount_minor_per_kwh=fields.integer(
            "amount_minor_per_kwh", -_MAX_AMOUNT, _MAX_AMOUNT
        ),
        currency=fields.text("currency", "[A-Z]{3}"),
    )
