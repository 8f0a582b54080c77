"""``python -m aggregator`` as a process of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import json
from pathlib import Path
import signal
import sys

import aiohttp
from cryptography import x509
import pytest

from aggregator.__main__ import main
from aggregator.codec import validate
from script.rig.broker import Broker

from .scripted_home import Json, make_request

ROOT = Path(__file__).parents[2]
READY_S = 20.0


class Served:
    """A running ``serve``."""

    def __init__(self, process: asyncio.subprocess.Process, ready: Json) -> None:
        self.process = process
        self.ready = ready

    async def get(self, path: str) -> Json:
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.ready["http"] + path) as response,
        ):
            answer: Json = await response.json()
            return answer


@asynccontextmanager
async def serve(data: Path, port: int, *more: str) -> AsyncIterator[Served]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aggregator", "serve", "--data", str(data)),
        *("--broker", f"127.0.0.1:{port}", *more),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READY_S):
            line = (await process.stdout.readline()).decode()
        assert line.startswith("READY "), line
        yield Served(process, json.loads(line.removeprefix("READY ")))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(served: Served, how: signal.Signals) -> int:
    served.process.send_signal(how)
    async with asyncio.timeout(READY_S):
        return await served.process.wait()


async def test_serve_says_ready_ends_cleanly_and_comes_back_in_a_new_term(
    data: Path, broker: Broker
) -> None:
    async with serve(data, broker.port, "--region", "north") as served:
        first = served.ready
        overview = await served.get("/api/overview")
        assert overview["broker"] == "connected"
        assert overview["epoch"] == first["epoch"] == 1
        assert await ended(served, signal.SIGTERM) == 0
    async with serve(data, broker.port) as served:
        assert served.ready["epoch"] == 2
        assert served.ready["enrol_url"] == first["enrol_url"]
        assert await ended(served, signal.SIGINT) == 0
    async with serve(data, broker.port) as served:
        served.process.kill()
        await served.process.wait()
    async with serve(data, broker.port) as served:
        assert served.ready["epoch"] == 4


async def test_serve_says_nothing_before_the_broker_is_there_and_can_be_ended(
    data: Path, broker: Broker
) -> None:
    broker.stop()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3), serve(data, broker.port):
            pytest.fail("ready without a broker")
    async with asyncio.TaskGroup() as group:
        start = group.create_task(asyncio.to_thread(broker.start))
        async with serve(data, broker.port) as served:
            await start
            assert (await served.get("/api/overview"))["broker"] == "connected"


@pytest.mark.parametrize(
    "command",
    [
        ["invite", "--home", "home-1"],
        ["serve", "--broker", "127.0.0.1:1"],
        ["init", "--region", "north"],
    ],
    ids=["invite", "serve", "init"],
)
async def test_a_second_one_on_the_same_data_is_refused_with_one_line(
    data: Path, broker: Broker, command: list[str]
) -> None:
    name, *more = command
    async with serve(data, broker.port):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "aggregator", name, "--data", str(data), *more),
            cwd=ROOT,
            stderr=asyncio.subprocess.PIPE,
        )
        _, stderr = await process.communicate()
    assert process.returncode == 1
    (line,) = stderr.decode().splitlines()
    assert line.startswith("error: ")
    assert "in use by a running aggregator" in line


def test_a_home_is_invited_and_enrolled_without_http(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    base = ["--data", str(data), "--home", "home-1"]
    assert main(["invite", *base]) == 1
    assert "--broker" in capsys.readouterr().err
    where = ["--broker", "broker.example.org:8883", "--enrol", "[::1]:8884"]
    assert main(["invite", *base, *where]) == 0
    invitation = json.loads(capsys.readouterr().out)
    validate("invitation", invitation)
    assert invitation["enrol_url"] == "https://[::1]:8884/enrol"

    request = tmp_path / "home.csr"
    request.write_text(make_request("north--home-2")[0])
    assert main(["enrol", *base, "--csr", str(request)]) == 1
    assert "common name north--home-1" in capsys.readouterr().err
    request.write_text(make_request("north--home-1")[0])
    assert main(["enrol", *base, "--csr", str(request)]) == 0
    leaf = x509.load_pem_x509_certificate(capsys.readouterr().out.encode())
    assert leaf.serial_number

    assert main(["revoke", *base]) == 0
    crl = x509.load_pem_x509_crl((data / "authority" / "crl.pem").read_bytes())
    assert [item.serial_number for item in crl] == [leaf.serial_number]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["serve", "--broker", "127.0.0.1:1"], "holds no aggregator"),
        (["invite", "--home", "home-1"], "holds no aggregator"),
        (["init", "--region", "Nord"], "region 'Nord' is not allowed"),
    ],
)
def test_an_empty_directory_is_explained(
    tmp_path: Path,
    arguments: list[str],
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, *more = arguments
    assert main([name, "--data", str(tmp_path / "none"), *more]) == 1
    assert sentence in capsys.readouterr().err


def test_init_can_be_run_again_and_keeps_root_and_region(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = (data / "authority" / "root.pem").read_bytes()
    assert main(["init", "--data", str(data), "--region", "north"]) == 0
    assert (data / "authority" / "root.pem").read_bytes() == root
    assert main(["init", "--data", str(data), "--region", "south"]) == 1
    assert "region 'north'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--data", "x"],
        ["serve", "--data", "x", "--broker", "nohost"],
        ["serve", "--data", "x", "--broker", "h:1", "--heartbeat-s", "0"],
        ["serve", "--data", "x", "--broker", "h:1", "--http", "70000"],
        ["dance"],
        [],
    ],
)
def test_wrong_arguments_are_explained(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: python -m aggregator" in capsys.readouterr().err


def test_a_damaged_term_is_never_guessed(
    data: Path, capsys: pytest.CaptureFixture[str], socket_enabled: None
) -> None:
    (data / "leadership.json").write_text('{"epoch": "7"}')
    assert main(["serve", "--data", str(data), "--broker", "127.0.0.1:1"]) == 1
    assert "leadership.json" in capsys.readouterr().err
