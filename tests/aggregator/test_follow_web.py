"""Demands over HTTP, from a file and line by line; figures and alarms of the fleet."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from aggregator.follow_desk import FollowDesk

from .conftest import Rig


async def post(rig: Rig, body: str, content_type: str) -> tuple[int, Any]:
    headers = {"Content-Type": content_type}
    async with rig.http.post("/api/follow", data=body, headers=headers) as response:
        return response.status, await response.json()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("time,power_w\n0,-5000\n60,-4000\n", "text/csv"),
        ('{"points": [[0, -5000], [60, -4000]]}', "application/json"),
        ('{"power_w": -5000, "hold_s": 120}', "application/json"),
    ],
    ids=["rows", "points", "a live value"],
)
async def test_a_demand_is_taken_shown_and_ended(
    rig: Rig, body: str, content_type: str
) -> None:
    status, view = await post(rig, body, content_type)
    assert status == 202
    assert view["left_s"] == pytest.approx(120, abs=1)
    async with asyncio.timeout(5):
        while (await rig.call("GET", "/api/follow"))["unserved_w"] != -5_000:
            await asyncio.sleep(0.05)
    overview = await rig.call("GET", "/api/overview?homes=0")
    assert overview["alarms"] == ["5.0 kW of the demand find no home."]
    assert (await rig.call("DELETE", "/api/follow")) == {"stopped": True}
    assert (await rig.call("DELETE", "/api/follow")) == {"stopped": False}


@pytest.mark.parametrize(
    ("body", "content_type", "words"),
    [
        ("0,1", "text/plain", "application/json or text/csv"),
        ("0;1", "text/csv", "Line 1"),
        ("{", "application/json", "cannot be read"),
        ('{"points": 5}', "application/json", "must be a list"),
        ('{"points": [[0, true]]}', "application/json", "Point 1"),
        ('{"points": [[0, 1]], "power_w": 1}', "application/json", "power_w"),
        ('{"power_w": 1, "hold_s": 0}', "application/json", "hold_s"),
        ("{}", "application/json", "power_w"),
    ],
)
async def test_a_demand_that_makes_no_sense_is_explained(
    rig: Rig, body: str, content_type: str, words: str
) -> None:
    status, answer = await post(rig, body, content_type)
    assert status == 422
    assert words in answer["message"]


async def test_a_file_and_lines_feed_the_follower(rig: Rig, tmp_path: Path) -> None:
    desk = rig.service.desk
    path = tmp_path / "demand.csv"
    path.write_text("0,-100\n10,-200\n")
    await desk.feed(str(path))
    following = desk.follower.following
    assert following is not None
    assert following.series.powers_w == (-100, -200)
    reader = asyncio.StreamReader()
    reader.feed_data(b"-300\n\nnonsense\n-400\n")
    reader.feed_eof()
    await desk.follow_lines(reader)
    following = desk.follower.following
    assert following is not None
    assert following.series.powers_w == (-400,)


async def test_standard_input_is_followed_line_by_line(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = rig.service.desk
    read_end, write_end = os.pipe()
    with os.fdopen(read_end) as lines, os.fdopen(write_end, "w") as feeder:
        monkeypatch.setattr("sys.stdin", lines)
        feed = asyncio.create_task(desk.feed("-"))
        for power_w in (-3_000, -4_000):
            feeder.write(f"{power_w}\n")
            feeder.flush()
            async with asyncio.timeout(5):
                while (
                    desk.follower.following is None
                    or desk.follower.following.series.powers_w != (power_w,)
                ):
                    await asyncio.sleep(0.01)
        feeder.close()
        await feed


async def test_a_file_as_standard_input_is_explained(
    rig: Rig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "demand.txt").write_text("-3000\n")
    with (tmp_path / "demand.txt").open() as lines:
        monkeypatch.setattr("sys.stdin", lines)
        await rig.service.desk.feed("-")
    assert "give the file to --demand" in caplog.text


async def test_a_file_that_cannot_be_read_changes_nothing(
    rig: Rig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.service.desk.feed(str(tmp_path / "missing.csv"))
    assert rig.service.desk.follower.following is None
    assert "cannot be followed" in caplog.text


@pytest.mark.parametrize("text", ["{}", '{"points": [[0, 1]], "end_s": 9}', "[]"])
async def test_a_damaged_demand_of_the_last_term_is_not_followed(
    rig: Rig, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.stop()
    (rig.data / "following.json").write_text(text)
    await rig.start()
    desk: FollowDesk = rig.service.desk
    await desk.resume()
    assert desk.follower.following is None
    assert "cannot be read" in caplog.text


async def test_the_figures_of_a_followed_demand_are_there_for_prometheus(
    rig: Rig,
) -> None:
    await post(rig, '{"power_w": -5000}', "application/json")
    async with asyncio.timeout(5):
        while (await rig.call("GET", "/api/follow"))["unserved_w"] != -5_000:
            await asyncio.sleep(0.05)
    async with rig.http.get("/metrics") as response:
        lines = (await response.text()).splitlines()
    assert "v2g_vpp_following 1" in lines
    assert "v2g_vpp_demand_watts -5000" in lines
    assert "v2g_vpp_unserved_watts -5000" in lines
    assert "v2g_vpp_fairness NaN" in lines
    assert "v2g_vpp_alarms 1" in lines
