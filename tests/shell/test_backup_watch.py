"""Backups that anybody can read are a repair until they are encrypted."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.backup.config import (
    AgentConfig,
    BackupConfigData,
    BackupSchedule,
    CreateBackupConfig,
    RetentionConfig,
    ScheduleRecurrence,
)
from homeassistant.components.backup.const import DATA_MANAGER
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.v2g_vpp.backup_watch import (
    BACKUP_NOT_ENCRYPTED,
    LOOK_PERIOD,
    is_readable_by_anybody,
)
from custom_components.v2g_vpp.const import DOMAIN

LOCAL = "backup.local"


def config(
    recurrence: ScheduleRecurrence = ScheduleRecurrence.DAILY,
    *,
    password: str | None = "a key",
    places: list[str] | None = None,
    open_at: str | None = None,
) -> BackupConfigData:
    agents: dict[str, Any] = {}
    if open_at is not None:
        agents[open_at] = AgentConfig(protected=False, retention=None)
    return BackupConfigData(
        agents=agents,
        automatic_backups_configured=True,
        create_backup=CreateBackupConfig(
            agent_ids=[LOCAL] if places is None else places, password=password
        ),
        retention=RetentionConfig(),
        schedule=BackupSchedule(recurrence=recurrence),
    )


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (config(), False),
        (config(password=None), True),
        (config(password=None, places=[]), False),
        (config(ScheduleRecurrence.NEVER, password=None), False),
        (config(ScheduleRecurrence.CUSTOM_DAYS, open_at=LOCAL), True),
        (config(open_at="cloud.cloud"), False),
        (config(places=[LOCAL, "cloud.cloud"], open_at="cloud.cloud"), True),
    ],
)
def test_one_open_place_is_enough(data: BackupConfigData, *, expected: bool) -> None:
    assert is_readable_by_anybody(data) is expected


async def test_open_backups_are_a_repair_until_they_are_encrypted(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    assert await async_setup_component(hass, "backup", {})
    await hass.async_block_till_done()
    manager = hass.data[DATA_MANAGER]
    manager.config.data.schedule.recurrence = ScheduleRecurrence.DAILY
    manager.config.data.create_backup = CreateBackupConfig(agent_ids=[LOCAL])
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    issues = ir.async_get(hass).issues
    assert (DOMAIN, BACKUP_NOT_ENCRYPTED) in issues

    manager.config.data.create_backup.password = "a key"
    freezer.tick(LOOK_PERIOD + timedelta(seconds=1))
    async_fire_time_changed(hass, dt_util.utcnow())
    await hass.async_block_till_done()
    assert (DOMAIN, BACKUP_NOT_ENCRYPTED) not in issues
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_home_without_backups_starts_as_ever(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    assert (DOMAIN, BACKUP_NOT_ENCRYPTED) not in ir.async_get(hass).issues
    assert await hass.config_entries.async_unload(entry.entry_id)
