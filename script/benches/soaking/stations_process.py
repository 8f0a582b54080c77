"""Virtual charging stations in a process of their own.

`python -m script.benches.soaking.stations_process JOB` with a job as JSON. It prints
`READY {}` when the schemas are read, then answers each line of its input with a line:

    {"do": "status"}                     what every station truly is
    {"do": "plug", "id": "SOAK1"}        also unplug, drop, restore, reboot
    {"do": "soc", "id": "SOAK1", "percent": 40}

Physics is looked at four times a second and exact between two looks.
"""

import asyncio
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
import json
import sys
import time
from typing import Any

from script.rig.pure_import import prepare_pure_import

prepare_pure_import()

from custom_components.v2g_vpp.virtual.config import (  # noqa: E402 - see above
    Fault,
    Protocol,
    VirtualStationConfig,
)
from custom_components.v2g_vpp.virtual.plant import TYPICAL  # noqa: E402
from custom_components.v2g_vpp.virtual.station import VirtualStation  # noqa: E402

TICK_S = 0.25


class SystemClock:
    """The clocks of this machine."""

    def monotonic(self) -> float:
        """Return seconds that every process of this machine shares."""
        return time.monotonic()

    def utcnow(self) -> datetime:
        """Return the present moment."""
        return datetime.now(UTC)  # noqa: TID251 - this is the clock that is passed in


@dataclass(slots=True)
class Talk:
    """Counts what a station says; the observer of one."""

    sent: int = 0
    links: int = 0

    def frame_received(self, text: str) -> None:
        """Ignore it."""

    def frame_sent(self, text: str) -> None:
        """Count it."""
        self.sent += 1

    def link_changed(self, *, is_up: bool) -> None:
        """Count how often the link came up."""
        self.links += is_up

    def power_sampled(self, true_power_w: float, commanded_w: float) -> None:
        """Ignore it: the registers are exact."""


class Crowd:
    """All stations of a job."""

    def __init__(self, job: dict[str, Any]) -> None:
        """Build the stations; nothing runs yet."""
        self._talks: dict[str, Talk] = {}
        self._stations: dict[str, VirtualStation] = {}
        for number, (identity, protocol) in enumerate(job["stations"].items()):
            config = VirtualStationConfig(
                url=job["url"],
                identity=identity,
                password=job["password"],
                protocols=(Protocol(protocol),),
                plant=replace(TYPICAL, seed=number + 1),
                evcc_id=job["vehicles"].get(identity),
                meter_interval_s=1.0,
                reconnect_max_s=2.0,
                tick_s=TICK_S,
            )
            talk = self._talks[identity] = Talk()
            self._stations[identity] = VirtualStation(
                config, SystemClock(), observer=talk
            )

    async def run(self) -> None:
        """Run them, and do what the lines of the input say."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(s.run()) for s in self._stations.values()]
            print("READY {}", flush=True)
            while line := await asyncio.to_thread(sys.stdin.readline):
                print(json.dumps(self._do(json.loads(line))), flush=True)
            for task in running:
                task.cancel()

    def _do(self, order: dict[str, Any]) -> dict[str, Any]:
        if order["do"] == "status":
            return {
                identity: asdict(station.status()) | asdict(self._talks[identity])
                for identity, station in self._stations.items()
            }
        station = self._stations[order["id"]]
        match order["do"]:
            case "plug":
                station.plug()
            case "unplug":
                station.unplug()
            case "drop":
                station.set_fault(Fault.DROP_LINK, is_on=True)
            case "restore":
                station.set_fault(Fault.DROP_LINK, is_on=False)
            case "reboot":
                station.reboot()
            case "soc":
                station.set_soc(order["percent"])
        return {}


if __name__ == "__main__":
    asyncio.run(Crowd(json.loads(sys.argv[1])).run())
