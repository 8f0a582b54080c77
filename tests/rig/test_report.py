"""The report of a run: what failed is told, and hides nothing that comes after it."""

import json
from typing import Any

import pytest

from script.rig.report import FIGURES, Report
from script.rig.waiting import NotSeenError, expect, until


async def holds() -> dict[str, Any]:
    return {"seen": 7}


async def misses() -> dict[str, Any]:
    raise NotSeenError("expected 0 W within 30 s, saw -5000 W")


async def breaks() -> dict[str, Any]:
    empty: dict[str, Any] = {}
    return {"never": empty["missing"]}


def result_of(report: Report) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(report.as_json())
    return result


async def test_failed_step_says_what_was_expected_and_the_next_one_runs() -> None:
    report = Report(lambda _: None)
    assert not await report.run("first", misses)
    assert await report.run("second", holds)
    result = result_of(report)
    assert result["ok"] is False
    assert [step["ok"] for step in result["steps"]] == [False, True]
    expected = "expected 0 W within 30 s, saw -5000 W"
    assert result["steps"][0]["details"] == {"failed": expected}


async def test_step_that_all_need_ends_the_run_and_names_itself() -> None:
    report = Report(lambda _: None)
    await report.run("set up", misses, is_needed_later=True)
    assert not await report.run("later", holds)
    assert result_of(report)["steps"][1]["details"] == {"not run": "needs 'set up'"}


async def test_fault_of_the_rig_fails_its_step_with_the_place() -> None:
    report = Report(lambda _: None)
    assert not await report.run("step", breaks)
    details = result_of(report)["steps"][0]["details"]
    assert details["failed"].startswith("KeyError")
    assert "test_report.py" in details["where"]


async def test_run_is_ok_only_when_every_step_held() -> None:
    report = Report(lambda _: None)
    assert not report.is_ok
    await report.run("step", holds)
    assert report.is_ok
    result = result_of(report)
    assert result["ok"] is True
    assert {name: result[name] for name in FIGURES} == dict.fromkeys(FIGURES)


def test_figure_is_the_worst_of_its_values() -> None:
    report = Report(lambda _: None)
    for value in (12.04, 31.27, 7.0):
        report.worst("failsafe_s", value, 2)
    assert result_of(report)["failsafe_s"] == 31.27


async def test_waits_of_one_name_add_up() -> None:
    report = Report(lambda _: None)
    for _ in range(2):
        async with report.waits.named("link"):
            await until(lambda: True, 1, "anything")
    assert list(report.waits.seconds) == ["link"]


async def test_condition_that_never_holds_says_what_was_seen() -> None:
    with pytest.raises(NotSeenError, match=r"expected rain within 0 s, saw sun"):
        await until(lambda: None, 0, "rain", lambda: "sun")


def test_expectation_that_does_not_hold_says_what_was_seen() -> None:
    expect(1, "something", "nothing")
    with pytest.raises(NotSeenError, match=r"expected 0 W, saw 220 W"):
        expect(False, "0 W", "220 W")
