"""Changes of the set-up are carried out one after another, whatever they take."""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import CONF_IDENTITY, DOMAIN, SUBENTRY_STATION
from custom_components.v2g_vpp.coordinator import V2gRuntimeData
from custom_components.v2g_vpp.subentry_sync import SubentrySync
from tests.shell.conftest import mapping


class SlowParts:
    """Parts of subentries that take a moment to begin and to end."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.removed: list[str] = []

    async def open(self, subentry: ConfigSubentry) -> Any:
        identity = subentry.data[CONF_IDENTITY]
        await asyncio.sleep(0.01)
        self.running.append(identity)

        async def close(*, is_removed: bool) -> None:
            await asyncio.sleep(0.01)
            self.running.remove(identity)
            if is_removed:
                self.removed.append(identity)

        return close


class Quiet:
    """A coordinator without entities."""

    def async_update_listeners(self) -> None:
        """Tell nobody."""


@pytest.fixture
def entry(hass: HomeAssistant) -> MockConfigEntry:
    entry = MockConfigEntry(domain=DOMAIN)
    entry.add_to_hass(hass)
    entry.runtime_data = V2gRuntimeData(
        site=cast("Any", None),
        coordinator=cast("Any", Quiet()),
        stop=cast("Any", None),
        message_log=cast("Any", None),
        rehearsal=cast("Any", None),
    )
    return entry


@pytest.fixture
def parts() -> SlowParts:
    return SlowParts()


@pytest.fixture
def sync(parts: SlowParts) -> SubentrySync:
    return SubentrySync(
        open_station=parts.open,
        open_entity_station=parts.open,
        open_vehicle=parts.open,
        open_programme=parts.open,
        options_changed=lambda entry: None,
    )


def station(name: str) -> ConfigSubentry:
    return ConfigSubentry(
        data=mapping({CONF_IDENTITY: name}),
        subentry_type=SUBENTRY_STATION,
        title=name,
        unique_id=f"station_{name}",
    )


async def test_changes_that_overlap_end_as_the_set_up_says(
    hass: HomeAssistant, entry: MockConfigEntry, sync: SubentrySync, parts: SlowParts
) -> None:
    entries = hass.config_entries
    kept, gone, late = station("kept"), station("gone"), station("late")

    def change_title(title: str) -> None:
        entries.async_update_subentry(entry, kept, title=title)

    changes: list[Callable[[], Any]] = [
        lambda: entries.async_add_subentry(entry, kept),
        lambda: entries.async_add_subentry(entry, gone),
        lambda: change_title("one"),
        lambda: entries.async_remove_subentry(entry, gone.subentry_id),
        lambda: change_title("two"),
        lambda: entries.async_add_subentry(entry, late),
    ]
    await sync.open_all(hass, entry)
    calls = []
    for change in changes:
        change()
        calls.append(asyncio.ensure_future(sync.follow(hass, entry)))
        await asyncio.sleep(0.004)
    await asyncio.gather(*calls)
    assert sorted(parts.running) == ["kept", "late"]
    assert set(entry.runtime_data.closers) == set(entry.subentries)

    await sync.close_all(entry.runtime_data)
    assert parts.running == []
    assert "kept" not in parts.removed
    assert entry.runtime_data.closers == {}


async def test_end_waits_for_a_change_that_is_under_way(
    hass: HomeAssistant, entry: MockConfigEntry, sync: SubentrySync, parts: SlowParts
) -> None:
    await sync.open_all(hass, entry)
    hass.config_entries.async_add_subentry(entry, station("new"))
    change = asyncio.ensure_future(sync.follow(hass, entry))
    await asyncio.sleep(0.004)
    await sync.close_all(entry.runtime_data)
    await change
    assert parts.running == []


async def test_subentry_of_a_later_version_is_left_alone(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    sync: SubentrySync,
    parts: SlowParts,
    caplog: pytest.LogCaptureFixture,
) -> None:
    unknown = ConfigSubentry(
        data=mapping({}), subentry_type="windmill", title="W", unique_id=None
    )
    hass.config_entries.async_add_subentry(entry, unknown)
    await sync.open_all(hass, entry)
    assert "windmill" in caplog.text
    assert parts.running == []
    await sync.close_all(entry.runtime_data)
