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
    CONF_PROGRAMME_ID,
    CONF_SIGNING_SEED,
    DOMAIN,
    STORE_KEYS,
    STORE_LEDGER,
    SUBENTRY_PROGRAMME,
)
from custom_components.v2g_vpp.domain.ledger import EntryKind, LedgerOwner
from custom_components.v2g_vpp.ledger_file import LedgerFile
from custom_components.v2g_vpp.pki.signing import Ed25519Signer, verify_signature
from custom_components.v2g_vpp.programme_keys import async_with_keys
from custom_components.v2g_vpp.programme_opener import LOCAL as LOCAL_ID
from custom_components.v2g_vpp.programme_reauth import async_follow_refusals
from custom_components.v2g_vpp.subentry_facts import signing_seed
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


def write_ledger(storage: Path) -> None:
    """Write what the calendar's programme signs: a first entry of its ledger."""
    seed = signing_seed(KEYS["local-evening"])
    owner = LedgerOwner(region=LOCAL_ID, home_id=LOCAL_ID, programme_id="local-evening")
    path = storage / f"{STORE_LEDGER}.local-evening.jsonl"
    book = LedgerFile(path, owner, Ed25519Signer(seed), verify_signature)
    book.open("2026-11-30T18:00:00.000Z")
    book.append(EntryKind.DAMAGE, "2026-11-30T18:00:00.000Z", {"torn_bytes": 1})
    book.close()


def spoil(storage: Path, change: Any) -> None:
    document = json.loads((storage / STORE_KEYS).read_bytes())
    change(document["data"])
    (storage / STORE_KEYS).write_text(json.dumps(document))


async def test_lost_key_of_a_ledger_is_not_replaced_once_another_one_is_kept(
    hass: HomeAssistant, entry: MockConfigEntry, storage: Path
) -> None:
    await set_up(hass, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    write_ledger(storage)
    (storage / STORE_KEYS).write_text("torn")
    # The keys of one are in the settings still: its save makes the file readable again.
    (broker, local) = entry.get_subentries_of_type(SUBENTRY_PROGRAMME)
    hass.config_entries.async_update_subentry(
        entry, broker, data=mapping({**broker.data, **KEYS["evening-peak"]})
    )
    for _ in range(2):
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        site = entry.runtime_data.site
        assert [p.programme_id for p in site.snapshot.programmes] == ["evening-peak"]
        assert on_disk(storage) == {"evening-peak": KEYS["evening-peak"]}
        issues = ir.async_get(hass).issues
        assert (DOMAIN, "vpp_local-evening") in issues
        assert await hass.config_entries.async_unload(entry.entry_id)
    # Whoever puts its key back goes on with its ledger.
    spoil(storage, lambda keys: keys.update(KEYS))
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    site = entry.runtime_data.site
    assert {p.programme_id for p in site.snapshot.programmes} == set(KEYS)
    assert (DOMAIN, "vpp_local-evening") not in ir.async_get(hass).issues
    ledger = f"{STORE_LEDGER}.local-evening.jsonl"
    assert (storage / ledger).exists()
    assert not (storage / f"{ledger}.changed-1").exists()
    assert local.subentry_id in entry.runtime_data.closers
    assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize(
    "keys",
    [5, {"client_key_pem": "no key", "signing_seed": "no seed"}, {"signing_seed": 7}],
    ids=["no keys", "words", "a number"],
)
async def test_keys_that_are_none_stop_their_programme_alone(
    hass: HomeAssistant, entry: MockConfigEntry, storage: Path, keys: Any
) -> None:
    await set_up(hass, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    for programme_id, other in (
        ("local-evening", "evening-peak"),
        ("evening-peak", "local-evening"),
    ):
        spoil(
            storage, lambda kept, name=programme_id: kept.update({**KEYS, name: keys})
        )
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        running = entry.runtime_data.site.snapshot.programmes
        assert other in {p.programme_id for p in running}
        assert (DOMAIN, f"vpp_{programme_id}") in ir.async_get(hass).issues
        assert await hass.config_entries.async_unload(entry.entry_id)


async def test_key_goes_with_a_programme_that_was_removed_while_nothing_ran(
    hass: HomeAssistant, entry: MockConfigEntry, storage: Path
) -> None:
    await set_up(hass, entry)
    assert await hass.config_entries.async_unload(entry.entry_id)
    (_, local) = entry.get_subentries_of_type(SUBENTRY_PROGRAMME)
    hass.config_entries.async_remove_subentry(entry, local.subentry_id)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert set(on_disk(storage)) == {"evening-peak"}
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_key_goes_with_a_programme_whose_settings_cannot_be_read(
    hass: HomeAssistant, entry: MockConfigEntry, storage: Path
) -> None:
    await set_up(hass, entry)
    (broker, local) = entry.get_subentries_of_type(SUBENTRY_PROGRAMME)
    torn = {key: broker.data[key] for key in (CONF_PROGRAMME_ID,)}
    hass.config_entries.async_update_subentry(entry, broker, data=mapping(torn))
    await hass.async_block_till_done()
    assert broker.subentry_id not in entry.runtime_data.closers
    assert on_disk(storage) == KEYS
    # Without its id nobody can tell whose key may go, nor whom a broker refuses.
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass.config_entries.async_update_subentry(entry, broker, data=mapping({}))
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    async_follow_refusals(hass)
    assert on_disk(storage) == KEYS
    hass.config_entries.async_remove_subentry(entry, broker.subentry_id)
    await hass.async_block_till_done()
    assert set(on_disk(storage)) == {"local-evening"}
    assert local.subentry_id in entry.runtime_data.closers
    assert await hass.config_entries.async_unload(entry.entry_id)
