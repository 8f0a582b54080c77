"""What a stop leaves of a transaction, by the quirks of a charger."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
import time
from typing import Any, Final

import pytest

from .entity_home import IDENTITY
from .entity_plants import PLAIN, EntityPlant
from .quasar import REST_W
from .test_deaf import expect_words, stop_in_vain
from .test_discharge import ASKED_W, discharge
from .virtual_hass import in_virtual_hass
from .worlds import GUARDED, plant_home


@in_virtual_hass
async def test_a_charger_that_rests_at_its_minimum_has_stopped_there(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    quirks: Mapping[str, Any] = {"stop_way": "minimum_power", "zero_forbidden": True}
    async with plant_home(tmp_path, ports[1], PLAIN, **quirks) as (home, plant):
        await home.run(60)
        await home.do("set_power", power=0, duration={"hours": 1})
        began_s = time.monotonic()
        await home.run(1_800)
        assert "station_does_not_stop" not in home.issues
        assert len([at_s for at_s, _ in plant.heard if at_s >= began_s]) < 10


@in_virtual_hass
async def test_a_transaction_whose_end_was_asked_for_ends_once_nothing_flows(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN) as (home, _):
        await home.prove()
        await discharge(home)
        await home.do("request_stop_transaction")
        await home.until(lambda: not home.evse.has_transaction, 30, "its end")
        assert home.power_w > ASKED_W / 4


SELDOM: Final[Mapping[str, Any]] = {"min_write_interval_s": 20, "settle_s": 30}
"""It likes no write sooner than 20 s after the last one."""


def gaps_s(plant: EntityPlant, since_s: float) -> list[float]:
    """Return the times between what it was told."""
    told = [at_s for at_s, _ in plant.heard if at_s >= since_s]
    return [after - before for before, after in pairwise(told)]


@in_virtual_hass
async def test_0_w_is_not_told_more_often_than_a_charger_bears(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN, **SELDOM) as (home, plant):
        await home.prove()
        await discharge(home)
        await stop_in_vain(home, plant)
        began_s = time.monotonic()
        await home.run(600)
        gaps = gaps_s(plant, began_s)
        assert max(gaps) <= 30
        assert len(gaps) <= 44
        # Its owner's stop does not wait for that.
        pressed_s = time.monotonic()
        button = home.entity("button", f"{IDENTITY}_1_emergency_stop")
        await home.act("button", "press", button)
        await home.run(1)
        assert any(at_s >= pressed_s for at_s, _ in plant.heard)


@in_virtual_hass
async def test_0_w_without_a_transaction_is_not_told_more_often_either(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN, **SELDOM) as (home, plant):
        await home.prove()
        await discharge(home)
        button = home.entity("button", f"{IDENTITY}_1_emergency_stop")
        await home.act("button", "press", button)
        await home.run(60)
        assert not home.evse.has_transaction
        plant.is_deaf = True
        plant.charger.tell(ASKED_W)
        await home.run(60)
        began_s = time.monotonic()
        await home.run(600)
        gaps = gaps_s(plant, began_s)
        assert min(gaps) >= 20
        assert max(gaps) <= 30


@in_virtual_hass
async def test_a_meter_that_fell_silent_before_the_power_shows_no_rest(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN) as (home, plant):
        await home.do("set_power", power=0, duration={"minutes": 30})
        await home.run(60)
        plant.is_silent = True
        await home.do("set_power", power=3_000, duration={"minutes": 30})
        await home.run(8)
        plant.is_deaf = True
        began_s = time.monotonic()
        button = home.entity("button", f"{IDENTITY}_1_emergency_stop")
        await home.act("button", "press", button)
        await home.run(300)
        assert home.power_w == pytest.approx(3_000, abs=300)
        expect_words(plant, began_s + 45)
        plant.is_deaf = plant.is_silent = False
        await home.until_power(0, 17, REST_W)
        await home.until(lambda: not home.evse.has_transaction, 30, "its end")


@in_virtual_hass
async def test_the_vehicle_is_known_yet_after_the_own_end_of_its_charger(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], GUARDED) as (home, plant):
        await home.prove()
        await discharge(home)
        await stop_in_vain(home, plant)
        await home.run(150)
        plant.is_deaf = False
        reset = home.entity("button", f"{IDENTITY}_1_reset_emergency_stop")
        await home.act("button", "press", reset)
        await home.run(30)
        assert not home.evse.has_transaction
        await home.do("set_power", power=3_000, duration={"minutes": 10})
        await home.until_power(3_000, 60)
        assert home.evse.vehicle_id == "leaf"
