"""What a ledger still gets when a programme or the power ends, and nothing later."""

import pytest

from custom_components.v2g_vpp.domain.ledger import EntryKind
from tests.site.home import PROGRAMME, Home
from tests.site.test_ledger import Ledger, home_order, ledger
from tests.site.virtual_time import in_virtual_time

__all__ = ["ledger"]


@in_virtual_time
async def test_a_closed_ledger_is_not_written_by_who_waited_for_the_disk(
    ledger: Ledger,
) -> None:
    async with Home() as home:
        desk = await ledger.open(home)
        await home.grant()
        ledger.is_full = True
        home.order(-5_000, duration_s=30)
        await home.run(70)
        assert ledger.written == [False]
        home.site.remove_programme(PROGRAMME, is_removed=True)
        ledger.is_full = False
        await desk.close()
        assert len(ledger.reports) == 1
        ledger.path.unlink()
        # A save takes the place of one that was put off, and the owner deletes it.
        ledger.store.crash()
        ledger.store.text = None
        desk.record(EntryKind.EVENT_REPORT, {"event_id": "late"})
        desk.save_later()
        desk.save_soon()
        await home.run(200)
        assert not ledger.path.exists()
        assert ledger.store.text is None


@in_virtual_time
async def test_an_event_that_leaving_ends_is_in_the_ledger(ledger: Ledger) -> None:
    async with Home() as home:
        desk = await ledger.open(home)
        await home.grant()
        home.order(-5_000, duration_s=600)
        await home.run(120)
        home.site.remove_programme(PROGRAMME, is_removed=True)
        await desk.close()
        (report,) = ledger.reports
        assert [one["status"] for one in report["commands"]] == ["cancelled"]
        assert report["delivered_wh"] > 100


@in_virtual_time
async def test_an_event_goes_on_when_the_setup_changes_meanwhile(
    ledger: Ledger,
) -> None:
    async with Home() as home:
        desk = await ledger.open(home)
        await home.grant()
        home_order(home, -5_000, event_id="peak-1", duration_s=600)
        await home.run(125)
        record = home.site._registry.programmes[PROGRAMME]
        home.site.remove_programme(PROGRAMME, is_removed=False)
        await desk.close()
        assert ledger.reports == []
        home.site.add_programme(PROGRAMME, record.port)
        await ledger.open(home)
        await home.run(150)
        (report,) = ledger.reports
        assert report["delivered_wh"] > 100
        assert report["commands"][0]["status"] == "interrupted"


@in_virtual_time
async def test_an_event_is_kept_from_its_first_second_on(ledger: Ledger) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        home.order(-5_000, duration_s=600)
        await home.run(10)
        await home.crash()
        ledger.store.crash()
        await home.restart()
        await ledger.open(home)
        await home.run(150)
        (report,) = ledger.reports
        assert [one["status"] for one in report["commands"]] == ["interrupted"]
        assert report["requested_wh"] == pytest.approx(5000 * 600 / 3600, abs=5)
