"""Our CSMS in a real Home Assistant beside two others, under the same stations.

Rounds alternate between the servers, so that whatever else the machine does hits all of
them. Only ratios are targets; times on the wire are bounds that a slow machine meets.
"""

import asyncio
from dataclasses import dataclass
import json
import os
from pathlib import Path
from statistics import median, quantiles
import sys
import tempfile
from time import monotonic
from typing import Any, Final, Self

from script.benches.result import Bench
from script.rig.entry_file import station_part, write_parts
from script.rig.home_assistant import HomeAssistant
from script.rig.home_assistant_client import Flow
from script.rig.processes import ROOT, Supervisor, free_port

DOMAIN: Final = "v2g_vpp"
PASSWORD: Final = "a-password-of-the-bench-0123456789"  # noqa: S105 - of a loopback
LOOPBACK: Final = "127.0.0.1"

STATIONS: Final = 8
FRAMES: Final = 450
"""Per station and round: below the burst that the listener lets a station have."""

MANY: Final = 200
QUICK_MANY: Final = 60
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
_PAGE_KIB: Final = os.sysconf("SC_PAGE_SIZE") / 1024
SETPOINTS: Final = 200
"""How often a power is asked for, in a quick run a tenth of it."""

EVSES: Final = """
{%- set ns = namespace(found={}) -%}
{%- for id in integration_entities("v2g_vpp") | map("device_id") | unique -%}
{%- for kind, name in device_attr(id, "identifiers") or [] -%}
{%- if name.startswith("evse/") -%}
{%- set ns.found = dict(ns.found, **{name: id}) -%}
{%- endif -%}{%- endfor -%}{%- endfor -%}
{{ ns.found | to_json }}"""
"""Which device each EVSE is, as a template that Home Assistant renders."""

RESTART_SETTLE_S: Final = 10.0
"""Home Assistant has done by then what it puts off until after its start."""

SETTLE_S: Final = 3.0
"""After the start and after many have dialled in: what is left to do is done."""


def cpu_s(pid: int) -> float:
    """Return the processor time that a process has used so far, s."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2]
    user, system = fields.split()[11:13]
    return (int(user) + int(system)) / _TICKS_PER_S


def rss_kib(pid: int) -> float:
    """Return what a process holds in memory, KiB."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * _PAGE_KIB


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Something that stations can dial."""

    name: str
    url: str
    pid: int


class Load:
    """The process with the stations."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take the process; see ``start``."""
        self._process = process

    @classmethod
    async def start(cls, server: Server, protocol: str, **job: Any) -> Self:
        """Start stations and return when all of them have a transaction."""
        told = {
            "url": server.url,
            "protocol": protocol,
            "password": PASSWORD,
            "identities": identities(job.pop("stations")),
            **job,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "script.benches.csms_load",
            json.dumps(told),
            cwd=ROOT,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        load = cls(process)
        load.connected_s = (await load._line())["connected_s"]
        return load

    connected_s: float

    async def talk(self) -> dict[str, Any]:
        """Let them talk and return what they measured."""
        self._go_on()
        return await self._line()

    async def stop(self) -> None:
        """Let them hang up."""
        self._go_on()
        await self._process.wait()

    def _go_on(self) -> None:
        if self._process.stdin is None:
            raise RuntimeError("the load has no input")
        self._process.stdin.write(b"\n")

    async def _line(self) -> dict[str, Any]:
        if self._process.stdout is None:
            raise RuntimeError("the load has no output")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the load ended early")
        told: dict[str, Any] = json.loads(line)
        return told


def identities(count: int) -> list[str]:
    """Return the names of so many stations."""
    return [f"BENCH{number}" for number in range(count)]


class Servers:
    """Home Assistant with our CSMS, the package's, and the echo."""

    def __init__(self, supervisor: Supervisor, folder: Path) -> None:
        """Prepare; nothing runs yet."""
        self._supervisor = supervisor
        self.home = HomeAssistant(supervisor, folder, free_port())
        self.all: dict[str, Server] = {}

    async def start(self, stations: int) -> None:
        """Set the home up, add its stations, and start the others."""
        port = free_port()
        await self.home.start()
        flow = await Flow.start(self.home.client, DOMAIN)
        await flow.submit({"next_step_id": "home"})
        await flow.submit({"ocpp_port": port, "ocpp_host": LOOPBACK})
        flow.expect("create_entry")
        await self.home.stop()
        write_parts(
            self.home.directory,
            [station_part(identity, PASSWORD) for identity in identities(stations)],
        )
        await self.home.start()
        await asyncio.sleep(SETTLE_S)
        self._add("ours", port, self.home.process.pid)
        for name in ("package", "echo"):
            other = free_port()
            child = self._supervisor.start(
                name,
                [
                    sys.executable,
                    "-m",
                    "script.benches.csms_servers",
                    name,
                    str(other),
                ],
            )
            await child.ready(30.0)
            self._add(name, other, child.pid)

    async def restart_home(self) -> None:
        """Start Home Assistant again, with all that it knows by now."""
        url = self.all["ours"].url
        await self.home.stop()
        await self.home.start()
        await asyncio.sleep(RESTART_SETTLE_S)
        self.all["ours"] = Server(name="ours", url=url, pid=self.home.process.pid)

    def _add(self, name: str, port: int, pid: int) -> None:
        url = f"ws://{LOOPBACK}:{port}/"
        self.all[name] = Server(name=name, url=url, pid=pid)


async def throughput(servers: Servers, protocol: str, rounds: int) -> dict[str, Any]:
    """Return messages per second and processor time per message, by server."""
    rates: dict[str, list[float]] = {name: [] for name in servers.all}
    costs: dict[str, list[float]] = {name: [] for name in servers.all}
    for _ in range(rounds):
        for name, server in servers.all.items():
            count = FRAMES // 5 if name == "package" else FRAMES
            load = await Load.start(server, protocol, stations=STATIONS, count=count)
            # A new link has more to ask for than answers.
            await asyncio.sleep(SETTLE_S if name == "ours" else 0.5)
            before_s = cpu_s(server.pid)
            told = await load.talk()
            used_s = cpu_s(server.pid) - before_s
            await load.stop()
            rates[name].append(told["messages"] / told["seconds"])
            costs[name].append(used_s / told["messages"])
    return {
        "rate_per_s": {name: median(seen) for name, seen in rates.items()},
        "cost_us": {name: 1e6 * median(seen) for name, seen in costs.items()},
    }


async def paced(servers: Servers, seconds: float) -> dict[str, float]:
    """Return what 20 stations with a message a second cost, and how long they wait."""
    server = servers.all["ours"]
    before_s = cpu_s(server.pid)
    await asyncio.sleep(seconds)
    idle_s = cpu_s(server.pid) - before_s
    load = await Load.start(server, "ocpp2.0.1", stations=20, seconds=seconds)
    await asyncio.sleep(SETTLE_S)
    before_s = cpu_s(server.pid)
    told = await load.talk()
    used_s = cpu_s(server.pid) - before_s
    await load.stop()
    return {
        "paced_p99_ms": told["p99_ms"],
        "paced_cpu_percent": 100 * (used_s - idle_s) / told["seconds"],
        "idle_cpu_percent": 100 * idle_s / seconds,
    }


async def setpoints(servers: Servers, count: int) -> dict[str, float]:
    """Return how long a power takes from the request of a user to a charger's socket.

    Eight stations talk four times a second meanwhile. The time includes the HTTP request
    that asks for the power.
    """
    client = servers.home.client
    load = await Load.start(
        servers.all["ours"],
        "ocpp2.0.1",
        stations=STATIONS,
        period_s=0.25,
        seconds=0.4 * count + 2.0,
    )
    await asyncio.sleep(SETTLE_S)
    devices = await client.request("POST", "/api/template", body={"template": EVSES})
    talking = asyncio.ensure_future(load.talk())
    await asyncio.sleep(1.0)
    asked: list[tuple[str, float]] = []
    for number in range(count):
        identity = identities(STATIONS)[number % STATIONS]
        asked.append((identity, monotonic()))
        await client.request(
            "POST",
            f"/api/services/{DOMAIN}/set_power",
            body={
                "device_id": devices[f"evse/{identity}/1"],
                # From rest and back: a step in between would wait for its ramp.
                "power": 3000 * (number // STATIONS % 2),
                "duration": 3600,
            },
        )
        await asyncio.sleep(0.1)
    arrived = (await talking)["setpoints_mono_s"]
    await load.stop()
    taken_ms = [
        1e3 * (min(at for at in arrived[identity] if at >= asked_at) - asked_at)
        for identity, asked_at in asked
    ]
    return {
        "home_setpoint_median_ms": median(taken_ms),
        "home_setpoint_p99_ms": quantiles(taken_ms, n=100)[98],
    }


async def many(servers: Servers, count: int, seconds: float) -> dict[str, float]:
    """Return what so many stations take in memory and to come back all at once.

    First they are new, so Home Assistant makes their devices and entities; then it is
    started again and knows them.
    """
    server = servers.all["ours"]
    new_kib, new = await held_kib(server, count, seconds)
    await asyncio.sleep(SETTLE_S)
    again = await Load.start(server, "ocpp2.0.1", stations=count, count=1)
    await again.talk()
    await again.stop()
    await servers.restart_home()
    known_kib, known = await held_kib(servers.all["ours"], count, seconds)
    return {
        "many_new_rss_kib_each": new_kib / count,
        "many_rss_kib_each": known_kib / count,
        "many_first_s": new.connected_s,
        "many_again_s": again.connected_s,
        "many_after_restart_s": known.connected_s,
    }


async def held_kib(server: Server, count: int, seconds: float) -> tuple[float, Load]:
    """Return what a server holds more while many stations meter, and their load."""
    before_kib = rss_kib(server.pid)
    load = await Load.start(
        server, "ocpp2.0.1", stations=count, seconds=seconds, period_s=10.0
    )
    await load.talk()
    held = rss_kib(server.pid) - before_kib
    await load.stop()
    return held, load


async def measure_in_home(bench: Bench) -> dict[str, float]:
    """Return the figures that need a real Home Assistant."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="v2g-bench-") as name:
        folder = Path(name)
        async with Supervisor(folder / "logs") as supervisor:
            servers = Servers(supervisor, folder / "home")
            count = QUICK_MANY if bench.is_quick else MANY
            await servers.start(count)
            figures |= await setpoints(
                servers, SETPOINTS // 10 if bench.is_quick else SETPOINTS
            )
            for protocol in ("ocpp2.0.1", "ocpp1.6"):
                seen = await throughput(servers, protocol, 1 if bench.is_quick else 3)
                rates, costs = seen["rate_per_s"], seen["cost_us"]
                bench.say(
                    "%s: messages/s %s, us of processor each %s",
                    protocol,
                    {k: round(v) for k, v in rates.items()},
                    {k: round(v) for k, v in costs.items()},
                )
                key = protocol.replace(".", "_")
                figures |= {
                    f"{key}_rate_per_s": rates["ours"],
                    f"{key}_over_package": rates["ours"] / rates["package"],
                    f"{key}_cpu_over_package": costs["package"] / costs["ours"],
                    f"{key}_cpu_over_echo": costs["ours"] / costs["echo"],
                }
            figures |= await paced(servers, 5.0 if bench.is_quick else 30.0)
            figures |= await many(servers, count, 5.0 if bench.is_quick else 30.0)
            await servers.home.close()
    return figures
