"""The processes of the door benchmark: who is attacked, and who must not notice.

`python -m script.benches.door_process ours|echo` serves stations, or sends every text
back, and measures its own event loop. `... station|texts PORT` is the well-behaved peer
of one of the two. Each answers a line on its standard input with a line of figures since
the line before.
"""

import asyncio
from collections.abc import Callable
import gc
import json
import logging
import os
import resource
from statistics import median, quantiles
import sys
import time
from typing import Any, Final, override

import aiohttp
from aiohttp import WSMsgType, web

from custom_components.v2g_vpp.csms.frames import MAX_FRAME_BYTES
from custom_components.v2g_vpp.domain.ids import StationId, TransactionId
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite
from script.benches.fuzz_watch import PRODUCT, Turns, counted_errors, rss_kib
from tests.csms.charger import Charger
from tests.csms.peer import (
    EVSE1,
    STATION,
    Peer,
    RecordingSink,
    Rig,
    basic,
    config,
)

type Report = dict[str, float | str]

GUESTS: Final = 16
"""Stations of the home that attack it: whoever has a password got in already."""

LOOK_S: Final = 0.005
BEAT_S: Final = 0.1
SETPOINT_S: Final = 0.5


def raise_file_limit() -> int:
    """Let this process have as many open files as it may; return how many."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def guest(number: int) -> str:
    """Return the identity of a station that attacks."""
    return f"EVIL{number}"


class Samples:
    """Times, since they were last reported."""

    def __init__(self, name: str) -> None:
        """Start without any."""
        self._name = name
        self._taken_ms: list[float] = []

    def add(self, seconds: float) -> None:
        """Take one."""
        self._taken_ms.append(1e3 * seconds)

    def report(self) -> Report:
        """Return the figures, and begin anew."""
        taken, self._taken_ms = self._taken_ms, []
        if len(taken) < 2:
            return {f"{self._name}_count": float(len(taken))}
        return {
            f"{self._name}_count": float(len(taken)),
            f"{self._name}_median_ms": median(taken),
            f"{self._name}_p99_ms": quantiles(taken, n=100, method="inclusive")[-1],
            f"{self._name}_worst_ms": max(taken),
        }


class Forgetful(RecordingSink):
    """Keeps no measurements: a run has many."""

    @override
    def post(self, event: Any) -> None:
        """Keep what is not one of many."""
        if len(self.events) < 500:
            super().post(event)


async def answer_lines(report: Callable[[], Report]) -> None:
    """Answer every line on the standard input, until its end."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    while await reader.readline():
        print(json.dumps(report()), flush=True)


async def watch_lag(lag: Samples) -> None:
    """Note how much later than asked for this loop comes around."""
    while True:
        began_s = time.perf_counter()
        await asyncio.sleep(LOOK_S)
        lag.add(max(0.0, time.perf_counter() - began_s - LOOK_S))


async def write_setpoints(rig: Rig, taken: Samples) -> None:
    """Write setpoints to the well-behaved station; note how long each takes."""
    number = 0
    while True:
        await asyncio.sleep(SETPOINT_S)
        number += 1
        write = SetpointWrite(
            key=EVSE1,
            power_w=-1500.0 - number % 100,
            transaction_id=TransactionId("t1"),
            decided_mono_s=rig.clock.monotonic(),
        )
        result = await rig.server.write_setpoint(write)
        if result.is_accepted:
            taken.add(rig.clock.monotonic() - write.decided_mono_s)


async def serve(kind: str) -> None:
    """Serve stations, or echo, and report."""
    lag, setpoints, turns = Samples("lag"), Samples("setpoint"), Turns()
    # As Home Assistant does when it has started: what is there by then is not looked
    # at again and again.
    gc.collect()
    gc.freeze()
    with counted_errors(PRODUCT) as errors:
        if kind == "ours":
            configs = [config()] + [
                config(identity=StationId(guest(number))) for number in range(GUESTS)
            ]
            rig = Rig(*configs)
            rig.sink = Forgetful()
            rig.server = rig.new_server()
            await rig.server.start()
            port = rig.server.port
            writing = asyncio.create_task(write_setpoints(rig, setpoints))
        else:
            port = await start_echo()
            writing = None
        watching = asyncio.create_task(watch_lag(lag))
        print(json.dumps({"port": port}), flush=True)

        def report() -> Report:
            turn_ms, busy_ms = 1e3 * turns.worst_s, 1e3 * turns.worst_busy_s
            what, turns.worst_what = turns.worst_what, ""
            turns.worst_s = turns.worst_busy_s = 0.0
            return {
                **lag.report(),
                **setpoints.report(),
                "turn_worst_ms": turn_ms,
                "turn_busy_worst_ms": busy_ms,
                "turn": what,
                "rss_kib": rss_kib(),
                "files": float(len(os.listdir("/proc/self/fd"))),  # noqa: PTH208
                "tasks": float(len(asyncio.all_tasks())),
                "errors": float(errors.texts.total()),
                "error": next(iter(errors.texts), ""),
            }

        await answer_lines(report)
        for task in (watching, writing):
            if task is not None:
                task.cancel()


async def start_echo() -> int:
    """Serve an echo with the frame limit of ours; return its port."""

    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            protocols=("ocpp2.1",), max_msg_size=MAX_FRAME_BYTES
        )
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
        return socket

    app = web.Application()
    app.router.add_get("/{path:.*}", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    return int(runner.addresses[0][1])


async def behave(kind: str, port: int) -> None:
    """Be the well-behaved station, or whoever sends texts to the echo."""
    beats = Samples("beat")
    async with aiohttp.ClientSession() as session:
        socket = await session.ws_connect(
            f"ws://127.0.0.1:{port}/ocpp/{STATION}",
            protocols=("ocpp2.1",),
            headers=basic(),
            autoping=True,
        )
        peer = Peer(socket)
        if kind == "station":
            charger = Charger(peer)
            await charger.boot()
            await charger.plug()
            beating = asyncio.create_task(send_heartbeats(peer, beats))
        else:
            beating = asyncio.create_task(send_texts(peer, beats))
        print(json.dumps({"ready": True}), flush=True)
        await answer_lines(
            lambda: {**beats.report(), "is_here": float(peer.close_code is None)}
        )
        beating.cancel()


async def send_heartbeats(peer: Peer, beats: Samples) -> None:
    """Send heartbeats, and note how long each answer takes."""
    while True:
        began_s = time.perf_counter()
        await peer.call("Heartbeat", {})
        beats.add(time.perf_counter() - began_s)
        peer.frames.clear()
        peer.texts.clear()
        peer.requests.clear()
        await asyncio.sleep(BEAT_S)


async def send_texts(peer: Peer, beats: Samples) -> None:
    """Send texts, and note how long each takes to come back."""
    while True:
        began_s = time.perf_counter()
        seen = len(peer.frames)
        await peer.send([3, "p", {}])
        await peer.until(lambda seen=seen: len(peer.frames) > seen)  # type: ignore[misc]  # bound at once
        beats.add(time.perf_counter() - began_s)
        peer.frames.clear()
        peer.texts.clear()
        await asyncio.sleep(BEAT_S)


def be(arguments: list[str]) -> None:
    """Be one of the four."""
    raise_file_limit()
    logging.basicConfig(level=logging.CRITICAL)
    kind, *port = arguments
    asyncio.run(behave(kind, int(port[0])) if port else serve(kind))


if __name__ == "__main__":
    be(sys.argv[1:])
