"""Today's code starts on what each older version wrote, and loses nothing of it.

Each home of `homes/` was written by the real code of its day (`record.py`).
"""

from collections.abc import AsyncIterator, Iterator
import json
import logging
from math import isclose
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

from homeassistant.config_entries import ConfigEntryState, ConfigSubentryDataWithId
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.storage import STORAGE_DIR, Store
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.v2g_vpp.const import (
    DOMAIN,
    ENTRY_MINOR_VERSION,
    ENTRY_VERSION,
    STORAGE_MINOR_VERSION,
    STORAGE_VERSION,
    STORE_KEYS,
    STORE_PROGRAMME,
    STORE_SITE,
    STORE_STATIONS,
    SUBENTRY_PROGRAMME,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId, VehicleId
from custom_components.v2g_vpp.domain.ledger import EntryKind
from custom_components.v2g_vpp.programme_keys import KEY_FIELDS, async_with_keys
from script.rig import processes
from tests.shell.test_programme_entities import NOBODY_LISTENS
from tests.shell.test_storage import REAL
from tests.upgrade.record import HOMES

RECORDED = sorted(HOMES.glob("*.json"))

VIRTUAL = EvseKey(StationId("VIRT1"), 1)
CAR = VehicleId("virtual")
PROGRAMME = "evening-peak"

NEW_EACH_START = {
    # The epoch of the home goes up by one with each start.
    "boot_count",
    # The gate of a link that is down has nothing to say of its state.
    "status",
    # Of a day, and of a minute: ages, s.
    "writes",
    "closings",
    "cycled",
    "grid",
    # What flowed while nobody measured is doubted: the doubt grows with each start.
    "soc",
    # What a charger told of itself in an older form: it is asked again.
    "summary",
    # An event that ran goes on or becomes an entry of the ledger.
    "drafts",
    "pending",
    "unheard",
}
"""Keys whose values follow the clock or the start; that they are there is looked at."""


@pytest.fixture(params=RECORDED, ids=lambda path: path.stem)
def recorded(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return a home as it was left."""
    found: dict[str, Any] = json.loads(request.param.read_bytes())
    for subentry in found["entry"]["subentries"]:
        if "broker_port" in subentry["data"]:
            # Somebody else may have the port of its broker now.
            subentry["data"]["broker_port"] = NOBODY_LISTENS
    return found


@pytest.fixture
def storage(hass: HomeAssistant, recorded: dict[str, Any]) -> Iterator[Path]:
    """Put its files where Home Assistant looks for them, on a real disk."""
    folder = Path(hass.config.path(STORAGE_DIR))
    for name, text in recorded["files"].items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
    with patch.multiple(Store, **REAL):
        yield folder


@pytest.fixture
async def entry(
    hass: HomeAssistant, storage: Path, recorded: dict[str, Any], free_port: int
) -> AsyncIterator[MockConfigEntry]:
    """Set its entry up, with a port of this machine."""
    old = recorded["entry"]
    made = MockConfigEntry(
        domain=DOMAIN,
        title=old["title"],
        version=old["version"],
        minor_version=old["minor_version"],
        data={**old["data"], "ocpp_host": "127.0.0.1", "ocpp_port": free_port},
        options=old["options"],
        subentries_data=[
            cast("ConfigSubentryDataWithId", one) for one in old["subentries"]
        ],
    )
    made.add_to_hass(hass)
    assert await hass.config_entries.async_setup(made.entry_id)
    await hass.async_block_till_done()
    yield made
    if made.state is ConfigEntryState.LOADED:
        await hass.config_entries.async_unload(made.entry_id)


def document(source: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(source["files"][name])["data"]
    return found


def written(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / name).read_bytes())
    return found


def lost(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yield what is in ``old`` and not, or otherwise, in ``new``."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from (f"{path}/{key} is gone" for key in old.keys() - new.keys())
        for key in old.keys() & new.keys() - NEW_EACH_START:
            yield from lost(old[key], new[key], f"{path}/{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(new) >= len(old):
        # What came later stands behind.
        for number, (before, after) in enumerate(zip(old, new, strict=False)):
            yield from lost(before, after, f"{path}[{number}]")
    elif not _is_same(old, new):
        yield f"{path}: {old!r} became {new!r}"


def _is_same(old: Any, new: Any) -> bool:
    if isinstance(old, float) and isinstance(new, float):
        return isclose(old, new, rel_tol=1e-9)
    return bool(old == new)


async def test_old_home_starts_without_a_word(
    hass: HomeAssistant, entry: MockConfigEntry, caplog: pytest.LogCaptureFixture
) -> None:
    assert entry.state is ConfigEntryState.LOADED
    assert (entry.version, entry.minor_version) == (ENTRY_VERSION, ENTRY_MINOR_VERSION)
    # Its broker is gone, and that is all there is to say.
    said = [
        record.getMessage()
        for record in caplog.get_records("setup")
        if record.name.startswith("custom_components")
        and record.levelno >= logging.WARNING
    ]
    assert [line for line in said if "cannot be reached" not in line] == []
    issues = [key for domain, key in ir.async_get(hass).issues if domain == DOMAIN]
    assert [key for key in issues if not key.startswith("vpp_")] == []


async def test_what_the_owner_chose_and_what_was_proven_came_along(
    entry: MockConfigEntry, recorded: dict[str, Any]
) -> None:
    snapshot = entry.runtime_data.site.snapshot
    assert snapshot.is_store_readable
    old = document(recorded, STORE_SITE)
    evse, kept = snapshot.evse(VIRTUAL), old["evses"]["VIRT1/1"]
    assert evse is not None
    for name, value in kept["policy"].items():
        assert getattr(evse.policy, name) == value, name
    assert evse.is_emergency_stopped == kept["is_emergency_stopped"]
    vehicle = snapshot.vehicle(CAR)
    assert vehicle is not None
    for name, value in old["vehicles"]["virtual"]["policy"].items():
        assert getattr(vehicle.policy, name) == value, name
    programme = snapshot.programme(PROGRAMME)
    assert programme is not None
    assert programme.is_participating
    # Nothing is resumed from disk, and a proof counts once its charger is back.
    assert evse.setpoint.power_w == 0
    assert evse.available_discharge_w == 0


async def test_nothing_is_lost_by_the_first_save(
    hass: HomeAssistant, entry: MockConfigEntry, recorded: dict[str, Any], storage: Path
) -> None:
    names = [name for name in recorded["files"] if _is_document(name)]
    assert {STORE_SITE, STORE_STATIONS, f"{STORE_PROGRAMME}.{PROGRAMME}"} <= set(names)
    assert await hass.config_entries.async_unload(entry.entry_id)
    for name in names:
        new = written(storage, name)
        if new == json.loads(recorded["files"][name]):
            # Nobody opened it: that of an enrolment waits for the next one.
            continue
        assert (new["version"], new["minor_version"]) == (
            STORAGE_VERSION,
            STORAGE_MINOR_VERSION,
        )
        assert not list(lost(document(recorded, name), new["data"], name))
        assert "rejected" not in new["data"]
        assert "rejected_parts" not in new["data"]
    # The epoch never comes twice.
    memory = f"{STORE_PROGRAMME}.{PROGRAMME}"
    before = document(recorded, memory)["boot_count"]
    assert written(storage, memory)["data"]["boot_count"] == before + 1


async def test_settings_stay_as_they_were(
    hass: HomeAssistant, entry: MockConfigEntry, recorded: dict[str, Any]
) -> None:
    old = {one["subentry_id"]: one for one in recorded["entry"]["subentries"]}
    assert set(entry.subentries) == set(old)
    for subentry_id, subentry in entry.subentries.items():
        was = old[subentry_id]
        assert (subentry.subentry_type, subentry.title, subentry.unique_id) == (
            was["subentry_type"],
            was["title"],
            was["unique_id"],
        )
        settings = {k: v for k, v in was["data"].items() if k not in KEY_FIELDS}
        assert not list(lost(settings, dict(subentry.data)))
        assert not subentry.data.keys() & set(KEY_FIELDS)
        with_keys = settings
        if subentry.subentry_type == SUBENTRY_PROGRAMME:
            with_keys = await async_with_keys(hass, subentry.data)
        assert not list(lost(was["data"], with_keys))


async def test_private_keys_are_in_a_file_for_their_owner_alone(
    hass: HomeAssistant, entry: MockConfigEntry, recorded: dict[str, Any], storage: Path
) -> None:
    assert "PRIVATE KEY" in json.dumps(recorded)
    assert b"PRIVATE KEY" not in json_bytes(entry.as_storage_fragment)
    modes = _modes_of_key_files(storage)
    assert STORE_KEYS in modes
    assert set(modes.values()) == {0o600}


async def test_every_entity_is_still_there(
    hass: HomeAssistant, entry: MockConfigEntry, recorded: dict[str, Any]
) -> None:
    found = {
        f"{one.domain}.{one.unique_id}"
        for one in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    }
    assert sorted(set(recorded["unique_ids"]) - found) == []


async def test_ledger_of_an_old_home_is_believed(
    entry: MockConfigEntry, recorded: dict[str, Any], storage: Path
) -> None:
    name = f"v2g_vpp.ledger.{PROGRAMME}.jsonl"
    if name not in recorded["files"]:
        pytest.skip("of before the ledger")
    verified = await entry.runtime_data.site.verify_ledger(PROGRAMME)
    lines = recorded["files"][name].splitlines()
    assert verified.break_ is None
    assert verified.count >= len(lines)
    assert (storage / name).read_text().splitlines()[: len(lines)] == lines
    assert json.loads(lines[0])["kind"] == EntryKind.GENESIS


async def test_second_start_finds_what_the_first_left(
    hass: HomeAssistant, entry: MockConfigEntry, recorded: dict[str, Any], storage: Path
) -> None:
    assert await hass.config_entries.async_unload(entry.entry_id)
    first = {
        name: written(storage, name)["data"]
        for name in recorded["files"]
        if _is_document(name)
    }
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.runtime_data.site.snapshot.is_store_readable
    assert await hass.config_entries.async_unload(entry.entry_id)
    for name, data in first.items():
        assert not list(lost(data, written(storage, name)["data"], name))


OF_IDS = {
    *("evses", "vehicles", "programmes", "stations"),
    *("marks", "pinned", "keys", "revoked", "barred"),
}
"""Objects whose keys are names of things of the home."""


def shape(value: Any, key: str = "") -> Any:
    """Return which keys there are, without what they hold."""
    if isinstance(value, dict):
        if key in OF_IDS:
            return {"*": _one_of([shape(one) for one in value.values()])}
        return {name: shape(one, name) for name, one in sorted(value.items())}
    if isinstance(value, list):
        return [_one_of([shape(one) for one in value])]
    return "…"


def _one_of(shapes: list[Any]) -> Any:
    known = [one for one in shapes if isinstance(one, dict)]
    return {name: one for found in known for name, one in found.items()} or "…"


@pytest.mark.parametrize("recorded", [RECORDED[-1]], indirect=True, ids=["newest"])
async def test_another_shape_is_another_minor_version(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    recorded: dict[str, Any],
    storage: Path,
    snapshot: SnapshotAssertion,
) -> None:
    """What is written has the shape that its version had when it was released.

    An older version reads a field that it does not know and drops it with its next
    save. So who changes the shape raises STORAGE_MINOR_VERSION (or ENTRY_MINOR_VERSION),
    keeps a home of the version before (``record.py``) and updates the snapshot, which
    then has another name.
    """
    assert await hass.config_entries.async_unload(entry.entry_id)
    shapes = {
        name.replace(PROGRAMME, "*"): shape(written(storage, name)["data"])
        for name in sorted(recorded["files"])
        if _is_document(name)
    }
    assert shapes == snapshot(name=f"stores {STORAGE_VERSION}.{STORAGE_MINOR_VERSION}")


def test_the_first_version_is_among_them_and_so_is_a_ledger() -> None:
    assert len(RECORDED) >= 4
    assert min(path.stem for path in RECORDED).startswith("2026-11-23")
    assert any(".jsonl" in path.read_text(encoding="utf-8") for path in RECORDED)


def _modes_of_key_files(folder: Path) -> dict[str, int]:
    return {
        path.name: path.stat().st_mode & 0o777
        for path in folder.rglob("*")
        if path.is_file() and b"PRIVATE KEY" in path.read_bytes()
    }


def _is_document(name: str) -> bool:
    return "/" not in name and not name.endswith((".jsonl", ".seal", ".torn"))


@pytest.fixture
def free_port(socket_enabled: None) -> int:
    """Return a port of the loopback interface that nothing uses."""
    return processes.free_port()


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Return a folder of this test alone."""
    (Path(hass_tmp_config_dir) / STORAGE_DIR).mkdir(exist_ok=True)
    return hass_tmp_config_dir
