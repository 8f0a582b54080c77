"""A virtual charging station in a process of its own, with an HTTP control port.

Usage: python -m script.rig.station_process --url ws://127.0.0.1:8080/ --identity CS1
--password-file FILE. It prints ``READY {"control_port": N}`` on standard output when
the control port answers, and ends on SIGTERM.
"""

import argparse
import asyncio
from dataclasses import asdict, replace
from datetime import UTC, datetime
import json
import logging
from pathlib import Path
import signal
import sys
import time

from aiohttp import web

from .pure_import import prepare_pure_import
from .station_trace import StationTrace

prepare_pure_import()

from custom_components.v2g_vpp.virtual.battery import (  # noqa: E402 - see above
    BatteryParameters,
)
from custom_components.v2g_vpp.virtual.config import (  # noqa: E402
    DEFAULT_EVCC_ID,
    Fault,
    Protocol,
    VirtualStationConfig,
)
from custom_components.v2g_vpp.virtual.plant import PLANT_PRESETS  # noqa: E402
from custom_components.v2g_vpp.virtual.station import VirtualStation  # noqa: E402

CONTROL_HOST = "127.0.0.1"
SAMPLE_S = 0.04
"""25 Hz of true power, so that 20 Hz are kept on a busy machine."""


class SystemClock:
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """Return seconds that every process of this machine shares."""
        return time.monotonic()

    def utcnow(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock that is passed in


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

    async def status(self, _request: web.Request) -> web.Response:
        """Return the truth about the station, with the time of this moment."""
        status = asdict(self._station.status())
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
        name = request.path.lstrip("/")
        self._trace.note_action(name)
        match name:
            case "plug":
                self._station.plug()
            case "unplug":
                self._station.unplug()
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
            self._station.set_soc(float((await request.json())["percent"]))
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


async def run(config: VirtualStationConfig, control_port: int) -> None:
    """Run the station and its control port until SIGTERM or SIGINT."""
    trace = StationTrace()
    station = VirtualStation(config, SystemClock(), observer=trace)
    runner = web.AppRunner(
        ControlPort(station, trace).application(), access_log=None, shutdown_timeout=1
    )
    await runner.setup()
    site = web.TCPSite(runner, CONTROL_HOST, control_port)
    await site.start()
    running = asyncio.create_task(station.run())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    port = runner.addresses[0][1]
    print("READY", json.dumps({"control_port": port}), flush=True)
    try:
        await running
    except asyncio.CancelledError:
        if not running.cancelled():
            running.cancel()
            raise
    finally:
        await runner.cleanup()


def parse_arguments(arguments: list[str]) -> tuple[VirtualStationConfig, int]:
    """Return the station and the control port that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True)
    parser.add_argument("--identity", required=True)
    parser.add_argument("--password-file", required=True, type=Path)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--plant", choices=sorted(PLANT_PRESETS), default="typical")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--soc", type=float, default=70.0)
    parser.add_argument("--capacity-kwh", type=float, default=60.0)
    parser.add_argument("--evcc-id", default=DEFAULT_EVCC_ID)
    parser.add_argument("--charge-only", action="store_true")
    parser.add_argument(
        "--protocol", action="append", choices=list(Protocol), dest="protocols"
    )
    parser.add_argument("--meter-interval", type=float, default=60.0)
    parser.add_argument("--ping-interval", type=float, default=20.0)
    parser.add_argument("--reconnect-min", type=float, default=1.0)
    parser.add_argument("--reconnect-max", type=float, default=30.0)
    parser.add_argument("--startup", type=float, default=2.0)
    chosen = parser.parse_args(arguments)
    config = VirtualStationConfig(
        url=chosen.url,
        identity=chosen.identity,
        password=chosen.password_file.read_text(encoding="utf-8").strip(),
        protocols=tuple(Protocol(each) for each in chosen.protocols or Protocol),
        plant=replace(PLANT_PRESETS[chosen.plant], seed=chosen.seed),
        battery=BatteryParameters(capacity_wh=chosen.capacity_kwh * 1000),
        soc_percent=chosen.soc,
        evcc_id=chosen.evcc_id or None,
        is_v2x_capable=not chosen.charge_only,
        meter_interval_s=chosen.meter_interval,
        ping_interval_s=chosen.ping_interval,
        reconnect_min_s=chosen.reconnect_min,
        reconnect_max_s=chosen.reconnect_max,
        startup_s=chosen.startup,
        tick_s=SAMPLE_S,
    )
    return config, chosen.control_port


def main() -> None:
    """Run from the command line."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    config, control_port = parse_arguments(sys.argv[1:])
    asyncio.run(run(config, control_port))


if __name__ == "__main__":
    main()
