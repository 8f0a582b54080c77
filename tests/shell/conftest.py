"""Fixtures of the shell's tests: a real core, a real site, no wire."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion

from custom_components.v2g_vpp.const import (
    CONF_CAPACITY_KWH,
    CONF_EVCC_ID,
    CONF_IDENTITY,
    CONF_NAME,
    CONF_OCPP_HOST,
    CONF_OCPP_PORT,
    CONF_PASSWORD,
    CONF_VEHICLE_ID,
    DOMAIN,
    SUBENTRY_STATION,
    SUBENTRY_VEHICLE,
)
from script.rig import processes
from tests.shell.home import STATION_ID, VEHICLE_ID, Home

STATION = ConfigSubentryData(
    subentry_type=SUBENTRY_STATION,
    title="Garage",
    unique_id=f"station_{STATION_ID}",
    data={CONF_IDENTITY: STATION_ID, CONF_PASSWORD: "0123456789abcdef0123"},
)
VEHICLE = ConfigSubentryData(
    subentry_type=SUBENTRY_VEHICLE,
    title="Leaf",
    unique_id=f"vehicle_{VEHICLE_ID}",
    data={
        CONF_VEHICLE_ID: VEHICLE_ID,
        CONF_NAME: "Leaf",
        CONF_CAPACITY_KWH: 40,
        CONF_EVCC_ID: "DELEAF0000000001",
    },
)


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Write entities and states the way Home Assistant does."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Return a folder of this test alone: two at once would write one ledger."""
    (Path(hass_tmp_config_dir) / STORAGE_DIR).mkdir(exist_ok=True)
    return hass_tmp_config_dir


@pytest.fixture
def free_port(socket_enabled: None) -> int:
    """Return a port of the loopback interface that nothing uses."""
    return processes.free_port()


@pytest.fixture
def subentries() -> list[ConfigSubentryData]:
    """Return what is set up; a test may take another list."""
    return [STATION, VEHICLE]


@pytest.fixture
def entry(free_port: int, subentries: list[ConfigSubentryData]) -> MockConfigEntry:
    """Return the home with its listener on the loopback interface."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="Home",
        data={CONF_OCPP_HOST: "127.0.0.1", CONF_OCPP_PORT: free_port},
        subentries_data=subentries,
    )


@pytest.fixture
def every_entity_enabled() -> Iterator[None]:
    """Show also what an owner has to enable first."""
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default",
        return_value=True,
    ):
        yield


@pytest.fixture
async def home(hass: HomeAssistant, entry: MockConfigEntry) -> AsyncIterator[Home]:
    """Set the home up, on a real site whose stations are events of the test."""
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    yield Home.willing(hass, entry)
    if hass.config_entries.async_get_entry(entry.entry_id) is None:
        return  # The test removed it.
    if entry.state.recoverable:
        await hass.config_entries.async_unload(entry.entry_id)


def mapping(data: dict[str, Any]) -> MappingProxyType[str, Any]:
    """Return data in the form that a subentry keeps it in."""
    return MappingProxyType(data)
