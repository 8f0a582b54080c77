"""The HTTP control port of a station process: what a harness may ask of it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
import time

from aiohttp import web

from .pure_import import prepare_pure_import
from .station_trace import StationTrace

prepare_pure_import()

from custom_components.v2g_vpp.virtual.conditions import (  # noqa: E402 - see above
    Condition,
)
from custom_components.v2g_vpp.virtual.config import EVSE_ID, Fault  # noqa: E402
from custom_components.v2g_vpp.virtual.station import VirtualStation  # noqa: E402


class ControlPort:
    """What a harness may ask of the station."""

    def __init__(self, station: VirtualStation, trace: StationTrace) -> None:
        """Serve one station."""
        self._station = station
        self._trace = trace

    def application(self) -> web.Application:
        """Return the HTTP application."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/status", self.status),
                web.get("/trace", self.trace),
                web.post("/soc", self.soc),
                web.post("/fault", self.fault),
                web.post("/condition", self.condition),
                web.post("/clock", self.clock),
                web.post("/line", self.line),
                *(
                    web.post(f"/{name}", self.action)
                    for name in (
                        "plug",
                        "unplug",
                        "emergency_stop",
                        "release",
                        "reboot",
                    )
                ),
            ]
        )
        return app

    async def status(self, request: web.Request) -> web.Response:
        """Return the truth about an EVSE (``?evse=2``), with the time of this moment."""
        status = asdict(self._station.status(self._evse_id(request)))
        return web.json_response({"t_mono": time.monotonic(), **status})

    async def trace(self, request: web.Request) -> web.Response:
        """Return events and power since a monotonic time."""
        try:
            since_mono_s = float(request.query.get("since", "0"))
        except ValueError as err:
            raise web.HTTPBadRequest(text="since is not a number") from err
        return web.json_response(self._trace.since(since_mono_s))

    async def action(self, request: web.Request) -> web.Response:
        """Do what a person does at the station."""
        name, evse_id = request.path.lstrip("/"), self._evse_id(request)
        self._trace.note_action(name)
        match name:
            case "plug":
                self._station.plug(evse_id)
            case "unplug":
                self._station.unplug(evse_id)
            case "emergency_stop":
                self._station.press_emergency_stop()
            case "release":
                self._station.release_emergency_stop()
            case "reboot":
                self._station.reboot()
        return await self.status(request)

    async def soc(self, request: web.Request) -> web.Response:
        """Put the battery to a state of charge: ``{"percent": 42}``."""
        try:
            percent = float((await request.json())["percent"])
            self._station.set_soc(percent, self._evse_id(request))
        except (ValueError, KeyError, TypeError) as err:
            raise web.HTTPBadRequest(text="percent must be 0..100") from err
        return await self.status(request)

    async def fault(self, request: web.Request) -> web.Response:
        """Begin or end a misbehaviour: ``{"name": "freeze_meter", "on": true}``."""
        try:
            body = await request.json()
            self._station.set_fault(Fault(body["name"]), is_on=bool(body["on"]))
        except (ValueError, KeyError, TypeError) as err:
            names = ", ".join(Fault)
            raise web.HTTPBadRequest(text=f"name must be one of {names}") from err
        self._trace.note_action(f"fault {body['name']} {body['on']}")
        return await self.status(request)

    async def condition(self, request: web.Request) -> web.Response:
        """Let hardware break or mend it: ``{"name": "ground_fault", "on": true}``."""
        evse_id = self._evse_id(request)
        try:
            body = await request.json()
            condition, is_on = Condition(body["name"]), bool(body["on"])
        except (ValueError, KeyError, TypeError) as err:
            names = ", ".join(Condition)
            raise web.HTTPBadRequest(text=f"name must be one of {names}") from err
        self._station.set_condition(condition, is_on=is_on, evse_id=evse_id)
        self._trace.note_action(f"condition {condition} {is_on}")
        return await self.status(request)

    async def clock(self, request: web.Request) -> web.Response:
        """Let the clock jump or drift: ``{"step_s": 400}``, ``{"drift_ppm": 20}``."""
        return await self._set(
            request,
            {
                "step_s": self._station.step_clock,
                "drift_ppm": self._station.set_clock_drift,
            },
        )

    async def line(self, request: web.Request) -> web.Response:
        """Make the line bad: ``{"lose_percent": 20}``, ``{"late_s": 2}``; 0 ends it."""
        return await self._set(
            request,
            {
                "lose_percent": self._station.lose_frames,
                "late_s": self._station.delay_answers,
            },
        )

    async def _set(
        self, request: web.Request, setters: Mapping[str, Callable[[float], None]]
    ) -> web.Response:
        try:
            body = dict(await request.json())
            for name, value in body.items():
                setters[name](float(value))
        except KeyError as err:
            names = ", ".join(setters)
            raise web.HTTPBadRequest(text=f"allowed are {names}") from err
        except (ValueError, TypeError) as err:
            raise web.HTTPBadRequest(text=str(err)) from err
        self._trace.note_action(f"{request.path.lstrip('/')} {body}")
        return await self.status(request)

    def _evse_id(self, request: web.Request) -> int:
        text = request.query.get("evse", str(EVSE_ID))
        known = [str(evse_id) for evse_id in self._station.evse_ids]
        if text not in known:
            raise web.HTTPBadRequest(text=f"evse must be one of {', '.join(known)}")
        return int(text)
