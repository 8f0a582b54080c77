"""A charger and a battery: what flows, when, and where it ends."""

from dataclasses import replace
from random import Random

from hypothesis import given, strategies as st
import pytest

from aggregator.rehearsal.plant import Plant, PlantFacts
from aggregator.rehearsal.profile import Manner, Mixture, profile

FACTS = PlantFacts(
    discharge_w=10_000,
    charge_w=11_000,
    minimum_w=1_380,
    dead_time_s=4.0,
    ramp_w_per_s=3_300,
    setpoint_interval_s=10.0,
    capacity_wh=60_000,
    floor_wh=18_000,
    gain=1.0,
    noise_w=50,
)


def plant(stored_wh: float = 40_000, **changes: float) -> Plant:
    return Plant(replace(FACTS, **changes), stored_wh, Random(1))  # type: ignore[arg-type]


def run(plant: Plant, begin_s: float, end_s: float, step_s: float = 0.5) -> None:
    now_s = begin_s
    while now_s <= end_s:
        plant.step(now_s)
        now_s += step_s


def test_nothing_flows_within_the_dead_time_and_then_it_ramps() -> None:
    charger = plant()
    charger.step(0)
    charger.ask(-6_600, 0)
    run(charger, 0, 3.5)
    assert charger.power_w == 0
    run(charger, 4.0, 4.5)
    assert charger.power_w == pytest.approx(-3_300)
    run(charger, 5.0, 10.0)
    assert charger.power_w == pytest.approx(-6_600)


def test_less_than_the_minimum_is_nothing() -> None:
    charger = plant()
    charger.step(0)
    charger.ask(1_379, 0)
    run(charger, 0, 20)
    assert charger.power_w == 0
    assert charger.measured_w() == 0


def test_delivery_ends_at_the_floor() -> None:
    charger = plant(stored_wh=18_005)
    charger.step(0)
    charger.ask(-10_000, 0)
    run(charger, 0, 60)
    assert charger.power_w == 0
    assert charger.stored_wh > 18_000 - 20
    assert charger.lowest_w == 0


@given(
    asks=st.lists(st.tuples(st.floats(0, 100), st.integers(-15_000, 15_000))),
    stored_wh=st.floats(10_000, 60_000),
)
def test_power_stays_within_the_nameplate_and_energy_adds_up(
    asks: list[tuple[float, int]], stored_wh: float
) -> None:
    charger = plant(stored_wh=stored_wh)
    for second in range(120):
        for at_s, power_w in asks:
            if int(at_s) == second:
                charger.ask(power_w, second)
        charger.step(second)
        assert -10_000 <= charger.power_w <= 11_000
    moved_wh = charger.charged_wh - charger.discharged_wh
    assert charger.stored_wh == pytest.approx(stored_wh + moved_wh)


def test_a_rehearsal_is_the_same_each_time_and_mixed_as_asked() -> None:
    mixture = Mixture(clamps=0.2, away=0.1, drops=0.1)
    homes = [profile(number, mixture) for number in range(1, 1001)]
    again = [profile(number, mixture) for number in range(1, 1001)]
    assert [home.manner for home in homes] == [home.manner for home in again]
    assert [home.plant.facts for home in homes] == [home.plant.facts for home in again]
    share = sum(home.manner is Manner.CLAMPS for home in homes) / 1000
    assert share == pytest.approx(0.2, abs=0.05)
    only = [profile(number, Mixture(clamps=0, away=0, drops=0)) for number in range(50)]
    assert {home.manner for home in only} == {Manner.OBEYS}
