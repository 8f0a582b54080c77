"""Reports are collected, bounded, and given up when they stop coming."""

import asyncio

import pytest

from custom_components.v2g_vpp.csms.model_rows import MAX_REPORT_ROWS
from custom_components.v2g_vpp.csms.reports import ReportInbox, ReportKind


async def test_a_report_is_complete_with_its_last_part() -> None:
    inbox = ReportInbox()
    number, report = inbox.open(ReportKind.MODEL)
    assert inbox.find(number, ReportKind.MODEL) is report
    assert inbox.find(float(number), ReportKind.MODEL) is report
    waiting = asyncio.create_task(report.wait())
    report.add(["a"], 1, is_last=False)
    await asyncio.sleep(0)
    assert not waiting.done()
    report.add(["b"], 1, is_last=True)
    assert await waiting
    assert report.items == ["a", "b"]
    inbox.close(number)
    inbox.close(number)
    assert inbox.find(number, ReportKind.MODEL) is None
    assert inbox.find("text", ReportKind.MODEL) is None


@pytest.mark.parametrize(
    "kind", [kind for kind in ReportKind if kind is not ReportKind.MODEL]
)
def test_a_report_is_not_filled_by_messages_of_another_kind(kind: ReportKind) -> None:
    inbox = ReportInbox()
    number, _ = inbox.open(ReportKind.MODEL)
    assert inbox.find(number, kind) is None


async def test_a_report_that_stops_coming_is_given_up() -> None:
    _, report = ReportInbox().open(ReportKind.MODEL)
    report.add(["a"], 1, is_last=False)
    assert not await report.wait(idle_s=0.01)
    assert not await report.wait(total_s=0.01)


async def test_a_report_without_an_end_is_cut() -> None:
    _, report = ReportInbox().open(ReportKind.MODEL)
    report.add([], MAX_REPORT_ROWS - 1, is_last=False)
    report.add(["x"], 10, is_last=False)
    assert await report.wait()
    assert report.items == []


def test_each_report_has_its_own_number() -> None:
    inbox = ReportInbox()
    assert inbox.open(ReportKind.MODEL)[0] != inbox.open(ReportKind.MODEL)[0]
