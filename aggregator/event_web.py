"""Events over HTTP: announce, look, change, withdraw."""

from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from .clock import Clock
from .codec import format_timestamp, parse_object
from .errors import BadRequestError, ContractError
from .event_desk import EventDesk
from .fields import Fields
from .messages import EventPrice, EventWindow
from .planned_event import PlannedEvent

MAX_POWER_W = 1_000_000
MAX_WINDOWS = 16
MAX_WINDOW_S = 4 * 3600
MAX_LEAD_S = 14 * 86_400
MAX_SPREAD_S = 3_600
MAX_NOTICE_S = 604_800
MAX_AMOUNT = 1_000_000


class EventApi:
    """Handlers under ``/api/events``; part of the operator's interface."""

    def __init__(self, desk: EventDesk, clock: Clock) -> None:
        """Serve one desk."""
        self._desk = desk
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Return what the operator's application adds."""
        return [
            web.get("/api/events", self._list),
            web.post("/api/events", self._announce),
            web.delete("/api/events/{event_id}", self._withdraw),
        ]

    async def _list(self, request: web.Request) -> web.StreamResponse:
        events = sorted(self._desk.events.values(), key=lambda e: e.windows[0].start)
        return web.json_response({"events": [self._view(event) for event in events]})

    async def _announce(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":
            raise BadRequestError("Send the request as application/json.")
        try:
            document = parse_object(await request.read() or b"{}")
        except ContractError as err:
            raise BadRequestError(f"The request cannot be read: {err}.") from err
        homes = document.pop("homes", None)
        event = _event(Fields(document), _homes(homes), self._clock.utcnow())
        await self._desk.announce(event)
        return web.json_response(
            self._view(self._desk.events[event.event_id]), status=202
        )

    async def _withdraw(self, request: web.Request) -> web.StreamResponse:
        event_id = request.match_info["event_id"]
        await self._desk.withdraw(event_id)
        return web.json_response(self._view(self._desk.events[event_id]))

    def _view(self, event: PlannedEvent) -> dict[str, Any]:
        answers = self._desk.answers(event.event_id)
        return {
            "event_id": event.event_id,
            "status": event.status,
            "test": event.test,
            "windows": [
                {
                    "start": format_timestamp(window.start),
                    "end": format_timestamp(window.end),
                    "power_w": window.power_w,
                    "limit_w": window.limit_w,
                    "expected_w": sum(
                        answer.windows[number].expected_w
                        for answer in answers.values()
                        if number < len(answer.windows)
                    ),
                }
                for number, window in enumerate(event.windows)
            ],
            "participation": {
                home_id: {
                    "status": answer.status,
                    "expected_w": [one.expected_w for one in answer.windows],
                    "why": list(answer.why),
                }
                for home_id, answer in answers.items()
            },
            "commands": self._desk.commanded(event.event_id),
        }


def _event(
    fields: Fields, homes: tuple[str, ...] | None, now: datetime
) -> PlannedEvent:
    windows = tuple(
        _window(one, now) for one in fields.items("windows", 1, MAX_WINDOWS)
    )
    until_s = fields.optional_number("opt_out_until_in_s", 0, MAX_LEAD_S)
    amount = fields.optional_number("amount_minor_per_kwh", -MAX_AMOUNT, MAX_AMOUNT)
    currency = fields.optional_text("currency")
    if (amount is None) != (currency is None):
        raise BadRequestError("A price needs an amount and a currency.")
    price = None
    if amount is not None and currency is not None:
        price = EventPrice(amount_minor_per_kwh=round(amount), currency=currency)
    event = PlannedEvent(
        event_id=fields.text("event_id"),
        windows=windows,
        homes=homes,
        notice_s=round(fields.number("notice_s", 0, MAX_NOTICE_S, default=0)),
        opt_out_until=None if until_s is None else now + timedelta(seconds=until_s),
        price=price,
        start_spread_s=round(
            fields.number("start_spread_s", 0, MAX_SPREAD_S, default=0)
        ),
        test=fields.flag("test", default=False),
    )
    fields.finish()
    return event


def _window(fields: Fields, now: datetime) -> EventWindow:
    start = now + timedelta(seconds=fields.number("start_in_s", 0, MAX_LEAD_S))
    length_s = fields.number("duration_s", 1, MAX_WINDOW_S)
    power_w = fields.optional_number("power_w", -MAX_POWER_W, MAX_POWER_W)
    limit_w = fields.optional_number("limit_w", -MAX_POWER_W, MAX_POWER_W)
    fields.finish()
    if (power_w is None) == (limit_w is None):
        raise BadRequestError("A window needs either 'power_w' or 'limit_w'.")
    return EventWindow(
        start=start,
        end=start + timedelta(seconds=length_s),
        power_w=None if power_w is None else round(power_w),
        limit_w=None if limit_w is None else round(limit_w),
    )


def _homes(raw: Any) -> tuple[str, ...] | None:
    if raw is None:
        return None
    if not isinstance(raw, list) or not all(isinstance(one, str) for one in raw):
        raise BadRequestError("The field 'homes' must be a list of names.")
    return tuple(raw)
