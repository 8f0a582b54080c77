"""The parts of the VPP bench: what they count, and that a miss is one."""

from dataclasses import replace
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.capability import Fingerprint
from custom_components.v2g_vpp.domain.ledger import (
    EntryKind,
    LedgerEntry,
    LedgerOwner,
    write_entry,
    write_genesis,
)
from script.benches.vpp_failsafe import Case, Swept, Watcher, sweep
from script.benches.vpp_losses import real_part, reports_part, swept_part
from script.benches.vpp_reports import Reported, count
from script.benches.vpp_wire import WirePath, WireWatcher
from tests.vpp.actors import HOME_SIGNER

AT = "2026-11-23T17:00:00.000Z"
OWNER = LedgerOwner(region="north", home_id="home-0001", programme_id="p")


def case(zero_s: float) -> Case:
    return Case(loss="lost", phase=0.0, zero_s=zero_s, committed_w=-10_000.0)


def swept(*zeros_s: float) -> Swept:
    return Swept(
        pair=("slow", "v21_dynamic"),
        cases=tuple(map(case, zeros_s)),
        fingerprint=Fingerprint(),
    )


@pytest.mark.parametrize(("zero_s", "is_met"), [(29.9, True), (30.1, False)])
def test_one_loss_above_the_promise_is_a_miss(zero_s: float, is_met: bool) -> None:
    for figures, targets in (
        swept_part([swept(12.0, 18.0), swept(zero_s)]),
        real_part({"killed_fast_v21_dynamic": 18.0, "frozen_slow": zero_s}),
    ):
        ((name, target),) = targets.items()
        assert target.is_met_by(figures[name]) is is_met


def test_a_sweep_tells_the_worst_of_each_charger() -> None:
    figures, _ = swept_part([swept(12.0, 18.0)])
    assert figures["failsafe_virtual_slow_v21_dynamic_s"] == 18.0
    assert figures["failsafe_virtual_cases"] == 2


def chain(*event_ids: str) -> list[dict[str, Any]]:
    last: LedgerEntry = write_genesis(HOME_SIGNER, "home-1", OWNER, AT)
    links = [last.to_header()]
    reports = []
    for event_id in event_ids:
        last = write_entry(
            *(HOME_SIGNER, "home-1", last, EntryKind.EVENT_REPORT, AT),
            {"event_id": event_id},
        )
        reports.append({"entry": last.to_json(), "links": links})
        links = []
    return reports


def test_an_event_counts_once_and_only_when_it_was_reported() -> None:
    first, second, third = chain("a", "b", "c")
    sent = ["a", "b", "c", "d"]
    told = count([first, first, second, third], sent)
    assert told == Reported(events=4, reported=3, times=4, broken=0)
    assert told.percent == 75.0
    assert count([first, third, second], sent).broken == 1
    _, targets = reports_part(told)
    assert not targets["reports_percent"].is_met_by(told.percent)


def frame(setpoint_w: float) -> str:
    return (
        '[2, "1", "UpdateDynamicSchedule", '
        f'{{"scheduleUpdate": {{"setpoint": {setpoint_w}}}}}]'
    )


async def test_a_way_to_the_wire_ends_with_the_call_that_says_so() -> None:
    watcher = WireWatcher()
    path = WirePath(None)  # type: ignore[arg-type]  # nobody sends here
    watcher.moved = path.note
    path.has_arrived = lambda setpoint_w: setpoint_w == 0
    watcher.frame_received('[2, "1", "TriggerMessage", {}]')
    watcher.frame_received(frame(-5_000))
    assert not path.arrived.done()
    watcher.frame_received(frame(0))
    assert path.arrived.done()


def test_an_export_counts_from_two_percent_of_the_rating() -> None:
    times = iter([1.0, 2.0])
    watcher = Watcher(lambda: next(times))
    watcher.power_sampled(-219.0, 0.0)
    assert watcher.export_mono_s == 0.0
    watcher.power_sampled(-221.0, 0.0)
    assert watcher.export_mono_s == 1.0


def test_the_slowest_of_homes_is_at_rest_in_time(socket_enabled: None) -> None:
    found = sweep(("slow", "neg_limit_16"), 1)
    assert [one.loss for one in found.cases] == ["lost", "frozen"]
    assert all(10.0 < one.zero_s <= 30.0 for one in found.cases)
    assert all(one.committed_w == -10_000 for one in found.cases)
    assert found.fingerprint.is_learnt
    assert replace(found, cases=(case(31.0),)).worst_s == 31.0
