"""The grid of the region: proposed by the country, chosen, or told in numbers."""

from collections.abc import Iterator
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_GRID_CUSTOM,
    CONF_GRID_PROFILE,
    CONF_GRID_SUPPORT,
    CONF_OCPP_HOST,
    CONF_OCPP_PORT,
    DOMAIN,
    GRID_CUSTOM,
)
from custom_components.v2g_vpp.domain.grid_profile import (
    EN50549_50HZ,
    GRID_PROFILES,
    IEEE1547_CAT3_60HZ,
    UNSPECIFIED,
)
from custom_components.v2g_vpp.grid_options import (
    CONF_ENTER_HIGH_HZ,
    CONF_ENTER_LOW_HZ,
    CONF_NOMINAL_HZ,
    CONF_OVER_HZ,
    CONF_UNDER_HZ,
    chosen_profile,
    custom_profile,
    custom_schema,
    proposed_profile,
)
from tests.shell.home import Home

type Json = dict[str, Any]

LOOPBACK = "127.0.0.1"


@pytest.fixture
def set_up_nothing() -> Iterator[None]:
    """Leave the entry alone: these tests are about the flow."""
    with patch("custom_components.v2g_vpp.async_setup_entry", return_value=True):
        yield


def proposed(form: Json, key: str) -> object:
    """Return what a form suggests for a field."""
    field = next(k for k in form["data_schema"].schema if k == key)
    return (field.description or {}).get("suggested_value")


def numbers(**changes: float) -> Json:
    """Return what the form of numbers proposes, some of them changed."""
    shown = {key: key.default() for key in custom_schema({}).schema}
    return {str(key): value for key, value in shown.items()} | changes


@pytest.mark.parametrize(
    ("country", "profile"),
    [
        ("US", IEEE1547_CAT3_60HZ),
        ("CA", IEEE1547_CAT3_60HZ),
        ("DE", EN50549_50HZ),
        ("CH", EN50549_50HZ),
        ("GB", UNSPECIFIED),
        ("JP", UNSPECIFIED),
        (None, UNSPECIFIED),
    ],
)
def test_a_region_is_proposed_by_the_country(country: str | None, profile: Any) -> None:
    assert proposed_profile(country) == profile.profile_id


@pytest.mark.parametrize("name", list(GRID_PROFILES))
def test_a_choice_is_a_profile(name: str) -> None:
    assert chosen_profile({CONF_GRID_PROFILE: name}) is GRID_PROFILES[name]


def test_a_home_of_before_the_choice_has_no_region() -> None:
    assert chosen_profile({}) is UNSPECIFIED
    assert chosen_profile({CONF_GRID_PROFILE: "of a later version"}) is UNSPECIFIED


def test_the_numbers_that_are_proposed_are_those_of_europe() -> None:
    profile = custom_profile(numbers())
    assert profile.under == EN50549_50HZ.under
    assert profile.over == EN50549_50HZ.over
    assert profile.enter_delay_s == EN50549_50HZ.enter_delay_s
    assert profile.under[0].frequency_hz < profile.charge_cut_hz < profile.enter_low_hz


@pytest.mark.parametrize(
    "changes",
    [
        {CONF_NOMINAL_HZ: 60.0},
        {CONF_UNDER_HZ: 51.0},
        {CONF_OVER_HZ: 49.0},
        {CONF_ENTER_LOW_HZ: 50.3},
        {CONF_ENTER_HIGH_HZ: 49.0},
    ],
)
def test_numbers_that_contradict_each_other_are_refused(changes: Json) -> None:
    with pytest.raises(ValueError):
        custom_profile(numbers(**changes))


async def submit(hass: HomeAssistant, form: Json, answers: Json) -> Json:
    result = await hass.config_entries.flow.async_configure(form["flow_id"], answers)
    return dict(result)


@pytest.mark.usefixtures("set_up_nothing", "socket_enabled")
async def test_the_region_of_the_home_is_shown_and_its_numbers_asked_for(
    hass: HomeAssistant, free_port: int
) -> None:
    hass.config.country = "DE"
    menu = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    form = await submit(hass, dict(menu), {"next_step_id": "home"})
    assert proposed(form, CONF_GRID_PROFILE) == EN50549_50HZ.profile_id
    home = {
        CONF_OCPP_PORT: free_port,
        CONF_OCPP_HOST: LOOPBACK,
        CONF_GRID_PROFILE: GRID_CUSTOM,
    }
    form = await submit(hass, form, home)
    assert form["step_id"] == "grid"
    wrong = await submit(hass, form, numbers(**{CONF_OVER_HZ: 49.0}))
    assert wrong["errors"] == {"base": "grid_numbers_contradict"}
    right = numbers(**{CONF_OVER_HZ: 52.0})
    result = await submit(hass, wrong, right)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == home | {CONF_GRID_CUSTOM: right}
    assert chosen_profile(result["data"]).over[0].frequency_hz == 52.0


@pytest.mark.usefixtures("set_up_nothing", "socket_enabled")
async def test_a_change_of_the_home_begins_with_what_was_chosen(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    chosen = {
        CONF_GRID_PROFILE: GRID_CUSTOM,
        CONF_GRID_CUSTOM: numbers(**{CONF_OVER_HZ: 52.0}),
    }
    entry.add_to_hass(hass)
    hass.config_entries.async_update_entry(entry, data={**entry.data, **chosen})
    form: Json = dict(await entry.start_reconfigure_flow(hass))
    assert proposed(form, CONF_GRID_PROFILE) == GRID_CUSTOM
    home = {
        CONF_OCPP_PORT: entry.data[CONF_OCPP_PORT],
        CONF_OCPP_HOST: entry.data[CONF_OCPP_HOST],
    }
    page = await submit(hass, form, home | {CONF_GRID_PROFILE: GRID_CUSTOM})
    shown = {str(key): key.default() for key in page["data_schema"].schema}
    assert shown[CONF_OVER_HZ] == 52.0
    result = await submit(hass, page, shown)
    assert result["type"] is FlowResultType.ABORT
    assert entry.data[CONF_GRID_CUSTOM][CONF_OVER_HZ] == 52.0


async def test_the_home_is_supervised_by_its_region(home: Home) -> None:
    registry = home.site._registry
    assert registry.grid_profile is UNSPECIFIED
    data = {**home.entry.data, CONF_GRID_PROFILE: IEEE1547_CAT3_60HZ.profile_id}
    home.hass.config_entries.async_update_entry(home.entry, data=data)
    await home.hass.async_block_till_done()
    assert home.site._registry.grid_profile is IEEE1547_CAT3_60HZ


async def test_the_grid_is_supported_only_where_the_owner_wants_it(home: Home) -> None:
    registry = home.site._registry
    assert not registry.is_supporting_grid
    data = {**home.entry.data, CONF_GRID_SUPPORT: True}
    home.hass.config_entries.async_update_entry(home.entry, data=data)
    await home.hass.async_block_till_done()
    assert home.site._registry.is_supporting_grid
