"""What the owner sets, switches and presses reaches the site, and errors come back."""

import asyncio
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
import pytest

from custom_components.v2g_vpp.domain.ids import VehicleId
from custom_components.v2g_vpp.domain.policy import EvsePolicy, Mode
from custom_components.v2g_vpp.domain.setpoint import WriteResult, WriteStatus
from tests.shell.home import ACCEPTED, KEY, Home


async def call(home: Home, platform: str, service: str, key: str, **data: Any) -> None:
    prefix = data.pop("prefix", "CS-1_1")
    await home.hass.services.async_call(
        platform,
        service,
        {"entity_id": home.entity_id(platform, key, prefix), **data},
        blocking=True,
    )
    await home.settle()


def policy(home: Home) -> EvsePolicy:
    return home.evse().policy


@pytest.fixture
async def plugged(home: Home) -> Home:
    await home.connect()
    await home.plug_in()
    return home


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("max_charge_power", "max_charge_power_w"),
        ("max_discharge_power", "max_discharge_power_w"),
    ],
)
async def test_limit_of_an_outlet_is_set(plugged: Home, key: str, field: str) -> None:
    await call(plugged, "number", "set_value", key, value=3_700)
    assert getattr(policy(plugged), field) == 3_700
    assert plugged.state("number", key).state == "3700.0"
    with pytest.raises(ServiceValidationError):
        await call(plugged, "number", "set_value", key, value=11_100)
    assert getattr(policy(plugged), field) == 3_700


@pytest.mark.usefixtures("every_entity_enabled")
async def test_ramp_of_an_outlet_is_set_within_what_is_sensible(home: Home) -> None:
    await home.connect()
    assert home.state("number", "ramp_rate").state == "5000.0"
    await call(home, "number", "set_value", "ramp_rate", value=500)
    assert policy(home).ramp_w_per_s == 500
    assert home.state("number", "ramp_rate").state == "500.0"
    for wrong in (0, 50, 22_100):
        with pytest.raises(ServiceValidationError):
            await call(home, "number", "set_value", "ramp_rate", value=wrong)
    assert policy(home).ramp_w_per_s == 500


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("reserve", "reserve_percent"),
        ("vpp_reserve", "vpp_reserve_percent"),
        ("max_soc", "max_soc_percent"),
        ("ready_soc", "ready_soc_percent"),
        ("cycle_budget", "cycle_budget_percent"),
    ],
)
async def test_floor_of_a_vehicle_is_set(home: Home, key: str, field: str) -> None:
    await call(home, "number", "set_value", key, value=81, prefix="vehicle_leaf")
    assert getattr(home.vehicle().policy, field) == 81
    assert home.state("number", key, "vehicle_leaf").state == "81.0"


async def test_mode_is_selected(plugged: Home) -> None:
    for mode in Mode:
        await call(plugged, "select", "select_option", "mode", option=mode.value)
        assert policy(plugged).mode is mode
        assert plugged.state("select", "mode").state == mode


async def test_vehicle_is_selected_by_name_and_left_to_itself_again(
    plugged: Home,
) -> None:
    shown = plugged.state("select", "vehicle")
    assert shown.state == "automatic"
    assert shown.attributes["options"] == ["automatic", "Leaf"]
    await call(plugged, "select", "select_option", "vehicle", option="Leaf")
    assert policy(plugged).vehicle_id == VehicleId("leaf")
    assert plugged.state("select", "vehicle").state == "Leaf"
    await call(plugged, "select", "select_option", "vehicle", option="automatic")
    assert policy(plugged).vehicle_id is None


async def test_discharge_cannot_be_allowed_before_the_self_test_passed(
    plugged: Home,
) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await call(plugged, "switch", "turn_on", "discharge_allowed")
    assert raised.value.translation_key == "blocked_not_proven"
    assert plugged.state("switch", "discharge_allowed").state == "off"
    await call(plugged, "switch", "turn_off", "discharge_allowed")
    assert not policy(plugged).is_discharge_allowed


async def test_vehicle_is_allowed_to_discharge_and_no_more(home: Home) -> None:
    for service, is_allowed in (("turn_on", True), ("turn_off", False)):
        await call(home, "switch", service, "may_discharge", prefix="vehicle_leaf")
        assert home.vehicle().policy.is_discharge_allowed is is_allowed
        state = home.state("switch", "may_discharge", "vehicle_leaf").state
        assert state == ("on" if is_allowed else "off")


async def test_emergency_stop_latches_until_it_is_reset(plugged: Home) -> None:
    await plugged.measure(0)
    plugged.stations.writes.clear()
    await call(plugged, "button", "press", "emergency_stop")
    assert plugged.stations.writes[-1].power_w == 0
    assert plugged.state("binary_sensor", "emergency_stop").state == "on"
    assert plugged.state("sensor", "state").state == "emergency_stop"
    with pytest.raises(ServiceValidationError) as raised:
        await call(plugged, "button", "press", "self_test")
    assert raised.value.translation_key == "emergency_stop_active"

    await call(plugged, "button", "press", "reset_emergency_stop")
    assert plugged.state("binary_sensor", "emergency_stop").state == "off"


async def test_emergency_stop_does_not_wait_for_a_button_that_takes_long(
    every_entity_enabled: None, home: Home
) -> None:
    await home.connect()
    await home.plug_in()
    home.stations.answer = WriteResult(status=WriteStatus.TIMEOUT)
    slow = asyncio.ensure_future(
        call(home, "button", "press", "clear_charging_profile")
    )
    await asyncio.sleep(0.02)
    assert not slow.done()
    async with asyncio.timeout(1):
        await home.hass.services.async_call(
            "button",
            "press",
            {"entity_id": home.entity_id("button", "emergency_stop")},
            blocking=True,
        )
    assert home.evse().is_emergency_stopped
    assert not slow.done()
    home.stations.answer = ACCEPTED
    await asyncio.gather(slow, return_exceptions=True)


async def test_self_test_says_why_it_cannot_start(plugged: Home) -> None:
    with pytest.raises(ServiceValidationError) as raised:
        await call(plugged, "button", "press", "self_test")
    assert raised.value.translation_key == "blocked_vehicle_not_allowed"


async def test_return_to_automatic_ends_a_stop(plugged: Home) -> None:
    await plugged.site.stop(KEY)
    await plugged.tick()
    assert plugged.state("sensor", "control_owner").state == "user"
    await call(plugged, "button", "press", "return_to_automatic")
    assert plugged.state("sensor", "control_owner").state == "mode"


async def test_offline_station_says_so(home: Home) -> None:
    await home.connect()
    await home.plug_in()
    await home.disconnect()
    with pytest.raises(HomeAssistantError) as raised:
        await call(home, "button", "press", "self_test")
    assert raised.value.translation_key == "station_offline"
    assert raised.value.translation_placeholders == {"station": "CS-1"}


async def test_knobs_survive_a_reload(hass: HomeAssistant, plugged: Home) -> None:
    await call(plugged, "number", "set_value", "max_charge_power", value=5_000)
    await call(plugged, "button", "press", "emergency_stop")
    assert await hass.config_entries.async_reload(plugged.entry.entry_id)
    await plugged.settle()
    assert plugged.state("number", "max_charge_power").state == "5000.0"
    assert plugged.state("binary_sensor", "emergency_stop").state == "on"
