"""From a command at the broker to the charger's socket: the part "wire".

A real broker, the real link, gate, site and listener, and a virtual station that speaks
OCPP 2.1 with dynamic profiles. Commands start a discharge and stop it, in turns; the time
ends when the station has read the first call that says so. All but the broker share one
process and one event loop, so what the station and the aggregator do counts as well.

A command that changes a running discharge is measured on its own: its way is bounded by
the owner's ramp, which moves no power in no time. It has arrived with the first half
kilowatt.

In the second half eight more stations, in a process of their own, send eight sampled
values four times a second each.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
import json
from pathlib import Path
from statistics import median, quantiles
import tempfile
import time
from typing import Any

from custom_components.v2g_vpp.csms.access import StationConfig
from custom_components.v2g_vpp.domain.ids import StationId
from script.benches.csms_hass import PASSWORD, Load, Server, identities
from script.benches.result import Bench, Figure, Target, at_most
from script.benches.vpp_home import (
    FAST_CHARGER,
    LinkedHome,
    linked_home,
    send_heartbeats,
)
from script.rig.measured import Call

HARD_LIMIT_MS = 250.0
"""The promise for the first setpoint of a dispatch (product)."""

IDLE_P99_MS = 25.0
LOADED_P99_MS = 50.0

STATIONS = 8
PERIOD_S = 0.25
SETTLE_S = 3.0
"""A new station is asked many things first."""

RUN_W, STOP_W = -5_000, 0
NEAR_W, FAR_W = -4_000, -6_000
STEP_W = 500.0

PAUSE_S = 1.1
"""Between two commands: a setpoint may be written once a second."""

CHANGE_PAUSE_S = 2.2
"""Between two changes, so that the ramp of the one is over before the other."""

WAIT_S = 5.0


@dataclass(slots=True)
class WireWatcher:
    """What the station reads, and when."""

    moved: Callable[[float, float], None] = lambda _setpoint_w, _mono_s: None

    def frame_received(self, text: str) -> None:
        """Tell of a setpoint."""
        mono_s = time.monotonic()
        frame = json.loads(text)
        if frame[0] == 2:
            call = Call(mono_s, frame[2], frame[3])
            if call.setpoint_w is not None:
                self.moved(call.setpoint_w, mono_s)

    def frame_sent(self, text: str) -> None:
        """Ignore it."""

    def link_changed(self, *, is_up: bool) -> None:
        """Ignore it."""

    def power_sampled(self, true_power_w: float, commanded_w: float) -> None:
        """Ignore it."""


@dataclass(slots=True)
class WirePath:
    """The way from a command to the station."""

    linked: LinkedHome
    has_arrived: Callable[[float], bool] = lambda _setpoint_w: False
    arrived: asyncio.Future[float] = field(init=False)

    def __post_init__(self) -> None:
        """Wait for nothing yet."""
        self.arrived = asyncio.get_running_loop().create_future()

    async def start(self) -> float:
        """Return how long the start of a discharge takes to the wire, s."""
        return await self._measure(RUN_W, lambda setpoint_w: setpoint_w < 0)

    async def stop(self) -> float:
        """Return how long its stop takes to the wire, s."""
        return await self._measure(STOP_W, lambda setpoint_w: setpoint_w == 0)

    async def change(self, from_w: int, to_w: int) -> float:
        """Return how long a change takes until the wire carries some of it, s."""
        return await self._measure(
            to_w, lambda setpoint_w: abs(setpoint_w - from_w) >= STEP_W
        )

    async def _measure(
        self, power_w: int, has_arrived: Callable[[float], bool]
    ) -> float:
        self.has_arrived = has_arrived
        self.arrived = asyncio.get_running_loop().create_future()
        begun_mono_s = time.monotonic()
        self.linked.rig.aggregator.command(power_w=power_w)
        async with asyncio.timeout(WAIT_S):
            return await self.arrived - begun_mono_s

    def note(self, setpoint_w: float, mono_s: float) -> None:
        """Take a setpoint that the station read."""
        if self.has_arrived(setpoint_w) and not self.arrived.done():
            self.arrived.set_result(mono_s)


async def measure_wire(bench: Bench) -> tuple[dict[str, Figure], dict[str, Target]]:
    """Send commands without and with other stations; return figures and targets."""
    count = 8 if bench.is_quick else 100
    watcher = WireWatcher()
    with tempfile.TemporaryDirectory(prefix="v2g_vpp-wire-") as name:
        async with linked_home(Path(name) / "home", FAST_CHARGER, watcher) as linked:
            path = WirePath(linked)
            watcher.moved = path.note
            beating = asyncio.create_task(send_heartbeats(linked))
            await _warm_up(path)
            idle_s = await _measure(path, count)
            changes_s = await _measure_changes(
                path, count // 2 if bench.is_quick else count // 5
            )
            loaded_s = await _under_load(path, count)
            beating.cancel()
    bench.say("wire: %d commands idle, %d under load", count, count)
    figures: dict[str, Figure] = {
        "wire_samples": float(count),
        **_figures("idle", idle_s),
        **_figures("loaded", loaded_s),
        "wire_change_median_ms": round(1e3 * median(changes_s), 1),
        "wire_change_worst_ms": round(1e3 * max(changes_s), 1),
    }
    return figures, {
        "wire_idle_p99_ms": at_most(IDLE_P99_MS),
        "wire_loaded_p99_ms": at_most(LOADED_P99_MS),
        "wire_idle_worst_ms": at_most(HARD_LIMIT_MS),
        "wire_loaded_worst_ms": at_most(HARD_LIMIT_MS),
    }


async def _warm_up(path: WirePath) -> None:
    """Bring everything into the caches."""
    await asyncio.sleep(1.0)
    await _measure(path, 4)


async def _measure(path: WirePath, count: int) -> list[float]:
    taken_s = []
    for number in range(count):
        taken_s.append(await (path.stop() if number % 2 else path.start()))
        await asyncio.sleep(PAUSE_S)
    return taken_s


async def _measure_changes(path: WirePath, count: int) -> list[float]:
    await path.change(0, NEAR_W)
    await asyncio.sleep(WAIT_S)
    taken_s = []
    for number in range(count):
        way = (FAR_W, NEAR_W) if number % 2 else (NEAR_W, FAR_W)
        taken_s.append(await path.change(*way))
        await asyncio.sleep(CHANGE_PAUSE_S)
    await path.stop()
    await asyncio.sleep(PAUSE_S)
    return taken_s


async def _under_load(path: WirePath, count: int) -> list[float]:
    home = path.linked.home
    for identity in identities(STATIONS):
        station_id = StationId(identity)
        home.server.adopt(
            StationConfig(identity=station_id, password=PASSWORD, limits=home.limits)
        )
        home.site.add_station(station_id, home.limits)
    server = Server(name="ours", url=f"ws://127.0.0.1:{home.server.port}/", pid=0)
    seconds = count * (PAUSE_S + 0.1) + SETTLE_S
    load = await Load.start(
        server, "ocpp2.0.1", stations=STATIONS, period_s=PERIOD_S, seconds=seconds
    )
    await asyncio.sleep(SETTLE_S)
    talking = asyncio.create_task(load.talk())
    await asyncio.sleep(1.0)
    taken_s = await _measure(path, count)
    if talking.done():
        raise RuntimeError("the load ended too early")
    told: dict[str, Any] = await talking
    await load.stop()
    if told["messages"] < STATIONS * seconds / PERIOD_S / 2:
        raise RuntimeError(f"the load was too small: {told['messages']} messages")
    return taken_s


def _figures(name: str, taken_s: list[float]) -> dict[str, Figure]:
    taken_ms = [1e3 * each for each in taken_s]
    return {
        f"wire_{name}_median_ms": round(median(taken_ms), 2),
        f"wire_{name}_p99_ms": round(
            quantiles(taken_ms, n=100, method="inclusive")[-1], 2
        ),
        f"wire_{name}_worst_ms": round(max(taken_ms), 2),
    }
