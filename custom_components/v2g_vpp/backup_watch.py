"""Remind of automatic backups that anybody who finds one can read.

A backup holds the passwords of the chargers and the keys of this home.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN

if TYPE_CHECKING:
    from homeassistant.components.backup.config import BackupConfigData
    from homeassistant.components.backup.manager import BackupManager

BACKUP_NOT_ENCRYPTED: Final = "backup_not_encrypted"

LOOK_PERIOD: Final = timedelta(hours=6)
"""House rule: whoever changes it sees the reminder go on the same day."""

_NEVER: Final = "never"


# By its name, so that a home without backups imports nothing of them.
_MANAGER: Final[HassKey[BackupManager]] = HassKey("backup")


@callback
def async_watch_backups(hass: HomeAssistant) -> CALLBACK_TYPE:
    """Show the repair while it is so; returns what ends that."""

    @callback
    def look(_now: datetime | None = None) -> None:
        manager = hass.data.get(_MANAGER)
        if manager is not None and is_readable_by_anybody(manager.config.data):
            ir.async_create_issue(
                hass,
                DOMAIN,
                BACKUP_NOT_ENCRYPTED,
                is_fixable=False,
                severity=ir.IssueSeverity.WARNING,
                translation_key=BACKUP_NOT_ENCRYPTED,
            )
        else:
            ir.async_delete_issue(hass, DOMAIN, BACKUP_NOT_ENCRYPTED)

    look()
    return async_track_time_interval(hass, look, LOOK_PERIOD)


def is_readable_by_anybody(data: BackupConfigData) -> bool:
    """Return True when automatic backups are made and one place gets them open."""
    if data.schedule.recurrence == _NEVER:
        return False
    places = data.create_backup.agent_ids
    if data.create_backup.password is None:
        return bool(places)
    return any(
        place in data.agents and not data.agents[place].protected for place in places
    )
