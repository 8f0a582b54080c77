"""A charger that takes what it is told and does something else: the whole stop ladder."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
import time
from typing import Any

import pytest

from .entity_home import IDENTITY, EntityHome
from .entity_plants import PLAIN, EntityPlant
from .quasar import REST_W
from .test_discharge import ASKED_W, discharge
from .virtual_hass import in_virtual_hass
from .worlds import GUARDED, plant_home

LADDER_S = 120.0
"""All rungs, and a while at the top."""

WITHOUT_A_WORD_S = 12.0
"""As long as nobody need wait for the next 0 W to a charger that ends nothing itself."""


async def stop_in_vain(home: EntityHome, plant: EntityPlant) -> float:
    """Press stop at a charger that does not hear it; return when, s."""
    plant.is_deaf = True
    began_s = time.monotonic()
    await home.act(
        "button", "press", home.entity("button", f"{IDENTITY}_1_emergency_stop")
    )
    await home.until(
        lambda: "station_does_not_stop" in home.issues,
        LADDER_S,
        "the top of the ladder",
    )
    return began_s


def expect_words(plant: EntityPlant, since_s: float) -> None:
    """Expect that it was told 0 W, and nothing else, again and again until now."""
    told = [(at_s, value) for at_s, value in plant.heard if at_s >= since_s]
    assert all(value == 0 for _, value in told), told
    moments_s = [since_s, *(at_s for at_s, _ in told), time.monotonic()]
    gaps_s = [after - before for before, after in pairwise(moments_s)]
    assert max(gaps_s) <= WITHOUT_A_WORD_S, told


@pytest.mark.parametrize("told", [{}, {"watchdog_s": 20}], ids=["unknown", "wrong"])
@in_virtual_hass
async def test_a_charger_that_ends_nothing_itself_is_told_0_w_until_it_hears(
    tmp_path: Path, ports: tuple[int, int], told: Mapping[str, Any]
) -> None:
    # Its owner's word of an end that the self-test did not find counts for nothing.
    async with plant_home(tmp_path, ports[1], PLAIN, **told) as (home, plant):
        await home.prove()
        await discharge(home)
        began_s = await stop_in_vain(home, plant)
        await home.run(300)
        assert home.power_w == pytest.approx(ASKED_W, abs=300)
        expect_words(plant, began_s)
        plant.is_deaf = False
        await home.until_power(0, WITHOUT_A_WORD_S + 5, REST_W)
        # What it showed is not forgotten: only its owner lets it go on.
        assert "station_does_not_stop" in home.issues
        await home.run(60)
        assert home.power_w == pytest.approx(0, abs=REST_W)


@in_virtual_hass
async def test_a_floor_is_told_again_and_again_too(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN) as (home, plant):
        await home.prove()
        await discharge(home)
        plant.is_deaf = True
        began_s = time.monotonic()
        reserve = home.entity("number", "leaf_reserve")
        await home.act("number", "set_value", reserve, value=80)
        await home.run(300)
        assert "station_does_not_stop" in home.issues
        expect_words(plant, began_s)
        plant.is_deaf = False
        await home.until_power(0, WITHOUT_A_WORD_S + 5, REST_W)


@in_virtual_hass
async def test_a_charger_that_is_deaf_and_mute_is_told_0_w_until_it_hears(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN) as (home, plant):
        await home.prove()
        await discharge(home)
        plant.is_deaf = plant.is_silent = True
        began_s = time.monotonic()
        await home.run(300)
        # Half a minute until a meter that tells nothing is doubted.
        expect_words(plant, began_s + 45)
        plant.is_deaf = plant.is_silent = False
        await home.until_power(0, WITHOUT_A_WORD_S + 5, REST_W)


@in_virtual_hass
async def test_an_owner_who_presses_stop_again_is_heard(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN) as (home, plant):
        await home.prove()
        await discharge(home)
        await stop_in_vain(home, plant)
        await home.run(20)
        plant.is_deaf = False
        pressed_s = time.monotonic()
        await home.act(
            "button", "press", home.entity("button", f"{IDENTITY}_1_emergency_stop")
        )
        assert any(at_s >= pressed_s for at_s, _ in plant.heard)
        await home.until_power(0, WITHOUT_A_WORD_S, REST_W)


@pytest.mark.parametrize("told", [{}, {"watchdog_s": None}], ids=["told", "unknown"])
@in_virtual_hass
async def test_a_charger_with_an_end_of_its_own_is_left_alone_for_it(
    tmp_path: Path, ports: tuple[int, int], told: Mapping[str, Any]
) -> None:
    async with plant_home(tmp_path, ports[1], GUARDED, **told) as (home, plant):
        await home.prove()
        assert home.proof is not None
        assert home.proof.ends_by_itself
        await discharge(home)
        expiries = plant.charger.expiries
        await stop_in_vain(home, plant)
        # Each word would put it off.
        await home.until_power(0, 40, REST_W)
        assert plant.charger.expiries == expiries + 1
        await home.run(200)
        assert home.power_w == pytest.approx(0, abs=REST_W)
