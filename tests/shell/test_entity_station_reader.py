"""What counts as a reading of an entity, and whose a change of one is."""

from datetime import timedelta
import time

from homeassistant.core import Context, HomeAssistant, State
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest

from custom_components.v2g_vpp.domain.events import MeasurementReported
from tests.shell.entity_charger import DATA, NUMBER, POWER, World

SOC = "sensor.soc"


async def test_a_state_of_charge_from_before_is_no_reading(
    hass: HomeAssistant,
) -> None:
    percent = {"unit_of_measurement": "%"}
    hass.states.async_set(SOC, "80", percent)
    hass.states.async_set(NUMBER, "0", {"min": -11_000, "max": 11_000})
    world = World(hass, {**DATA, "soc_entity": SOC})
    await world.start()
    shown = world.of_kind(MeasurementReported)
    assert all(one.measurement.soc_percent is None for one in shown)
    hass.states.async_set(SOC, "80", percent)
    await world.settle()
    soc = world.of_kind(MeasurementReported)[-1].measurement.soc_percent
    assert soc is not None
    assert soc.value == 80.0
    await world.station.close()


async def test_a_reading_is_as_old_as_its_report(hass: HomeAssistant) -> None:
    world = World(hass, dict(DATA))
    reported = dt_util.utcnow() - timedelta(seconds=20)
    state = State(POWER, "500", {"unit_of_measurement": "W"}, last_reported=reported)
    world.station._reader._take("power_entity", state)
    reading = world.station._reader.readings().power
    assert reading is not None
    assert time.monotonic() - reading.received_mono_s == pytest.approx(20, abs=1)


async def test_what_our_own_write_set_off_is_no_stranger(hass: HomeAssistant) -> None:
    config = {"setpoint": {"min": -11_000, "max": 11_000, "step": 1, "initial": 0}}
    assert await async_setup_component(hass, "input_number", {"input_number": config})
    world = World(hass, {**DATA, "settle_s": 0})
    await world.start()
    assert (await world.write(-3_000)).is_accepted
    ours = world.station._writer._contexts[-1]
    hass.states.async_set(NUMBER, "-2000", context=Context(parent_id=ours))
    await world.settle()
    assert world.yielded == []
    hass.states.async_set(NUMBER, "-2500", context=Context(parent_id="another"))
    await world.settle()
    assert world.yielded == [world.station.key]
    await world.station.close()
