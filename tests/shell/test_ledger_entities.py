"""The ledger of a programme: sensors, the event of a settlement, and two actions."""

import asyncio
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
import shutil
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.dispatch import CommandKind, DispatchOrder
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.ledger import EntryKind
from custom_components.v2g_vpp.domain.ledger_picture import Earning
from custom_components.v2g_vpp.domain.settlement import (
    Comparison,
    Deduction,
    DeductionCode,
    Outcome,
    Settlement,
)
from custom_components.v2g_vpp.sensor_ledger import earned
from custom_components.v2g_vpp.settlement_text import DEDUCTIONS, SENTENCES, sentence
from script.rig.ledger_file_check import main
from tests.repository import INTEGRATION
from tests.shell.home import Home
from tests.shell.test_event_entities import programme_device
from tests.shell.test_programme_entities import PREFIX, subentries

__all__ = ["subentries"]

PROGRAMME = ProgrammeId("evening-peak")
BODY = json.loads(
    (INTEGRATION.parents[1] / "docs/vpp_contract/examples/report.json").read_text()
)["entry"]["body"]


@pytest.fixture
def folder(hass: HomeAssistant) -> Path:
    return Path(hass.config.config_dir)


def report(home: Home, event_id: str = "peak-1", **changes: Any) -> None:
    desk = home.site._registry.programmes[PROGRAMME].ledger
    assert desk is not None
    start = dt_util.utcnow().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    desk.record(
        EntryKind.EVENT_REPORT,
        {
            **BODY,
            "event_id": event_id,
            "delivered_wh": 5000,
            "score_permille": 950,
            "start": start,
            **changes,
        },
    )


def settle(home: Home, event_id: str = "peak-1", **changes: Any) -> None:
    home.site.settlement_received(
        PROGRAMME,
        Settlement(
            **{
                "settlement_id": f"settlement-{event_id}",
                "event_id": event_id,
                "accepted_wh": 4900,
                "amount_minor": 123,
                "currency": "EUR",
                "deductions": (
                    Deduction(code=DeductionCode.OUT_OF_TOLERANCE, energy_wh=100),
                ),
                **changes,
            }
        ),
    )


async def settled(home: Home, hass: HomeAssistant) -> None:
    desk = home.site._registry.programmes[PROGRAMME].ledger
    assert desk is not None
    async with asyncio.timeout(5):
        while desk._is_writing:
            await asyncio.sleep(0.005)
            if (DOMAIN, "ledger_unwritten_evening-peak") in ir.async_get(hass).issues:
                break
    await home.tick()
    await hass.async_block_till_done(wait_background_tasks=False)


async def call(hass: HomeAssistant, home: Home, action: str, **data: Any) -> Any:
    return await hass.services.async_call(
        DOMAIN,
        action,
        {"device_id": programme_device(hass, home), **data},
        blocking=True,
        return_response=True,
    )


async def test_what_was_paid_is_told_in_one_sentence_and_summed_up(
    hass: HomeAssistant, home: Home
) -> None:
    await settled(home, hass)
    assert home.state("sensor", "performance_score", PREFIX).state == "unknown"
    assert float(home.state("sensor", "earnings_month", PREFIX).state) == 0
    report(home)
    await settled(home, hass)
    assert float(home.state("sensor", "performance_score", PREFIX).state) == 95
    settle(home)
    await settled(home, hass)
    told = home.state("event", "settlement", PREFIX)
    assert told.attributes["event_type"] == "deducted"
    assert told.attributes["sentence"] == (
        "You were paid for 4.90 of 5.00 kWh: 0.10 kWh was deducted for more than "
        "samples and meter show."
    )
    assert told.attributes["paid_wh"] == 4900
    assert told.attributes["amount"] == 1.23
    earnings = home.state("sensor", "earnings_month", PREFIX)
    assert float(earnings.state) == 1.23
    assert earnings.attributes["unit_of_measurement"] == "EUR"


async def test_the_promise_of_a_dispatch_is_shown(
    hass: HomeAssistant, home: Home
) -> None:
    assert float(home.state("sensor", "committed_energy", PREFIX).state) == 0
    now = dt_util.utcnow()
    record = home.site._registry.programmes[PROGRAMME]
    record.orders = (
        DispatchOrder(
            order_id="order-1",
            programme_id=PROGRAMME,
            kind=CommandKind.SETPOINT,
            resource=None,
            power_w=-5000.0,
            start_at=now,
            end_at=now + timedelta(hours=1),
            start_mono_s=1e9,
            ends_mono_s=1e9 + 3600.0,
        ),
    )
    await home.tick()
    assert float(home.state("sensor", "committed_energy", PREFIX).state) == 5.0


async def test_the_ledger_is_exported_and_verified(
    hass: HomeAssistant, home: Home, folder: Path
) -> None:
    report(home)
    await settled(home, hass)
    inline = await call(hass, home, "export_ledger")
    assert [e["kind"] for e in inline["entries"]] == ["genesis", "event_report"]
    for kind in ("json", "csv"):
        answer = await call(hass, home, "export_ledger", save_as=kind)
        path = Path(answer["file"])
        assert path.parent == folder / DOMAIN
        assert answer["entries"] == 2
        assert main([str(path)]) == 0
    assert await call(hass, home, "verify_ledger") == {
        "is_good": True,
        "good_entries": 2,
        "first_broken_entry": None,
        "flaw": None,
    }


async def test_a_changed_ledger_is_told_by_the_action_and_a_repair(
    hass: HomeAssistant, home: Home, folder: Path
) -> None:
    report(home)
    await settled(home, hass)
    path = folder / ".storage" / "v2g_vpp.ledger.evening-peak.jsonl"
    path.write_bytes(path.read_bytes().replace(b"peak-1", b"peak-7"))
    assert await call(hass, home, "verify_ledger") == {
        "is_good": False,
        "good_entries": 1,
        "first_broken_entry": 2,
        "flaw": "hash",
    }
    issues = ir.async_get(hass).issues
    assert (DOMAIN, "ledger_changed_evening-peak") in issues
    assert await hass.config_entries.async_unload(home.entry.entry_id)
    assert (DOMAIN, "ledger_changed_evening-peak") not in issues


async def test_a_disk_that_takes_nothing_is_a_repair_until_it_does(
    hass: HomeAssistant, home: Home, folder: Path
) -> None:
    storage = folder / ".storage"
    storage.rename(folder / "away")
    report(home)
    await settled(home, hass)
    issues = ir.async_get(hass).issues
    assert (DOMAIN, "ledger_unwritten_evening-peak") in issues
    (folder / "away").rename(storage)
    # A request for another certificate may lie there already.
    await hass.async_block_till_done()
    shutil.rmtree(folder / DOMAIN, ignore_errors=True)
    (folder / DOMAIN).write_text("in the way")
    with pytest.raises(HomeAssistantError, match="could not be written"):
        await call(hass, home, "export_ledger", save_as="csv")


async def test_the_actions_are_for_programmes(hass: HomeAssistant, home: Home) -> None:
    with pytest.raises(ServiceValidationError):
        await hass.services.async_call(
            DOMAIN,
            "verify_ledger",
            {"device_id": home.device_id("site")},
            blocking=True,
            return_response=True,
        )


def earning(amount_minor: int, day: int, currency: str = "EUR") -> Earning:
    at = datetime(2026, 11, day, tzinfo=UTC)
    return Earning(started_at=at, amount_minor=amount_minor, currency=currency)


def test_only_this_month_in_the_currency_of_the_programme_is_summed() -> None:
    begin = datetime(2026, 11, 10, tzinfo=UTC)
    assert earned((), "SEK", begin) == (0.0, "SEK")
    earnings = (earning(100, 9), earning(150, 11, "SEK"), earning(250, 12))
    assert earned(earnings, "SEK", begin) == (2.5, "EUR")


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("code", DeductionCode)
def test_every_outcome_has_a_sentence(outcome: Outcome, code: DeductionCode) -> None:
    texts = json.loads((INTEGRATION / "translations" / "en.json").read_text())
    flat = {
        f"component.{DOMAIN}.exceptions.{key}.message": value["message"]
        for key, value in texts["exceptions"].items()
    }
    assert set(SENTENCES) == set(Outcome)
    assert set(DEDUCTIONS) == set(DeductionCode)
    comparison = Comparison(
        settlement=Settlement(
            settlement_id="s",
            event_id="e",
            accepted_wh=4900,
            amount_minor=1,
            currency="EUR",
            deductions=(Deduction(code=code, energy_wh=100),),
        ),
        outcome=outcome,
        delivered_wh=5000,
    )
    told = sentence(comparison, flat)
    assert "4.90" in told or outcome is Outcome.AGREED
    assert "{" not in told
