"""A discharge through entities: it flows, holds, ends, and always ends at 0 W."""

from datetime import timedelta
from pathlib import Path
import time

from homeassistant.auth.const import GROUP_ID_ADMIN
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason

from .entity_home import IDENTITY, EntityHome
from .entity_plants import CLOUD, NEVER_ZERO, PLAIN, POWER, SETPOINT
from .quasar import REST_W, Quasar
from .virtual_hass import in_virtual_hass
from .worlds import IN_THE_CLOUD, WITH_A_SWITCH, plant_home, quasar_home

ASKED_W = -3_000.0
NEAR_W = 300.0
T_S = 10.0
"""Dead time, ramp and the period of control of these chargers, generously."""


async def discharge(home: EntityHome, **duration: int) -> None:
    await home.do("set_power", power=ASKED_W, duration=duration or {"minutes": 10})
    await home.until_power(ASKED_W, 60)


@in_virtual_hass
async def test_quasar_discharges_as_long_as_it_is_told_to(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    quasar = Quasar(time.monotonic)
    async with quasar_home(tmp_path, ports, quasar) as home:
        await home.prove()
        expiries = quasar.charger.expiries
        await discharge(home, minutes=5)
        for _ in range(14):
            await home.run(20)
            assert home.power_w == pytest.approx(ASKED_W, abs=NEAR_W)
        await home.until_power(0, 60, REST_W)
        assert quasar.charger.expiries == expiries


@in_virtual_hass
async def test_floor_ends_a_discharge(tmp_path: Path, ports: tuple[int, int]) -> None:
    async with plant_home(tmp_path, ports[1]) as (home, plant):
        await home.prove()
        await home.act(
            "number", "set_value", home.entity("number", "leaf_reserve"), value=57
        )
        await home.do("set_power", power=-8_000, duration={"hours": 2})
        await home.until_power(-8_000, 60)
        await home.until_power(0, 1_800, REST_W)
        assert home.evse.setpoint.reason is Reason.RESERVE_FLOOR
        assert 57 <= plant.charger.soc_percent <= 59
        await home.run(600)
        assert home.power_w == pytest.approx(0, abs=REST_W)


@in_virtual_hass
async def test_emergency_stop_brings_it_to_0_w(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1]) as (home, plant):
        await home.prove()
        await discharge(home)
        button = home.entity("button", f"{IDENTITY}_1_emergency_stop")
        await home.act("button", "press", button)
        took_s = await home.until_power(0, T_S, REST_W)
        assert took_s < T_S
        assert plant.charger.expiries == 2
        await home.run(120)
        assert home.power_w == pytest.approx(0, abs=REST_W)


@in_virtual_hass
async def test_home_assistant_that_stops_leaves_0_w(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1]) as (home, plant):
        await home.prove()
        await discharge(home)
        await home.hass.async_stop(force=True)
        assert plant.written[-1] == 0
        began_s, expiries = time.monotonic(), plant.charger.expiries
        while time.monotonic() - began_s < T_S:
            await home.run(1)
        assert plant.power_w == pytest.approx(0, abs=REST_W)
        assert plant.charger.expiries == expiries


@in_virtual_hass
async def test_charger_without_a_zero_never_sees_one(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], NEVER_ZERO, **WITH_A_SWITCH) as (
        home,
        plant,
    ):
        await home.prove()
        await discharge(home)
        await home.do("set_power", power=2_000, duration={"minutes": 5})
        await home.until_power(2_000, 60)
        button = home.entity("button", f"{IDENTITY}_1_return_to_automatic")
        await home.act("button", "press", button)
        await home.run(60)
        assert await home.hass.config_entries.async_unload(home.entry.entry_id)
        await home.run(T_S)
        assert home.power_w == pytest.approx(0, abs=REST_W)
        assert not plant.is_faulted
        assert plant.written
        assert all(abs(value) >= 1_000 for value in plant.written)


async def expect_rest_and_repair(home: EntityHome, within_s: float) -> None:
    await home.until_power(0, within_s, REST_W)
    await home.until(lambda: any("entit" in key for key in home.issues), 60, "a repair")


async def expect_recovery(home: EntityHome) -> None:
    await home.until(
        lambda: not any("entit" in key for key in home.issues), 60, "no repair"
    )
    await home.ready()
    await home.run(30)
    await discharge(home)


@in_virtual_hass
async def test_charger_that_is_unavailable_is_left_at_0_w_and_comes_back(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1]) as (home, plant):
        await home.prove()
        await discharge(home)
        plant.is_online = False
        # Nothing can be written to it: its own watchdog ends the discharge.
        await expect_rest_and_repair(home, 40)
        plant.is_online = True
        await expect_recovery(home)


@in_virtual_hass
async def test_charger_that_is_silent_is_brought_to_0_w_and_comes_back(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1]) as (home, plant):
        await home.prove()
        await discharge(home)
        plant.is_silent = True
        await home.until_power(0, 30, REST_W)
        assert plant.written[-1] == 0
        assert home.evse.setpoint.power_w == 0
        plant.is_silent = False
        await home.run(30)
        await discharge(home)


@in_virtual_hass
async def test_entity_that_is_renamed_is_followed(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1]) as (home, _):
        await home.prove()
        await discharge(home)
        registry = er.async_get(home.hass)
        registry.async_update_entity(POWER, new_entity_id="sensor.garage_power")
        registry.async_update_entity(SETPOINT, new_entity_id="number.garage_setpoint")
        await home.run(90)
        assert home.power_w == pytest.approx(ASKED_W, abs=NEAR_W)
        assert not any("entit" in key for key in home.issues)
        await home.do("set_power", power=-5_000, duration={"minutes": 5})
        await home.until_power(-5_000, 30)


@in_virtual_hass
@pytest.mark.parametrize("entity_id", [POWER, SETPOINT])
async def test_entity_that_is_deleted_ends_a_discharge_until_it_is_back(
    tmp_path: Path, ports: tuple[int, int], entity_id: str
) -> None:
    async with plant_home(tmp_path, ports[1]) as (home, _):
        await home.prove()
        await discharge(home)
        er.async_get(home.hass).async_remove(entity_id)
        await expect_rest_and_repair(home, 40)
        await home.hass.services.async_call("template", "reload", blocking=True)
        await expect_recovery(home)


@in_virtual_hass
async def test_cloud_charger_that_is_seldom_read_never_discharges(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], CLOUD, **IN_THE_CLOUD) as (home, plant):
        await home.act("button", "press", home.entity("button", "_self_test"))
        await home.run(1_200)
        assert home.proof is None
        assert min(plant.written, default=0.0) > -32
        assert home.power_w >= -REST_W


@in_virtual_hass
async def test_person_who_sets_the_number_is_not_fought(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN) as (home, plant):
        await home.prove()
        await discharge(home)
        somebody = await home.hass.auth.async_create_user(
            "Somebody", group_ids=[GROUP_ID_ADMIN]
        )
        await home.hass.services.async_call(
            "number",
            "set_value",
            {"entity_id": SETPOINT, "value": 2_500},
            blocking=True,
            context=Context(user_id=somebody.id),
        )
        written = len(plant.written)
        await home.run(300)
        assert home.evse.setpoint.owner is ControlOwner.EXTERNAL
        assert len(plant.written) == written
        assert home.power_w == pytest.approx(2_500, abs=NEAR_W)
        button = home.entity("button", f"{IDENTITY}_1_return_to_automatic")
        await home.act("button", "press", button)
        await home.until(
            lambda: home.evse.setpoint.owner is not ControlOwner.EXTERNAL, 10, "ours"
        )
        await discharge(home)


@in_virtual_hass
async def test_script_that_another_automation_calls_is_not_fought(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    quasar = Quasar(time.monotonic)
    async with quasar_home(tmp_path, ports, quasar) as home:
        await home.prove()
        await discharge(home)
        await home.hass.services.async_call(
            "script",
            "quasar_set_power",
            {"power_w": 2_500, "duration_s": 60},
            blocking=True,
        )
        told = len(quasar.charger.told)
        await home.run(30)
        assert home.evse.setpoint.owner is ControlOwner.EXTERNAL
        assert len(quasar.charger.told) == told
        assert home.power_w == pytest.approx(2_500, abs=NEAR_W)


@in_virtual_hass
async def test_class_b_discharges_a_quarter_of_an_hour_at_most(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN) as (home, _):
        await home.prove()
        with pytest.raises(HomeAssistantError) as refused:
            await home.do("set_power", power=ASKED_W, duration={"minutes": 16})
        assert refused.value.translation_key is not None
        await discharge(home, minutes=15)
        took_s = await home.until_power(0, 920, REST_W)
        assert took_s <= timedelta(minutes=15).total_seconds() + T_S
