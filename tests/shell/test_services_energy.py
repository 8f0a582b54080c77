"""The car becomes a battery of the Energy dashboard, and Home Assistant agrees."""

from typing import Any

from homeassistant.components.energy.data import async_get_manager
from homeassistant.components.energy.validate import async_validate
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
)
from pytest_homeassistant_custom_component.typing import RecorderInstanceContextManager

from custom_components.v2g_vpp.const import CONF_VIRTUAL, DOMAIN, VIRTUAL_INSIDE
from tests.shell.conftest import STATION, VEHICLE
from tests.shell.home import Home

# What http says of another part of Home Assistant.
pytestmark = pytest.mark.filterwarnings("ignore:It is recommended to use web.AppKey")

ACTION = "add_to_energy_dashboard"


@pytest.fixture
def mock_recorder_before_hass(
    async_test_recorder: RecorderInstanceContextManager,
) -> None:
    """Prepare the recorder before the core, as it asks for."""


async def add(home: Home) -> dict[str, Any]:
    answer = await home.hass.services.async_call(
        DOMAIN,
        ACTION,
        {"device_id": home.evse_device_id},
        blocking=True,
        return_response=True,
    )
    assert answer is not None
    return dict(answer)


@pytest.mark.usefixtures("recorder_mock")
async def test_car_is_a_battery_with_the_right_signs_and_home_assistant_agrees(
    hass: HomeAssistant, home: Home
) -> None:
    await home.connect()
    await home.settle()
    with pytest.raises(ServiceValidationError) as refused:
        await add(home)
    assert refused.value.translation_key == "energy_not_set_up"

    assert await async_setup_component(hass, "energy", {})
    answer = await add(home)
    source = answer["source"]
    assert answer["added"]
    assert source["type"] == "battery"
    assert source["stat_energy_from"] == home.entity_id("sensor", "energy_discharged")
    assert source["stat_energy_to"] == home.entity_id("sensor", "energy_charged")
    assert source["power_config"] == {
        "stat_rate_from": home.entity_id("sensor", "discharge_power"),
        "stat_rate_to": home.entity_id("sensor", "charge_power"),
    }
    assert source["stat_soc"].endswith("state_of_charge")
    assert source["capacity"] == 40.0
    assert source["name"] == "Garage"

    # Doing it again changes nothing.
    assert (await add(home))["added"] is False
    manager = await async_get_manager(hass)
    assert manager.data is not None
    assert len(manager.data["energy_sources"]) == 1

    await home.measure(power_w=-3_000.0)
    await home.settle()
    assert home.state("sensor", "discharge_power").state == "3000.0"
    assert home.state("sensor", "charge_power").state == "0.0"
    await async_wait_recording_done(hass)
    issues = (await async_validate(hass)).as_dict()["energy_sources"][0]
    kinds = {issue["type"] for issue in issues}
    # Statistics are made every five minutes; nothing else may be wrong.
    assert kinds <= {"statistics_not_defined"}, issues


@pytest.mark.usefixtures("recorder_mock")
async def test_sensor_that_is_switched_off_is_named(
    hass: HomeAssistant, home: Home
) -> None:
    assert await async_setup_component(hass, "energy", {})
    await home.connect()
    await home.settle()
    entity_id = home.entity_id("sensor", "charge_power")
    registry = er.async_get(hass)
    registry.async_update_entity(entity_id, disabled_by=er.RegistryEntryDisabler.USER)
    with pytest.raises(ServiceValidationError) as refused:
        await add(home)
    assert refused.value.translation_key == "energy_sensor_disabled"
    assert refused.value.translation_placeholders == {"sensor": entity_id}


class TestVirtual:
    """A virtual charger pollutes no statistics."""

    @pytest.fixture
    def subentries(self) -> list[ConfigSubentryData]:
        data = {**STATION["data"], CONF_VIRTUAL: VIRTUAL_INSIDE}
        return [ConfigSubentryData(**{**STATION, "data": data}), VEHICLE]

    async def test_virtual_charger_is_refused(self, home: Home) -> None:
        await home.connect()
        await home.settle()
        with pytest.raises(ServiceValidationError) as refused:
            await add(home)
        assert refused.value.translation_key == "energy_virtual"
