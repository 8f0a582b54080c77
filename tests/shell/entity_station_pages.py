"""The pages of the flow of a charger behind entities, filled in."""

from typing import Any

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from custom_components.v2g_vpp.const import DOMAIN, SUBENTRY_ENTITY_STATION
from tests.shell.home import Home

POWER, STATE, NUMBER = "sensor.power", "sensor.plug", "input_number.setpoint"
READS: dict[str, Any] = {"power_entity": POWER, "state_entity": STATE}
STATES: dict[str, Any] = {"plugged_states": ["Connected"], "free_states": ["Free"]}
FLOWS_IN: dict[str, Any] = {"flow": "into_vehicle"}
BY_NUMBER: dict[str, Any] = {
    "setpoint_entity": NUMBER,
    "write_unit": "W",
    "phases": "1",
    "write_inverted": False,
    "stop_way": "zero",
}
BY_PAIR: dict[str, Any] = {
    "charge_entity": "input_number.charge",
    "write_unit": "W",
    "phases": "1",
    "stop_way": "zero",
}
BY_SCRIPT: dict[str, Any] = {
    "script_entity": "script.power",
    "write_inverted": False,
    "stop_way": "zero",
}
LIMITS: dict[str, Any] = {
    "max_charge_power_w": 7_000,
    "max_discharge_power_w": 6_000,
    "unattended_charge_w": 0,
    "phase_map": "unknown",
}
QUIRKS: dict[str, Any] = {
    "min_charge_w": 1_380,
    "min_discharge_w": 1_380,
    "zero_forbidden": False,
    "min_write_interval_s": 1,
    "settle_s": 10,
    "read_period_s": 5,
    "reversal_rest_s": 0,
    "lowest_soc_percent": 0,
    "reverts": False,
}
PAGES: dict[str, dict[str, Any]] = {
    "user": {"name": "Garage", "profile": "generic"},
    "reads": READS,
    "states": STATES,
    "direction": FLOWS_IN,
    "writes": {"next_step_id": "number"},
    "number": BY_NUMBER,
    "pair": BY_PAIR,
    "script": BY_SCRIPT,
    "limits": LIMITS,
    "quirks": QUIRKS,
}


def _number(largest: float = 11_000, least: float = -11_000, **more: Any) -> Any:
    return {"min": least, "max": largest, "step": 1, "initial": max(0, least), **more}


async def add_entities(hass: HomeAssistant) -> None:
    """Add what a charger may be known through, and what it may not."""
    numbers = {
        "setpoint": _number(),
        "amperes": _number(16, -16, unit_of_measurement="A"),
        "large_amperes": _number(50, -50, unit_of_measurement="A"),
        "never_zero": _number(32, 6),
        "charge": _number(7_000, 0),
        "discharge": _number(6_000, 0),
        "small": _number(3_000, -3_000),
    }
    script: dict[str, Any] = {
        "sequence": [{"delay": 0}],
        "mode": "restart",
        "fields": {"power_w": {}, "duration_s": {}},
    }
    scripts = {
        "power": script,
        "no_fields": {"sequence": [{"delay": 0}], "mode": "restart"},
        "single": {**script, "mode": "single"},
    }
    assert await async_setup_component(hass, "input_number", {"input_number": numbers})
    assert await async_setup_component(hass, "script", {"script": scripts})
    await hass.async_block_till_done()
    hass.states.async_set(POWER, "1500", {"unit_of_measurement": "W"})
    hass.states.async_set(STATE, "Connected", {"options": ["Free", "Connected"]})
    hass.states.async_set("sensor.soc", "50", {"unit_of_measurement": "%"})
    hass.states.async_set("sensor.energy", "5", {"unit_of_measurement": "kWh"})
    hass.states.async_set("sensor.heat", "30", {"unit_of_measurement": "°C"})
    hass.states.async_set("sensor.still", "10", {"unit_of_measurement": "W"})
    hass.states.async_set("sensor.silent", "unavailable")
    hass.states.async_set("sensor.nan", "nan", {"unit_of_measurement": "W"})
    hass.states.async_set("binary_sensor.fault", "off")
    hass.states.async_set("switch.enabled", "off")
    hass.states.async_set("button.stop", "unknown")
    hass.states.async_set("number.plain", "5")
    hass.states.async_set(
        "select.direction", "Off", {"options": ["Charge", "Give", "Off"]}
    )
    registry = er.async_get(hass)
    registry.async_get_or_create("sensor", DOMAIN, "own", suggested_object_id="own")
    hass.states.async_set("sensor.own", "1", {"unit_of_measurement": "W"})


async def begin(hass: HomeAssistant, home: Home) -> Any:
    return await hass.config_entries.subentries.async_init(
        (home.entry.entry_id, SUBENTRY_ENTITY_STATION), context={"source": SOURCE_USER}
    )


async def go_to(
    hass: HomeAssistant,
    form: Any,
    step: str,
    pages: dict[str, dict[str, Any]] | None = None,
) -> Any:
    """Fill pages in until one is shown."""
    pages = PAGES | (pages or {})
    for _ in range(len(PAGES)):
        if step == form.get("step_id") or "step_id" not in form:
            return form
        form = await hass.config_entries.subentries.async_configure(
            form["flow_id"], pages[form["step_id"]]
        )
        assert not form.get("errors"), form["errors"]
    return form


def way(step: str) -> dict[str, dict[str, Any]]:
    return {"writes": {"next_step_id": step}}
