"""Measure what a message costs in this CSMS and in the `ocpp` package's ChargePoint.

The same frames go in turns through our whole way (parse, judge, handle, answer) and
through the package's, in one process, so that what else the machine does hits both. Our
side also does what the package leaves to its user: duplicates, sequence numbers,
readings and events; its validation runs inline, the faster of its two ways.

Then a scripted station on a real WebSocket tells how long a setpoint takes to its
socket, and how long a station that never rebooted takes to be ready after a restart.

At last a real Home Assistant is started beside a bare CSMS on the package and an echo,
and the same stations load all three (see ``csms_hass``).
"""

import asyncio
from collections.abc import Callable, Coroutine
import json
import logging
from statistics import median, quantiles
import sys
from time import perf_counter
from typing import Any

# The package has no types.
from ocpp import messages  # type: ignore[import-untyped]
from ocpp.routing import on  # type: ignore[import-untyped]
from ocpp.v21 import ChargePoint, call_result  # type: ignore[import-untyped]

from custom_components.v2g_vpp.csms.dispatch import Dispatcher
from custom_components.v2g_vpp.csms.link import StationLink
from custom_components.v2g_vpp.csms.rpc import RpcEngine
from custom_components.v2g_vpp.csms.station import Station
from custom_components.v2g_vpp.csms.store import StationStore
from custom_components.v2g_vpp.csms.versions import V21
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite
from custom_components.v2g_vpp.domain.units import seconds_to_milliseconds
from script.benches.csms_hass import measure_in_home
from script.benches.result import Bench, at_least, at_most
from tests.csms.charger import Charger, row
from tests.csms.peer import (
    BOOT,
    EVSE1,
    NOW,
    Authority,
    Dialler,
    MemoryStore,
    RecordingSink,
    Rig,
    SystemClock,
    config,
)

MICROSECONDS_PER_SECOND = 1e6
MAX_RATIOS = {
    "transaction_event": 0.5,
    "notify_report_50_rows": 0.2,
    "heartbeat": 1.0,
}
"""Of the package's time; a heartbeat has next to nothing to validate or to do."""

MAX_SETPOINT_P99_MS = 25.0
"""A tenth of the 250 ms that a dispatch may take to the charger's wire."""

MAX_READY_MS = 3000.0
"""A station that never rebooted, after a restart of ours."""

IN_HOME = {"over_package": at_least(20.0), "cpu_over_echo": at_most(4.0)}
"""Of the whole way through a real Home Assistant: messages a second beside the package,
processor time of a message beside a socket that only sends texts back."""

SAMPLES = [
    {"value": 5021.4, "measurand": "Power.Active.Export"},
    {"value": 0.0, "measurand": "Power.Active.Import"},
    {"value": 12345.6, "measurand": "Energy.Active.Import.Register"},
    {"value": 2345.6, "measurand": "Energy.Active.Export.Register"},
    {"value": 230.1, "measurand": "Voltage", "phase": "L1-N"},
    {"value": 61.5, "measurand": "SoC", "location": "EV"},
]


def transaction_event(number: int) -> dict[str, Any]:
    """Return the periodic frame of a discharging station."""
    return {
        "eventType": "Updated",
        "timestamp": NOW,
        "triggerReason": "MeterValuePeriodic",
        "seqNo": number,
        "transactionInfo": {"transactionId": "t1", "chargingState": "Charging"},
        "evse": {"id": 1},
        "meterValue": [{"timestamp": NOW, "sampledValue": SAMPLES}],
    }


def report(number: int) -> dict[str, Any]:
    """Return a part of a device model with 50 rows."""
    rows = [row("EVSE", f"Variable{n}", "1", evse=1, maxLimit=1) for n in range(50)]
    return {"requestId": 1, "generatedAt": NOW, "seqNo": number, "reportData": rows}


def heartbeat(_number: int) -> dict[str, Any]:
    """Return the smallest frame."""
    return {}


FRAMES: dict[str, tuple[str, Callable[[int], dict[str, Any]]]] = {
    "transaction_event": ("TransactionEvent", transaction_event),
    "notify_report_50_rows": ("NotifyReport", report),
    "heartbeat": ("Heartbeat", heartbeat),
}


class Package(ChargePoint):  # type: ignore[misc]
    """The package's session with the handlers that its user writes."""

    @on("Heartbeat")  # type: ignore[untyped-decorator]
    def on_heartbeat(self, **_: Any) -> Any:
        """Answer with the time."""
        return call_result.Heartbeat(current_time=NOW)

    @on("TransactionEvent")  # type: ignore[untyped-decorator]
    def on_transaction_event(self, **_: Any) -> Any:
        """Answer with nothing."""
        return call_result.TransactionEvent()

    @on("NotifyReport")  # type: ignore[untyped-decorator]
    def on_notify_report(self, **_: Any) -> Any:
        """Answer with nothing."""
        return call_result.NotifyReport()


class Sent:
    """Counts what would go to a socket."""

    def __init__(self) -> None:
        """Start at none."""
        self.count = 0

    async def send(self, _text: str) -> None:
        """Take a frame of the package."""
        self.count += 1

    async def send_str(self, _text: str) -> None:
        """Take a frame of ours."""
        self.count += 1


class Ours:
    """A link with everything behind it but the socket."""

    def __init__(self, sent: Sent) -> None:
        """Put it together for a station that has booted."""
        clock = SystemClock()
        station = Station(
            config=config(),
            store=StationStore(MemoryStore(), lambda coro, _: coro.close()),
            sink=RecordingSink(),
            authority=Authority(),
            clock=clock,
        )
        numbers = iter(range(sys.maxsize))
        self.link = StationLink(
            name="CS1",
            engine=RpcEngine(V21, lambda: str(next(numbers)), station.answers),
            book=Rig.book[V21.protocol],
            clock=clock,
            close=lambda _code, _reason: None,
        )
        self.link.listen(Dispatcher(station, Rig.book[V21.protocol], V21.protocol))
        station.link_up(self.link)
        self.link.feed(json.dumps([2, "boot", "BootNotification", BOOT]))
        self.writer = asyncio.ensure_future(self.link.write_frames(sent))
        self.sent = sent

    async def handle(self, text: str) -> None:
        """Take a frame and hand its answer out."""
        before = self.sent.count
        self.link.feed(text)
        while self.sent.count == before:
            await asyncio.sleep(0)


async def cost_of(name: str, rounds: int) -> tuple[float, float]:
    """Return the median time per message of ours and of the package, s."""
    action, payload_of = FRAMES[name]
    ours_sent, theirs_sent = Sent(), Sent()
    ours, theirs = Ours(ours_sent), Package("CS1", theirs_sent)
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        text = json.dumps([2, f"m{number}", action, payload_of(number)])
        ways: tuple[Callable[[str], Coroutine[Any, Any, None]], ...] = (
            ours.handle,
            theirs.route_message,
        )
        for way, taken in zip(ways, times, strict=True):
            begin = perf_counter()
            await way(text)
            taken.append(perf_counter() - begin)
    ours.writer.cancel()
    ours.link.shut()
    if theirs_sent.count != rounds or ours_sent.count <= rounds:
        raise RuntimeError(f"{name}: frames stayed unanswered")
    return median(times[0]), median(times[1])


async def setpoint_times_ms(rig: Rig, charger: Charger, rounds: int) -> list[float]:
    """Return from decision to arrival at the station, for each of some setpoints, ms."""
    arrived: list[float] = []
    good = charger.peer.responders["UpdateDynamicSchedule"]

    def arrive(payload: dict[str, Any]) -> Any:
        arrived.append(rig.clock.monotonic())
        return good(payload)

    charger.peer.responders["UpdateDynamicSchedule"] = arrive
    taken: list[float] = []
    for number in range(rounds + 1):
        write = SetpointWrite(
            key=EVSE1,
            power_w=-1500.0 - number,
            transaction_id=TransactionId("t1"),
            decided_mono_s=rig.clock.monotonic(),
        )
        result = await rig.server.write_setpoint(write)
        if not result.is_accepted:
            raise RuntimeError(f"setpoint refused: {result}")
        if number > 0:
            taken.append(seconds_to_milliseconds(arrived[-1] - write.decided_mono_s))
    return taken


async def measure_wire(rounds: int) -> dict[str, float]:
    """Return the figures that need a real socket."""
    async with Rig() as rig, Dialler(rig) as dialler:
        charger = Charger(await dialler.dial())
        await charger.boot()
        await charger.ready(rig.sink)
        await charger.plug()
        taken_ms = await setpoint_times_ms(rig, charger, rounds)
        await rig.restart()
        rig.sink.clear()
        begin = perf_counter()
        again = Charger(await dialler.dial())
        again.profiles, again.variables = charger.profiles, charger.variables
        again.transaction = charger.transaction
        await again.ready(rig.sink)
        ready_s = perf_counter() - begin
    return {
        "setpoint_to_station_median_ms": median(taken_ms),
        "setpoint_to_station_p99_ms": quantiles(taken_ms, n=100)[98],
        "ready_after_restart_ms": seconds_to_milliseconds(ready_s),
    }


async def measure(bench: Bench) -> dict[str, float]:
    """Return every figure."""
    rounds = 200 if bench.is_quick else 3000
    figures: dict[str, float] = {}
    for name in FRAMES:
        ours_s, theirs_s = await cost_of(name, rounds)
        figures[f"{name}_us"] = ours_s * MICROSECONDS_PER_SECOND
        figures[f"{name}_ratio"] = ours_s / theirs_s
        bench.say(
            "%s: %.0f us, the package %.0f us",
            name,
            ours_s * MICROSECONDS_PER_SECOND,
            theirs_s * MICROSECONDS_PER_SECOND,
        )
    figures |= await measure_wire(100 if bench.is_quick else 1000)
    return figures | await measure_in_home(bench)


def main(argv: list[str]) -> int:
    """Run the benchmark."""
    bench = Bench.from_arguments("csms", argv, __doc__)
    logging.getLogger("ocpp").setLevel(logging.WARNING)
    messages.ASYNC_VALIDATION = False
    figures = asyncio.run(measure(bench))
    targets = {f"{name}_ratio": at_most(MAX_RATIOS[name]) for name in FRAMES}
    return bench.finish(
        figures,
        targets
        | {
            "setpoint_to_station_p99_ms": at_most(MAX_SETPOINT_P99_MS),
            "ready_after_restart_ms": at_most(MAX_READY_MS),
            **{
                f"{protocol}_{name}": target
                for protocol in ("ocpp2_0_1", "ocpp1_6")
                for name, target in IN_HOME.items()
            },
            "paced_p99_ms": at_most(10.0),
            "paced_cpu_percent": at_most(2.0),
            "home_setpoint_p99_ms": at_most(MAX_SETPOINT_P99_MS),
            "many_rss_kib_each": at_most(150.0),
            "many_again_s": at_most(5.0),
            "many_after_restart_s": at_most(5.0),
        },
    )
