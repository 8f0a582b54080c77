"""Reports are collected, bounded, and given up when they stop coming."""

import asyncio

from custom_components.v2g_vpp.csms.model_rows import MAX_REPORT_ROWS
from custom_components.v2g_vpp.csms.reports import ReportInbox


async def test_a_report_is_complete_with_its_last_part() -> None:
    inbox = ReportInbox()
    number, report = inbox.open()
    assert inbox.find(number) is report
    assert inbox.find(float(number)) is report
    waiting = asyncio.create_task(report.wait())
    report.add(["a"], 1, is_last=False)
    await asyncio.sleep(0)
    assert not waiting.done()
    report.add(["b"], 1, is_last=True)
    assert await waiting
    assert report.items == ["a", "b"]
    inbox.close(number)
    inbox.close(number)
    assert inbox.find(number) is None
    assert inbox.find("text") is None


async def test_a_report_that_stops_coming_is_given_up() -> None:
    _, report = ReportInbox().open()
    report.add(["a"], 1, is_last=False)
    assert not await report.wait(idle_s=0.01)
    assert not await report.wait(total_s=0.01)


async def test_a_report_without_an_end_is_cut() -> None:
    _, report = ReportInbox().open()
    report.add([], MAX_REPORT_ROWS - 1, is_last=False)
    report.add(["x"], 10, is_last=False)
    assert await report.wait()
    assert report.items == []


def test_each_report_has_its_own_number() -> None:
    inbox = ReportInbox()
    assert inbox.open()[0] != inbox.open()[0]
