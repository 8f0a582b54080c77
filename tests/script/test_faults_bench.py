"""The parts of the fault bench: what they break, what they judge, and that a miss is one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
import json
from math import nan
from pathlib import Path
import subprocess
import sys
import time

import aiohttp
from aiohttp import web
import pytest

from script.benches.faulty.case import Case, Result
from script.benches.faulty.energy import Direction
from script.benches.faulty.framing import Chunks, MqttPackets, WebSocketFrames
from script.benches.faulty.lines import FAIR, LOOPBACK, Line, Weather
from script.benches.faulty.plan import FAULTS, QUICK, pairs, quick, singles
from script.benches.faulty.promises import Facts, Window, broken, judge
from script.benches.faulty.results import Results, table
from script.benches.faulty.watch import Seen
from script.rig.entities import Entities
from script.rig.home_assistant_socket import StateChange
from script.rig.measured import Call, Measured, Sample
from script.rig.processes import ROOT

PUBLISH = bytes([0x32, 5]) + b"hello"
LONG_PUBLISH = bytes([0x32, 0x80, 0x01]) + b"x" * 128
PING = bytes([0xC0, 0])


@pytest.mark.parametrize("cut", range(1, 12))
def test_packets_are_found_wherever_the_bytes_are_cut(cut: int) -> None:
    framer, stream = MqttPackets(), PUBLISH + PING + LONG_PUBLISH
    found = [*framer.units(stream[:cut]), *framer.units(stream[cut:])]
    assert found == [(PUBLISH, True), (PING, False), (LONG_PUBLISH, True)]


def frame(text: bytes, opcode: int = 1) -> bytes:
    head = bytes([0x80 | opcode])
    if len(text) < 126:
        return head + bytes([len(text)]) + text
    return head + bytes([126]) + len(text).to_bytes(2) + text


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_frames_are_found_behind_the_head(cut: int) -> None:
    head, long = b"HTTP/1.1 101 Switching\r\n\r\n", frame(b"y" * 200)
    stream = head + frame(b"[2]") + frame(b"", 9) + long
    framer = WebSocketFrames()
    found = [*framer.units(stream[:cut]), *framer.units(stream[cut:])]
    assert found == [
        (head, False),
        (frame(b"[2]"), True),
        (frame(b"", 9), False),
        (long, True),
    ]


@asynccontextmanager
async def echo_behind_a_line(
    weather: Weather,
) -> AsyncIterator[tuple[Line, aiohttp.ClientWebSocketResponse]]:
    async def echo(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    app = web.Application()
    app.add_routes([web.get("/", echo)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, 0).start()
    line = Line(lambda: runner.addresses[0][1], WebSocketFrames, 1)
    await line.start()
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"http://{LOOPBACK}:{line.port}/") as ws,
        ):
            line.weather = weather
            yield line, ws
    finally:
        await line.stop()
        await runner.cleanup()


async def test_a_line_brings_a_message_twice(socket_enabled: None) -> None:
    async with echo_behind_a_line(Weather(repeated=1.0)) as (_, ws):
        await ws.send_str("a")
        # Twice on the way there, and each of them twice on the way back.
        assert [await ws.receive_str() for _ in range(4)] == ["a"] * 4


async def test_a_line_lets_the_next_message_overtake(socket_enabled: None) -> None:
    async with echo_behind_a_line(FAIR) as (line, ws):
        line.weather = Weather(reordered=1.0)
        await ws.send_str("a")
        await asyncio.sleep(0.02)
        line.weather = FAIR
        await ws.send_str("b")
        assert [await ws.receive_str() for _ in range(2)] == ["b", "a"]


async def test_a_silent_line_brings_nothing_and_ends_nothing(
    socket_enabled: None,
) -> None:
    async with echo_behind_a_line(Weather(is_silent=True)) as (line, ws):
        await ws.send_str("lost")
        with pytest.raises(TimeoutError):
            await ws.receive(0.05)
        assert not ws.closed
        line.weather = FAIR
        await ws.send_str("heard")
        assert await ws.receive_str() == "heard"


async def test_a_slow_line_brings_all_of_it_later(socket_enabled: None) -> None:
    async with echo_behind_a_line(Weather(delay_s=0.02)) as (_, ws):
        loop = asyncio.get_running_loop()
        sent = loop.time()
        await ws.send_str("a")
        await ws.send_str("b")
        assert [await ws.receive_str() for _ in range(2)] == ["a", "b"]
        assert loop.time() - sent >= 0.04


def discharging(until_s: float) -> Measured:
    samples = [
        Sample(float(at), -5_000.0 if at < until_s else 0.0) for at in range(100, 160)
    ]
    payload = {"scheduleUpdate": {"setpoint": -5_000.0}}
    return Measured(
        samples=samples, calls=[Call(100.0, "UpdateDynamicSchedule", payload)]
    )


def facts(until_s: float) -> Facts:
    return Facts(
        measured=discharging(until_s),
        seen=Seen(began_mono_s=100.0, heartbeats=[100.0, 102.0, 104.0]),
        began_mono_s=100.0,
        ended_mono_s=160.0,
        meter_mono_s=tuple(map(float, range(100, 160))),
        recovery_s=10.0,
    )


def test_a_discharge_is_as_old_as_its_last_setpoint_and_heartbeat() -> None:
    found = facts(until_s=121.0)
    assert judge(found)["after_setpoint_s"] == 20.0
    assert judge(found)["after_heartbeat_s"] == 16.0
    found.windows.append(Window(begin_mono_s=101.0, end_mono_s=130.0))
    assert judge(found)["after_heartbeat_s"] == 20.0
    assert broken(found, judge(found)) == ()


@pytest.mark.parametrize(
    ("told_s", "late_s"), [(140.0, 20.0), (None, 41.0), (119.0, 41.0)]
)
def test_a_charge_from_rest_that_is_turned_round_is_no_dispatch(
    told_s: float | None, late_s: float
) -> None:
    found = facts(until_s=121.0)
    found.windows.append(Window(begin_mono_s=101.0, end_mono_s=160.0))
    samples = found.measured.samples
    samples[:] = [
        replace(sample, power_w=-900.0) if sample.mono_s == 142.0 else sample
        for sample in samples
    ]
    if told_s is not None:
        charge = {"scheduleUpdate": {"setpoint": 1_380.0}}
        found.measured.calls.append(Call(told_s, "UpdateDynamicSchedule", charge))
    late = judge(found)["after_heartbeat_s"]
    assert late == pytest.approx(late_s, abs=1.1)


@pytest.mark.parametrize(("until_s", "is_kept"), [(131.0, True), (132.0, False)])
def test_a_second_above_a_promise_is_a_miss(until_s: float, is_kept: bool) -> None:
    found = facts(until_s)
    found.windows.append(Window(begin_mono_s=101.0, end_mono_s=160.0))
    assert (broken(found, judge(found)) == ()) is is_kept


def test_time_in_which_the_plant_stood_still_does_not_count() -> None:
    found = facts(until_s=151.0)
    found.frozen.append(Window(begin_mono_s=105.0, end_mono_s=140.0))
    assert judge(found)["after_setpoint_s"] == 15.0


def test_a_discharge_is_as_old_as_the_last_reading_of_the_home() -> None:
    found = facts(until_s=131.0)
    found.windows.append(Window(begin_mono_s=101.0, end_mono_s=160.0))
    assert judge(found)["after_meter_s"] == 0.0
    found.meter_mono_s = (99.0, 120.0)
    assert judge(found)["after_meter_s"] == 20.0
    assert broken(found, judge(found)) == ()
    found.meter_mono_s = (92.0,)
    assert judge(found)["after_meter_s"] == 38.0
    assert [text.split()[0] for text in broken(found, judge(found))] == [
        "after_meter_s"
    ]


@pytest.mark.parametrize(
    ("left_w", "is_kept"), [(None, True), (200.0, True), (500.0, False)]
)
def test_what_has_to_end_a_discharge_has_ended_it(
    left_w: float | None, is_kept: bool
) -> None:
    found = facts(until_s=121.0)
    found.left_w = left_w
    assert (broken(found, judge(found)) == ()) is is_kept


def test_what_is_not_known_is_not_kept() -> None:
    found = facts(until_s=110.0)
    found.recovery_s = nan
    missed = broken(found, judge(found))
    assert [each.split()[0] for each in missed] == ["recovery_s"]


def test_energy_below_a_floor_counts_from_the_word_of_the_owner() -> None:
    found = facts(until_s=118.0)
    found.floor_mono_s, found.floor_end_mono_s = 106.0, 160.0
    figures = judge(found)
    assert figures["stop_s"] == 12.0
    assert figures["below_floor_wh"] == pytest.approx(12 * 5_000 / 3_600, abs=0.01)
    assert len(broken(found, figures)) == 2


class Shown(Entities):
    """Entities of a home that is a list."""

    def __init__(self, changes: list[StateChange]) -> None:
        self.all = changes

    def changes(self, domain: str, unique_id: str) -> list[StateChange]:
        return self.all


def reading(mono_s: float, kilowatt_hours: str) -> StateChange:
    return StateChange("sensor.energy", kilowatt_hours, {}, mono_s)


@pytest.mark.parametrize(("shown", "lost_wh"), [("1.050", 0.0), ("1.030", 20.0)])
def test_what_a_register_counted_and_an_entity_did_not_is_lost(
    monkeypatch: pytest.MonkeyPatch, shown: str, lost_wh: float
) -> None:
    shown_by_home = Shown([reading(5.0, "unknown"), reading(10.0, "1.000")])
    one = Direction(shown_by_home, "energy_discharged", "energy_export_wh")
    for at in range(0, 100, 2):
        one.note({"t_mono": float(at), "energy_export_wh": 400.0 + at})
    one.begin()
    monkeypatch.setattr(time, "monotonic", lambda: 50.0)
    one.mark("home_killed")
    # What arrives in the case itself may be old: only the next reading counts.
    shown_by_home.all.append(reading(40.0, "0.900"))
    assert one.look() == {}
    assert len(one.due) == 1
    # Nor does one that the next case has frozen, when it comes back.
    shown_by_home.all.append(reading(60.0, "0.950"))
    assert one.look() == {}
    shown_by_home.all.append(reading(60.0, shown))
    assert one.look() == {"home_killed": pytest.approx(lost_wh)}
    assert not one.due


def test_the_plan_is_the_same_each_time_and_breaks_no_program_twice() -> None:
    assert pairs() == pairs()
    assert len({case.name for case in (*singles(), *pairs())}) == len(FAULTS) + 40
    assert len(quick()) == len(QUICK) == 5
    for case in pairs():
        assert "+" in case.name
        one, other = case.faults
        assert one.name.split("_")[:2] != other.name.split("_")[:2]


def test_two_pairs_wait_for_the_inverter_and_clocks_step_one_at_a_time() -> None:
    slow = [case for case in pairs() if any(fault.waits_s for fault in case.faults)]
    assert len(slow) == 2
    clocks = ("home_clock", "aggregator_clock")
    down = {"home_killed", "home_frozen", "store_torn", "ledger_torn"}
    for case in pairs(400):
        names = {fault.name for fault in case.faults}
        assert not ("station_revoked" in names and names & down)
        shifted = [f.name for f in case.faults if f.name.startswith(clocks)]
        assert len(shifted) <= 1


FULL_DISK = """
import asyncio, os, sys
from pathlib import Path
from script.benches.faulty.disk import HomeDisk, take_own_mounts

async def main(may_mount: bool) -> None:
    folder = Path(sys.argv[1])
    disk = HomeDisk(may_mount=may_mount)
    disk.prepare(folder)
    found = ["own" if disk.is_own else "limited"]
    steps = (None, disk.fill(os.getpid()), disk.empty(os.getpid()))
    for number, step in enumerate(steps):
        if step is not None:
            await step
        try:
            (folder / f"store{number or ''}").write_bytes(b"x" * 100_000)
            found.append("written")
        except OSError as err:
            found.append(str(err.errno))
    disk.close()
    print(*found, (folder / "store").exists(), os.path.ismount(folder))

import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
asyncio.run(main(take_own_mounts() and sys.argv[2] == "mount"))
"""


@pytest.mark.parametrize(
    ("wish", "outcome"),
    [
        ("mount", "own written 28 written False False"),
        ("limit", "limited written 27 written True False"),
    ],
)
def test_a_disk_is_full_and_has_room_again(
    tmp_path: Path, wish: str, outcome: str
) -> None:
    folder = tmp_path / "home"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, folder, wish],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    if wish == "mount" and done.stdout.startswith("limited"):
        pytest.skip("nothing may be mounted here")
    assert done.stdout.strip() == outcome
    # What it mounted was never seen outside.
    assert (folder / "store").exists() is (wish == "limit")


def test_finished_cases_are_taken_up_again(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    first = Results(path)
    first.add(
        Result(
            name="home_killed",
            figures={"recovery_s": 12.0},
            broken=(),
            shown=("vpp_failed",),
            needs_person="the owner looks",
        )
    )
    assert "| yes, with a person |" in table(first.done.values())
    first.amend("home_killed", "ledger: no entry of c1")
    again = Results(path)
    again.load()
    assert again.done["home_killed"]["broken"] == ["ledger: no entry of c1"]
    assert again.worst("recovery_s") == 12.0
    assert again.worst("stop_s") == 0.0
    assert json.loads(path.read_text())["figures"] == {"recovery_s": 12.0}
    text = table(again.done.values())
    assert "Home Assistant killed" in text
    assert "`vpp_failed`" in text


def test_a_case_of_two_is_named_after_both() -> None:
    assert Case(faults=FAULTS[:2]).name == "home_killed+home_frozen"


def test_bytes_of_no_concern_are_passed_on_as_they_come() -> None:
    assert list(Chunks().units(b"abc")) == [(b"abc", False)]
