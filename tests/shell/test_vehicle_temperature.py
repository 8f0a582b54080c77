"""The sensor that tells how cold a vehicle is."""

from datetime import timedelta
import time
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import CONF_TEMPERATURE
from custom_components.v2g_vpp.domain.measurement import Reading
from tests.shell.home import KEY, VEHICLE_ID, Home

OUTSIDE, OTHER = "sensor.outside", "sensor.other"


def show(
    hass: HomeAssistant, state: str, unit: str | None = "°C", entity_id: str = OUTSIDE
) -> None:
    hass.states.async_set(entity_id, state, {"unit_of_measurement": unit})


async def use(
    hass: HomeAssistant, entry: MockConfigEntry, entity_id: str | None
) -> None:
    (vehicle,) = (s for s in entry.subentries.values() if s.title == "Leaf")
    data: dict[str, Any] = {**vehicle.data, CONF_TEMPERATURE: entity_id}
    if entity_id is None:
        del data[CONF_TEMPERATURE]
    hass.config_entries.async_update_subentry(entry, vehicle, data=data)
    await hass.async_block_till_done()


def reading(home: Home) -> Reading | None:
    return home.site._registry.vehicles[VEHICLE_ID].temperature_c


def temperature_c(home: Home) -> float | None:
    """Return what control is told of the vehicle at the outlet."""
    record = home.site._registry.evses[KEY]
    inputs = home.site._loop._inputs.evse(record, None, is_link_trusted=True)
    return inputs.temperature_c


async def test_what_the_sensor_says_reaches_control_and_ends_with_it(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    await home.connect()
    await home.plug_in()
    assert temperature_c(home) is None
    show(hass, "-12.5")
    await use(hass, entry, OUTSIDE)
    assert temperature_c(home) == -12.5, "what it said before counts"
    show(hass, "14", "°F")
    await hass.async_block_till_done()
    assert temperature_c(home) == pytest.approx(-10.0)
    first = reading(home)
    show(hass, "14", "°F")
    await hass.async_block_till_done()
    second = reading(home)
    assert first is not None
    assert second is not None
    assert second.received_mono_s > first.received_mono_s, "the same again is news"
    await use(hass, entry, OTHER)
    assert temperature_c(home) is None
    show(hass, "5")
    await hass.async_block_till_done()
    assert temperature_c(home) is None, "nobody listens to the old one"
    show(hass, "5", entity_id=OTHER)
    await hass.async_block_till_done()
    assert temperature_c(home) == 5.0
    await use(hass, entry, None)
    assert temperature_c(home) is None


@pytest.mark.parametrize(
    ("state", "unit"),
    [
        ("unavailable", "°C"),
        ("unknown", "°C"),
        ("warm", "°C"),
        ("nan", "°C"),
        ("inf", "°C"),
        ("-61", "°C"),
        ("81", "°C"),
        ("20", None),
        ("20", "W"),
    ],
)
async def test_what_is_no_temperature_is_none(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry, state: str, unit: str
) -> None:
    await home.connect()
    await home.plug_in()
    show(hass, "20")
    await use(hass, entry, OUTSIDE)
    assert temperature_c(home) == 20.0
    show(hass, state, unit)
    await hass.async_block_till_done()
    assert temperature_c(home) is None
    show(hass, "21")
    await hass.async_block_till_done()
    assert temperature_c(home) == 21.0


async def test_a_sensor_that_is_silent_for_hours_says_nothing(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    await home.connect()
    await home.plug_in()
    hours_ago = dt_util.utcnow() - timedelta(hours=2.9)
    hass.states.async_set(
        OUTSIDE,
        "3",
        {"unit_of_measurement": "°C"},
        timestamp=hours_ago.timestamp(),
    )
    await use(hass, entry, OUTSIDE)
    assert temperature_c(home) == 3.0
    taken = reading(home)
    assert taken is not None
    assert time.monotonic() - taken.received_mono_s == pytest.approx(10_440, abs=60)
    home.site.post_temperature(
        VEHICLE_ID,
        Reading(
            value=3.0,
            received_mono_s=time.monotonic() - 10_801.0,
            taken_at=dt_util.utcnow(),
        ),
    )
    assert temperature_c(home) is None
