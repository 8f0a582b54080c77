"""The last pages of a charger behind entities, its profiles, and changing it."""

from typing import Any

from homeassistant.config_entries import SOURCE_RECONFIGURE
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.v2g_vpp.const import SUBENTRY_ENTITY_STATION
from custom_components.v2g_vpp.entity_profile import load_profiles
from custom_components.v2g_vpp.entity_station_data import check_entity_station
from tests.shell.entity_station_pages import (
    BY_NUMBER,
    BY_PAIR,
    BY_SCRIPT,
    LIMITS,
    NUMBER,
    PAGES,
    POWER,
    QUIRKS,
    add_entities,
    begin,
    go_to,
    way,
)
from tests.shell.home import Home


@pytest.fixture(autouse=True)
async def entities(hass: HomeAssistant) -> None:
    await add_entities(hass)


@pytest.mark.parametrize(
    ("pages", "limits", "errors"),
    [
        (
            {},
            {"unattended_charge_w": 8_000},
            {"unattended_charge_w": "above_charge_limit"},
        ),
        ({}, {"circuit": "Barn"}, {"circuit_limit_a": "circuit_incomplete"}),
        ({}, {"circuit_limit_a": 16}, {"circuit": "circuit_incomplete"}),
        (
            {"number": BY_NUMBER | {"setpoint_entity": "input_number.small"}},
            {},
            {
                "max_charge_power_w": "number_too_small",
                "max_discharge_power_w": "number_too_small",
            },
        ),
        (
            {
                "number": BY_NUMBER
                | {"setpoint_entity": "input_number.amperes", "write_unit": "A"}
            },
            {"max_discharge_power_w": 3_000},
            {"max_charge_power_w": "number_too_small"},
        ),
        (
            {**way("pair"), "pair": BY_PAIR},
            {},
            {"max_discharge_power_w": "no_discharge_number"},
        ),
    ],
)
async def test_limits_that_cannot_be_are_refused(
    hass: HomeAssistant,
    home: Home,
    pages: dict[str, Any],
    limits: dict[str, Any],
    errors: dict[str, str],
) -> None:
    form = await go_to(hass, await begin(hass, home), "limits", pages)
    form = await hass.config_entries.subentries.async_configure(
        form["flow_id"], LIMITS | limits
    )
    assert form["errors"] == errors


@pytest.mark.parametrize(
    ("pages", "limits_w"),
    [
        (
            {"number": BY_NUMBER | {"setpoint_entity": "input_number.small"}},
            (3_000,) * 2,
        ),
        (
            {
                "number": BY_NUMBER
                | {"setpoint_entity": "input_number.amperes", "write_unit": "A"}
            },
            (3_680, 3_680),
        ),
        ({**way("pair"), "pair": BY_PAIR}, (7_000, 0)),
        ({**way("script"), "script": BY_SCRIPT}, (11_000, 11_000)),
    ],
)
async def test_limits_that_are_offered_are_within_reach_of_the_charger(
    hass: HomeAssistant,
    home: Home,
    pages: dict[str, Any],
    limits_w: tuple[int, int],
) -> None:
    form = await go_to(hass, await begin(hass, home), "limits", pages)
    offered = form["data_schema"]({})
    found = (offered["max_charge_power_w"], offered["max_discharge_power_w"])
    assert found == limits_w
    form = await hass.config_entries.subentries.async_configure(
        form["flow_id"], offered
    )
    assert form["step_id"] == "quirks", form["errors"]


@pytest.mark.parametrize(
    ("pages", "quirks", "errors"),
    [
        ({}, {"zero_forbidden": True}, {"zero_forbidden": "zero_forbidden"}),
        (
            {"number": BY_NUMBER | {"stop_way": "minimum_power"}},
            {"min_charge_w": 0},
            {"min_charge_w": "minimum_needed"},
        ),
        (
            {},
            {"watchdog_s": 20, "min_write_interval_s": 15},
            {"watchdog_s": "watchdog_too_short"},
        ),
        ({}, {"min_write_interval_s": 60}, {"watchdog_s": "watchdog_too_short"}),
        (
            {
                **way("pair"),
                "pair": BY_PAIR
                | {
                    "discharge_entity": "input_number.discharge",
                    "stop_way": "switch",
                    "stop_entity": "switch.enabled",
                },
            },
            {"zero_forbidden": True},
            {"zero_forbidden": "direction_missing"},
        ),
    ],
)
async def test_what_contradicts_itself_is_refused(
    hass: HomeAssistant,
    home: Home,
    pages: dict[str, Any],
    quirks: dict[str, Any],
    errors: dict[str, str],
) -> None:
    form = await go_to(hass, await begin(hass, home), "quirks", pages)
    form = await hass.config_entries.subentries.async_configure(
        form["flow_id"], QUIRKS | quirks
    )
    assert form["errors"] == errors


async def test_a_charger_is_changed_and_an_entity_that_is_gone_asked_for_anew(
    hass: HomeAssistant, home: Home
) -> None:
    pages = {
        "quirks": QUIRKS | {"watchdog_s": 60},
        "limits": LIMITS | {"circuit": "Barn", "circuit_limit_a": 16},
    }
    await go_to(hass, await begin(hass, home), "never", pages)
    (subentry,) = (
        one
        for one in home.entry.subentries.values()
        if one.subentry_type == SUBENTRY_ENTITY_STATION
    )
    assert subentry.data["watchdog_s"] == 60
    registry = er.async_get(hass)
    registry.async_remove(NUMBER)
    hass.config_entries.async_update_subentry(
        home.entry, subentry, data={**subentry.data, "of_a_later_version": 1}
    )
    form: Any = await hass.config_entries.subentries.async_init(
        (home.entry.entry_id, SUBENTRY_ENTITY_STATION),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry.subentry_id},
    )
    assert form["step_id"] == "reads"
    assert form["data_schema"]({})["power_entity"] == POWER
    form = await go_to(hass, form, "number", {"direction": {"flow": "nothing_flows"}})
    with pytest.raises(Exception, match="required"):
        form["data_schema"]({})
    number = BY_NUMBER | {"setpoint_entity": "input_number.small"}
    limits = LIMITS | {"max_charge_power_w": 3_000, "max_discharge_power_w": 0}
    result = await go_to(hass, form, "never", {"number": number, "limits": limits})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    data = subentry.data
    check_entity_station(data)
    known = registry.async_get("input_number.small")
    assert known is not None
    assert data["setpoint_entity"] == known.id
    assert data["max_discharge_power_w"] == 0
    assert "watchdog_s" not in data, "a field that was emptied is gone"
    assert "circuit" not in data
    assert data["of_a_later_version"] == 1
    assert (data["identity"], data["name"]) == ("EC-garage", "Garage")


@pytest.mark.parametrize("profile_id", sorted(load_profiles()))
async def test_every_profile_fills_the_pages_in(
    hass: HomeAssistant, home: Home, profile_id: str
) -> None:
    profile = load_profiles()[profile_id]
    step = {"script": "script", "two_numbers": "pair"}.get(
        profile.set_up["write_way"], "number"
    )
    is_switched = profile.set_up["stop_way"] == "switch"
    stop = {"stop_entity": "switch.enabled"} if is_switched else {}
    if profile.set_up.get("write_unit") == "A":
        stop["setpoint_entity"] = "input_number.large_amperes"
    form: Any = await begin(hass, home)
    form = await go_to(
        hass,
        form,
        step,
        {
            "user": {"name": "Garage", "profile": profile_id},
            "states": {} if "free_states" in profile.set_up else PAGES["states"],
            "direction": {"flow": "nothing_flows"},
            **way(step),
        },
    )
    named = {"script_entity": "script.power"}
    if step == "number":
        named = {"setpoint_entity": NUMBER} | stop
    filled = form["data_schema"](named)
    form = await hass.config_entries.subentries.async_configure(form["flow_id"], filled)
    form = await hass.config_entries.subentries.async_configure(form["flow_id"], {})
    if form["step_id"] == "limits":
        assert set(form["errors"].values()) == {"number_too_small"}
        form = await hass.config_entries.subentries.async_configure(
            form["flow_id"],
            {"max_charge_power_w": 7_000, "max_discharge_power_w": 7_000},
        )
    assert form["step_id"] == "quirks", form["errors"]
    # Suggested, not filled in by itself: a field that is emptied has to stay empty.
    suggested = {k: v for k, v in profile.set_up.items() if k == "watchdog_s"}
    result = await hass.config_entries.subentries.async_configure(
        form["flow_id"], suggested
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY, result["errors"]
    check_entity_station(result["data"])
    for key, value in profile.set_up.items():
        if not key.startswith("max_"):
            assert result["data"][key] == value
    assert result["data"]["profile"] == profile_id


async def test_entities_that_are_not_loaded_yet_are_let_through(
    hass: HomeAssistant, home: Home
) -> None:
    registry = er.async_get(hass)
    for domain, name in (
        ("sensor", "later_power"),
        ("sensor", "later_state"),
        ("number", "later_number"),
        ("script", "later_script"),
    ):
        registry.async_get_or_create(domain, "other", name, suggested_object_id=name)
    pages = {
        "reads": {
            "power_entity": "sensor.later_power",
            "state_entity": "sensor.later_state",
        },
        "direction": {"flow": "nothing_flows"},
    }
    number = BY_NUMBER | {"setpoint_entity": "number.later_number"}
    form: Any = await go_to(
        hass, await begin(hass, home), "direction", {**pages, "number": number}
    )
    assert form["description_placeholders"] == {"power": "?"}
    result: Any = await go_to(hass, form, "never", {**pages, "number": number})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    script = BY_SCRIPT | {"script_entity": "script.later_script"}
    result = await go_to(
        hass,
        await begin(hass, home),
        "never",
        {
            **pages,
            **way("script"),
            "script": script,
            "user": {"name": "Second", "profile": "generic"},
        },
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_no_two_chargers_are_told_through_one_entity(
    hass: HomeAssistant, home: Home
) -> None:
    await go_to(hass, await begin(hass, home), "never")
    carport = {"user": {"name": "Carport", "profile": "generic"}}
    form = await go_to(hass, await begin(hass, home), "number", carport)
    form = await hass.config_entries.subentries.async_configure(
        form["flow_id"], BY_NUMBER
    )
    assert form["errors"] == {"setpoint_entity": "entity_taken"}
    other = carport | {"number": BY_NUMBER | {"setpoint_entity": "input_number.small"}}
    other["limits"] = (
        LIMITS | {"max_charge_power_w": 3_000} | {"max_discharge_power_w": 0}
    )
    result = await go_to(hass, form, "never", other)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    garage = next(
        one
        for one in home.entry.subentries.values()
        if one.unique_id == "station_EC-garage"
    )
    form = await hass.config_entries.subentries.async_init(
        (home.entry.entry_id, SUBENTRY_ENTITY_STATION),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": garage.subentry_id},
    )
    result = await go_to(hass, form, "never")
    assert result["reason"] == "reconfigure_successful", "its own are its own"


async def test_a_script_that_may_lose_a_stop_is_no_way_to_stop(
    hass: HomeAssistant, home: Home
) -> None:
    form = await go_to(hass, await begin(hass, home), "number")
    form = await hass.config_entries.subentries.async_configure(
        form["flow_id"],
        BY_NUMBER | {"stop_way": "script", "stop_entity": "script.single"},
    )
    assert form["errors"] == {"stop_entity": "script_single"}
