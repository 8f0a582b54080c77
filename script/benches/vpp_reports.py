"""Events around a restart of the broker, and their reports: the part "reports".

A real broker is killed when the first events are over and their reports are due, and
comes back ten seconds later; the aggregator connects after the home. The home records
with its real recorder and ledger, on disk. Counted is what the aggregator has in the end,
and its own check of the ledger's chain finds what is wrong.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
import tempfile
from typing import Any

from aggregator.chain import Head, chain_fault
from custom_components.v2g_vpp.domain.ledger import LedgerOwner
from custom_components.v2g_vpp.ledger_file import LedgerFile
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.site.ledger_desk import LedgerPorts
from custom_components.v2g_vpp.vpp.signing import HOME_KEY_ID, encode_base64url
from script.benches.vpp_failsafe import PROGRAMME, Watcher
from script.benches.vpp_home import (
    FAST_CHARGER,
    LinkedHome,
    linked_home,
    send_heartbeats,
)
from tests.site.stores import MemoryStore
from tests.vpp.actors import HOME, HOME_SIGNER, REGION
from tests.vpp.rig import run_blocking

POWER_W = -3_000
EVENT_S = 3.0
PERIOD_S = 4.0
DOWN_S = 10.0
LATER_S = 2.0
"""The aggregator connects this much after the home."""

REPORTED_S = 40.0
"""The recorder waits 15 s for a successor; then a report is due at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What came of the events."""

    events: int
    reported: int
    times: int
    """Reports that came, the repeated ones included."""

    broken: int
    """Reports whose place in the ledger's chain is wrong."""

    @property
    def percent(self) -> float:
        """Return the share of the events that were reported."""
        return round(100 * self.reported / self.events, 2)


async def measure_reports(events: int) -> Reported:
    """Dispatch events, half of them before the broker is killed; count the reports."""
    with tempfile.TemporaryDirectory(prefix="v2g_vpp-reports-") as name:
        directory = Path(name) / "home"
        watcher = Watcher(asyncio.get_running_loop().time)
        async with linked_home(directory, FAST_CHARGER, watcher) as linked:
            await _open_ledger(linked, directory)
            beating = asyncio.create_task(send_heartbeats(linked))
            await asyncio.sleep(1.0)
            sent = await _dispatch(linked, range(events // 2))
            # The first reports are due while there is no broker.
            await _restart_broker(linked)
            sent += await _dispatch(linked, range(events // 2, events))
            await _until_reported(linked, sent)
            beating.cancel()
            return count(linked.rig.aggregator.of("report"), sent)


def count(reports: Sequence[dict[str, Any]], sent: Sequence[str]) -> Reported:
    """Return what reports say of the events that were sent."""
    keys = {HOME_KEY_ID: encode_base64url(HOME_SIGNER.public_key)}
    head: Head | None = None
    seen: set[str] = set()
    broken = 0
    for report in reports:
        entry = report["entry"]
        if entry["hash"] in seen:
            continue
        seen.add(entry["hash"])
        if chain_fault(head, report["links"], entry, keys) is not None:
            broken += 1
            continue
        head = Head(sequence=entry["sequence"], hash=entry["hash"])
    told = {report["entry"]["body"]["event_id"] for report in reports}
    return Reported(
        events=len(sent),
        reported=len(told & set(sent)),
        times=len(reports),
        broken=broken,
    )


async def _open_ledger(linked: LinkedHome, directory: Path) -> None:
    home, rig = linked.home, linked.rig
    owner = LedgerOwner(region=REGION, home_id=HOME, programme_id=PROGRAMME)
    path = directory / "ledger.jsonl"
    ports = LedgerPorts(
        book=LedgerFile(path, owner, HOME_SIGNER, verify_signature),
        store=MemoryStore(),
        run_blocking=run_blocking,
        clock=home.clock,
        spawn=home._spawn,  # noqa: SLF001 - it ends with the home
        tell=rig.link.send_report,
        written=lambda _: None,
        changed_by_hand=lambda _: None,
    )
    await home.site.use_ledger(PROGRAMME, ports)
    rig.on_heard = home.site.report_heard


async def _dispatch(linked: LinkedHome, numbers: range) -> list[str]:
    aggregator = linked.rig.aggregator
    sent = []
    for number in numbers:
        event_id = f"event-{number}"
        command_id = aggregator.command(
            power_w=POWER_W, event_id=event_id, end_s=EVENT_S
        )
        ack = await aggregator.ack_of(command_id)
        if ack["status"] != "accepted":
            raise RuntimeError(f"not followed: {ack}")
        sent.append(event_id)
        await asyncio.sleep(PERIOD_S)
    return sent


async def _restart_broker(linked: LinkedHome) -> None:
    rig = linked.rig
    linked.broker.kill()
    rig.aggregator.close()
    await asyncio.sleep(DOWN_S)
    linked.broker.start()
    await rig.until(lambda: rig.link.is_connected)
    await asyncio.sleep(LATER_S)
    await rig.aggregator.connect(run_blocking)
    aggregator = rig.aggregator
    await aggregator.wait_for(lambda: len(aggregator.of("hello")) > 1, 15.0)
    await rig.synchronised()
    aggregator.heartbeat()


async def _until_reported(linked: LinkedHome, sent: Sequence[str]) -> None:
    aggregator = linked.rig.aggregator

    def all_reported() -> bool:
        return count(aggregator.of("report"), sent).reported == len(sent)

    try:
        await aggregator.wait_for(all_reported, REPORTED_S)
    except TimeoutError:
        return
