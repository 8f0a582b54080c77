"""A small fleet at a real broker: it follows, and outlives its leader and its broker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from aggregator.clock import SystemClock
from aggregator.errors import DataDirectoryError
from aggregator.rehearsal.command import prepare_homes
from aggregator.rehearsal.enrolment import ensure_open_files
from aggregator.rehearsal.fleet import Fleet, RehearsalOptions, run_fleet
from aggregator.rehearsal.profile import Mixture
from aggregator.settings import DataDirectory, Endpoint
from aggregator.tasks import ended
from script.rig.broker import Broker, BrokerFiles

from .conftest import Rig

HOMES = 10
EVENTUALLY_S = 25.0
OBEDIENT = Mixture(clamps=0, away=0, drops=0)


async def eventually(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(EVENTUALLY_S):
            while not condition():
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"never: {what}")


class Rehearsal:
    """Broker, leader and homes."""

    def __init__(self, rig: Rig, fleet: Fleet) -> None:
        self.rig = rig
        self.fleet = fleet

    def committed_w(self) -> int:
        return sum(home.gate.setpoint_w for home in self.fleet.homes)

    def known(self) -> int:
        leader = self.rig.service.leader
        now_mono_s, now = leader.clock.monotonic(), leader.clock.utcnow()
        return sum(home.is_ready(now_mono_s, now) for home in leader.homes.values())

    async def all_known(self) -> None:
        await eventually(lambda: self.known() == HOMES, "all homes are known")

    async def follows(self, power_w: int) -> None:
        await eventually(lambda: self.committed_w() == power_w, f"{power_w} W")

    def check_nothing_twice(self) -> None:
        for home in self.fleet.homes:
            assert set(home.gate.applied.values()) <= {1}
            assert not home.gate.counters["unsigned"]
            assert not home.gate.counters["schema"]


@pytest.fixture
async def rehearsal(
    data: Path, tmp_path: Path, socket_enabled: None
) -> AsyncIterator[Rehearsal]:
    assert prepare_homes(DataDirectory(data), HOMES) == HOMES
    async with AsyncExitStack() as stack:
        broker = stack.enter_context(
            Broker(tmp_path / "broker", BrokerFiles.in_data_directory(data))
        )
        rig = Rig(data, broker, stack, tmp_path)
        stack.push_async_callback(rig.stop)
        await rig.start()
        options = RehearsalOptions(
            data=DataDirectory(data),
            broker=Endpoint(host="127.0.0.1", port=broker.port),
            homes=HOMES,
            mixture=OBEDIENT,
        )
        fleet = await stack.enter_async_context(run_fleet(options, SystemClock()))
        rehearsal = Rehearsal(rig, fleet)
        await rehearsal.all_known()
        yield rehearsal


async def test_homes_follow_a_demand_posted_over_http_until_it_is_taken_back(
    rehearsal: Rehearsal,
) -> None:
    rig = rehearsal.rig
    points = [[0, -30_000], [600, 0]]
    view = await rig.call("POST", "/api/follow", {"points": points})
    assert view["following"]
    await rehearsal.follows(-30_000)
    await rig.call("POST", "/api/follow", {"power_w": -42_000, "hold_s": 600})
    await rehearsal.follows(-42_000)
    await eventually(
        lambda: sum(home.plant.power_w for home in rehearsal.fleet.homes) < -30_000,
        "power flows",
    )
    assert (await rig.call("DELETE", "/api/follow"))["stopped"]
    await rehearsal.follows(0)
    rehearsal.check_nothing_twice()


async def test_a_new_leader_goes_on_with_the_demand_and_nothing_is_applied_twice(
    rehearsal: Rehearsal,
) -> None:
    rig = rehearsal.rig
    await rig.call("POST", "/api/follow", {"points": [[0, -30_000], [600, 0]]})
    await rehearsal.follows(-30_000)
    commands = sum(home.gate.applied.total() for home in rehearsal.fleet.homes)
    epoch = rig.service.leader.term.epoch
    await rig.stop()
    await rig.start()
    assert rig.service.leader.term.epoch == epoch + 1
    await rehearsal.all_known()
    follower = rig.service.desk.follower
    await eventually(lambda: follower.following is not None, "the demand goes on")
    await eventually(
        lambda: (
            sum(home.gate.applied.total() for home in rehearsal.fleet.homes) > commands
        ),
        "the new leader commands",
    )
    await rehearsal.follows(-30_000)
    rehearsal.check_nothing_twice()
    assert all(home.gate.counters["failed"] == 0 for home in rehearsal.fleet.homes)


async def test_after_a_broker_restart_all_come_back_at_their_own_moment(
    rehearsal: Rehearsal,
) -> None:
    rig = rehearsal.rig
    await rig.call("POST", "/api/follow", {"points": [[0, -30_000], [600, 0]]})
    await rehearsal.follows(-30_000)
    await asyncio.to_thread(rig.broker.kill)
    await eventually(lambda: rehearsal.fleet.connected == 0, "all have noticed")
    await asyncio.to_thread(rig.broker.start)
    await eventually(lambda: rehearsal.fleet.connected == HOMES, "all are back")
    moments = [home.connected_mono_s or 0.0 for home in rehearsal.fleet.homes]
    assert max(moments) - min(moments) > 0.1
    await rehearsal.all_known()
    await rehearsal.follows(-30_000)
    rehearsal.check_nothing_twice()


async def test_homes_without_heartbeats_stop_and_come_back(
    rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.rehearsal.home.WATCHDOG_S", 2.5)
    rig = rehearsal.rig
    await rig.call("POST", "/api/follow", {"points": [[0, -30_000], [600, 0]]})
    await rehearsal.follows(-30_000)
    await rig.call("POST", "/api/heartbeat", {"enabled": False})
    await rehearsal.follows(0)
    assert (await rig.call("GET", "/api/overview"))["alarms"]
    await rig.call("POST", "/api/heartbeat", {"enabled": True})


def test_homes_are_prepared_once(data: Path) -> None:
    directory = DataDirectory(data)
    assert prepare_homes(directory, 3) == 3
    assert prepare_homes(directory, 3) == 0
    assert prepare_homes(directory, 4) == 1
    text = directory.access_list.read_text()
    assert text.count("user north--rehearsal-") == 4


def test_too_few_open_files_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (256, 512))
    with pytest.raises(DataDirectoryError, match="ulimit -n 1064"):
        ensure_open_files(1_000)


async def test_homes_that_were_never_prepared_are_explained(data: Path) -> None:
    options = RehearsalOptions(
        data=DataDirectory(data), broker=Endpoint(host="127.0.0.1", port=1), homes=2
    )
    with pytest.raises(DataDirectoryError, match="rehearsal-00001 has no certificate"):
        async with run_fleet(options, SystemClock()):
            pass


async def test_a_home_that_drops_vanishes_without_a_word_and_comes_back(
    data: Path, tmp_path: Path, socket_enabled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aggregator.rehearsal.fleet.FIRST_DROP_S", (0.2, 0.3))
    monkeypatch.setattr("aggregator.rehearsal.fleet.DROPPED_S", (0.5, 0.6))
    prepare_homes(DataDirectory(data), 1)
    files = BrokerFiles.in_data_directory(data)
    with Broker(tmp_path / "broker", files) as broker:
        options = RehearsalOptions(
            data=DataDirectory(data),
            broker=Endpoint(host="127.0.0.1", port=broker.port),
            homes=1,
            mixture=Mixture(clamps=0, away=0, drops=1),
            record=tmp_path / "record.jsonl",
        )
        async with run_fleet(options, SystemClock()) as fleet:
            (home,) = fleet.homes
            await eventually(lambda: home.connection >= 3, "two more connections")
        assert "disconnected" in broker.log_text() or "closed" in broker.log_text()
    assert (tmp_path / "record.jsonl").read_text().count("\n") >= 1
    assert fleet.summary()["homes"][0]["manner"] == "drops"


async def test_whoever_waits_for_an_end_can_beended() -> None:
    async def slow_to_end() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)

    task = asyncio.create_task(slow_to_end())
    await asyncio.sleep(0)
    waiting = asyncio.create_task(ended(task))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.wait({task})
