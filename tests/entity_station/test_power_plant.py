"""What a power plant gets of a charger that is known through entities."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from homeassistant.util import dt as dt_util
import pytest

from custom_components.v2g_vpp import const
from tests.shell.test_programme_source import (
    DATA,
    DIRECTION,
    END,
    PROGRAMME,
    START,
    programme_of,
)

from .entity_home import EntityHome
from .entity_plants import PLAIN
from .quasar import REST_W
from .virtual_hass import in_virtual_hass
from .worlds import plant_home

EVENT_W = -3_000.0
NEAR_W = 300.0


async def rehearse(home: EntityHome) -> Any:
    return await home.hass.services.async_call(
        const.DOMAIN,
        "simulate_dispatch",
        {
            "device_id": home.outlet,
            "kind": "dispatch",
            "power": EVENT_W,
            "duration": {"seconds": 60},
        },
        blocking=True,
        return_response=True,
    )


def announce(home: EntityHome) -> None:
    """Another integration announces an event that runs now, for half an hour."""
    now = dt_util.utcnow()
    states = home.hass.states
    states.async_set(START, (now - timedelta(seconds=10)).isoformat())
    states.async_set(END, (now + timedelta(minutes=30)).isoformat())
    states.async_set(DIRECTION, "export")


async def rest(home: EntityHome) -> None:
    await home.act(
        "select", "select_option", home.entity("select", "_mode"), option="off"
    )
    await home.until_power(0, 60, REST_W)
    await home.run(30)


@in_virtual_hass
async def test_class_a_serves_a_rehearsal_and_an_event(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], others=(programme_of(DATA),)) as (
        home,
        plant,
    ):
        await home.prove()
        await rest(home)
        assert home.evse.available_discharge_w > 3_000
        told = await rehearse(home)
        assert told["passed"] is True
        assert told["largest_power_w"] == pytest.approx(EVENT_W, abs=NEAR_W)
        await home.until_power(0, 60, REST_W)
        expiries = plant.charger.expiries
        announce(home)
        await home.until_power(EVENT_W, 120)
        await home.run(1_200)
        assert home.power_w == pytest.approx(EVENT_W, abs=NEAR_W)
        assert plant.charger.expiries == expiries


@in_virtual_hass
async def test_class_b_exports_nothing_for_a_power_plant(
    tmp_path: Path, ports: tuple[int, int]
) -> None:
    async with plant_home(tmp_path, ports[1], PLAIN, others=(programme_of(DATA),)) as (
        home,
        plant,
    ):
        await home.prove()
        await rest(home)
        written = list(plant.written)
        told = await rehearse(home)
        assert told["passed"] is False
        assert [one["committed_w"] for one in told["verdicts"]] == [0.0]
        assert [step["event"] for step in told["steps"]] == ["refused"]
        announce(home)
        for _ in range(60):
            await home.run(10)
            assert home.power_w >= -REST_W
        assert min(plant.written[len(written) :], default=0.0) >= 0.0
        programme = home.site.snapshot.programme(PROGRAMME)
        assert programme is not None
        assert programme.delivered_discharge_wh == 0
        # What it may not give to a power plant it may still give to its owner.
        await home.do("set_power", power=EVENT_W, duration={"minutes": 5})
        await home.until_power(EVENT_W, 60)
