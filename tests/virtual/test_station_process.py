"""The station in a process of its own: real time, real signals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
    async with running(csms, tmp_path, "--evses", "2") as program:
        yield program


@asynccontextmanager
async def running(
    csms: ScriptedCsms, tmp_path: Path, *options: str
) -> AsyncIterator[Program]:
    secret = tmp_path / "password"
    secret.write_text("correct horse battery\n")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "script.rig.station_process", "--url", csms.url, "--identity", "CS1"),
        *("--password-file", str(secret), "--startup", "0", "--plant", "ideal"),
        *("--soc", "50", *options),
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
async def test_a_station_without_power_keeps_its_count_and_its_vehicle(
    csms: ScriptedCsms, tmp_path: Path
) -> None:
    kept = ("--energy-import-wh", "1200", "--energy-export-wh", "3400", "--plugged")
    async with running(csms, tmp_path, *kept) as program:
        status = await program.ask("/status")
        assert status["is_plugged"]
        assert status["energy_import_wh"] == pytest.approx(1_200, abs=10)
        assert status["energy_export_wh"] == 3_400


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


@pytest.mark.slow
async def test_each_evse_its_conditions_the_clock_and_the_line_can_be_set(
    csms: ScriptedCsms, program: Program
) -> None:
    await csms.came("NotifyEvent")
    assert (await program.do("/plug?evse=2"))["is_plugged"]
    assert not (await program.ask("/status"))["is_plugged"]
    assert (await program.ask("/status?evse=2"))["is_plugged"]
    assert await program.ask("/status?evse=3") == 400
    broken = {"name": "ground_fault", "on": True}
    assert (await program.do("/condition?evse=2", broken))["conditions"] == [
        "ground_fault"
    ]
    assert (await program.ask("/status"))["conditions"] == []
    assert await program.do("/condition", {"name": "rust", "on": True}) == 400
    status = await program.do("/clock", {"step_s": 400})
    assert status["clock_offset_s"] == pytest.approx(400, abs=1)
    status = await program.do("/line", {"lose_percent": 20, "late_s": 0.1})
    assert status["faults"] == ["late_answers", "lose_frames"]
    for path, body in (
        ("/clock", {"days": 1}),
        ("/clock", {"step_s": "x"}),
        ("/line", {"lose_percent": 120}),
    ):
        assert await program.do(path, body) == 400


async def _play(csms: ScriptedCsms, tmp_path: Path, text: str) -> tuple[int, str]:
    secret, file = tmp_path / "password", tmp_path / "a.yaml"
    secret.write_text("correct horse battery\n")
    file.write_text(text)
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "script.rig.station_process", "--url", csms.url, "--identity", "CS1"),
        *("--password-file", str(secret), "--startup", "0", "--scenario", str(file)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    told, _ = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, told.decode()


@pytest.mark.slow
@pytest.mark.parametrize(("watts", "code"), [(5_000, 0), (50_000, 1)])
async def test_a_scenario_is_played_and_its_end_is_the_exit_code(
    csms: ScriptedCsms, tmp_path: Path, watts: int, code: int
) -> None:
    ended, told = await _play(
        csms,
        tmp_path,
        f"""
name: it charges
given:
  protocol: "2.1"
  evses: [{{plant: ideal}}]
steps:
  - at 0 s: plug in
  - at 1 s: owner stops
then:
  - by 2 s: transaction
  - by 3 s: site no fault
  - by 6 s: power above {watts} W
""",
    )
    assert ended == code, told
    assert "now you, in Home Assistant: stops (EVSE 1)" in told
    assert told.count("look at Home Assistant: no fault") == 1
    assert ("not seen: power above" in told) == (code == 1)


@pytest.mark.slow
async def test_a_wrong_scenario_says_what_is_wrong_with_it(
    csms: ScriptedCsms, tmp_path: Path
) -> None:
    ended, told = await _play(csms, tmp_path, "name: a\nsteps: [{at 1 s: dance}]")
    assert ended == 2
    assert "'dance' is no step; allowed are such as 'plug in'" in told
