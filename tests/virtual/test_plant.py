"""The laws of the charger's power electronics."""

from dataclasses import replace
from itertools import pairwise
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.units import NotFiniteError
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    IDEAL,
    MEASURED_2019,
    PLANT_PRESETS,
    TYPICAL,
    Plant,
    PlantParameters,
    PowerEnvelope,
)

DT_S = 0.05

commands = st.lists(
    st.tuples(
        st.floats(-13_000, 13_000),
        st.floats(0.01, 6.0),
    ),
    min_size=1,
    max_size=8,
)
plants = st.builds(
    PlantParameters,
    dead_time_s=st.sampled_from([0.0, 0.5, 4.0, 7.0]),
    ramp_w_per_s=st.floats(200, 20_000),
    rest_s=st.sampled_from([0.0, 1.0, 2.5]),
    offset_discharge_w=st.floats(-500, 740),
    offset_charge_w=st.floats(-440, 500),
    offset_zero_w=st.floats(-100, 420),
)


def run(
    plant: Plant, plan: list[tuple[float, float]], dt_s: float = DT_S
) -> list[tuple[float, float]]:
    """Step a plan of (command, duration); return (time, power), the start included."""
    samples, now_s = [(0.0, plant.power_w)], 0.0
    for command_w, duration_s in plan:
        left_s = duration_s
        while left_s > 0:
            step_s = min(dt_s, left_s)
            plant.step(step_s, command_w)
            now_s += step_s
            left_s -= step_s
            samples.append((now_s, plant.power_w))
    return samples


@given(plants, commands)
def test_power_never_changes_faster_than_the_ramp(
    parameters: PlantParameters, plan: list[tuple[float, float]]
) -> None:
    for (t0, p0), (t1, p1) in pairwise(run(Plant(parameters), plan)):
        assert abs(p1 - p0) <= parameters.ramp_w_per_s * (t1 - t0) + 1e-6


@given(plants, commands)
def test_power_stays_inside_the_nameplate_plus_offset(
    parameters: PlantParameters, plan: list[tuple[float, float]]
) -> None:
    for _, power_w in run(Plant(parameters), plan):
        assert power_w <= max(
            parameters.max_charge_power_w + max(parameters.offset_charge_w, 0),
            parameters.offset_zero_w,
        )
        assert power_w >= min(
            -parameters.max_discharge_power_w + min(parameters.offset_discharge_w, 0),
            parameters.offset_zero_w,
        )


@given(plants, st.floats(-1379.9, 1379.9))
def test_nothing_flows_between_zero_and_the_minimum(
    parameters: PlantParameters, command_w: float
) -> None:
    plant = Plant(parameters)
    run(plant, [(8000.0, 12.0), (command_w, 80.0)], dt_s=0.5)
    assert plant.power_w == parameters.offset_zero_w


@given(plants, st.floats(1380, 11_000), st.sampled_from([1, -1]))
def test_steady_power_is_the_command_plus_the_offset_of_its_sign(
    parameters: PlantParameters, magnitude_w: float, sign: int
) -> None:
    plant = Plant(parameters)
    run(plant, [(sign * magnitude_w, 100.0)], dt_s=0.5)
    offset_w = parameters.offset_charge_w if sign > 0 else parameters.offset_discharge_w
    assert plant.power_w == pytest.approx(sign * magnitude_w + offset_w)


@given(
    st.sampled_from([0.0, 0.5, 4.0, 7.0]),
    st.floats(0.01, 0.3),
    st.floats(2000, 11_000),
)
def test_dead_time_is_exact_whatever_the_step(
    dead_time_s: float, dt_s: float, command_w: float
) -> None:
    plant = Plant(replace(IDEAL, dead_time_s=dead_time_s))
    for time_s, power_w in run(plant, [(command_w, 12.0)], dt_s=dt_s):
        if time_s <= dead_time_s:
            assert power_w == 0
        else:
            expected_w = min(command_w, (time_s - dead_time_s) * IDEAL.ramp_w_per_s)
            assert power_w == pytest.approx(expected_w, abs=1e-3)


@given(plants, commands, st.floats(0.03, 1.0))
def test_result_does_not_depend_on_the_step(
    parameters: PlantParameters, plan: list[tuple[float, float]], dt_s: float
) -> None:
    fine, coarse = Plant(parameters), Plant(parameters)
    run(fine, plan, dt_s=0.02)
    for command_w, duration_s in plan:
        coarse.step(duration_s, command_w)
    assert coarse.power_w == pytest.approx(fine.power_w, abs=1e-3)


@given(plants, commands)
def test_energy_of_the_steps_is_the_area_under_the_power(
    parameters: PlantParameters, plan: list[tuple[float, float]]
) -> None:
    plant, area_ws, energy_ws = Plant(parameters), 0.0, 0.0
    for command_w, duration_s in plan:
        left_s = duration_s
        while left_s > 0:
            step_s, before_w = min(0.01, left_s), plant.power_w
            moved = plant.step(step_s, command_w)
            assert moved.charged_ws >= 0
            assert moved.discharged_ws >= 0
            energy_ws += moved.charged_ws - moved.discharged_ws
            area_ws += (before_w + moved.power_w) / 2 * step_s
            left_s -= step_s
    # The trapezium of a step misses at most the corner inside of it.
    corners_ws = parameters.ramp_w_per_s * 0.01**2 * 4 * len(plan)
    assert energy_ws == pytest.approx(area_ws, abs=corners_ws + 1e-6)


def test_change_of_direction_rests_at_zero() -> None:
    plant = Plant(replace(IDEAL, rest_s=2.0))
    samples = run(plant, [(3300.0, 3.0), (-3300.0, 6.0)], dt_s=0.01)
    at_zero_s = [t for t, power_w in samples if power_w == 0 and t > 3.0]
    assert at_zero_s[-1] - at_zero_s[0] == pytest.approx(2.0, abs=0.02)
    assert plant.power_w == -3300


def test_same_direction_again_does_not_rest() -> None:
    plant = Plant(replace(IDEAL, rest_s=2.0))
    run(plant, [(3300.0, 3.0), (0.0, 1.5), (3300.0, 1.0)], dt_s=0.01)
    assert plant.power_w == pytest.approx(3300)


def test_vehicle_that_takes_nothing_gets_nothing() -> None:
    plant = Plant(IDEAL)
    for _ in range(100):
        plant.step(0.1, 5000.0, PowerEnvelope(highest_w=0.0, lowest_w=-11_000.0))
    assert plant.power_w == 0
    for _ in range(100):
        plant.step(0.1, 5000.0, PowerEnvelope(highest_w=4000.0, lowest_w=0.0))
    assert plant.power_w == 4000


def test_cut_drops_the_power_and_every_command_on_its_way() -> None:
    plant = Plant(TYPICAL)
    run(plant, [(-5000.0, 10.0), (-9000.0, 1.0)])
    assert plant.power_w == pytest.approx(-4850)
    plant.cut()
    assert plant.power_w == 0
    run(plant, [(0.0, 10.0)])
    assert plant.power_w == 0
    run(plant, [(-5000.0, 10.0)])
    assert plant.power_w == pytest.approx(-4850)


def test_noise_is_on_the_meter_only_and_repeats_with_its_seed() -> None:
    first, second = Plant(MEASURED_2019), Plant(MEASURED_2019)
    readings = [first.measured_w() for _ in range(500)]
    assert readings == [second.measured_w() for _ in range(500)]
    assert first.power_w == 0
    spread_w = (sum(r**2 for r in readings) / len(readings)) ** 0.5
    assert 40 < spread_w < 60


@pytest.mark.parametrize("name", sorted(PLANT_PRESETS))
def test_every_preset_reaches_full_discharge(name: str) -> None:
    plant = Plant(PLANT_PRESETS[name])
    run(plant, [(-11_000.0, 20.0)])
    offset_w = PLANT_PRESETS[name].offset_discharge_w
    assert plant.power_w == pytest.approx(-11_000 + offset_w)


@pytest.mark.parametrize(
    "changes",
    [
        {"ramp_w_per_s": 0.0},
        {"dead_time_s": -1.0},
        {"noise_w": float("nan")},
        {"offset_zero_w": float("inf")},
    ],
    ids=["no ramp", "dead time in the past", "noise that is no number", "infinite"],
)
def test_impossible_chargers_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotFiniteError):
        replace(FAST, **changes)
