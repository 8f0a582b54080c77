"""Home Assistant's own `modbus`, as the documentation configures it, moves a Quasar."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
import time

from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

from tests.shell.conftest import free_port

from .documented import QUASAR_PAGE, with_endpoint, yaml_blocks
from .modbus_server import serving
from .quasar import REST_W, Quasar, Register
from .virtual_hass import in_virtual_hass, virtual_hass

__all__ = ["free_port"]

NEAR_W = 250.0
WATCHDOG_S = 30


@asynccontextmanager
async def documented_home(
    config_dir: Path, port: int, quasar: Quasar
) -> AsyncIterator[HomeAssistant]:
    """Give a Home Assistant with what the page tells a user to copy."""
    config = with_endpoint(yaml_blocks(QUASAR_PAGE)[0], port)
    async with serving(quasar, port), virtual_hass(config_dir) as hass:
        for domain in config:
            assert await async_setup_component(hass, domain, config)
        await asyncio.sleep(20)
        yield hass


async def set_power(
    hass: HomeAssistant, power_w: float, duration_s: float = WATCHDOG_S
) -> None:
    await hass.services.async_call(
        "script",
        "quasar_set_power",
        {"power_w": power_w, "duration_s": duration_s},
        blocking=True,
    )


def shown(hass: HomeAssistant, name: str) -> str:
    state = hass.states.get(f"sensor.quasar_{name}")
    assert state is not None, name
    return state.state


@in_virtual_hass
async def test_page_configures_a_quasar_that_is_read_and_told(
    tmp_path: Path, free_port: int, socket_enabled: None
) -> None:
    quasar = Quasar(time.monotonic)
    async with documented_home(tmp_path, free_port, quasar) as hass:
        assert shown(hass, "state") == "4"
        for power_w, state in ((-3_000, "11"), (4_200, "1")):
            await set_power(hass, power_w)
            await asyncio.sleep(15)
            assert quasar.charger.power_w == pytest.approx(power_w, abs=NEAR_W)
            assert float(shown(hass, "power")) == pytest.approx(power_w, abs=NEAR_W)
            assert shown(hass, "state") == state
        assert [told.power_w for told in quasar.charger.told] == [-3_000, 4_200]
        assert quasar.read(Register.AUTOSTART) == 0
        assert quasar.read(Register.IDLE_TIMEOUT_S) == WATCHDOG_S


@in_virtual_hass
async def test_page_keeps_the_state_of_charge_that_a_quasar_hides_at_rest(
    tmp_path: Path, free_port: int, socket_enabled: None
) -> None:
    quasar = Quasar(time.monotonic, soc_percent=71.5)
    async with documented_home(tmp_path, free_port, quasar) as hass:
        assert shown(hass, "state_of_charge") == "unknown"
        await set_power(hass, 3_000)
        await asyncio.sleep(15)
        assert shown(hass, "state_of_charge") == "71"
        await set_power(hass, 0)
        await asyncio.sleep(15)
        assert shown(hass, "state_of_charge_register") == "0"
        assert shown(hass, "state_of_charge") == "71"
        quasar.charger.unplug()
        await asyncio.sleep(15)
        assert shown(hass, "state_of_charge") == "unknown"


@in_virtual_hass
async def test_zero_stops_a_quasar_at_once(
    tmp_path: Path, free_port: int, socket_enabled: None
) -> None:
    quasar = Quasar(time.monotonic)
    async with documented_home(tmp_path, free_port, quasar) as hass:
        await set_power(hass, -3_000)
        await asyncio.sleep(15)
        await set_power(hass, 0)
        await asyncio.sleep(3)
        assert quasar.charger.power_w == pytest.approx(0, abs=REST_W)
        assert quasar.charger.expiries == 0


@in_virtual_hass
async def test_quasar_that_nobody_writes_to_stops_while_it_is_read(
    tmp_path: Path, free_port: int, socket_enabled: None
) -> None:
    quasar = Quasar(time.monotonic)
    async with documented_home(tmp_path, free_port, quasar) as hass:
        for _ in range(6):
            await set_power(hass, -3_000)
            await asyncio.sleep(WATCHDOG_S / 3)
        assert quasar.charger.power_w == pytest.approx(-3_000, abs=NEAR_W)
        await asyncio.sleep(WATCHDOG_S)
        assert quasar.charger.power_w == pytest.approx(0, abs=REST_W)
        assert quasar.charger.expiries == 1
        await set_power(hass, -3_000)
        await asyncio.sleep(10)
        assert quasar.charger.power_w == pytest.approx(-3_000, abs=NEAR_W)


@in_virtual_hass
async def test_quasar_that_counts_reads_goes_on_while_it_is_read(
    tmp_path: Path, free_port: int, socket_enabled: None
) -> None:
    quasar = Quasar(time.monotonic, is_read_a_sign_of_life=True)
    async with documented_home(tmp_path, free_port, quasar) as hass:
        await set_power(hass, -3_000)
        await asyncio.sleep(10 * WATCHDOG_S)
        assert quasar.charger.power_w == pytest.approx(-3_000, abs=NEAR_W)
        # Only without Home Assistant it is left alone.
        await hass.services.async_call("modbus", "stop", {"hub": "quasar"})
        await asyncio.sleep(WATCHDOG_S + 5)
        assert quasar.charger.power_w == pytest.approx(0, abs=REST_W)


@in_virtual_hass
async def test_quasar_that_forgot_its_control_is_given_it_again(
    tmp_path: Path, free_port: int, socket_enabled: None
) -> None:
    quasar = Quasar(time.monotonic)
    async with documented_home(tmp_path, free_port, quasar) as hass:
        await set_power(hass, -3_000)
        await asyncio.sleep(15)
        quasar.write(Register.CONTROL, 0)
        await asyncio.sleep(15)
        assert quasar.charger.power_w == pytest.approx(0, abs=REST_W)
        await set_power(hass, -3_000)
        await asyncio.sleep(10)
        assert quasar.charger.power_w == pytest.approx(-3_000, abs=NEAR_W)


@in_virtual_hass
async def test_quasar_that_is_away_makes_its_sensors_unavailable_and_comes_back(
    tmp_path: Path, free_port: int, socket_enabled: None
) -> None:
    quasar = Quasar(time.monotonic)
    async with virtual_hass(tmp_path) as hass:
        config = with_endpoint(yaml_blocks(QUASAR_PAGE)[0], free_port)
        async with serving(quasar, free_port):
            for domain in config:
                assert await async_setup_component(hass, domain, config)
            await asyncio.sleep(20)
            assert shown(hass, "state") == "4"
        await asyncio.sleep(30)
        assert shown(hass, "power") == shown(hass, "state") == "unavailable"
        # A write to nobody is no error of the action: only the meter tells.
        await set_power(hass, -3_000)
        async with serving(quasar, free_port):
            await asyncio.sleep(400)
            assert shown(hass, "state") == "4"
            assert quasar.charger.told == []


@in_virtual_hass
async def test_each_script_of_the_page_can_be_loaded_and_takes_what_it_is_called_with(
    tmp_path: Path,
) -> None:
    for config in yaml_blocks(QUASAR_PAGE):
        (name,) = config["script"]
        async with virtual_hass(tmp_path) as hass:
            scripts = {"script": config["script"]}
            assert await async_setup_component(hass, "script", scripts)
            state = hass.states.get(f"script.{name}")
            assert state is not None, name
            assert state.attributes["mode"] == "queued"
            assert set(config["script"][name]["fields"]) == {"power_w", "duration_s"}
