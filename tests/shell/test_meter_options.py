"""The owner names the meters of the home, checks their signs and tells the wiring."""

from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_BATTERY,
    CONF_BATTERY_SOC,
    CONF_FUSE_A,
    CONF_GRID,
    CONF_GRID_INVERTED,
    CONF_GRID_L1,
    CONF_GRID_L2,
    CONF_GRID_L3,
    CONF_IMPORT_LIMIT_W,
    CONF_PEAK_IMPORT_W,
    CONF_PHASE_COUNT,
    CONF_REGULATOR,
    CONF_SOLAR,
    CONF_SOLAR_HOLD_OFF_S,
    CONF_SOLAR_HOLD_ON_S,
    CONF_TOP_UP_FROM_W,
    DOMAIN,
)
from custom_components.v2g_vpp.domain.policy import PATIENT_SOLAR, SolarPolicy
from custom_components.v2g_vpp.domain.site_meters import MeterRegulator, SiteMeter
from tests.shell.home import Home

type Json = dict[str, Any]

GRID, SOLAR, BATTERY, LEVEL = (
    "sensor.grid",
    "sensor.solar",
    "sensor.battery",
    "sensor.level",
)
PHASES = ("sensor.l1", "sensor.l2", "sensor.l3")
ALL = {CONF_GRID: GRID, CONF_SOLAR: SOLAR, CONF_BATTERY: BATTERY}


@pytest.fixture(autouse=True)
def sensors(hass: HomeAssistant) -> None:
    show(hass, GRID, "0.5", "kW")
    show(hass, SOLAR, "2000", "W")
    show(hass, BATTERY, "-300", "W")
    show(hass, LEVEL, "62", "%")
    for entity_id in PHASES:
        show(hass, entity_id, "100", "W")


def show(hass: HomeAssistant, entity_id: str, state: str, unit: str) -> None:
    hass.states.async_set(
        entity_id, state, {"unit_of_measurement": unit}, force_update=True
    )


async def begin(hass: HomeAssistant, entry: MockConfigEntry, **chosen: str) -> Json:
    first: Any = await hass.config_entries.options.async_init(entry.entry_id)
    assert first["step_id"] == "init"
    return await go_on(hass, first, chosen)


async def go_on(hass: HomeAssistant, step: Json, user_input: Json) -> Json:
    result: Any = await hass.config_entries.options.async_configure(
        step["flow_id"], user_input
    )
    return dict(result)


async def finish(
    hass: HomeAssistant, entry: MockConfigEntry, wiring: Json, **chosen: str
) -> Json:
    step = await begin(hass, entry, **chosen)
    if step["step_id"] == "signs":
        step = await go_on(hass, step, _shown(step))
    result = await go_on(hass, step, wiring)
    await hass.async_block_till_done()
    return result


def _shown(step: Json) -> Json:
    """Return what a form shows as chosen."""
    return {str(key): key.default() for key in step["data_schema"].schema}


async def test_three_pages_name_the_meters_and_the_wiring(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    signs = await begin(hass, entry, **ALL, **{CONF_BATTERY_SOC: LEVEL})
    assert signs["step_id"] == "signs"
    assert signs["description_placeholders"] == {
        "grid": "500",
        "solar": "2000",
        "battery": "-300",
    }
    wiring = await go_on(hass, signs, _shown(signs))
    assert wiring["step_id"] == "wiring"
    done = await go_on(
        hass,
        wiring,
        {
            CONF_PHASE_COUNT: "1",
            CONF_FUSE_A: 40,
            CONF_REGULATOR: "home",
            "charge_from_battery": True,
            "charge_battery": False,
        },
    )
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    registry = home.site._registry
    assert registry.wiring is not None
    assert registry.wiring.phase_count == 1
    assert registry.wiring.fuse_a == 40
    assert registry.wiring.regulator is MeterRegulator.HOME
    assert registry.wiring.may_charge_from_battery
    assert registry.meters is not None
    assert registry.meters.meter(SiteMeter.BATTERY_SOC) is not None
    assert registry.meters.meter(SiteMeter.GRID_L1) is None


async def test_a_sign_that_was_turned_is_shown_again_before_it_counts(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    signs = await begin(hass, entry, **{CONF_GRID: GRID})
    again = await go_on(hass, signs, {CONF_GRID_INVERTED: True})
    assert again["step_id"] == "signs"
    assert again["description_placeholders"]["grid"] == "-500"
    wiring = await go_on(hass, again, {CONF_GRID_INVERTED: True})
    await go_on(hass, wiring, {CONF_PHASE_COUNT: "3"})
    await hass.async_block_till_done()
    show(hass, GRID, "0.7", "kW")
    meters = home.site._registry.meters
    assert meters is not None
    assert meters.grid is not None
    assert meters.grid.reading is not None
    assert meters.grid.reading.value == pytest.approx(-700.0)


async def test_phases_are_added_up_where_the_total_is_not_measured(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    chosen = dict(zip((CONF_GRID_L1, CONF_GRID_L2, CONF_GRID_L3), PHASES, strict=True))
    signs = await begin(hass, entry, **chosen)
    assert signs["description_placeholders"]["grid"] == "300"
    hass.states.async_set(PHASES[1], "unavailable")
    again = await go_on(hass, signs, {CONF_GRID_INVERTED: True})
    assert again["description_placeholders"]["grid"] == "?"
    wiring = await go_on(hass, again, {CONF_GRID_INVERTED: True})
    refused = await go_on(hass, wiring, {CONF_PHASE_COUNT: "1"})
    assert refused["errors"] == {CONF_PHASE_COUNT: "phases_differ"}
    done = await go_on(hass, refused, {CONF_PHASE_COUNT: "3"})
    assert done["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    ("chosen", "errors"),
    [
        ({CONF_GRID: LEVEL}, {CONF_GRID: "not_a_power"}),
        ({CONF_GRID: GRID, CONF_SOLAR: GRID}, {CONF_SOLAR: "same_entity"}),
        (
            {CONF_GRID: GRID, CONF_BATTERY: BATTERY, CONF_BATTERY_SOC: SOLAR},
            {CONF_BATTERY_SOC: "not_a_percentage"},
        ),
        (
            {CONF_GRID_L1: PHASES[0], CONF_GRID_L2: PHASES[1]},
            {CONF_GRID_L3: "phase_missing"},
        ),
        (
            {CONF_GRID: GRID, CONF_BATTERY_SOC: LEVEL},
            {CONF_BATTERY: "battery_power_missing"},
        ),
        ({CONF_SOLAR: SOLAR}, {CONF_GRID: "grid_missing"}),
    ],
)
async def test_what_can_be_no_meter_is_named_and_can_be_put_right(
    hass: HomeAssistant,
    home: Home,
    entry: MockConfigEntry,
    chosen: dict[str, str],
    errors: dict[str, str],
) -> None:
    step = await begin(hass, entry, **chosen)
    assert step["step_id"] == "init"
    assert step["errors"] == errors
    assert (await go_on(hass, step, {CONF_GRID: GRID}))["step_id"] == "signs"


async def test_a_sensor_of_a_charger_is_no_meter_of_the_home(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    own = er.async_get(hass).async_get_or_create("sensor", DOMAIN, "power")
    show(hass, own.entity_id, "10", "W")
    step = await begin(hass, entry, **{CONF_GRID: own.entity_id})
    assert step["errors"] == {CONF_GRID: "own_entity"}


async def test_a_silent_sensor_may_be_chosen(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    hass.states.async_set(GRID, "unavailable")
    step = await begin(hass, entry, **{CONF_GRID: GRID})
    assert step["description_placeholders"]["grid"] == "?"


async def test_a_change_keeps_other_options_and_forgets_what_was_left_out(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    hass.config_entries.async_update_entry(entry, options={"other": 1})
    await finish(
        hass, entry, {CONF_PHASE_COUNT: "1", CONF_FUSE_A: 40}, **{CONF_GRID: GRID}
    )
    assert entry.options[CONF_FUSE_A] == 40
    await finish(hass, entry, {CONF_PHASE_COUNT: "1", CONF_IMPORT_LIMIT_W: 9000})
    assert entry.options == {
        "other": 1,
        CONF_PHASE_COUNT: "1",
        CONF_IMPORT_LIMIT_W: 9000,
    }
    assert home.site._registry.meters is None


async def test_what_the_modes_need_reaches_the_home(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    wiring = {
        CONF_PHASE_COUNT: "3",
        CONF_PEAK_IMPORT_W: 5000,
        CONF_TOP_UP_FROM_W: 600,
        CONF_SOLAR_HOLD_ON_S: 120,
        CONF_SOLAR_HOLD_OFF_S: 600,
    }
    await finish(hass, entry, wiring, **{CONF_GRID: GRID})
    registry = home.site._registry
    assert registry.wiring is not None
    assert registry.wiring.peak_import_w == 5000
    assert registry.solar == SolarPolicy(
        top_up_from_w=600, hold_on_s=120, hold_off_s=600
    )
    await finish(hass, entry, {CONF_PHASE_COUNT: "3"}, **{CONF_GRID: GRID})
    assert registry.wiring.peak_import_w is None
    assert registry.solar == PATIENT_SOLAR


async def test_a_change_of_the_meters_drops_no_charger(
    hass: HomeAssistant, home: Home, entry: MockConfigEntry
) -> None:
    await home.connect()
    runtime = entry.runtime_data
    await finish(hass, entry, {CONF_PHASE_COUNT: "3"}, **{CONF_GRID: GRID})
    assert entry.runtime_data is runtime
    station = home.site.snapshot.stations[0]
    assert station.is_connected
