"""The site's document: written at once or later, and never mistaken for empty."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import timedelta
from functools import partial
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers.storage import Store as HomeAssistantStore
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.v2g_vpp.const import STORAGE_MINOR_VERSION, STORAGE_VERSION
from custom_components.v2g_vpp.domain.errors import StoreNewer, StoreUnreadable
from custom_components.v2g_vpp.storage import SAVE_DELAY_S, HaStore

KEY = "v2g_vpp.test"
FULL = {"version": 1, "minor_version": 1, "key": KEY, "data": {"a": 1}}


async def test_document_that_never_was_is_none(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    assert await HaStore(hass, KEY).load() is None


async def test_saved_document_comes_back(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    reports: list[bool] = []
    await HaStore(hass, KEY, report_write=reports.append).save({"latched": True})
    assert await HaStore(hass, KEY).load() == {"latched": True}
    assert reports == [True]


@pytest.mark.parametrize(
    "document",
    [
        {"key": KEY},
        {**FULL, "data": ["not", "a", "mapping"]},
    ],
    ids=["no document of storage", "of another shape"],
)
async def test_document_that_cannot_be_used_is_unreadable_and_not_empty(
    hass: HomeAssistant, hass_storage: dict[str, Any], document: dict[str, Any]
) -> None:
    hass_storage[KEY] = document
    with pytest.raises(StoreUnreadable):
        await HaStore(hass, KEY).load()


class OnDisk:
    """Stores on a real directory: the plugin keeps them in memory otherwise."""

    def __init__(self, hass: HomeAssistant, folder: Path) -> None:
        hass.config.config_dir = str(folder)
        self.path = folder / ".storage" / KEY
        self.path.parent.mkdir(parents=True, exist_ok=True)


@pytest.fixture
def on_disk(hass: HomeAssistant, tmp_path: Path) -> Iterator[OnDisk]:
    # Not by monkeypatch, which would undo this after the plugin undid its own.
    with patch.multiple(HomeAssistantStore, **REAL):
        yield OnDisk(hass, tmp_path)


REAL: Mapping[str, Any] = {
    name: getattr(HomeAssistantStore, name)
    for name in ("_async_load", "_async_write_data", "async_remove")
}


async def test_corrupt_file_is_unreadable_until_the_next_save(
    hass: HomeAssistant, on_disk: OnDisk
) -> None:
    await HaStore(hass, KEY).save({"latched": True})
    on_disk.path.write_text('{"version": 1, "da')
    with pytest.raises(StoreUnreadable):
        await HaStore(hass, KEY).load()
    # Home Assistant has put the file aside; the next start must not see a new home.
    assert not on_disk.path.exists()
    with pytest.raises(StoreUnreadable):
        await HaStore(hass, KEY).load()
    await HaStore(hass, KEY).save({"latched": False})
    assert await HaStore(hass, KEY).load() == {"latched": False}


@pytest.mark.parametrize(
    ("version", "minor_version"),
    [(STORAGE_VERSION + 1, 1), (STORAGE_VERSION, STORAGE_MINOR_VERSION + 1)],
    ids=["major", "minor"],
)
async def test_document_of_a_newer_version_is_refused_and_never_written_over(
    hass: HomeAssistant, on_disk: OnDisk, version: int, minor_version: int
) -> None:
    told: list[bool] = []
    newer = {**FULL, "version": version, "minor_version": minor_version}
    on_disk.path.write_text(text := json.dumps(newer))
    store = HaStore(hass, KEY, report_write=told.append)
    with pytest.raises(StoreNewer):
        await store.load()
    await store.save({"latched": True})
    store.save_later(lambda: {"latched": True})
    await hass.async_stop(force=True)
    assert on_disk.path.read_text() == text
    assert list(on_disk.path.parent.glob(f"{KEY}*")) == [on_disk.path]
    assert told == []


async def test_document_of_the_first_minor_version_is_read(
    hass: HomeAssistant, on_disk: OnDisk
) -> None:
    on_disk.path.write_text(json.dumps({"version": 1, "key": KEY, "data": {"a": 1}}))
    assert await HaStore(hass, KEY).load() == {"a": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1, 2]",
        '"text"',
        '{"key": "v2g_vpp.test"}',
        '{"version": {}, "data": 1}',
        json.dumps(
            {**FULL, "minor_version": STORAGE_MINOR_VERSION, "data": ["no", "object"]}
        ),
    ],
)
async def test_what_cannot_be_read_is_put_aside_before_anything_is_saved(
    hass: HomeAssistant, on_disk: OnDisk, text: str
) -> None:
    on_disk.path.write_text(text)
    with pytest.raises(StoreUnreadable):
        await HaStore(hass, KEY).load()
    with pytest.raises(StoreUnreadable):
        await HaStore(hass, KEY).load()
    store = HaStore(hass, KEY)
    await store.save({"latched": True})
    assert await store.load() == {"latched": True}
    (aside,) = on_disk.path.parent.glob(f"{KEY}.corrupt.*")
    assert aside.read_text() == text
    await store.remove()
    assert not list(on_disk.path.parent.glob(f"{KEY}*"))


async def test_what_cannot_even_be_put_aside_is_not_written_over(
    hass: HomeAssistant, on_disk: OnDisk, caplog: pytest.LogCaptureFixture
) -> None:
    on_disk.path.write_text("[1, 2]")
    store = HaStore(hass, KEY)
    with (
        patch.object(Path, "rename", side_effect=PermissionError),
        pytest.raises(StoreUnreadable),
    ):
        await store.load()
    assert "cannot be put aside" in caplog.text
    await store.save({"latched": True})
    assert on_disk.path.read_text() == "[1, 2]"


async def test_empty_file_is_unreadable(hass: HomeAssistant, on_disk: OnDisk) -> None:
    on_disk.path.write_text("")
    with pytest.raises(StoreUnreadable):
        await HaStore(hass, KEY).load()


async def test_file_is_only_for_its_owner(hass: HomeAssistant, on_disk: OnDisk) -> None:
    await HaStore(hass, KEY).save({"secret": 1})
    assert on_disk.path.stat().st_mode & 0o077 == 0


async def test_document_that_cannot_be_written_is_reported_and_so_is_its_recovery(
    hass: HomeAssistant, on_disk: OnDisk, caplog: pytest.LogCaptureFixture
) -> None:
    reports: list[bool] = []
    store = HaStore(hass, KEY, report_write=reports.append)
    on_disk.path.mkdir()
    await store.save({"latched": True})
    assert reports == [False]
    assert "could not be written" in caplog.text
    on_disk.path.rmdir()
    await store.save({"latched": True})
    assert reports == [False, True]


async def test_saves_at_once_are_no_failure_of_each_other(
    hass: HomeAssistant, on_disk: OnDisk
) -> None:
    told: list[bool] = []
    store = HaStore(hass, KEY, report_write=told.append)
    await asyncio.gather(*(store.save({"number": number}) for number in range(5)))
    assert set(told) == {True}
    assert await HaStore(hass, KEY).load() == {"number": 4}


async def test_later_saves_do_not_put_the_write_off(
    hass: HomeAssistant, hass_storage: dict[str, Any], freezer: FrozenDateTimeFactory
) -> None:
    store = HaStore(hass, KEY)
    for call in range(1, 8):
        store.save_later(partial(dict, call=call))
        freezer.tick(timedelta(seconds=SAVE_DELAY_S / 4))
        async_fire_time_changed(hass, dt_util.utcnow())
        await hass.async_block_till_done()
    assert hass_storage[KEY]["data"]["call"] >= 4
    await store.save({"call": 8})


async def test_save_takes_the_place_of_a_later_one(
    hass: HomeAssistant, hass_storage: dict[str, Any], freezer: FrozenDateTimeFactory
) -> None:
    store = HaStore(hass, KEY)
    store.save_later(lambda: {"is": "old"})
    await store.save({"is": "new"})
    freezer.tick(timedelta(seconds=2 * SAVE_DELAY_S))
    async_fire_time_changed(hass, dt_util.utcnow())
    await hass.async_block_till_done()
    assert hass_storage[KEY]["data"] == {"is": "new"}


async def test_save_while_home_assistant_stops_is_left_to_its_last_stage(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    reports: list[bool] = []
    store = HaStore(hass, KEY, report_write=reports.append)
    hass.set_state(CoreState.stopping)
    await store.save({"latched": True})
    assert reports == []
    assert KEY not in hass_storage
    await hass.async_stop(force=True)
    assert hass_storage[KEY]["data"] == {"latched": True}


async def test_removed_document_never_was(
    hass: HomeAssistant, hass_storage: dict[str, Any]
) -> None:
    store = HaStore(hass, KEY)
    await store.save({"a": 1})
    await store.remove()
    assert await HaStore(hass, KEY).load() is None
