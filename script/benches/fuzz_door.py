"""Attacks on the listener, and on a bare echo beside it, each in its own process.

Both are attacked in the same way, in turns. A well-behaved station in a third process
goes on with its heartbeats meanwhile, and the listener with its setpoints for it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
import json
from math import inf
import sys
from typing import Any, Self

from script.benches.door_attacks import ATTACKS
from script.benches.door_process import raise_file_limit
from script.benches.result import Bench, Figure, Target, at_least, at_most
from tests.repository import ROOT

SECONDS, QUICK_SECONDS = 15.0, 0.5
START_S = 60.0
BUSY_TURN_MS = 50.0
"""The promise: nothing keeps the event loop for longer."""

ROUND_TRIP_MS = 250.0
"""The promise for a setpoint (product)."""

RATIO = 3.0
"""What else the machine does hits both servers: beyond that the listener does it."""

FLOOR_MS = 50.0
"""A ratio of two small times says nothing."""

PEERS = {"ours": "station", "echo": "texts"}
"""Who is well-behaved at which server."""

FILES = 400
"""Those who wait (256 at most), the stations, and what a process has anyway."""


@dataclass
class Process:
    """A process that answers lines."""

    process: asyncio.subprocess.Process

    @classmethod
    async def start(cls, *arguments: str) -> tuple[Self, dict[str, Any]]:
        """Start it; return it and the line that it begins with."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "script.benches.door_process",
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        made = cls(process)
        return made, await made.line()

    async def line(self) -> dict[str, Any]:
        """Return its next line."""
        assert self.process.stdout is not None
        async with asyncio.timeout(START_S):
            text = await self.process.stdout.readline()
        if not text:
            raise RuntimeError("a process of the benchmark ended")
        line: dict[str, Any] = json.loads(text)
        return line

    async def report(self) -> dict[str, Any]:
        """Return its figures since the last time."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        return await self.line()

    async def stop(self) -> None:
        """Let it end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def start_pair(kind: str) -> tuple[Process, Process, int]:
    """Start a server and its well-behaved peer; return them and the port."""
    server, begin = await Process.start(kind)
    port = begin["port"]
    peer, _ = await Process.start(PEERS[kind], str(port))
    return server, peer, port


async def attack_one(
    bench: Bench, kind: str, server: Process, station: Process, port: int
) -> dict[str, dict[str, Any]]:
    """Attack one server in every way; return the figures of each attack."""
    seconds = QUICK_SECONDS if bench.is_quick else SECONDS
    found: dict[str, dict[str, Any]] = {}
    try:
        await asyncio.sleep(seconds / 5)
        await server.report()
        await station.report()
        await asyncio.sleep(seconds)
        found["calm"] = await server.report() | await station.report()
        for name, (attack, amount, quick_amount) in ATTACKS.items():
            done = await attack(
                port, seconds, quick_amount if bench.is_quick else amount
            )
            told = await server.report() | await station.report()
            found[name] = told | {"done": done}
            bench.say(
                "%s %s: %d, lag p99 %.1f, worst %.1f ms, turn %.1f (busy %.1f) ms, "
                "beat p99 %.1f ms, setpoint p99 %.1f ms, %d files, %.0f MiB",
                kind,
                name,
                done,
                told["lag_p99_ms"],
                told["lag_worst_ms"],
                told["turn_worst_ms"],
                told["turn_busy_worst_ms"],
                told.get("beat_p99_ms", -1),
                told.get("setpoint_p99_ms", -1),
                told["files"],
                told["rss_kib"] / 1024,
            )
            if told["error"]:
                bench.say("  own error: %s", told["error"])
            if told["turn_busy_worst_ms"] > BUSY_TURN_MS:
                bench.say("  longest turn: %s", told["turn"])
        await asyncio.sleep(1.0 if bench.is_quick else 15.0)
        found["after"] = await server.report() | await station.report()
    finally:
        await station.stop()
        await server.stop()
    return found


async def measure_door(bench: Bench) -> tuple[dict[str, Figure], dict[str, Target]]:
    """Attack both servers, or in a quick run ours alone; return figures and targets."""
    limit = raise_file_limit()
    bench.say("door: %d open files allowed", limit)
    kinds = ("ours",) if bench.is_quick else tuple(PEERS)
    pairs = await asyncio.gather(*(start_pair(kind) for kind in kinds))
    found = [
        await attack_one(bench, kind, *pair)
        for kind, pair in zip(kinds, pairs, strict=True)
    ]
    ours = found[0]
    figures: dict[str, Figure] = {
        "door_open_files_allowed": float(limit),
        "door_connections": ours["connections"]["done"],
        "door_files_at_most": _worst(ours, "files"),
        "door_turn_busy_worst_ms": _worst(ours, "turn_busy_worst_ms"),
        "door_own_errors": ours["after"]["errors"],
        "door_station_is_here": ours["after"]["is_here"],
        "door_memory_growth_percent": round(
            100 * (ours["after"]["rss_kib"] / ours["heavy"]["rss_kib"] - 1), 1
        ),
    }
    targets: dict[str, Target] = {
        "door_files_at_most": at_most(FILES),
        "door_turn_busy_worst_ms": at_most(BUSY_TURN_MS),
        "door_own_errors": at_most(0),
        "door_station_is_here": at_least(1),
    }
    if bench.is_quick:
        return figures, targets
    echo = found[1]
    figures["door_echo_turn_busy_worst_ms"] = _worst(echo, "turn_busy_worst_ms")
    for what in ("lag_p99", "beat_p99"):
        own, beside = _worst(ours, f"{what}_ms"), _worst(echo, f"{what}_ms")
        figures |= {
            f"door_{what}_ms": own,
            f"door_{what}_calm_ms": round(ours["calm"][f"{what}_ms"], 1),
            f"door_echo_{what}_ms": beside,
            f"door_{what}_ratio": round(own / max(beside, FLOOR_MS), 2),
        }
        targets[f"door_{what}_ratio"] = at_most(RATIO)
    figures["door_setpoint_p99_ms"] = _worst(ours, "setpoint_p99_ms")
    figures["door_setpoint_median_ms"] = _worst(ours, "setpoint_median_ms")
    targets["door_setpoint_median_ms"] = at_most(ROUND_TRIP_MS)
    targets["door_memory_growth_percent"] = at_most(5.0)
    return figures, targets


def _worst(found: Mapping[str, Mapping[str, Any]], name: str) -> float:
    """Return the highest of a figure in all attacks; one that is missing is endless."""
    return round(max(float(found[attack].get(name, inf)) for attack in ATTACKS), 1)
