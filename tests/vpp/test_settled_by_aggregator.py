"""Reports and settlements between our link and the reference aggregator."""

import asyncio
from dataclasses import replace

from custom_components.v2g_vpp.domain.ledger import (
    EntryKind,
    LedgerOwner,
    write_entry,
    write_genesis,
)
from custom_components.v2g_vpp.domain.settlement import Settlement
from custom_components.v2g_vpp.domain.wall_time import format_moment
from custom_components.v2g_vpp.system_clock import SystemClock
from tests.aggregator.conftest import Rig as AggregatorRig

from .actors import HOME_SIGNER, RecordingHome
from .schemas import example
from .test_reporting import home as home_picture
from .test_with_aggregator import HOME, enrolled_link, operator

__all__ = ["operator"]


async def test_an_event_is_reported_settled_and_told_again_after_a_restart(
    operator: AggregatorRig,
) -> None:
    heard: list[int] = []
    settlements: list[Settlement] = []
    home = RecordingHome()
    link = await enrolled_link(
        operator,
        home,
        on_heard=lambda _, sequence: heard.append(sequence),
        on_settlement=lambda _, settlement: settlements.append(settlement),
    )
    at = format_moment(SystemClock().utcnow())
    owner = LedgerOwner(region="north", home_id=HOME, programme_id="evening-peak")
    genesis = write_genesis(HOME_SIGNER, "home-1", owner, at)
    body = example("report")["entry"]["body"]
    entry = write_entry(
        HOME_SIGNER, "home-1", genesis, EntryKind.EVENT_REPORT, at, body
    )
    link.publish(home_picture())
    link.send_report(entry, [genesis.to_header()])
    await link.start()
    try:
        async with asyncio.timeout(5):
            while not settlements:
                await asyncio.sleep(0.02)
        assert heard == [1]
        assert settlements[0].event_id == body["event_id"]
        assert settlements[0].accepted_wh == body["delivered_wh"]
        view = await operator.until(HOME, lambda v: v["ledger"]["sequence"] == 1)
        assert view["ledger"]["faults"] == 0
        overview = await operator.call("GET", "/api/overview")
        assert overview["settlements"][0]["event_id"] == body["event_id"]
        await operator.stop()
        await operator.start()
        async with asyncio.timeout(10):
            while len(settlements) < 2:
                await asyncio.sleep(0.02)
        assert settlements[1] == settlements[0]
        second = write_entry(
            HOME_SIGNER, "home-1", entry, EntryKind.EVENT_REPORT, at, body
        )
        link.send_report(replace(second, body={**body, "delivered_wh": 9}), [])
        view = await operator.until(HOME, lambda v: v["ledger"]["faults"] == 1)
        assert view["counters"]["broken_ledger"] == 1
        assert len(settlements) == 2
    finally:
        await link.stop()
