"""What only a person can check at a charger: reminded of once a year."""

from datetime import date, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.util import dt as dt_util
from hypothesis import given, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.v2g_vpp.const import (
    CONF_CHECKED_ON,
    CONF_CIRCUIT,
    CONF_CIRCUIT_LIMIT_A,
    CONF_EARTH_TESTED_ON,
    CONF_IDENTITY,
    CONF_RCD_TESTED_ON,
)
from custom_components.v2g_vpp.station_checks import (
    CHECK_ISSUES,
    check_error,
    is_due,
)
from tests.shell.home import STATION_ID, Home
from tests.shell.test_repair_flows import FixFlow, fix
from tests.shell.test_repairs import WEB_SERVER, issues
from tests.shell.test_subentry_flows import STATION, go_on, reconfigure, subentry

__all__ = ["fix"]

FORM = {k: v for k, v in STATION.items() if k != CONF_IDENTITY}
TODAY = "2026-11-30"
LAST_YEAR = "2025-11-30"
RCD_DUE = f"check_due_{CONF_RCD_TESTED_ON}_{STATION_ID}"


def charger(home: Home) -> ConfigSubentry:
    found: ConfigSubentry = subentry(home.entry, f"station_{STATION_ID}")
    return found


async def enter(home: Home, **days: str) -> dict[str, Any]:
    """Send the form of the charger with nothing but these days."""
    form = await reconfigure(home.hass, home.entry, charger(home))
    result = await go_on(home.hass, form, FORM | days)
    await home.settle()
    return result


@pytest.fixture
def freezer(freezer: FrozenDateTimeFactory) -> FrozenDateTimeFactory:
    freezer.move_to(f"{TODAY} 20:00:00+00:00")
    return freezer


async def test_a_check_is_asked_for_a_year_after_its_day_and_not_before(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, home: Home
) -> None:
    await enter(home, **{CONF_RCD_TESTED_ON: "2025-12-01"})
    assert issues(hass) == {}, "364 days ago"
    freezer.tick(timedelta(days=1))
    async_fire_time_changed(hass)
    await home.settle()
    (issue,) = issues(hass).values()
    assert issue.translation_key == "check_due_rcd"
    assert issue.translation_placeholders == {
        "station": STATION_ID,
        "tested_on": "2025-12-01",
    }
    # A restart changes nothing of it.
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await home.settle()
    assert list(issues(hass)) == [RCD_DUE]
    # What the form leaves empty is not asked for any more.
    await enter(home)
    assert issues(hass) == {}


async def test_each_check_has_its_own_reminder_which_goes_with_the_charger(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, home: Home
) -> None:
    await enter(home, **dict.fromkeys(CHECK_ISSUES, LAST_YEAR))
    keys = {issue.translation_key for issue in issues(hass).values()}
    assert keys == {"check_due_rcd", "check_due_earth", "check_due_checklist"}
    await enter(home, **{CONF_EARTH_TESTED_ON: LAST_YEAR, CONF_CHECKED_ON: TODAY})
    assert [i.translation_key for i in issues(hass).values()] == ["check_due_earth"]
    hass.config_entries.async_remove_subentry(home.entry, charger(home).subentry_id)
    await home.settle()
    assert issues(hass) == {}


async def test_a_day_that_has_not_come_is_refused_and_an_old_one_is_not(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, home: Home
) -> None:
    result = await enter(home, **{CONF_CHECKED_ON: "2026-12-01"})
    assert result["errors"] == {CONF_CHECKED_ON: "date_in_future"}
    done = await go_on(hass, result, FORM | {CONF_CHECKED_ON: "2019-02-28"})
    assert done["reason"] == "reconfigure_successful"


@WEB_SERVER
async def test_the_new_day_ends_the_reminder_for_a_year(
    hass: HomeAssistant, home: Home, fix: FixFlow
) -> None:
    # By the true clock: the session of the browser would end with another one.
    today = dt_util.now().date()
    last_year, yesterday, tomorrow = (
        (today - timedelta(days=days)).isoformat() for days in (365, 1, -1)
    )
    await enter(
        home, **{CONF_RCD_TESTED_ON: last_year, CONF_CHECKED_ON: today.isoformat()}
    )
    form = await fix.begin(RCD_DUE)
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"]["tested_on"] == last_year
    for wrong, error in ((tomorrow, "date_in_future"), (last_year, "date_too_old")):
        form = await fix.submit(form["flow_id"], {"tested_on": wrong})
        assert form["errors"] == {"tested_on": error}
    result = await fix.submit(form["flow_id"], {"tested_on": yesterday})
    assert result["type"] == FlowResultType.CREATE_ENTRY
    await home.settle()
    assert issues(hass) == {}
    data = charger(home).data
    assert data[CONF_RCD_TESTED_ON] == yesterday
    assert data[CONF_CHECKED_ON] == today.isoformat(), "the others are as before"


@WEB_SERVER
async def test_a_charger_that_is_removed_meanwhile_ends_the_dialog(
    hass: HomeAssistant, home: Home, fix: FixFlow
) -> None:
    await enter(home, **{CONF_RCD_TESTED_ON: "2020-02-29"})
    form = await fix.begin(RCD_DUE)
    hass.config_entries.async_remove_subentry(home.entry, charger(home).subentry_id)
    await home.settle()
    result = await fix.submit(form["flow_id"], {"tested_on": "2026-01-01"})
    assert result["reason"] == "removed"


async def test_a_field_of_the_form_that_was_emptied_is_gone(home: Home) -> None:
    form = await reconfigure(home.hass, home.entry, charger(home))
    circuit = {CONF_CIRCUIT: "barn", CONF_CIRCUIT_LIMIT_A: 16}
    await go_on(home.hass, form, FORM | circuit)
    await home.settle()
    assert charger(home).data[CONF_CIRCUIT] == "barn"
    await enter(home)
    assert CONF_CIRCUIT not in charger(home).data
    assert CONF_CIRCUIT_LIMIT_A not in charger(home).data
    assert charger(home).data[CONF_IDENTITY] == STATION_ID


@given(tested_on=st.dates(), today=st.dates())
def test_what_a_form_takes_is_not_due(tested_on: date, today: date) -> None:
    error = check_error(tested_on.isoformat(), today)
    if error is None:
        assert not is_due(tested_on.isoformat(), today)
        assert tested_on <= today
    else:
        assert (error == "date_in_future") is (tested_on > today)
