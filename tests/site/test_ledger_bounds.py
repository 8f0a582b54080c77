"""What an aggregator sends without end does not grow a home's ledger without end."""

import json

from custom_components.v2g_vpp.domain.ledger import EntryKind
from tests.site.home import PROGRAMME, Home
from tests.site.test_ledger import Ledger, ledger, settlement
from tests.site.virtual_time import in_virtual_time

__all__ = ["ledger"]


@in_virtual_time
async def test_what_cannot_become_an_entry_holds_nothing_else_up(
    ledger: Ledger,
) -> None:
    async with Home() as home:
        desk = await ledger.open(home)
        await home.grant()
        desk.record(EntryKind.EVENT_REPORT, {"event_id": "odd", "start": 1.5})
        home.order(-5_000, duration_s=30)
        await home.run(70)
        assert [report["event_id"] for report in ledger.reports] == ["order-1"]


@in_virtual_time
async def test_settlements_without_end_are_not_all_kept(
    ledger: Ledger,
) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        home.order(-5_000, duration_s=120)
        await home.run(200)
        for number in range(300):
            home.site.settlement_received(PROGRAMME, settlement(f"no-{number}", 500))
            home.site.settlement_received(
                PROGRAMME, settlement("order-1", 5, settlement_id=f"s-{number}")
            )
        await home.run(3)
        kept = [e for e in ledger.entries if e.kind is EntryKind.SETTLEMENT]
        of_event = [e for e in kept if e.body["event_id"] == "order-1"]
        assert len(of_event) == 8
        assert len(kept) - len(of_event) == 64


@in_virtual_time
async def test_an_open_part_that_cannot_be_read_is_kept_beside_the_new_one(
    ledger: Ledger,
) -> None:
    torn = {"drafts": [], "pending": [["of tomorrow", {}]], "unheard": [1]}
    ledger.store.text = json.dumps(torn)
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        for _ in range(2):
            home.order(-5_000, duration_s=30)
            await home.run(100)
            assert ledger.store.document["rejected"] == torn
            await home.crash()
            await home.restart()
            await ledger.open(home)
            home.reconnect()
            await home.run(20)
        assert ledger.store.document["rejected"] == torn
        assert ledger.reports
