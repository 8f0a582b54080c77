"""Rehearsal homes and a demand from the command line, as processes of their own."""

import asyncio
from collections.abc import Callable
import json
from pathlib import Path
import signal
import sys

import pytest

from aggregator.__main__ import main
from script.rig.broker import Broker

from .scripted_home import Json
from .test_cli import READY_S, ROOT, Served, ended, serve

TOGETHER_S = 90.0
"""Two programs start and settle, perhaps on a busy machine."""


async def overview(served: Served, condition: Callable[[Json], bool]) -> Json:
    """Return what the page shows once a condition holds."""
    view: Json = {}
    try:
        async with asyncio.timeout(TOGETHER_S):
            while not condition(view := await served.get("/api/overview")):
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"never came true: {view}")
    return view


async def test_serve_brings_homes_and_follows_a_file(
    data: Path, broker: Broker, tmp_path: Path
) -> None:
    demand = tmp_path / "demand.csv"
    demand.write_text("time,power_w\n0,-6000\n600,0\n")
    more = ["--homes", "3", "--demand", str(demand), "--heartbeat-s", "1"]
    # The broker reads the new homes' rights when it is told to.
    more += ["--broker-pid-file", str(broker.pid_path)]
    async with serve(data, broker.port, *more) as served:
        view = await overview(
            served, lambda view: view["totals"]["commanded_w"] == -6_000
        )
        assert view["totals"]["online"] == 3
        assert view["alarms"] == []
        assert await ended(served, signal.SIGTERM) == 0


async def test_homes_alone_say_ready_record_and_sum_up(
    data: Path, broker: Broker, tmp_path: Path
) -> None:
    record, summary = tmp_path / "record.jsonl", tmp_path / "summary.json"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aggregator", "rehearse", "--data", str(data)),
        *("--broker", f"127.0.0.1:{broker.port}", "--homes", "2", "--away", "0"),
        *("--record", str(record), "--summary", str(summary)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        # The access list has been written for them; this broker was there before.
        broker.reload()
        async with asyncio.timeout(READY_S):
            assert await process.stdout.readline() == b'READY {"homes": 2}\n'
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(READY_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    assert lines[-1]["power_w"] == 0
    found = json.loads(summary.read_text())
    assert found["applied_twice"] == 0
    assert [home["home_id"] for home in found["homes"]] == [
        "rehearsal-00001",
        "rehearsal-00002",
    ]


def test_too_few_open_files_are_explained_before_anything_is_made(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, 64))
    arguments = ["rehearse", "--data", str(data), "--broker", "127.0.0.1:1"]
    assert main([*arguments, "--homes", "5"]) == 1
    assert "ulimit -n 69" in capsys.readouterr().err
    assert not (data / "rehearsal").exists()


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [("--homes", "0", "1 to 10000"), ("--away", "2", "share from 0 to 1")],
)
def test_wrong_numbers_are_explained(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    option: str,
    value: str,
    words: str,
) -> None:
    arguments = ["rehearse", "--data", str(tmp_path), "--broker", "127.0.0.1:1"]
    homes = [] if option == "--homes" else ["--homes", "1"]
    with pytest.raises(SystemExit):
        main([*arguments, *homes, option, value])
    assert words in capsys.readouterr().err
