"""Demands to follow over HTTP: a series as JSON or CSV, or one live value."""

from typing import Any

from aiohttp import web

from .clock import Clock
from .codec import parse_object
from .errors import BadRequestError, ContractError
from .fields import Fields
from .follow_desk import FollowDesk
from .progress import Following, Progress
from .series import MAX_LENGTH_S, MAX_POWER_W, Series, parse_csv


class FollowApi:
    """Handlers under ``/api/follow``; part of the operator's interface."""

    def __init__(self, desk: FollowDesk, clock: Clock) -> None:
        """Serve one desk."""
        self._desk = desk
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Return what the operator's application adds."""
        return [
            web.get("/api/follow", self._show),
            web.post("/api/follow", self._follow),
            web.delete("/api/follow", self._stop),
        ]

    async def _show(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(self._view())

    async def _stop(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"stopped": await self._desk.stop()})

    async def _follow(self, request: web.Request) -> web.StreamResponse:
        # Neither type is one that a web page may send without asking first.
        if request.content_type == "text/csv":
            text = (await request.read()).decode(errors="replace")
            series = parse_csv(text.splitlines(), self._clock.utcnow())
            await self._desk.follow_series(series)
        elif request.content_type == "application/json":
            await self._follow_json(await request.read())
        else:
            raise BadRequestError("Send the demand as application/json or text/csv.")
        return web.json_response(self._view(), status=202)

    async def _follow_json(self, body: bytes) -> None:
        try:
            document = parse_object(body or b"{}")
        except ContractError as err:
            raise BadRequestError(f"The request cannot be read: {err}.") from err
        points = document.pop("points", None)
        fields = Fields(document)
        event_id = fields.optional_text("event_id")
        if points is not None:
            fields.finish()
            await self._desk.follow_series(Series.of(_points(points)), event_id)
            return
        power_w = fields.number("power_w", -MAX_POWER_W, MAX_POWER_W)
        hold_s = fields.optional_number("hold_s", 1, MAX_LENGTH_S)
        fields.finish()
        await self._desk.follow_value(power_w, hold_s, event_id)

    def _view(self) -> dict[str, Any]:
        follower = self._desk.follower
        return follow_view(
            follower.following, follower.progress, self._clock.monotonic()
        )


def follow_view(
    following: Following | None, progress: Progress, now_mono_s: float
) -> dict[str, Any]:
    """Return how well a demand is followed; powers in W, positive = charging."""
    return {
        "following": following is not None,
        "event_id": following.event_id if following else None,
        "left_s": round(following.end_mono_s - now_mono_s, 1) if following else None,
        "demand_w": progress.demand_w,
        "orders_w": progress.orders_w,
        "planned_w": progress.planned_w,
        "unserved_w": progress.unserved_w,
        "homes_running": progress.homes_running,
        "homes_silent": progress.homes_silent,
        "homes_barred": progress.homes_barred,
        "fairness": None if progress.fairness is None else round(progress.fairness, 4),
    }


def _points(raw: Any) -> list[tuple[float, float]]:
    """Return ``[[seconds, watts], ...]``.

    Raises:
        BadRequestError: when it is anything else.
    """
    if not isinstance(raw, list):
        raise BadRequestError("The field 'points' must be a list.")
    points = []
    for number, item in enumerate(raw, start=1):
        if not (
            isinstance(item, list)
            and len(item) == 2
            and all(type(part) in {int, float} for part in item)
        ):
            raise BadRequestError(f"Point {number} is not [seconds, watts].")
        points.append((float(item[0]), float(item[1])))
    return points
