"""A virtual charging station in a process of its own, with an HTTP control port.

Usage: python -m script.rig.station_process --url ws://127.0.0.1:8080/ --identity CS1
--password-file FILE. It prints ``READY {"control_port": N}`` on standard output when
the control port answers, and ends on SIGTERM. With --scenario FILE it plays the file,
says what happens, and ends with 0 when everything that was expected was seen.
"""

import argparse
import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime
import json
import logging
from pathlib import Path
import signal
import ssl
import sys
import time

from aiohttp import web

from .pure_import import prepare_pure_import
from .scenario_file import read_scenario
from .scenario_person import Person
from .station_control import ControlPort
from .station_trace import StationTrace

prepare_pure_import()

from custom_components.v2g_vpp.virtual.battery import (  # noqa: E402 - see above
    BatteryParameters,
)
from custom_components.v2g_vpp.virtual.config import (  # noqa: E402
    DEFAULT_EVCC_ID,
    EvseConfig,
    Protocol,
    VirtualStationConfig,
)
from custom_components.v2g_vpp.virtual.plant import PLANT_PRESETS  # noqa: E402
from custom_components.v2g_vpp.virtual.scenario.messages import (  # noqa: E402
    MessageCount,
)
from custom_components.v2g_vpp.virtual.scenario.player import Player  # noqa: E402
from custom_components.v2g_vpp.virtual.scenario.scenario import (  # noqa: E402
    Scenario,
    ScenarioError,
)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line asks for."""

    config: VirtualStationConfig
    control_port: int
    scenario: Scenario | None
    """None: a station that does what the control port is asked for."""

    tls: ssl.SSLContext | None = None
    """For an address that begins with ``wss``."""

    is_plugged: bool = False
    """True: the vehicle was there before the station was switched on."""


async def run(options: Options) -> int:
    """Run the station and its control port until the end; return the exit code.

    The end is SIGTERM or SIGINT, or that of the scenario.
    """
    trace, clock = StationTrace(), SystemClock()
    messages = MessageCount(trace)
    station = VirtualStation(options.config, clock, observer=messages, tls=options.tls)
    if options.is_plugged:
        station.plug()
    runner = web.AppRunner(
        ControlPort(station, trace).application(), access_log=None, shutdown_timeout=1
    )
    await runner.setup()
    site = web.TCPSite(runner, CONTROL_HOST, options.control_port)
    await site.start()
    running = asyncio.create_task(_serve(options, station, messages, clock))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, running.cancel)
    port = runner.addresses[0][1]
    print("READY", json.dumps({"control_port": port}), flush=True)
    try:
        return await running
    except asyncio.CancelledError:
        if not running.cancelled():
            running.cancel()
            raise
        return 0
    finally:
        await runner.cleanup()


async def _serve(
    options: Options,
    station: VirtualStation,
    messages: MessageCount,
    clock: SystemClock,
) -> int:
    """Run the station; with a scenario, until that was played."""
    if options.scenario is None:
        await station.run()
        return 0
    running = asyncio.create_task(station.run())
    try:
        player = Player(
            options.scenario,
            station,
            messages,
            clock,
            Person(_say),
            tell=_say,
        )
        return 0 if await player.play() else 1
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _say(text: str) -> None:
    print(text, flush=True)


def parse_arguments(arguments: list[str]) -> Options:
    """Return what the command line asks for."""
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
    parser.add_argument("--evses", type=int, choices=range(1, 10), default=1)
    parser.add_argument("--negative-limits", action="store_true")
    parser.add_argument("--clock-offset", type=float, default=0.0)
    parser.add_argument("--clock-drift-ppm", type=float, default=0.0)
    parser.add_argument("--energy-import-wh", type=float, default=0.0)
    parser.add_argument("--energy-export-wh", type=float, default=0.0)
    parser.add_argument("--plugged", action="store_true")
    parser.add_argument("--root-file", type=Path)
    parser.add_argument("--certificate-file", type=Path)
    parser.add_argument("--scenario", type=Path)
    chosen = parser.parse_args(arguments)
    scenario = None
    if chosen.scenario is not None:
        try:
            scenario = read_scenario(chosen.scenario)
        except ScenarioError as err:
            parser.error(str(err))
    plant = replace(PLANT_PRESETS[chosen.plant], seed=chosen.seed)
    config = VirtualStationConfig(
        url=chosen.url,
        identity=chosen.identity,
        password=chosen.password_file.read_text(encoding="utf-8").strip(),
        protocols=tuple(Protocol(each) for each in chosen.protocols or Protocol),
        plant=plant,
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
        more_evses=tuple(
            EvseConfig(plant=plant, evcc_id=f"{DEFAULT_EVCC_ID[:-1]}{evse_id}")
            for evse_id in range(2, chosen.evses + 1)
        ),
        takes_negative_limits=chosen.negative_limits,
        clock_offset_s=chosen.clock_offset,
        clock_drift_ppm=chosen.clock_drift_ppm,
        energy_import_wh=chosen.energy_import_wh,
        energy_export_wh=chosen.energy_export_wh,
    )
    if scenario is not None:
        config = replace(config, **scenario.given.changes())
    return Options(
        config=config,
        control_port=chosen.control_port,
        scenario=scenario,
        is_plugged=chosen.plugged,
        tls=_tls(chosen.root_file, chosen.certificate_file),
    )


def _tls(root: Path | None, certificate: Path | None) -> ssl.SSLContext | None:
    """Return TLS that trusts a root, and shows a certificate where there is one."""
    if root is None:
        return None
    context = ssl.create_default_context(cafile=root)
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context


def main() -> None:
    """Run from the command line."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    sys.exit(asyncio.run(run(parse_arguments(sys.argv[1:]))))


if __name__ == "__main__":
    main()
