"""A real Home Assistant with the blueprints, and a virtual car on a real socket."""

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copytree

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_OCPP_HOST,
    CONF_OCPP_PORT,
    DOMAIN,
)
from tests.blueprints.car_home import BLUEPRINTS, STATION, VEHICLE, CarHome
from tests.shell.conftest import every_entity_enabled, free_port

__all__ = ["every_entity_enabled", "free_port"]


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Return a configuration with what a user would have imported."""
    copytree(BLUEPRINTS, Path(hass_tmp_config_dir) / "blueprints", dirs_exist_ok=True)
    return hass_tmp_config_dir


@pytest.fixture
def subentries() -> list[ConfigSubentryData]:
    """Return what is set up; a test may take another list."""
    return [STATION, VEHICLE]


@pytest.fixture
async def car_home(
    hass: HomeAssistant,
    free_port: int,
    subentries: list[ConfigSubentryData],
    every_entity_enabled: None,
) -> AsyncIterator[CarHome]:
    """Return a home whose virtual station is connected, with a car that is plugged."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Home",
        data={CONF_OCPP_HOST: "127.0.0.1", CONF_OCPP_PORT: free_port},
        options=CarHome.OPTIONS,
        subentries_data=subentries,
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    home = CarHome(hass, entry, free_port)
    async with home:
        yield home
