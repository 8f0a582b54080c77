"""A charger that does not stop, where a restart, a lost transaction or a quirk meets."""

from collections.abc import Mapping
import logging
from pathlib import Path
import time
from typing import Any

import pytest

from .entity_home import IDENTITY, EntityHome
from .entity_plants import PLAIN
from .quasar import REST_W
from .test_deaf import WITHOUT_A_WORD_S, expect_words, stop_in_vain
from .test_discharge import ASKED_W, discharge
from .virtual_hass import in_virtual_hass
from .worlds import GUARDED, plant_home


async def press_stop(home: EntityHome) -> None:
    button = home.entity("button", f"{IDENTITY}_1_emergency_stop")
    await home.act("button", "press", button)


async def reload(home: EntityHome) -> None:
    assert await home.hass.config_entries.async_reload(home.entry.entry_id)


@in_virtual_hass
async def test_a_discharge_without_a_transaction_is_told_0_w_until_it_hears(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN) as (home, plant):
        await home.prove()
        await discharge(home)
        await press_stop(home)
        await home.run(60)
        assert not home.evse.has_transaction
        plant.is_deaf = True
        began_s = time.monotonic()
        plant.charger.tell(ASKED_W)
        await home.run(300)
        assert "station_does_not_stop" in home.issues
        expect_words(plant, began_s)
        plant.is_deaf = False
        await home.until_power(0, WITHOUT_A_WORD_S, REST_W)


@pytest.mark.parametrize("told", [{}, {"watchdog_s": None}], ids=["told", "unknown"])
@in_virtual_hass
async def test_a_restart_does_not_put_off_the_own_end_of_a_charger(
    tmp_path: Path, ports: tuple[int, int], told: Mapping[str, Any]
) -> None:
    async with plant_home(tmp_path, ports[1], GUARDED, **told) as (home, plant):
        await home.prove()
        await discharge(home)
        await stop_in_vain(home, plant)
        await home.run(3)
        await reload(home)
        await home.until_power(0, 40, REST_W)
        await home.run(200)
        assert home.power_w == pytest.approx(0, abs=REST_W)


@in_virtual_hass
async def test_a_charger_whose_own_end_fails_after_a_restart_is_told_0_w_in_the_end(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], GUARDED) as (home, plant):
        await home.prove()
        await discharge(home)
        plant.charger.idle_timeout_s = None
        await stop_in_vain(home, plant)
        await reload(home)
        await home.run(120)
        began_s = time.monotonic()
        await home.run(120)
        expect_words(plant, began_s)


@in_virtual_hass
async def test_what_a_self_test_found_of_the_own_end_outlasts_a_restart(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    # Its owner's word of an end that the self-test did not find counts for nothing.
    async with plant_home(tmp_path, ports[1], PLAIN, watchdog_s=20) as (home, plant):
        await home.prove()
        await discharge(home)
        plant.is_deaf = True
        began_s = time.monotonic()
        await press_stop(home)
        await home.until(lambda: home.proof is None, 60, "a rung")
        await reload(home)
        await home.run(300)
        assert "station_does_not_stop" in home.issues
        expect_words(plant, began_s)


@in_virtual_hass
async def test_a_charger_that_shows_its_old_setpoint_makes_no_storm(
    tmp_path: Path, ports: tuple[int, int], caplog: pytest.LogCaptureFixture
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN, settle_s=1) as (home, plant):
        await home.prove()
        await discharge(home)
        await stop_in_vain(home, plant)
        await home.run(60)
        caplog.clear()
        began_s = time.monotonic()
        await home.run(600)
        expect_words(plant, began_s)
        told = [at_s for at_s, _ in plant.heard if at_s >= began_s]
        assert len(told) <= 600 / 4
        said = [
            record.getMessage()
            for record in caplog.records
            if "v2g_vpp" in record.name and record.levelno >= logging.INFO
        ]
        assert len(said) <= 2, said
