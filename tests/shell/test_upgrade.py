"""Going back to an older version: refused, told, and nothing is touched."""

from collections.abc import Iterator
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store as HomeAssistantStore
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_CAPACITY_KWH,
    CONF_DIALECT,
    CONF_IDENTITY,
    CONF_NAME,
    CONF_PASSWORD,
    CONF_PHASE_MAP,
    DOMAIN,
    ENTRY_MINOR_VERSION,
    ENTRY_VERSION,
    STORAGE_MINOR_VERSION,
    STORAGE_VERSION,
    STORE_ENROLMENT,
    STORE_LEDGER,
    STORE_PROGRAMME,
    STORE_SITE,
    STORE_STATIONS,
    SUBENTRY_STATION,
    SUBENTRY_VEHICLE,
)
from custom_components.v2g_vpp.storage import HaStore
from custom_components.v2g_vpp.upgrade import (
    NEWER_VERSION,
    PART_UNREADABLE,
    unknown_fields,
)
from tests.shell.conftest import STATION, VEHICLE, mapping
from tests.shell.home import STATION_ID, Home
from tests.shell.test_setup import is_open
from tests.shell.test_storage import REAL


@pytest.fixture
def storage(hass: HomeAssistant) -> Iterator[Path]:
    """Keep documents on a real disk; the plugin keeps them in memory otherwise."""
    with patch.multiple(HomeAssistantStore, **REAL):
        yield Path(hass.config.path(".storage"))


def issue(hass: HomeAssistant, issue_id: str) -> ir.IssueEntry | None:
    return ir.async_get(hass).async_get_issue(DOMAIN, issue_id)


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name.startswith(DOMAIN)
    }


@pytest.mark.parametrize(
    "newer",
    [
        {"version": ENTRY_VERSION + 1},
        {"version": ENTRY_VERSION, "minor_version": ENTRY_MINOR_VERSION + 1},
    ],
    ids=["major", "minor"],
)
async def test_settings_of_a_newer_version_are_refused_with_a_repair(
    hass: HomeAssistant, free_port: int, storage: Path, newer: dict[str, int]
) -> None:
    data = {"ocpp_host": "127.0.0.1", "ocpp_port": free_port, "of_a_newer": 1}
    entry = MockConfigEntry(
        domain=DOMAIN, title="Home", data=data, subentries_data=[STATION], **newer
    )
    entry.add_to_hass(hass)
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    assert not is_open(free_port)
    found = issue(hass, NEWER_VERSION)
    assert found is not None
    assert found.translation_placeholders == {"name": "Home"}
    assert dict(entry.data) == data
    assert (entry.version, entry.minor_version) == (
        newer["version"],
        newer.get("minor_version", 1),
    )
    assert [s.data for s in entry.subentries.values()] == [STATION["data"]]
    assert contents(storage) == {}


async def test_minor_version_that_is_newer_says_why_where_the_home_is_shown(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, minor_version=ENTRY_MINOR_VERSION + 1)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.error_reason_translation_key == "store_newer"


async def test_settings_of_a_first_minor_version_are_brought_up_to_date(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, minor_version=0)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert entry.minor_version == ENTRY_MINOR_VERSION
    assert await hass.config_entries.async_unload(entry.entry_id)


NEWER_DOCUMENT = json.dumps(
    {"version": STORAGE_VERSION, "minor_version": STORAGE_MINOR_VERSION + 1, "data": {}}
)
NEWER_LEDGER = '{"kind":"genesis","body":{"format":"v2gvpp-ledger-2"},"more":1}\n'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (STORE_SITE, NEWER_DOCUMENT),
        (STORE_STATIONS, NEWER_DOCUMENT),
        (STORE_ENROLMENT, NEWER_DOCUMENT),
        (f"{STORE_PROGRAMME}.evening-peak", NEWER_DOCUMENT),
        (f"{STORE_LEDGER}.evening-peak", NEWER_DOCUMENT),
        (f"{STORE_LEDGER}.evening-peak.jsonl", NEWER_LEDGER),
    ],
)
async def test_document_of_a_newer_version_keeps_the_home_from_starting(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    storage: Path,
    name: str,
    content: str,
) -> None:
    # A home of this version ran before, and left documents of its own.
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert await hass.config_entries.async_unload(entry.entry_id)
    own = (storage / name).read_bytes() if (storage / name).exists() else None
    (storage / name).write_text(content)
    before = contents(storage)

    assert not await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    state: ConfigEntryState = entry.state
    assert state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "store_newer"
    assert entry.error_reason_translation_placeholders == {"store": name}
    assert issue(hass, NEWER_VERSION) is not None
    assert not is_open(entry.data["ocpp_port"])
    assert contents(storage) == before

    # The newer version, or a backup, is back.
    if own is None:
        (storage / name).unlink()
    else:
        (storage / name).write_bytes(own)
    assert await hass.config_entries.async_reload(entry.entry_id)
    state = entry.state
    assert state is ConfigEntryState.LOADED
    assert issue(hass, NEWER_VERSION) is None
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_what_is_no_document_of_ours_keeps_no_home_from_starting(
    hass: HomeAssistant, entry: MockConfigEntry, storage: Path
) -> None:
    for name, content in {
        f"{STORE_LEDGER}.evening.jsonl": "torn",
        f"{STORE_LEDGER}.evening.jsonl.seal": NEWER_DOCUMENT,
        f"{STORE_SITE}.corrupt.2026-11-30": NEWER_DOCUMENT,
        f"{STORE_PROGRAMME}.evening": '{"version": []}',
    }.items():
        (storage / name).write_text(content)
    before = contents(storage)
    # The site has a trace of a document that went: it is latched, and it starts.
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    home = Home.willing(hass, entry)
    assert not home.site.snapshot.is_store_readable
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert contents(storage).items() >= before.items()


async def test_enrolment_that_a_newer_version_began_is_not_written_over(
    hass: HomeAssistant, storage: Path
) -> None:
    (storage / STORE_ENROLMENT).write_text(NEWER_DOCUMENT)
    store = HaStore(hass, STORE_ENROLMENT)
    with pytest.raises(Exception, match="enrolment"):
        await store.load()
    await store.save({})
    assert (storage / STORE_ENROLMENT).read_text() == NEWER_DOCUMENT


def part(kind: str, title: str, data: dict[str, Any]) -> ConfigSubentryData:
    return ConfigSubentryData(
        subentry_type=kind, title=title, unique_id=f"{kind}_{title}", data=data
    )


PASSWORD = "0123456789abcdef0123"
STRANGE = [
    part("home_battery", "Battery of tomorrow", {"capacity_kwh": 10}),
    part(
        SUBENTRY_STATION,
        "Dialect of tomorrow",
        {CONF_IDENTITY: "CS-2", CONF_PASSWORD: PASSWORD, CONF_DIALECT: "telepathy"},
    ),
    part(
        SUBENTRY_STATION,
        "Phases of tomorrow",
        {CONF_IDENTITY: "CS-3", CONF_PASSWORD: PASSWORD, CONF_PHASE_MAP: "L1-L2"},
    ),
    part(SUBENTRY_VEHICLE, "No id", {CONF_NAME: "No id", CONF_CAPACITY_KWH: 40}),
    part("vpp_programme", "No broker", {"programme_id": "p"}),
]


@pytest.mark.parametrize("subentries", [[STATION, VEHICLE, *STRANGE]])
async def test_parts_of_another_version_are_kept_and_the_others_run(
    hass: HomeAssistant, home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    entry = home.entry
    assert {s.title: dict(s.data) for s in entry.subentries.values()} == {
        s["title"]: dict(s["data"]) for s in (STATION, VEHICLE, *STRANGE)
    }
    said = [record.getMessage() for record in caplog.get_records("setup")]
    assert "Battery of tomorrow is kept: home_battery is unknown" in said
    ids = {s.title: s.subentry_id for s in entry.subentries.values()}
    for strange in STRANGE[1:]:
        title = strange["title"]
        found = issue(hass, f"{PART_UNREADABLE}_{ids[title]}")
        assert found is not None
        assert found.translation_placeholders == {"name": title}
    assert [s.station_id for s in home.site.snapshot.stations] == [STATION_ID]
    await home.connect()
    assert home.state("binary_sensor", "link", "CS-1_0").state == "on"
    assert home.state("number", "reserve", "vehicle_leaf").state == "30.0"
    assert not [line for line in said if "Error while setting up" in line]

    # Put right, it starts; removed, nothing is said of it any more.
    subentry = entry.subentries[ids["Dialect of tomorrow"]]
    hass.config_entries.async_update_subentry(
        entry,
        subentry,
        data=mapping({CONF_IDENTITY: "CS-2", CONF_PASSWORD: PASSWORD}),
    )
    hass.config_entries.async_remove_subentry(entry, ids["No id"])
    await hass.async_block_till_done()
    assert {s.station_id for s in home.site.snapshot.stations} == {"CS-1", "CS-2"}
    assert home.state("binary_sensor", "link", "CS-2_0").state == "off"
    for title in ("Dialect of tomorrow", "No id"):
        assert issue(hass, f"{PART_UNREADABLE}_{ids[title]}") is None


def test_fields_that_no_constant_names_are_of_another_version() -> None:
    assert unknown_fields({CONF_IDENTITY: "CS-1", "of_tomorrow": 1}) == {
        "of_tomorrow": 1
    }


@pytest.mark.parametrize(
    "subentries",
    [[{**STATION, "data": {**STATION["data"], "of_tomorrow": 1}}]],
)
async def test_fields_of_another_version_survive_a_change_of_the_settings(
    hass: HomeAssistant, home: Home
) -> None:
    entry = home.entry
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "of_tomorrow": {"deep": 2}}
    )
    await hass.async_block_till_done()
    flow = await entry.start_reconfigure_flow(hass)
    await hass.config_entries.flow.async_configure(
        flow["flow_id"],
        {"ocpp_host": "127.0.0.1", "ocpp_port": entry.data["ocpp_port"]},
    )
    await hass.async_block_till_done()
    assert entry.data["of_tomorrow"] == {"deep": 2}

    (station,) = entry.get_subentries_of_type(SUBENTRY_STATION)
    change = await entry.start_subentry_reconfigure_flow(hass, station.subentry_id)
    done = await hass.config_entries.subentries.async_configure(
        change["flow_id"], {CONF_PASSWORD: "fedcba98765432100123"}
    )
    assert done["type"] is FlowResultType.ABORT
    assert station.data[CONF_PASSWORD] == "fedcba98765432100123"
    assert station.data["of_tomorrow"] == 1


async def test_torn_file_of_the_chargers_stops_the_home_until_somebody_decides(
    hass: HomeAssistant, entry: MockConfigEntry, storage: Path
) -> None:
    """Without it a revoked certificate would be good again."""
    (storage / STORE_STATIONS).write_text('{"version": 1, "da')
    entry.add_to_hass(hass)
    for _ in range(2):
        assert not await hass.config_entries.async_setup(entry.entry_id)
        state: ConfigEntryState = entry.state
        assert state is ConfigEntryState.SETUP_ERROR
        assert entry.error_reason_translation_key == "store_unreadable"
        assert not is_open(entry.data["ocpp_port"])
        await hass.config_entries.async_unload(entry.entry_id)
    (torn,) = [name for name in contents(storage) if ".corrupt." in name]
    assert contents(storage)[torn] == b'{"version": 1, "da'
    # As the page about troubleshooting says.
    (storage / torn).unlink()
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert await hass.config_entries.async_unload(entry.entry_id)
