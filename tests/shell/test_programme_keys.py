"""Private keys of programmes leave the settings for a file of their owner alone."""

from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.storage import Store as HomeAssistantStore
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_CLIENT_KEY_PEM,
    CONF_SIGNING_SEED,
    DOMAIN,
    STORE_KEYS,
    SUBENTRY_PROGRAMME,
)
from custom_components.v2g_vpp.programme_keys import async_with_keys
from tests.shell.conftest import STATION, VEHICLE, mapping
from tests.shell.home import Home
from tests.shell.test_programme_entities import unreachable_programme
from tests.shell.test_programme_source import BY_CALENDAR
from tests.shell.test_storage import REAL

PROGRAMME = unreachable_programme()
CALENDAR_DATA = {
    **BY_CALENDAR,
    CONF_SIGNING_SEED: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2B",
}
LOCAL = ConfigSubentryData(
    subentry_type=SUBENTRY_PROGRAMME,
    title="Evening",
    unique_id="programme_local-evening",
    data=CALENDAR_DATA,
)
KEYS = {
    "evening-peak": {
        field: PROGRAMME["data"][field]
        for field in (CONF_CLIENT_KEY_PEM, CONF_SIGNING_SEED)
    },
    "local-evening": {CONF_SIGNING_SEED: CALENDAR_DATA[CONF_SIGNING_SEED]},
}


@pytest.fixture
def subentries() -> list[ConfigSubentryData]:
    return [STATION, VEHICLE, PROGRAMME, LOCAL]


@pytest.fixture
def storage(hass: HomeAssistant) -> Iterator[Path]:
    """Keep documents on a real disk."""
    with patch.multiple(HomeAssistantStore, **REAL):
        yield Path(hass.config.path(".storage"))


def on_disk(storage: Path) -> Any:
    return json.loads((storage / STORE_KEYS).read_bytes())["data"]


def settings(entry: MockConfigEntry) -> str:
    return json_bytes(entry.as_storage_fragment).decode()


async def set_up(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def test_keys_move_once_and_are_found_again(
    hass: HomeAssistant, entry: MockConfigEntry, storage: Path
) -> None:
    await set_up(hass, entry)
    for secret in (key for keys in KEYS.values() for key in keys.values()):
        assert json.dumps(secret) not in settings(entry)
    assert "PRIVATE KEY" not in settings(entry)
    assert on_disk(storage) == KEYS
    assert (storage / STORE_KEYS).stat().st_mode & 0o777 == 0o600
    first = (storage / STORE_KEYS).stat().st_mtime_ns
    site = entry.runtime_data.site
    assert {p.programme_id for p in site.snapshot.programmes} == set(KEYS)
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert on_disk(storage) == KEYS
    assert (storage / STORE_KEYS).stat().st_mtime_ns == first
    for subentry in entry.get_subentries_of_type(SUBENTRY_PROGRAMME):
        data = await async_with_keys(hass, subentry.data)
        assert data[CONF_SIGNING_SEED]
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_keys_of_a_programme_that_was_added_move_without_starting_it_twice(
    hass: HomeAssistant, entry: MockConfigEntry, storage: Path
) -> None:
    await set_up(hass, entry)
    (broker, local) = entry.get_subentries_of_type(SUBENTRY_PROGRAMME)
    hass.config_entries.async_remove_subentry(entry, local.subentry_id)
    await hass.async_block_till_done()
    assert set(on_disk(storage)) == {"evening-peak"}
    # As if it was invited again: what is in the settings counts.
    other = KEYS["local-evening"][CONF_SIGNING_SEED]
    before = entry.runtime_data.closers[broker.subentry_id]
    hass.config_entries.async_update_subentry(
        entry, broker, data=mapping({**broker.data, CONF_SIGNING_SEED: other})
    )
    await hass.async_block_till_done()
    assert on_disk(storage)["evening-peak"][CONF_SIGNING_SEED] == other
    assert CONF_SIGNING_SEED not in broker.data
    after = entry.runtime_data.closers[broker.subentry_id]
    assert after is not before
    await hass.async_block_till_done()
    assert entry.runtime_data.closers[broker.subentry_id] is after
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_disk_that_takes_no_keys_leaves_them_where_they_are(
    hass: HomeAssistant, entry: MockConfigEntry, storage: Path
) -> None:
    (storage / STORE_KEYS).mkdir()
    with patch.object(Path, "rename", side_effect=PermissionError):
        await set_up(hass, entry)
    assert "PRIVATE KEY" in settings(entry)
    site = entry.runtime_data.site
    assert {p.programme_id for p in site.snapshot.programmes} == set(KEYS)
    (storage / STORE_KEYS).rmdir()
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert "PRIVATE KEY" not in settings(entry)
    assert on_disk(storage) == KEYS
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_lost_keys_stop_their_programmes_and_not_the_home(
    hass: HomeAssistant, entry: MockConfigEntry, storage: Path
) -> None:
    await set_up(hass, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    (storage / STORE_KEYS).write_text("torn")
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
    home = Home.willing(hass, entry)
    assert home.site.snapshot.programmes == ()
    await home.connect()
    assert home.state("binary_sensor", "link", "CS-1_0").state == "on"
    issues = ir.async_get(hass).issues
    for programme_id in KEYS:
        assert (DOMAIN, f"vpp_{programme_id}") in issues
    # Nobody makes a key up in the place of one that signed a ledger.
    assert not (storage / STORE_KEYS).exists()
    for subentry in list(entry.get_subentries_of_type(SUBENTRY_PROGRAMME)):
        hass.config_entries.async_remove_subentry(entry, subentry.subentry_id)
    await hass.async_block_till_done()
    assert not [key for _, key in issues if key.startswith("vpp_")]
    assert await hass.config_entries.async_unload(entry.entry_id)
