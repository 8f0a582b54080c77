"""The station in a process of its own: real time, real signals."""

import asyncio
from collections.abc import AsyncIterator
import json
from pathlib import Path
import subprocess
import sys
import time
from typing import Any

import aiohttp
import pytest

from .fake_clock import until
from .scripted_csms import ScriptedCsms

ROOT = Path(__file__).resolve().parents[2]


class Program:
    """One running station process."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    async def ask(self, path: str, body: Any = None, *, method: str = "GET") -> Any:
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, f"{self.url}{path}", json=body) as response,
        ):
            if response.status != 200:
                return response.status
            return await response.json()

    async def do(self, path: str, body: Any = None) -> Any:
        return await self.ask(path, body, method="POST")


@pytest.fixture
async def csms(socket_enabled: None) -> AsyncIterator[ScriptedCsms]:
    csms = ScriptedCsms()
    await csms.start()
    yield csms
    await csms.stop()


@pytest.fixture
async def program(csms: ScriptedCsms, tmp_path: Path) -> AsyncIterator[Program]:
    secret = tmp_path / "password"
    secret.write_text("correct horse battery\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "script.rig.station_process", "--url", csms.url, "--identity", "CS1"),
        *("--password-file", str(secret), "--startup", "0", "--plant", "ideal"),
        *("--soc", "50"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert line.startswith("READY ")
    yield Program(process, json.loads(line.removeprefix("READY "))["control_port"])
    if process.returncode is None:
        process.kill()
        await process.wait()


@pytest.mark.slow
async def test_process_shows_what_happened_and_when(
    csms: ScriptedCsms, program: Program
) -> None:
    await csms.came("NotifyEvent")
    began = time.monotonic()
    status = await program.do("/plug")
    assert status["is_plugged"]
    await csms.came("NotifyEVChargingNeeds")
    status = await program.do("/soc", {"percent": 42})
    assert status["soc_percent"] == pytest.approx(42, abs=0.1)
    await csms.call("ClearCache", {})
    trace = await program.ask(f"/trace?since={began}")
    received = [each for each in trace["events"] if each["kind"] == "received"]
    call = next(each for each in received if each["type"] == "call")
    assert call["action"] == "ClearCache"
    assert began < call["t_mono"] < time.monotonic()
    actions = [each["name"] for each in trace["events"] if each["kind"] == "action"]
    assert actions == ["plug"]
    await until(lambda: time.monotonic() > began + 1)
    power = (await program.ask(f"/trace?since={began}"))["power"]
    times = [sample[0] for sample in power]
    assert len(times) / (times[-1] - times[0]) > 15
    status = await program.do("/fault", {"name": "drop_link", "on": True})
    assert status["faults"] == ["drop_link"]
    await until(lambda: not csms.is_linked)
    assert await program.do("/fault", {"name": "nonsense", "on": True}) == 400
    assert await program.do("/soc", {"percent": 101}) == 400
    assert await program.ask("/trace?since=x") == 400
    await program.do("/fault", {"name": "drop_link", "on": False})
    await until(lambda: csms.connections == 2)
    status = await program.do("/emergency_stop")
    assert status["is_emergency_stopped"]
    status = await program.do("/release")
    assert not status["is_emergency_stopped"]
    status = await program.do("/unplug")
    assert not status["is_plugged"]
    program.process.terminate()
    assert await program.process.wait() == 0


@pytest.mark.slow
async def test_station_runs_without_home_assistant() -> None:
    code = (
        "import sys, script.rig.station_process;"
        "sys.exit(bool({'homeassistant', 'voluptuous'} & set(sys.modules)))"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT)
    assert await process.wait() == 0
