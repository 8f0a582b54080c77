"""Closed loop beside a household: an evening of cooking, clouds, a home battery."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest

from custom_components.v2g_vpp.domain.capability import Fingerprint
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.site_meters import PhaseMap, SiteWiring
from custom_components.v2g_vpp.virtual.plant import MEASURED_2019, PlantParameters
from tests.control.given import KEY, READY, with_policy
from tests.control.household import (
    HomeBattery,
    Household,
    evening_w,
    turns_per_hour,
)

HOURS = 1.5
SECONDS = round(HOURS * 3600)

FREE = replace(MEASURED_2019, minimum_power_w=0.0, offset_zero_w=0.0)
"""A charger that can do any power: then what is missed is missed by control."""


def household(
    load_w: Callable[[int], float],
    mode: Mode = Mode.SELF_CONSUMPTION,
    plant: PlantParameters = FREE,
    *,
    wiring: SiteWiring | None = None,
    battery: HomeBattery | None = None,
) -> Household:
    learnt = Fingerprint(
        dead_time_s=plant.dead_time_s,
        ramp_w_per_s=plant.ramp_w_per_s,
        offset_discharge_w=plant.offset_discharge_w,
        offset_charge_w=plant.offset_charge_w,
        offset_zero_w=plant.offset_zero_w,
        minimum_power_w=plant.minimum_power_w,
        is_learnt=True,
    )
    return Household(
        evse=replace(with_policy(READY, mode=mode), fingerprint=learnt),
        parameters=plant,
        load_w=load_w,
        wiring=wiring or SiteWiring(),
        battery=battery,
    )


@cache
def cooking() -> list[float]:
    return evening_w(1)[2_400 : 2_400 + SECONDS]


@pytest.mark.parametrize(
    ("dead_time_s", "exported_wh"), [(0.5, 40.0), (4.0, 100.0), (7.0, 160.0)]
)
def test_an_evening_of_cooking_is_followed_without_feeding_the_grid(
    dead_time_s: float, exported_wh: float
) -> None:
    """The hour and a half of an evening in which a naive loop exports kilowatt-hours."""
    load_w = cooking()
    home = household(load_w.__getitem__, plant=replace(FREE, dead_time_s=dead_time_s))
    home.run(SECONDS - 1)
    needed_wh = sum(load_w) / 3_600
    assert home.exported_wh <= exported_wh
    # Pulses of a hob, a little import on purpose and the wait for more are bought.
    assert home.imported_wh <= 0.4 * needed_wh
    asked = [write.power_w for write in home.rig.writes]
    assert turns_per_hour(asked, HOURS) == 0


@pytest.mark.parametrize("answers_in_s", [1.0, 5.0])
def test_a_home_battery_and_the_vehicle_do_not_feed_each_other(
    answers_in_s: float,
) -> None:
    load_w = cooking()
    battery = HomeBattery(answers_in_s=answers_in_s)
    home = household(load_w.__getitem__, battery=battery)
    home.run(SECONDS - 1)
    assert home.shuttled_wh <= 50.0
    asked = [write.power_w for write in home.rig.writes]
    assert turns_per_hour(asked, HOURS) == 0
    served_wh = 42_000.0 - home.rig.charger.stored_wh
    assert served_wh <= 0.2 * sum(load_w) / 3_600, "the battery serves the home"


@pytest.mark.parametrize("answers_in_s", [1.0, 5.0])
def test_an_empty_home_battery_leaves_the_evening_to_the_vehicle(
    answers_in_s: float,
) -> None:
    load_w = cooking()
    battery = HomeBattery(answers_in_s=answers_in_s, stored_wh=0.0)
    home = household(load_w.__getitem__, battery=battery)
    home.run(SECONDS - 1)
    assert 42_000.0 - home.rig.charger.stored_wh >= 0.5 * sum(load_w) / 3_600
    assert home.shuttled_wh <= 50.0


def test_clouds_do_not_make_the_charger_click() -> None:
    # Twenty minutes of sun, then clouds that come and go each two minutes.
    def load_w(second: int) -> float:
        is_cloudy = second > 1_200 and second % 240 < 120
        return -600.0 if is_cloudy else -4_000.0

    home = household(load_w, Mode.SOLAR, MEASURED_2019)
    home.run(3_600)
    powers_w = [power_w for _, power_w in home.rig.powers_w]
    starts = sum(1 for a, b in pairwise(powers_w) if a < 500.0 <= b)
    assert starts == 1
    assert min(powers_w) >= 0


def test_a_step_of_the_house_is_off_the_fuse_within_dead_time_and_ramp() -> None:
    fuse_w = 25.0 * 230.0
    plant = replace(MEASURED_2019, dead_time_s=4.0, offset_charge_w=0.0)

    def load_w(second: int) -> float:
        return 4_500.0 if 60 <= second < 300 else 500.0

    wiring = SiteWiring(
        phase_count=1, fuse_a=25.0, phase_maps={KEY: PhaseMap(phases=(1,))}
    )
    home = household(load_w, Mode.CHARGE_NOW, plant, wiring=wiring)
    home.run(360)
    over = [second for second, w in enumerate(home.grids_w) if w > 1.02 * fuse_w]
    allowed_s = plant.dead_time_s + 5_000.0 / plant.ramp_w_per_s + 2.0
    assert over
    assert over[0] >= 59
    assert over[-1] <= 60 + allowed_s
    before_w, after_w = home.grids_w[50], home.grids_w[-1]
    assert before_w >= 0.92 * fuse_w
    assert after_w >= 0.92 * fuse_w
