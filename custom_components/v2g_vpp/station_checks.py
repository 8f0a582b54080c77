"""The yearly reminder of what nobody but a person can check at a charger."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util

from .const import (
    CONF_CHECKED_ON,
    CONF_EARTH_TESTED_ON,
    CONF_IDENTITY,
    CONF_RCD_TESTED_ON,
    DOMAIN,
)
from .coordinator import V2gConfigEntry

CHECK_DUE: Final = "check_due_"
"""How the reminders begin, before the check and the charger's identity."""

CHECK_ISSUES: Final[Mapping[str, str]] = {
    CONF_RCD_TESTED_ON: "check_due_rcd",
    CONF_EARTH_TESTED_ON: "check_due_earth",
    CONF_CHECKED_ON: "check_due_checklist",
}
CHECK_ERRORS: Final = ("date_in_future", "date_too_old")

DUE_AFTER: Final = timedelta(days=365)
"""Once a year (product brief, row 20); what the law of a country asks may be more."""

LOOK_PERIOD: Final = timedelta(hours=12)
"""House rule: a day is told on that day."""


def is_due(tested_on: str, today: date) -> bool:
    """Return True when a check of that day has to be done again."""
    return today - date.fromisoformat(tested_on) >= DUE_AFTER


def check_error(tested_on: str, today: date) -> str | None:
    """Return what is wrong with the day of a check that was just done."""
    if date.fromisoformat(tested_on) > today:
        return CHECK_ERRORS[0]
    return CHECK_ERRORS[1] if is_due(tested_on, today) else None


def check_errors(data: Mapping[str, Any]) -> dict[str, str]:
    """Return which days of a form have not come yet, by field; old ones are allowed."""
    today = dt_util.now().date()
    return {
        field: CHECK_ERRORS[0]
        for field in CHECK_ISSUES
        if data.get(field) and date.fromisoformat(data[field]) > today
    }


@callback
def async_remind_of_checks(
    hass: HomeAssistant, entry: V2gConfigEntry, subentry: ConfigSubentry
) -> Callable[..., None]:
    """Show what is due at a charger, today and on each day that follows.

    A check of which no day was entered is not asked for.

    Returns:
        What ends it; with ``is_removed=True`` the reminders go, too.
    """
    data = subentry.data

    @callback
    def look(_now: datetime | None = None) -> None:
        today = dt_util.now().date()
        for field in CHECK_ISSUES:
            tested_on = data.get(field)
            if tested_on and is_due(tested_on, today):
                _show(hass, entry, subentry, field)
            else:
                ir.async_delete_issue(hass, DOMAIN, _issue_id(data, field))

    def end(*, is_removed: bool) -> None:
        cancel()
        if is_removed:
            for field in CHECK_ISSUES:
                ir.async_delete_issue(hass, DOMAIN, _issue_id(data, field))

    look()
    cancel = async_track_time_interval(hass, look, LOOK_PERIOD)
    return end


def _show(
    hass: HomeAssistant, entry: V2gConfigEntry, subentry: ConfigSubentry, field: str
) -> None:
    data = subentry.data
    ir.async_create_issue(
        hass,
        DOMAIN,
        _issue_id(data, field),
        data={
            "entry_id": entry.entry_id,
            "subentry_id": subentry.subentry_id,
            "field": field,
        },
        is_fixable=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key=CHECK_ISSUES[field],
        translation_placeholders={
            "station": data[CONF_IDENTITY],
            "tested_on": data[field],
        },
    )


def _issue_id(data: Mapping[str, Any], field: str) -> str:
    return f"{CHECK_DUE}{field}_{data[CONF_IDENTITY]}"
