"""Programs of the rig start, say when they are ready, and never outlive it."""

import os
from pathlib import Path
import signal
import socket
import subprocess
import sys
import time

import pytest

from script.rig.guard import Ward, born, is_alive
from script.rig.processes import ROOT, RigError, Supervisor, free_port, is_port_taken

pytestmark = pytest.mark.usefixtures("socket_enabled")

READY = "print('READY {\"port\": 7}', flush=True)\n"
SLEEPS = READY + "import time\ntime.sleep(60)\n"

# A rig that starts a program, tells its number and is then killed by the test.
RIG = """
import asyncio, pathlib, sys
from script.rig.processes import Supervisor

async def main():
    async with Supervisor(pathlib.Path(sys.argv[1])) as supervisor:
        child = supervisor.start("child", [sys.executable, "-c", sys.argv[2]])
        await child.ready(10)
        child.freeze()
        print(child.pid, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def wait_for_end(ward: Ward) -> bool:
    deadline = time.monotonic() + 10
    while is_alive(ward) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not is_alive(ward)


async def test_ready_line_is_returned_and_the_program_is_ended(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        child = supervisor.start("child", [sys.executable, "-c", SLEEPS])
        assert await child.ready(10) == {"port": 7}
        ward = Ward(child.pid, born(child.pid))
        assert is_alive(ward)
    assert not child.is_running
    assert child.returncode == -signal.SIGTERM


async def test_frozen_program_is_ended_all_the_same(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        child = supervisor.start("child", [sys.executable, "-c", SLEEPS])
        await child.ready(10)
        child.freeze()
        assert child.is_running
    assert child.returncode == -signal.SIGTERM


async def test_program_that_ends_before_it_is_ready_says_why(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        child = supervisor.start(
            "child", [sys.executable, "-c", "raise SystemExit('no disk left')"]
        )
        with pytest.raises(RigError, match=r"child ended with code 1: no disk left"):
            await child.ready(10)


async def test_missing_program_is_named_with_how_to_get_it(tmp_path: Path) -> None:
    async with Supervisor(tmp_path) as supervisor:
        with pytest.raises(RigError, match=r"/no/such/hass is missing: run script/"):
            supervisor.start("child", ["/no/such/hass"])


def test_nothing_is_left_when_the_rig_itself_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RIG, str(tmp_path), SLEEPS],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as rig:
        assert rig.stdout is not None
        pid = int(rig.stdout.readline())
        ward = Ward(pid, born(pid))
        assert is_alive(ward)
        rig.kill()
    try:
        assert wait_for_end(ward)
    finally:
        if is_alive(ward):
            os.kill(pid, signal.SIGKILL)


def test_taken_port_is_seen_and_a_free_one_is_free() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert is_port_taken(port)
    assert not is_port_taken(port)
    assert not is_port_taken(free_port())
    # An outgoing connection would take the port of a program that starts again.
    assert free_port() < 32_768
