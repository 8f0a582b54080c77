"""A user plays a scenario file against a Home Assistant that runs on its own."""

import asyncio
from pathlib import Path

import pytest

from script.rig.home_assistant import HomeAssistant
from script.rig.processes import free_port

from .steps import IDENTITY, PASSWORD, begin_virtual, until_entry, virtual_answers

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
SCENARIO = """
name: a car charges, the power fails, and it charges again
given:
  protocol: "1.6"
  evses: [{plant: fast}]
steps:
  - at 1 s: plug in
  - at 30 s: reboot
then:
  - by 28 s: power above 1000 W
  - by 28 s: site state charging
  - by 33 s: power at rest
  - by 60 s: booted 2 times
  - by 60 s: connected
  - by 60 s: power above 1000 W
"""


async def test_it_is_played_and_seen(home: HomeAssistant, tmp_path: Path) -> None:
    port = free_port()
    flow = await begin_virtual(home)
    await flow.submit(virtual_answers(port, "own_process"))
    flow.expect("create_entry")
    await until_entry(home, "loaded")
    file, secret = tmp_path / "a.yaml", tmp_path / "password"
    file.write_text(SCENARIO)
    secret.write_text(PASSWORD)
    process = await asyncio.create_subprocess_exec(
        str(ROOT / "script" / "scenario"),
        str(file),
        *("--url", f"ws://127.0.0.1:{port}/", "--identity", IDENTITY),
        *("--password-file", str(secret)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode == 0, told.decode()
    assert "look at Home Assistant: state charging" in told.decode()
