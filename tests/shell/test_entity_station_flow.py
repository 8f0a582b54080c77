"""The forms of a charger that Home Assistant already knows."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.v2g_vpp.entity_station_data import check_entity_station
from tests.shell.entity_station_pages import (
    BY_NUMBER,
    BY_PAIR,
    BY_SCRIPT,
    FLOWS_IN,
    NUMBER,
    PAGES,
    POWER,
    READS,
    STATES,
    add_entities,
    begin,
    go_to,
    way,
)
from tests.shell.home import Home


@pytest.fixture(autouse=True)
async def entities(hass: HomeAssistant) -> None:
    await add_entities(hass)


async def test_a_charger_is_added_and_runs(hass: HomeAssistant, home: Home) -> None:
    form = await begin(hass, home)
    assert form["step_id"] == "user"
    result = await go_to(hass, form, "never")
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert (result["title"], result["unique_id"]) == ("Garage", "station_EC-garage")
    data = dict(result["data"])
    check_entity_station(data)
    registry = er.async_get(hass)
    known = registry.async_get(NUMBER)
    assert known is not None
    assert data["setpoint_entity"] == known.id, "a rename is followed"
    assert data["power_entity"] == POWER, "without a registry entry"
    assert data["power_inverted"] is False
    assert data["profile"] == "generic"
    assert "watchdog_s" not in data
    await hass.async_block_till_done()
    hass.states.async_set(POWER, "1600", {"unit_of_measurement": "W"})
    await hass.async_block_till_done()
    station = home.site.snapshot.station("EC-garage")  # type: ignore[arg-type]
    assert station is not None
    assert station.is_connected


async def test_the_same_name_twice_is_refused(hass: HomeAssistant, home: Home) -> None:
    await go_to(hass, await begin(hass, home), "never")
    form = await begin(hass, home)
    for name, error in (
        ("Garage", "already_configured"),
        (" ", "name_not_legal"),
        ("x" * 60, "name_not_legal"),
    ):
        form = await hass.config_entries.subentries.async_configure(
            form["flow_id"], {"name": name, "profile": "generic"}
        )
        assert form["errors"] == {"name": error}


@pytest.mark.parametrize(
    ("reads", "errors"),
    [
        ({"power_entity": "sensor.gone"}, {"power_entity": "entity_missing"}),
        ({"power_entity": "sensor.own"}, {"power_entity": "own_entity"}),
        ({"power_entity": "switch.enabled"}, {"power_entity": "wrong_domain"}),
        ({"power_entity": "sensor.soc"}, {"power_entity": "not_a_power"}),
        ({"power_entity": "sensor.nan"}, {"power_entity": "not_a_power"}),
        ({"state_entity": "button.stop"}, {"state_entity": "wrong_domain"}),
        ({"soc_entity": POWER}, {"soc_entity": "not_a_percentage"}),
        (
            {"energy_charged_entity": POWER, "energy_discharged_entity": POWER},
            {
                "energy_charged_entity": "not_an_energy",
                "energy_discharged_entity": "not_an_energy",
            },
        ),
        (
            {"handle_temperature_entity": POWER},
            {"handle_temperature_entity": "not_a_temperature"},
        ),
        ({"fault_entity": NUMBER}, {"fault_entity": "wrong_domain"}),
        ({"power_entity": "f" * 32}, {"power_entity": "entity_missing"}),
    ],
)
async def test_what_cannot_be_read_is_refused(
    hass: HomeAssistant, home: Home, reads: dict[str, Any], errors: dict[str, str]
) -> None:
    form = await go_to(hass, await begin(hass, home), "reads")
    form = await hass.config_entries.subentries.async_configure(
        form["flow_id"], READS | reads
    )
    assert form["errors"] == errors


async def test_everything_that_can_be_read_is_kept(
    hass: HomeAssistant, home: Home
) -> None:
    reads = READS | {
        "power_entity": "sensor.silent",
        "soc_entity": "sensor.soc",
        "energy_charged_entity": "sensor.energy",
        "energy_discharged_entity": "sensor.energy",
        "handle_temperature_entity": "sensor.heat",
        "fault_entity": "binary_sensor.fault",
    }
    pages = {
        "reads": reads,
        "states": STATES | {"healthy_states": ["off"]},
        "direction": {"flow": "nothing_flows"},
    }
    result = await go_to(hass, await begin(hass, home), "never", pages)
    assert result["data"].items() >= (reads | pages["states"]).items()


@pytest.mark.parametrize(
    ("states", "errors"),
    [
        ({"plugged_states": []}, {"plugged_states": "word_missing"}),
        ({"free_states": []}, {"free_states": "word_missing"}),
        ({"free_states": ["connected"]}, {"free_states": "word_twice"}),
        ({"fault_states": ["Free"]}, {"fault_states": "word_twice"}),
    ],
)
async def test_words_need_one_meaning(
    hass: HomeAssistant, home: Home, states: dict[str, Any], errors: dict[str, str]
) -> None:
    form = await go_to(hass, await begin(hass, home), "states")
    assert form["description_placeholders"] == {"state": "Connected"}
    form = await hass.config_entries.subentries.async_configure(
        form["flow_id"], STATES | states
    )
    assert form["errors"] == errors


async def test_a_switch_as_state_needs_no_words_typed(
    hass: HomeAssistant, home: Home
) -> None:
    hass.states.async_set("binary_sensor.plug", "on")
    pages = {"reads": READS | {"state_entity": "binary_sensor.plug"}, "states": {}}
    form = await go_to(hass, await begin(hass, home), "direction", pages)
    result = await go_to(hass, form, "never")
    assert result["data"]["plugged_states"] == ["on"]
    assert result["data"]["free_states"] == ["off"]


@pytest.mark.parametrize(
    ("power", "flow", "is_inverted"),
    [
        ("1500", "into_vehicle", False),
        ("-1500", "into_vehicle", True),
        ("-1500", "out_of_vehicle", False),
        ("1500", "out_of_vehicle", True),
        ("1500", "nothing_flows", False),
    ],
)
async def test_the_sign_follows_what_the_owner_sees(
    hass: HomeAssistant, home: Home, power: str, flow: str, is_inverted: bool
) -> None:
    hass.states.async_set(POWER, power, {"unit_of_measurement": "W"})
    form = await go_to(hass, await begin(hass, home), "direction")
    assert form["description_placeholders"] == {"power": f"{power} W"}
    result = await go_to(hass, form, "never", {"direction": {"flow": flow}})
    assert result["data"]["power_inverted"] is is_inverted


@pytest.mark.parametrize("entity_id", ["sensor.still", "sensor.silent"])
async def test_a_direction_that_cannot_be_seen_is_asked_for_again(
    hass: HomeAssistant, home: Home, entity_id: str
) -> None:
    pages = {"reads": READS | {"power_entity": entity_id}}
    form = await go_to(hass, await begin(hass, home), "direction", pages)
    form = await hass.config_entries.subentries.async_configure(
        form["flow_id"], FLOWS_IN
    )
    assert form["errors"] == {"flow": "no_flow_seen"}


@pytest.mark.parametrize(
    ("step", "changes", "errors"),
    [
        (
            "number",
            {"setpoint_entity": "sensor.soc"},
            {"setpoint_entity": "wrong_domain"},
        ),
        (
            "number",
            {"setpoint_entity": "number.plain"},
            {"setpoint_entity": "no_range"},
        ),
        (
            "number",
            {"setpoint_entity": "number.gone"},
            {"setpoint_entity": "entity_missing"},
        ),
        (
            "number",
            {"setpoint_entity": "input_number.amperes"},
            {"write_unit": "unit_differs"},
        ),
        (
            "number",
            {"setpoint_entity": "input_number.never_zero"},
            {"stop_way": "zero_not_possible"},
        ),
        ("number", {"stop_way": "switch"}, {"stop_entity": "stop_entity_missing"}),
        (
            "number",
            {"stop_way": "switch", "stop_entity": "button.stop"},
            {"stop_entity": "wrong_domain"},
        ),
        (
            "number",
            {"start_button_entity": "switch.enabled"},
            {"start_button_entity": "wrong_domain"},
        ),
        (
            "script",
            {"script_entity": "script.no_fields"},
            {"script_entity": "script_without_fields"},
        ),
        (
            "script",
            {"script_entity": "script.single"},
            {"script_entity": "script_single"},
        ),
        (
            "script",
            {"script_entity": "script.gone"},
            {"script_entity": "entity_missing"},
        ),
        ("script", {"script_entity": NUMBER}, {"script_entity": "wrong_domain"}),
        (
            "pair",
            {"discharge_entity": "input_number.charge"},
            {"discharge_entity": "same_entity"},
        ),
        (
            "pair",
            {"charge_option": "Charge", "discharge_option": "Give"},
            {"direction_entity": "direction_missing"},
        ),
        (
            "pair",
            {"direction_entity": "select.direction", "charge_option": "Charge"},
            {"discharge_option": "option_missing"},
        ),
        (
            "pair",
            {
                "direction_entity": "select.direction",
                "charge_option": "Charge",
                "discharge_option": "Take",
            },
            {"discharge_option": "option_unknown"},
        ),
    ],
)
async def test_what_cannot_be_written_to_is_refused(
    hass: HomeAssistant,
    home: Home,
    step: str,
    changes: dict[str, Any],
    errors: dict[str, str],
) -> None:
    form = await go_to(hass, await begin(hass, home), step, way(step))
    form = await hass.config_entries.subentries.async_configure(
        form["flow_id"], PAGES[step] | changes
    )
    assert form["errors"] == errors


@pytest.mark.parametrize(
    ("step", "page"),
    [
        ("script", BY_SCRIPT),
        ("script", BY_SCRIPT | {"stop_way": "button", "stop_entity": "button.stop"}),
        (
            "pair",
            BY_PAIR
            | {
                "discharge_entity": "input_number.discharge",
                "direction_entity": "select.direction",
                "charge_option": "Charge",
                "discharge_option": "Give",
                "rest_option": "Off",
            },
        ),
        (
            "number",
            BY_NUMBER
            | {
                "stop_way": "switch",
                "stop_entity": "switch.enabled",
                "start_button_entity": "button.stop",
            },
        ),
    ],
)
async def test_every_way_to_be_told_can_be_set_up(
    hass: HomeAssistant, home: Home, step: str, page: dict[str, Any]
) -> None:
    result = await go_to(
        hass, await begin(hass, home), "never", {**way(step), step: page}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    check_entity_station(result["data"])
