"""The evenings of the control benchmark."""

from itertools import pairwise
from pathlib import Path

import pytest

from script.benches.closed_loop import household, plots
from script.benches.closed_loop.fuse import Fused, charge_under_fuse
from script.benches.closed_loop.house import (
    Evening,
    HomeBattery,
    follow_house,
    follow_house_simply,
)
from script.benches.closed_loop.plants import HOUSE_PLANTS

TYPICAL = HOUSE_PLANTS["typical"]
KETTLE = [*[300.0] * 60, *[2_300.0] * 180, *[300.0] * 60]
FUSE_W = 25.0 * 230.0


@pytest.mark.parametrize("seed", range(1, 6))
def test_an_evening_is_large_powers_that_come_and_go(seed: int) -> None:
    load_w = household.evening(seed)
    assert load_w == household.evening(seed)
    assert sum(load_w) / 3.6e6 == pytest.approx(6.4, abs=0.3)
    assert min(load_w) >= household.STANDING_W
    steps = sum(abs(b - a) > 1_000.0 for a, b in pairwise(load_w))
    assert steps > 80
    phases = household.evening_by_phase(seed)
    assert len(phases) == 3
    assert max(max(phase) for phase in phases) < 4_800.0


def test_a_kettle_is_served_and_nothing_is_fed_in() -> None:
    ours = follow_house(TYPICAL, KETTLE)
    assert ours.export_kwh <= 0.01
    assert ours.import_kwh < 0.6 * sum(KETTLE) / 3.6e6
    assert ours.setpoints <= 4
    assert ours.sign_changes_per_hour == 0
    naive = follow_house_simply(TYPICAL, KETTLE, "naive_1_s")
    assert naive.export_kwh > ours.export_kwh
    assert naive.setpoints > 50


def test_a_battery_that_serves_the_home_is_left_alone() -> None:
    ours = follow_house(TYPICAL, KETTLE, HomeBattery(answers_in_s=1.0))
    assert ours.shuttled_kwh <= 0.005
    assert ours.import_kwh < 0.02
    assert ours.setpoints <= 2


def test_charging_makes_room_for_the_kettle() -> None:
    loads = ([300.0] * 300, [*[300.0] * 120, *[4_300.0] * 180], [300.0] * 300)
    result = charge_under_fuse(TYPICAL, loads)
    assert (result.late_s, result.hot_s) == (0, 0)
    assert max(result.phase_w[100:118]) < FUSE_W
    assert max(result.phase_w[120:125]) > FUSE_W
    assert max(result.phase_w[140:]) < FUSE_W
    assert result.energy_share > 0.9


def test_pictures_are_drawn(tmp_path: Path) -> None:
    evening = Evening(
        import_kwh=1.0,
        export_kwh=0.1,
        shuttled_kwh=0.0,
        setpoints=3,
        sign_changes_per_hour=0.0,
        operations_per_hour=1.0,
        grid_w=KETTLE,
        vehicle_w=KETTLE,
    )
    fused = Fused(late_s=0, hot_s=0, energy_share=1.0, phase_w=KETTLE, vehicle_w=KETTLE)
    plots.draw_evenings({"typical": (KETTLE, evening)}, tmp_path)
    plots.draw_fuse({"typical": fused}, tmp_path)
    for name in ("evening.png", "fuse.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
