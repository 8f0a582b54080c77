"""The operator's HTTP interface on the loopback, and the homes' enrolment over TLS."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from ipaddress import ip_address
import json
import logging
from pathlib import Path
from typing import Any

from aiohttp import hdrs, web

from .codec import MAX_PAYLOAD_BYTES, parse_object, validate
from .demand import DemandDesk
from .enrolment import MAX_HOMES
from .errors import (
    AggregatorError,
    BadRequestError,
    CertificateRefusedError,
    ContractError,
    HomeAwayError,
    IdentityError,
    InvitationRefusedError,
    NotConnectedError,
    UnknownHomeError,
)
from .fields import Fields
from .follower import Follower
from .leader import Leader
from .metrics import prometheus
from .order_form import MAX_DURATION_S, read_order
from .settings import DataDirectory
from .views import (
    dispatch_view,
    heartbeat,
    home_detail,
    home_line,
    overview,
    telemetry_since,
)

_LOGGER = logging.getLogger(__name__)

PAGE = Path(__file__).with_name("page.html")

_STATUS: tuple[tuple[type[AggregatorError], int, str], ...] = (
    (UnknownHomeError, 404, "unknown_home"),
    (InvitationRefusedError, 403, "invitation_refused"),
    (CertificateRefusedError, 422, "certificate_refused"),
    (IdentityError, 422, "name_not_allowed"),
    (ContractError, 422, "not_in_contract"),
    (BadRequestError, 422, "bad_request"),
    (HomeAwayError, 409, "home_away"),
    (NotConnectedError, 503, "broker_away"),
)

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
type ReloadBroker = Callable[[], Awaitable[None]]


class OperatorApi:
    """Handlers of the operator's interface."""

    def __init__(
        self,
        leader: Leader,
        desk: DemandDesk,
        data: DataDirectory,
        reload_broker: ReloadBroker,
        follower: Follower,
    ) -> None:
        """Serve one leader.

        Args:
            leader: the term.
            desk: the demand that is split once.
            data: for the terms.
            reload_broker: returns once the broker knows who may connect.
            follower: the demand that is followed over time.
        """
        self._leader = leader
        self._desk = desk
        self._data = data
        self._reload_broker = reload_broker
        self._follower = follower

    def build_operator_app(self, more: Iterable[web.RouteDef]) -> web.Application:
        """Return the application for the loopback interface.

        Args:
            more: routes of parts that have handlers of their own.
        """
        app = _application(_only_local, _errors_as_json)
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/metrics", self._metrics),
                web.get("/api/overview", self._overview),
                web.get("/api/homes", self._list_homes),
                web.post("/api/homes", self._invite),
                web.post("/api/enrol", self._enrol),
                web.get("/api/homes/{home_id}", self._show_home),
                web.get("/api/homes/{home_id}/telemetry", self._telemetry),
                web.post("/api/homes/{home_id}/command", self._command),
                web.post("/api/homes/{home_id}/cancel", self._cancel),
                web.post("/api/homes/{home_id}/revoke", self._revoke),
                web.post("/api/demand", self._serve_demand),
                web.delete("/api/demand", self._end_demand),
                web.post("/api/heartbeat", self._heartbeat),
                *more,
            ]
        )
        return app

    def build_enrolment_app(self) -> web.Application:
        """Return the application that homes reach before they have a certificate."""
        app = _application(_errors_as_json)
        app.add_routes(
            [web.post("/enrol", self._enrol), web.get("/terms", self._terms)]
        )
        return app

    async def _page(self, request: web.Request) -> web.StreamResponse:
        text = await asyncio.to_thread(PAGE.read_text)
        return web.Response(text=text, content_type="text/html")

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        return web.Response(text=prometheus(self._leader, self._desk, self._follower))

    async def _overview(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(
            overview(self._leader, self._desk, self._follower, _most(request))
        )

    async def _list_homes(self, request: web.Request) -> web.StreamResponse:
        names = sorted(self._leader.enrolments.homes)
        return web.json_response(
            {"homes": [home_line(self._leader, home_id) for home_id in names]}
        )

    async def _invite(self, request: web.Request) -> web.StreamResponse:
        fields = Fields(await _body(request))
        home_id = fields.text("home_id")
        region = fields.optional_text("region")
        fields.finish()
        if region not in {None, self._leader.term.region}:
            raise BadRequestError(
                f"This aggregator serves the region '{self._leader.term.region}'."
            )
        invitation = await asyncio.to_thread(
            self._leader.enrolments.invite, home_id, self._leader.signer.public_keys
        )
        return web.json_response(invitation, status=201)

    async def _enrol(self, request: web.Request) -> web.StreamResponse:
        document = await _body(request)
        validate("enrolment_request", document)
        reply = await asyncio.to_thread(self._leader.enrolments.redeem, document)
        self._leader.forget(document["home_id"])
        await self._reload_broker()
        _LOGGER.info("%s: enrolled", document["home_id"])
        return web.json_response(reply)

    async def _terms(self, request: web.Request) -> web.StreamResponse:
        text = await asyncio.to_thread(self._data.terms.read_text)
        return web.Response(text=text)

    async def _show_home(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(
            home_detail(self._leader, request.match_info["home_id"])
        )

    async def _telemetry(self, request: web.Request) -> web.StreamResponse:
        home = self._leader.home(request.match_info["home_id"])
        fields = Fields({name: _number(text) for name, text in request.query.items()})
        since_mono_s = fields.number("since", -1e12, 1e12, default=-1e12)
        fields.finish()
        return web.json_response(
            {
                "t_mono": self._leader.clock.monotonic(),
                "telemetry": telemetry_since(home, since_mono_s),
            }
        )

    async def _command(self, request: web.Request) -> web.StreamResponse:
        home_id = request.match_info["home_id"]
        order = read_order(Fields(await _body(request)))
        self._require_online(home_id)
        dispatch = self._leader.dispatcher.send_command(home_id, order)
        return web.json_response(dispatch_view(dispatch), status=202)

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        home_id = request.match_info["home_id"]
        fields = Fields(await _body(request))
        command_id = fields.optional_text("command_id")
        fields.finish()
        self._require_online(home_id)
        dispatch = self._leader.dispatcher.send_cancel(home_id, command_id)
        return web.json_response(dispatch_view(dispatch), status=202)

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        home_id = request.match_info["home_id"]
        Fields(await _body(request)).finish()
        home = await asyncio.to_thread(self._leader.enrolments.revoke, home_id)
        self._leader.forget(home_id)
        await self._reload_broker()
        _LOGGER.warning("%s: revoked", home_id)
        return web.json_response({"home_id": home_id, "revoked_at": home.revoked_at})

    async def _serve_demand(self, request: web.Request) -> web.StreamResponse:
        fields = Fields(await _body(request))
        power_w = round(fields.number("power_w", -1e9, 1e9))
        duration_s = fields.number("duration_s", 1, MAX_DURATION_S)
        event_id = fields.optional_text("event_id")
        fields.finish()
        demand = self._desk.serve(power_w, duration_s, event_id)
        return web.json_response(
            {
                "power_w": demand.power_w,
                "unserved_w": demand.allocation.unserved_w,
                "commands": {
                    home_id: dispatch_view(dispatch)
                    for home_id, dispatch in demand.dispatches.items()
                },
            },
            status=202,
        )

    async def _end_demand(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"cancelled": self._desk.end()})

    async def _heartbeat(self, request: web.Request) -> web.StreamResponse:
        fields = Fields(await _body(request))
        is_enabled = fields.flag("enabled")
        fields.finish()
        if is_enabled and not self._leader.is_heartbeat_enabled:
            self._leader.is_heartbeat_enabled = True
            self._leader.beat()
        self._leader.is_heartbeat_enabled = is_enabled
        return web.json_response(heartbeat(self._leader))

    def _require_online(self, home_id: str) -> None:
        if not self._leader.enrolments.get(home_id).may_connect:
            raise HomeAwayError(f"The home '{home_id}' is not enrolled.")
        status = self._leader.home(home_id).presence.status(
            self._leader.clock.monotonic()
        )
        if self._leader.is_connected and status != "online":
            raise HomeAwayError(
                f"The home '{home_id}' is {status}: a command would be lost."
            )


async def _body(request: web.Request) -> dict[str, Any]:
    if request.content_type != "application/json":
        # Also keeps web pages out: a browser asks first before it sends this type.
        raise BadRequestError("Send the request as application/json.")
    try:
        return parse_object(await request.read() or b"{}")
    except ContractError as err:
        raise BadRequestError(f"The request cannot be read: {err}.") from err


def _most(request: web.Request) -> int | None:
    """Return how many homes are wanted at most, None for all."""
    fields = Fields({name: _number(text) for name, text in request.query.items()})
    most = fields.optional_number("homes", 0, MAX_HOMES)
    fields.finish()
    return None if most is None else round(most)


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _application(*middlewares: Any) -> web.Application:
    return web.Application(
        middlewares=list(middlewares), client_max_size=MAX_PAYLOAD_BYTES
    )


@web.middleware
async def _only_local(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a page of the internet whose name was pointed at this machine."""
    host = request.url.host or ""
    if host != "localhost" and not _is_loopback(host):
        return _error(403, "not_local", "Use the loopback address of this machine.")
    return await handler(request)


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response = await handler(request)
    except AggregatorError as err:
        for kind, status, code in _STATUS:
            if isinstance(err, kind):
                return _error(status, code, str(err))
        _LOGGER.error("%s %s: %s", request.method, request.path, err)
        return _error(500, "internal", str(err))
    except web.HTTPException as err:
        if err.status < 400:
            raise
        return _error(err.status, "http", f"{err.reason}.", err.headers)
    response.headers["Cache-Control"] = "no-store"
    return response


def _error(
    status: int, code: str, sentence: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    allow = (headers or {}).get(hdrs.ALLOW)
    return web.Response(
        status=status,
        text=json.dumps({"error": code, "message": sentence}),
        content_type="application/json",
        headers={hdrs.ALLOW: allow} if allow else None,
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
