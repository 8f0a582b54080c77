"""The day in the life: some of its minutes, and the page."""

import json
from pathlib import Path

import pytest

from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from script.benches import day
from script.benches.daylong import plan
from script.benches.daylong.ledger import dispatch_income, plain_cost

FAULT, CLEARED = plan.FAULT_MIN


def test_the_plan_of_the_day() -> None:
    load_w, sun_w = plan.load_w(), plan.sun_w()
    assert len(load_w) == len(sun_w) == plan.DAY_MIN * 60
    assert 8.0 < sum(load_w) / 3.6e6 < 14.0
    assert min(sun_w) == 0.0
    assert plan.PEAK_SUN_W * 0.9 < max(sun_w) <= plan.PEAK_SUN_W
    assert len(plan.IMPORT_PRICES) == 24
    for dispatch in plan.DISPATCHES:
        assert dispatch.from_min + dispatch.duration_min <= plan.DAY_MIN
    assert sum(visit.vehicle is None for visit in plan.VISITS) == 1


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_fault_in_a_dispatch_moves_it_to_the_other_vehicle(tmp_path: Path) -> None:
    begin = plan.DISPATCHES[2].from_min - 2
    lived = day.live(begin, CLEARED - begin)
    minutes = {line.minute: line for line in lived.ledger.minutes}
    assert sorted(minutes) == list(range(begin, CLEARED))
    before = minutes[FAULT - 2].outlets
    assert before[0].power_w + before[1].power_w == pytest.approx(-9_000.0, abs=250.0)
    faulted = minutes[FAULT + 2].outlets
    assert faulted[0].reason is Reason.FAULT
    assert faulted[0].power_w == pytest.approx(0.0, abs=100.0)
    assert faulted[1].owner is ControlOwner.VPP
    assert faulted[1].power_w == pytest.approx(-9_000.0, abs=250.0)
    assert lived.ledger.below_floor_wh == 0.0
    assert (lived.hot_operations, lived.accepted) == (0, 1)
    assert dispatch_income(lived.ledger) > 0.0
    assert plain_cost(lived.ledger.minutes) < 1.0

    figures = day.figures_of(lived, 1.0)
    assert figures["minutes_explained"] == CLEARED - begin
    day.write_page(lived, figures, tmp_path)
    assert (tmp_path / "day.png").read_bytes().startswith(b"\x89PNG")
    document = json.loads((tmp_path / "day.json").read_text())
    assert document["figures"] == figures
    assert all(o["text"] for line in document["minutes"] for o in line["outlets"])
