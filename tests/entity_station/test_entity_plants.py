"""The chargers behind template entities do what such chargers do."""

import asyncio
from dataclasses import replace
from pathlib import Path
import time

from homeassistant.core import HomeAssistant
import pytest

from .entity_plants import (
    CLOUD,
    ENABLED,
    FAULT,
    NEVER_ZERO,
    PLAIN,
    POWER,
    REST_W,
    SCRIPT,
    SETPOINT,
    SOC,
    STATE,
    EntityPlant,
)
from .virtual_hass import in_virtual_hass, virtual_hass

NEAR_W = 250.0


async def set_number(hass: HomeAssistant, value: float) -> None:
    await hass.services.async_call(
        "number", "set_value", {"entity_id": SETPOINT, "value": value}, blocking=True
    )


def shown(hass: HomeAssistant, entity_id: str) -> str:
    state = hass.states.get(entity_id)
    assert state is not None, entity_id
    return state.state


@in_virtual_hass
async def test_charger_follows_its_number_and_its_script(tmp_path: Path) -> None:
    async with (
        virtual_hass(tmp_path) as hass,
        EntityPlant(hass, time.monotonic) as plant,
    ):
        assert shown(hass, STATE) == "plugged"
        assert shown(hass, FAULT) == "ok"
        assert float(shown(hass, SOC)) == 60.0
        await set_number(hass, -3_000)
        await asyncio.sleep(10)
        assert plant.power_w == pytest.approx(-3_000, abs=NEAR_W)
        assert float(shown(hass, POWER)) == pytest.approx(-3_000, abs=NEAR_W)
        await hass.services.async_call(
            "script",
            "turn_on",
            {
                "entity_id": SCRIPT,
                "variables": {"power_w": 4_000, "duration_s": 60},
            },
            blocking=True,
        )
        await asyncio.sleep(10)
        assert plant.power_w == pytest.approx(4_000, abs=NEAR_W)
        await set_number(hass, 0)
        await asyncio.sleep(600)
        assert plant.power_w == pytest.approx(0, abs=REST_W)
        assert plant.written == [-3_000, 4_000, 0]


@in_virtual_hass
async def test_without_a_timeout_a_discharge_goes_on(tmp_path: Path) -> None:
    async with (
        virtual_hass(tmp_path) as hass,
        EntityPlant(hass, time.monotonic) as plant,
    ):
        await set_number(hass, -3_000)
        await asyncio.sleep(1_200)
        assert plant.power_w == pytest.approx(-3_000, abs=NEAR_W)


@in_virtual_hass
async def test_with_a_timeout_a_discharge_ends_by_itself(tmp_path: Path) -> None:
    kind = replace(PLAIN, idle_timeout_s=20.0)
    async with (
        virtual_hass(tmp_path) as hass,
        EntityPlant(hass, time.monotonic, kind) as plant,
    ):
        await set_number(hass, -3_000)
        await asyncio.sleep(15)
        assert plant.power_w == pytest.approx(-3_000, abs=NEAR_W)
        await asyncio.sleep(10)
        assert plant.power_w == pytest.approx(0, abs=REST_W)


@in_virtual_hass
@pytest.mark.parametrize("value", [0, 900, -900])
async def test_charger_without_a_zero_is_faulted_by_one(
    tmp_path: Path, value: float
) -> None:
    async with (
        virtual_hass(tmp_path) as hass,
        EntityPlant(hass, time.monotonic, NEVER_ZERO) as plant,
    ):
        await set_number(hass, -1_000)
        await asyncio.sleep(10)
        assert shown(hass, FAULT) == "ok"
        assert plant.power_w == pytest.approx(-1_000, abs=NEAR_W)
        await set_number(hass, value)
        await asyncio.sleep(10)
        assert shown(hass, FAULT) == "fault"
        assert plant.power_w == pytest.approx(0, abs=REST_W)


@in_virtual_hass
async def test_charger_without_a_zero_stops_by_its_switch(tmp_path: Path) -> None:
    async with (
        virtual_hass(tmp_path) as hass,
        EntityPlant(hass, time.monotonic, NEVER_ZERO) as plant,
    ):
        await set_number(hass, -3_000)
        await hass.services.async_call(
            "switch", "turn_off", {"entity_id": ENABLED}, blocking=True
        )
        await asyncio.sleep(10)
        assert plant.power_w == pytest.approx(0, abs=REST_W)
        assert shown(hass, FAULT) == "ok"
        assert shown(hass, ENABLED) == "off"


@in_virtual_hass
async def test_cloud_charger_is_read_each_90_s_in_amperes(tmp_path: Path) -> None:
    async with (
        virtual_hass(tmp_path) as hass,
        EntityPlant(hass, time.monotonic, CLOUD) as plant,
    ):
        await set_number(hass, -16)
        await asyncio.sleep(30)
        assert plant.power_w == pytest.approx(-16 * 230, abs=NEAR_W)
        assert float(shown(hass, POWER)) == pytest.approx(0, abs=REST_W)
        await asyncio.sleep(61)
        assert float(shown(hass, POWER)) == pytest.approx(-16 * 230, abs=NEAR_W)


@in_virtual_hass
async def test_cloud_charger_returns_to_its_own_setpoint_after_minutes(
    tmp_path: Path,
) -> None:
    async with (
        virtual_hass(tmp_path) as hass,
        EntityPlant(hass, time.monotonic, CLOUD) as plant,
    ):
        await set_number(hass, -16)
        await asyncio.sleep(230)
        assert plant.power_w == pytest.approx(-16 * 230, abs=NEAR_W)
        await asyncio.sleep(130)
        assert plant.power_w == pytest.approx(6 * 230, abs=NEAR_W)
        assert float(shown(hass, SETPOINT)) == 6.0


@in_virtual_hass
async def test_charger_that_is_gone_makes_its_entities_unavailable(
    tmp_path: Path,
) -> None:
    async with (
        virtual_hass(tmp_path) as hass,
        EntityPlant(hass, time.monotonic) as plant,
    ):
        plant.is_online = False
        await asyncio.sleep(2)
        assert shown(hass, POWER) == shown(hass, SETPOINT) == "unavailable"
        plant.is_online = True
        await asyncio.sleep(2)
        assert float(shown(hass, POWER)) == pytest.approx(0, abs=REST_W)
