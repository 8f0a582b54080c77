"""What the home's own cycles cost a battery."""

from dataclasses import replace
import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.wear import (
    LARGEST_KEPT_POINTS,
    WearMeter,
    marginal_cost_per_kwh,
)
from custom_components.v2g_vpp.domain.chemistry import Chemistry
from tests.control.given import VEHICLE

CAPACITY_WH = VEHICLE.capacity_wh
TEN_YEARS = 3_652

FLOWS = st.lists(st.tuples(st.floats(0, 3_000), st.floats(0, 3_000)), max_size=40).map(
    lambda flows: [(up, down) if up > down else (0.0, down) for up, down in flows]
)


def _swing(meter: WearMeter, depth: float, *, parts: int = 20) -> None:
    for _ in range(parts):
        meter.note(0.0, depth * CAPACITY_WH / parts, CAPACITY_WH)
    for _ in range(parts):
        meter.note(depth * CAPACITY_WH / parts, 0.0, CAPACITY_WH)


def _lost(chemistry: Chemistry, depth: float, count: int = TEN_YEARS) -> float:
    meter = WearMeter()
    for _ in range(count):
        _swing(meter, depth, parts=1)
    lost = meter.report(replace(VEHICLE, chemistry=chemistry)).capacity_loss_share
    assert lost is not None
    return lost


@pytest.mark.parametrize(
    ("chemistry", "depth", "expected"),
    [
        # At rest at 60 % less a daily swing around it, ten years at 20 °C (BLAST-Lite).
        pytest.param(Chemistry.NMC, 0.4, 0.981 - 0.958, id="nmc 40"),
        pytest.param(Chemistry.NCA, 0.1, 0.8833 - 0.8809, id="nca 10"),
        pytest.param(Chemistry.NCA, 0.4, 0.8833 - 0.8600, id="nca 40"),
        pytest.param(Chemistry.NCA, 0.6, 0.8833 - 0.8374, id="nca 60"),
        pytest.param(Chemistry.LFP, 0.1, 0.9717 - 0.9613, id="lfp 10"),
        pytest.param(Chemistry.LFP, 0.4, 0.9717 - 0.9314, id="lfp 40"),
        pytest.param(Chemistry.LFP, 0.6, 0.9717 - 0.9104, id="lfp 60"),
    ],
)
def test_ten_years_of_a_daily_swing_lose_what_the_cell_model_says(
    chemistry: Chemistry, depth: float, expected: float
) -> None:
    assert _lost(chemistry, depth) == pytest.approx(expected, rel=0.06)


def test_shallow_cycles_of_nca_are_cheaper_and_those_of_lfp_are_not() -> None:
    assert 4 * _lost(Chemistry.NCA, 0.1, 100) < 0.5 * _lost(Chemistry.NCA, 0.4, 100)
    assert 4 * _lost(Chemistry.LFP, 0.1, 100) == pytest.approx(
        _lost(Chemistry.LFP, 0.4, 100)
    )


def test_a_swing_is_one_equivalent_cycle_of_its_depth() -> None:
    meter = WearMeter()
    _swing(meter, 0.55)
    _swing(meter, 0.55)
    _swing(meter, 0.55)
    meter.note_operations(cold=6, hot=0)
    meter.note_operations(cold=0, hot=1)
    report = WearMeter.restored(meter.dump()).report(VEHICLE)
    assert report.equivalent_cycles == pytest.approx(1.65)
    assert report.charged_wh == pytest.approx(report.discharged_wh)
    # The first is a half until its begin is passed; the last is still open.
    assert sum(report.cycles_by_depth) == pytest.approx(report.cycles_by_depth[5])
    assert report.cycles_by_depth[5] >= 1.0
    assert (report.capacity_loss_share, report.cost) == (None, None)
    assert (report.cold_operations, report.hot_operations) == (6, 1)


def test_driving_is_not_ours_and_charging_for_it_costs_no_wear() -> None:
    meter = WearMeter()
    for _ in range(100):
        meter.note(10_000.0, 0.0, CAPACITY_WH)
    report = meter.report(replace(VEHICLE, chemistry=Chemistry.NMC))
    assert report.cost == 0.0
    assert report.equivalent_cycles > 0.0


def test_without_a_capacity_energy_alone_is_counted() -> None:
    meter = WearMeter()
    meter.note(100.0, 50.0, 0.0)
    assert (meter.charged_wh, meter.discharged_wh) == (100.0, 50.0)
    assert meter.equivalent_cycles == 0.0


@given(FLOWS, st.sampled_from(Chemistry))
def test_the_cost_never_falls_and_is_that_of_each_next_kwh(
    flows: list[tuple[float, float]], chemistry: Chemistry
) -> None:
    spec, meter, before = replace(VEHICLE, chemistry=chemistry), WearMeter(), 0.0
    for charged_wh, discharged_wh in flows:
        meter.note(charged_wh, discharged_wh, CAPACITY_WH)
        cost = meter.report(spec).cost
        assert cost is not None
        least = discharged_wh / 1_000 * marginal_cost_per_kwh(spec, 0.0)
        most = discharged_wh / 1_000 * marginal_cost_per_kwh(spec, 1.0)
        assert least - 1e-9 <= cost - before <= most + 1e-9
        before = cost


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from(Chemistry))
def test_deeper_is_never_cheaper_and_an_unknown_battery_is_the_dearest(
    one: float, other: float, chemistry: Chemistry
) -> None:
    low, high = sorted((one, other))
    known = replace(VEHICLE, chemistry=chemistry)
    assert marginal_cost_per_kwh(known, low) <= marginal_cost_per_kwh(known, high)
    assert marginal_cost_per_kwh(known, low) <= marginal_cost_per_kwh(VEHICLE, low)


@given(FLOWS, FLOWS)
def test_a_restart_changes_nothing(
    before: list[tuple[float, float]], after: list[tuple[float, float]]
) -> None:
    meter = WearMeter()
    for flow in before:
        meter.note(*flow, CAPACITY_WH)
    again = WearMeter.restored(json.loads(json.dumps(meter.dump())))
    for flow in after:
        meter.note(*flow, CAPACITY_WH)
        again.note(*flow, CAPACITY_WH)
    assert again.dump() == meter.dump()


@pytest.mark.parametrize(
    "torn",
    [
        {"charged_wh": -1.0},
        {"open_depth": "0"},
        {"discharge_cycles": float("nan")},
        {"points": [float("inf")]},
        {"points": [0.0] * (LARGEST_KEPT_POINTS + 1)},
        {"cycles": [0.0]},
        {"position": None},
    ],
)
def test_what_was_not_written_by_us_is_refused(torn: dict[str, Any]) -> None:
    with pytest.raises((TypeError, ValueError)):
        WearMeter.restored(WearMeter().dump() | torn)
