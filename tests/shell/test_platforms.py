"""Every entity of every platform as Home Assistant registers and shows it."""

from unittest.mock import patch

from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    snapshot_platform,
)
from syrupy.assertion import SnapshotAssertion

from tests.shell.home import Home

PLATFORMS = (
    Platform.BINARY_SENSOR,
    Platform.BUTTON,
    Platform.EVENT,
    Platform.NUMBER,
    Platform.SELECT,
    Platform.SENSOR,
    Platform.SWITCH,
    Platform.TIME,
)


@pytest.mark.usefixtures("every_entity_enabled")
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.freeze_time("2026-01-15T12:00:00+00:00")
async def test_platform(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
    platform: Platform,
) -> None:
    entry.add_to_hass(hass)
    with patch("custom_components.v2g_vpp.const.PLATFORMS", [platform]):
        assert await hass.config_entries.async_setup(entry.entry_id)
        home = Home.willing(hass, entry)
        await home.connect()
        await home.plug_in()
        await home.measure(0)
        await snapshot_platform(hass, entity_registry, snapshot, entry.entry_id)
        await hass.config_entries.async_unload(entry.entry_id)
