"""Each dispatched event becomes one report in the ledger, whatever happens meanwhile."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.errors import LedgerNotWritten, UnknownProgramme
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.ledger import (
    EntryKind,
    LedgerEntry,
    LedgerOwner,
)
from custom_components.v2g_vpp.domain.settlement import (
    Deduction,
    DeductionCode,
    Outcome,
    Settlement,
)
from custom_components.v2g_vpp.domain.snapshot import ProgrammeSnapshot
from custom_components.v2g_vpp.ledger_file import LedgerFile
from custom_components.v2g_vpp.pki.signing import Ed25519Signer, verify_signature
from custom_components.v2g_vpp.site.ledger_desk import LedgerDesk, LedgerPorts
from tests.site.home import PROGRAMME, Home
from tests.site.stores import MemoryStore
from tests.site.virtual_time import in_virtual_time

HOME = Ed25519Signer(b"h" * 32)
OWNER = LedgerOwner(region="north", home_id="home-1", programme_id=PROGRAMME)


class Ledger:
    """The ledger of a home over restarts, with a disk that may refuse."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = MemoryStore()
        self.told: list[tuple[LedgerEntry, Sequence[Mapping[str, Any]]]] = []
        self.written: list[bool] = []
        self.changed: list[str] = []
        self.is_full = False

    async def open(self, home: Home) -> LedgerDesk:
        book = LedgerFile(self.path, OWNER, HOME, verify_signature)

        async def run_blocking[T](work: Callable[[], T]) -> T:
            if self.is_full:
                raise LedgerNotWritten("ledger", "full")
            return work()

        return await home.site.use_ledger(
            PROGRAMME,
            LedgerPorts(
                book=book,
                store=self.store,
                run_blocking=run_blocking,
                clock=home.clock,
                spawn=lambda coro, name: home._spawn(coro, name, of_site=True),
                tell=lambda entry, links: self.told.append((entry, links)),
                written=self.written.append,
                changed_by_hand=self.changed.append,
            ),
        )

    @property
    def entries(self) -> tuple[LedgerEntry, ...]:
        return LedgerFile(self.path, OWNER, HOME, verify_signature).read()[0]

    @property
    def reports(self) -> list[Mapping[str, Any]]:
        return [e.body for e in self.entries if e.kind is EntryKind.EVENT_REPORT]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def programme(home: Home) -> ProgrammeSnapshot:
    found = home.site.snapshot.programme(PROGRAMME)
    assert found is not None
    return found


def settlement(event_id: str, accepted_wh: int, **changes: Any) -> Settlement:
    return Settlement(
        **{
            "settlement_id": f"settlement-{event_id}-{accepted_wh}",
            "event_id": event_id,
            "accepted_wh": accepted_wh,
            "amount_minor": 120,
            "currency": "EUR",
            **changes,
        }
    )


@in_virtual_time
async def test_a_dispatch_becomes_one_signed_report(ledger: Ledger) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        await home.run(320)
        home.order(-5_000, duration_s=300)
        await home.run(2)
        assert programme(home).committed_wh == pytest.approx(416.7, abs=1)
        await home.run(340)
        (report,) = ledger.reports
        assert report["event_id"] == "order-1"
        assert report["requested_wh"] == pytest.approx(417, abs=2)
        true_wh = 5_000 * 300 / 3600
        assert 0.9 * true_wh < report["delivered_wh"] < true_wh
        baseline = report["baseline"]
        assert baseline["power_w"] == pytest.approx(0, abs=50)
        assert (baseline["method"], baseline["samples"]) == ("meter_before", 300)
        (command,) = report["commands"]
        assert (command["status"], command["committed_w"]) == ("done", -5000)
        (registers,) = report["registers"]
        counted_wh = registers["discharged_wh_end"] - registers["discharged_wh_start"]
        assert counted_wh == pytest.approx(report["delivered_wh"], rel=0.1)
        assert len(report["series"]["power_w"]) == pytest.approx(300, abs=2)
        kinds = {quality for quality, _ in report["series"]["quality"]}
        assert "stale" not in kinds
        (entry, links), *rest = ledger.told
        assert not rest
        assert entry.body == report
        assert [link["kind"] for link in links] == ["genesis"]
        assert (await home.site.verify_ledger(PROGRAMME)).break_ is None
        picture = programme(home).ledger
        assert picture is not None
        assert picture.score_percent is not None
        assert picture.score_percent > 90
        assert programme(home).committed_wh == 0


@in_virtual_time
async def test_commands_of_one_event_are_one_report(ledger: Ledger) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        for power_w in (-3_000, -6_000, -4_000):
            order = home_order(home, power_w, event_id="peak-1", duration_s=120)
            assert order
            await home.run(60)
        await home.run(100)
        (report,) = ledger.reports
        assert report["event_id"] == "peak-1"
        assert report["command_count"] == 3
        assert [one["status"] for one in report["commands"]] == [
            "superseded",
            "superseded",
            "done",
        ]
        assert report["requested_wh"] == pytest.approx(
            (3000 * 60 + 6000 * 60 + 4000 * 120) / 3600, abs=5
        )


def home_order(
    home: Home, power_w: float, *, event_id: str | None = None, **changes: Any
) -> bool:
    """Send an order that belongs to an event."""
    real = home.site.receive_order
    is_test = changes.pop("is_test", False)
    home.site.receive_order = lambda order: real(  # type: ignore[method-assign]  # adds what the helper has no word for
        replace(order, event_id=event_id, is_test=is_test)
    )
    try:
        return bool(home.order(power_w, **changes))
    finally:
        del home.site.receive_order


@in_virtual_time
async def test_a_cancelled_order_asked_only_until_then(ledger: Ledger) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        home.order(-5_000, duration_s=600)
        await home.run(60)
        home.site.cancel_order(PROGRAMME, "order-1")
        await home.run(30)
        (report,) = ledger.reports
        assert report["commands"][0]["status"] == "cancelled"
        assert report["requested_wh"] == pytest.approx(5000 * 60 / 3600, abs=3)


@in_virtual_time
async def test_what_the_home_ends_stays_asked(ledger: Ledger) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        home.order(-5_000, duration_s=600)
        await home.run(60)
        home.station.unplug()
        await home.run(60)
        (report,) = ledger.reports
        assert report["commands"][0]["status"] == "failed"
        assert report["requested_wh"] == pytest.approx(5000 * 600 / 3600, abs=3)
        assert report["delivered_wh"] < 5000 * 60 / 3600


@in_virtual_time
async def test_a_test_is_marked_and_has_no_part_in_the_score(ledger: Ledger) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        home_order(home, -5_000, duration_s=60, is_test=True)
        await home.run(120)
        (report,) = ledger.reports
        assert report["test"] is True
        picture = programme(home).ledger
        assert picture is not None
        assert picture.score_percent is None


@in_virtual_time
async def test_a_limit_asks_for_no_energy(ledger: Ledger) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        home.order(2_000, duration_s=60, kind=CommandKind.LIMIT)
        await home.run(120)
        (report,) = ledger.reports
        assert report["requested_wh"] == 0
        assert report["score_permille"] is None


@in_virtual_time
async def test_a_restart_in_the_middle_leaves_a_gap_and_one_report(
    ledger: Ledger,
) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        home_order(home, -5_000, event_id="peak-1", duration_s=600)
        await home.run(130)
        await home.crash()
        await home.run(40)
        await home.restart()
        await ledger.open(home)
        home.reconnect()
        await home.run(30)
        home_order(home, -5_000, event_id="peak-1", duration_s=300)
        await home.run(350)
        (report,) = ledger.reports
        assert report["command_count"] == 2
        assert [one["status"] for one in report["commands"]] == ["interrupted", "done"]
        (gap,) = report["interruptions"]
        assert gap["start"] < gap["end"]
        assert report["unmeasured_s"] >= 40
        assert ledger.changed == []


@in_virtual_time
async def test_an_event_that_nobody_goes_on_with_ends_as_interrupted(
    ledger: Ledger,
) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        home.order(-5_000, duration_s=600)
        await home.run(130)
        await home.crash()
        await home.restart()
        await ledger.open(home)
        await home.run(150)
        (report,) = ledger.reports
        assert report["commands"][0]["status"] == "interrupted"
        assert report["requested_wh"] == pytest.approx(5000 * 600 / 3600, abs=5)
        await home.crash()
        await home.restart()
        await ledger.open(home)
        await home.run(150)
        assert len(ledger.reports) == 1


@in_virtual_time
async def test_a_report_is_told_again_until_it_was_heard(ledger: Ledger) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        for number in range(2):
            home.order(-5_000, duration_s=30)
            await home.run(60 + number)
        first, second = (entry.sequence for entry, _ in ledger.told)
        home.site.report_heard(PROGRAMME, first)
        home.site.report_heard(PROGRAMME, first)
        home.site.report_heard(ProgrammeId("other"), first)
        await home.run(120)
        await home.crash()
        await home.restart()
        ledger.told.clear()
        await ledger.open(home)
        ((entry, links),) = ledger.told
        assert entry.sequence == second
        assert links == []
        assert len(ledger.reports) == 2


@in_virtual_time
async def test_a_full_disk_is_told_and_nothing_is_lost(ledger: Ledger) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        ledger.is_full = True
        home.order(-5_000, duration_s=30)
        await home.run(100)
        assert ledger.written == [False]
        assert ledger.reports == []
        with pytest.raises(LedgerNotWritten):
            await home.site.verify_ledger(PROGRAMME)
        await home.crash()
        await home.restart()
        await ledger.open(home)
        await home.run(100)
        assert ledger.reports == []
        ledger.is_full = False
        await home.run(120)
        assert len(ledger.reports) == 1
        assert ledger.written[-1] is True


@in_virtual_time
async def test_a_settlement_is_compared_once_and_kept(ledger: Ledger) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        home.order(-5_000, duration_s=120)
        await home.run(200)
        delivered_wh = ledger.reports[0]["delivered_wh"]
        paid = settlement(
            "order-1",
            delivered_wh - 20,
            deductions=(Deduction(code=DeductionCode.OUT_OF_TOLERANCE, energy_wh=20),),
        )
        for _ in range(3):
            home.site.settlement_received(PROGRAMME, paid)
        home.site.settlement_received(ProgrammeId("other"), paid)
        await home.run(3)
        home.site.settlement_received(PROGRAMME, paid)
        home.site.settlement_received(PROGRAMME, settlement("nothing", 500))
        await home.run(3)
        kept = [e for e in ledger.entries if e.kind is EntryKind.SETTLEMENT]
        assert [e.body["outcome"] for e in kept] == ["deducted", "unknown_event"]
        picture = programme(home).ledger
        assert picture is not None
        assert [n.comparison.outcome for n in picture.settlements] == [
            Outcome.DEDUCTED,
            Outcome.UNKNOWN_EVENT,
        ]
        assert picture.settlements[0].comparison.difference_wh == 20
        assert len(picture.earnings) == 2
        home.site.settlement_received(
            PROGRAMME, settlement("order-1", delivered_wh, amount_minor=150)
        )
        await home.run(3)
        picture = programme(home).ledger
        assert picture is not None
        assert sorted(e.amount_minor for e in picture.earnings) == [120, 150]


@in_virtual_time
async def test_who_changes_the_ledger_is_found(ledger: Ledger) -> None:
    async with Home() as home:
        await ledger.open(home)
        await home.grant()
        home.order(-5_000, duration_s=30)
        await home.run(60)
        ledger.path.write_bytes(
            ledger.path.read_bytes().replace(b"order-1", b"order-2")
        )
        found = await home.site.verify_ledger(PROGRAMME)
        assert found.break_ is not None
        assert ledger.changed == ["hash"]
        await home.crash()
        await home.restart()
        await ledger.open(home)
        assert ledger.changed[1:] == ["ledger.jsonl.changed-1"]


@in_virtual_time
async def test_a_programme_without_a_ledger_says_so(ledger: Ledger) -> None:
    async with Home() as home:
        with pytest.raises(UnknownProgramme):
            await home.site.read_ledger(PROGRAMME)
        assert programme(home).ledger is None
        await ledger.open(home)
        entries, seal = await home.site.read_ledger(PROGRAMME)
        assert entries == ()
        assert seal is None
        home.site.remove_programme(PROGRAMME, is_removed=True)
        with pytest.raises(UnknownProgramme):
            await home.site.verify_ledger(PROGRAMME)
