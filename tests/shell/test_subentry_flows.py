"""Chargers and vehicles: added, changed, refused when they are there already."""

from collections.abc import Mapping
import json
from typing import Any

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_BATTERY_PRICE,
    CONF_CAPACITY_KWH,
    CONF_CHEMISTRY,
    CONF_EVCC_ID,
    CONF_IDENTITY,
    CONF_MAX_CHARGE_POWER_W,
    CONF_MAX_DISCHARGE_POWER_W,
    CONF_NAME,
    CONF_PASSWORD,
    CONF_PREVIOUS_URL,
    CONF_RESERVE_PERCENT,
    CONF_TEMPERATURE,
    CONF_UNATTENDED_CHARGE_W,
    CONF_VEHICLE_ID,
    CONF_VENDOR_DATA,
    CONF_VENDOR_ID,
    CONF_VENDOR_MESSAGE,
    CONF_VPP_RESERVE_PERCENT,
    SUBENTRY_STATION,
    SUBENTRY_VEHICLE,
)
from custom_components.v2g_vpp.domain.chemistry import (
    BATTERY_PRICE_PER_KWH,
    Chemistry,
)
from custom_components.v2g_vpp.station_form import vendor_errors
from custom_components.v2g_vpp.subentry_facts import vehicle
from tests.repository import INTEGRATION

TEXTS = INTEGRATION / "translations" / "en.json"

type Json = dict[str, Any]

PASSWORD = "0123456789abcdef0123"
STATION: dict[str, Any] = {
    CONF_IDENTITY: "CS-2",
    CONF_PASSWORD: PASSWORD,
    CONF_MAX_CHARGE_POWER_W: 7_400,
    CONF_MAX_DISCHARGE_POWER_W: 5_000,
    CONF_UNATTENDED_CHARGE_W: 1_400,
    "dialect": "neg_limit_a",
    "phases": "1",
    "phase_map": "unknown",
}
VEHICLE: dict[str, Any] = {
    CONF_NAME: "Zoë",
    CONF_CAPACITY_KWH: 52.5,
    CONF_RESERVE_PERCENT: 20,
    CONF_VPP_RESERVE_PERCENT: 40,
}


@pytest.fixture
def added(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """A home with the charger CS-1 and the vehicle Leaf, not loaded."""
    entry.add_to_hass(hass)
    return entry


async def start(
    hass: HomeAssistant, entry: MockConfigEntry, kind: str, data: Any = None
) -> Json:
    return dict(
        await hass.config_entries.subentries.async_init(
            (entry.entry_id, kind), context={"source": SOURCE_USER}, data=data
        )
    )


async def go_on(
    hass: HomeAssistant, form: Mapping[str, Any], data: dict[str, Any]
) -> Json:
    flows = hass.config_entries.subentries
    return dict(await flows.async_configure(form["flow_id"], data))


async def reconfigure(
    hass: HomeAssistant, entry: MockConfigEntry, subentry: Any
) -> Json:
    return dict(await entry.start_subentry_reconfigure_flow(hass, subentry.subentry_id))


def subentry(entry: MockConfigEntry, unique_id: str) -> Any:
    return next(s for s in entry.subentries.values() if s.unique_id == unique_id)


def default(form: Mapping[str, Any], key: str) -> object:
    return next(k for k in form["data_schema"].schema if k == key).default()


async def test_charger_is_added_with_what_to_enter_at_it(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    form = await start(hass, added, SUBENTRY_STATION)
    assert form["step_id"] == "user"
    assert len(str(default(form, CONF_PASSWORD))) == 40
    shown = await go_on(hass, form, STATION)
    assert shown["step_id"] == "connect"
    url = f"ws://127.0.0.1:{added.data['ocpp_port']}/"
    assert shown["description_placeholders"] == {
        "url": url,
        "url_with_identity": f"{url}CS-2",
        "identity": "CS-2",
        "password": PASSWORD,
    }
    result = await go_on(hass, shown, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "CS-2"
    assert subentry(added, "station_CS-2").data == STATION


@pytest.mark.parametrize(
    ("mistake", "errors"),
    [
        ({CONF_IDENTITY: "CS 2"}, {CONF_IDENTITY: "identity_not_legal"}),
        ({CONF_IDENTITY: "C" * 49}, {CONF_IDENTITY: "identity_not_legal"}),
        ({CONF_IDENTITY: "CS-1"}, {CONF_IDENTITY: "already_configured"}),
        ({CONF_PASSWORD: "a" * 15}, {CONF_PASSWORD: "password_not_legal"}),
        ({CONF_PASSWORD: "a" * 20 + "§"}, {CONF_PASSWORD: "password_not_legal"}),
        (
            {CONF_UNATTENDED_CHARGE_W: 7_401},
            {CONF_UNATTENDED_CHARGE_W: "above_charge_limit"},
        ),
        (
            {CONF_PREVIOUS_URL: "operator.example"},
            {CONF_PREVIOUS_URL: "previous_url_not_legal"},
        ),
    ],
    ids=[
        "a space in the identity",
        "an identity too long",
        "a charger twice",
        "a password too short",
        "a sign that OCPP does not allow",
        "unattended above the limit",
        "an address without its beginning",
    ],
)
async def test_mistake_with_a_charger_is_told_and_can_be_corrected(
    hass: HomeAssistant,
    added: MockConfigEntry,
    mistake: dict[str, Any],
    errors: dict[str, str],
) -> None:
    form = await start(hass, added, SUBENTRY_STATION)
    result = await go_on(hass, form, STATION | mistake)
    assert result["step_id"] == "user"
    assert result["errors"] == errors
    assert default(result, CONF_MAX_CHARGE_POWER_W) == 7_400

    shown = await go_on(hass, form, STATION)
    result = await go_on(hass, shown, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_charger_from_a_repair_begins_with_its_identity(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    form = await start(hass, added, SUBENTRY_STATION, {CONF_IDENTITY: "NEW-9"})
    assert form["step_id"] == "user"
    assert form["errors"] == {}
    assert default(form, CONF_IDENTITY) == "NEW-9"


async def test_charger_is_reconfigured_but_keeps_its_identity(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    station = subentry(added, "station_CS-1")
    form = await reconfigure(hass, added, station)
    assert form["step_id"] == "reconfigure"
    assert CONF_IDENTITY not in form["data_schema"].schema
    assert form["description_placeholders"]["identity"] == "CS-1"
    assert default(form, CONF_PASSWORD) == PASSWORD
    change = {k: v for k, v in STATION.items() if k != CONF_IDENTITY}

    result = await go_on(hass, form, change | {CONF_PASSWORD: "short"})
    assert result["errors"] == {CONF_PASSWORD: "password_not_legal"}
    assert default(result, CONF_MAX_CHARGE_POWER_W) == 7_400

    result = await go_on(hass, form, change)
    assert result["reason"] == "reconfigure_successful"
    assert subentry(added, "station_CS-1").data == STATION | {CONF_IDENTITY: "CS-1"}


async def test_an_address_of_before_can_be_kept_and_forgotten(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    station = subentry(added, "station_CS-1")
    change = {k: v for k, v in STATION.items() if k != CONF_IDENTITY}
    for old in ({CONF_PREVIOUS_URL: "wss://operator.example/"}, {}):
        form = await reconfigure(hass, added, station)
        await go_on(hass, form, change | old)
        station = subentry(added, "station_CS-1")
        assert station.data == STATION | {CONF_IDENTITY: "CS-1"} | old


MESSAGE = {
    CONF_VENDOR_ID: "org.example",
    CONF_VENDOR_DATA: '{"p": {power_w}}',
}


async def test_the_message_of_a_maker_is_asked_for_and_checked(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    chosen = STATION | {"dialect": "data_transfer"}
    form = await start(hass, added, SUBENTRY_STATION)
    asked = await go_on(hass, form, chosen)
    assert asked["step_id"] == "vendor"
    texts = json.loads(TEXTS.read_text(encoding="utf-8"))["config_subentries"]
    page = texts["charging_station"]["step"]["vendor"]
    told = asked["description_placeholders"]
    shown = (page["description"] + page["data_description"]["vendor_data"]).format(
        **told
    )
    assert "`{power_w}`" in shown
    assert vendor_errors(MESSAGE | {CONF_VENDOR_DATA: told["example"]}) == {}
    for mistake, errors in (
        ({CONF_VENDOR_DATA: "{watts}"}, {CONF_VENDOR_DATA: "template_unknown_place"}),
        ({CONF_VENDOR_DATA: "on"}, {CONF_VENDOR_DATA: "template_without_power"}),
        ({CONF_VENDOR_DATA: "[{power_w}"}, {CONF_VENDOR_DATA: "template_not_json"}),
        ({CONF_VENDOR_ID: " "}, {CONF_VENDOR_ID: "vendor_id_missing"}),
        ({CONF_VENDOR_MESSAGE: 51 * "m"}, {CONF_VENDOR_MESSAGE: "too_long"}),
    ):
        result = await go_on(hass, asked, MESSAGE | mistake)
        assert (result["step_id"], result["errors"]) == ("vendor", errors)
    shown = await go_on(hass, asked, MESSAGE)
    assert shown["step_id"] == "connect"
    result = await go_on(hass, shown, {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert subentry(added, "station_CS-2").data == chosen | MESSAGE


async def test_the_message_of_a_maker_can_be_changed(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    station = subentry(added, "station_CS-1")
    change = {k: v for k, v in STATION.items() if k != CONF_IDENTITY}
    for message in (MESSAGE | {CONF_VENDOR_MESSAGE: "SetPower"}, MESSAGE):
        form = await reconfigure(hass, added, station)
        asked = await go_on(hass, form, change | {"dialect": "data_transfer"})
        result = await go_on(hass, asked, message)
        assert result["reason"] == "reconfigure_successful"
        station = subentry(added, "station_CS-1")
        assert {k: v for k, v in station.data.items() if "vendor" in k} == message


async def test_vehicle_is_added_with_its_first_floors(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    form = await start(hass, added, SUBENTRY_VEHICLE)
    result = await go_on(hass, form, VEHICLE)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Zoë"
    assert subentry(added, "vehicle_zoe").data == VEHICLE | {CONF_VEHICLE_ID: "zoe"}


@pytest.mark.parametrize(
    ("mistake", "errors"),
    [
        ({CONF_NAME: "leaf "}, {CONF_NAME: "already_configured"}),
        ({CONF_NAME: " "}, {CONF_NAME: "name_not_legal"}),
        ({CONF_NAME: "Automatic"}, {CONF_NAME: "name_not_legal"}),
        ({CONF_EVCC_ID: "DELEAF0000000001"}, {CONF_EVCC_ID: "evcc_id_taken"}),
        ({CONF_EVCC_ID: "<script>"}, {CONF_EVCC_ID: "evcc_id_not_legal"}),
    ],
    ids=["a vehicle twice", "no name", "a word of ours", "an id twice", "no id"],
)
async def test_mistake_with_a_vehicle_is_told_and_can_be_corrected(
    hass: HomeAssistant,
    added: MockConfigEntry,
    mistake: dict[str, Any],
    errors: dict[str, str],
) -> None:
    form = await start(hass, added, SUBENTRY_VEHICLE)
    result = await go_on(hass, form, VEHICLE | mistake)
    assert result["errors"] == errors
    result = await go_on(hass, form, VEHICLE | {CONF_EVCC_ID: "DEOTHER000000001"})
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize("capacity_kwh", [4.9, 250.1])
async def test_capacity_outside_5_to_250_kwh_is_refused(
    hass: HomeAssistant, added: MockConfigEntry, capacity_kwh: float
) -> None:
    form = await start(hass, added, SUBENTRY_VEHICLE)
    with pytest.raises(Exception, match="Schema validation failed"):
        await go_on(hass, form, VEHICLE | {CONF_CAPACITY_KWH: capacity_kwh})
    for bound in (5, 250):
        form = await start(hass, added, SUBENTRY_VEHICLE)
        result = await go_on(
            hass, form, VEHICLE | {CONF_CAPACITY_KWH: bound, CONF_NAME: f"Car {bound}"}
        )
        assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_vehicle_is_reconfigured_and_keeps_its_id_and_first_floors(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    leaf = subentry(added, "vehicle_leaf")
    form = await reconfigure(hass, added, leaf)
    assert CONF_RESERVE_PERCENT not in form["data_schema"].schema
    result = await go_on(hass, form, {CONF_NAME: "automatic", CONF_CAPACITY_KWH: 39})
    assert result["errors"] == {CONF_NAME: "name_not_legal"}
    result = await go_on(hass, form, {CONF_NAME: "Blue Leaf", CONF_CAPACITY_KWH: 39})
    assert result["reason"] == "reconfigure_successful"
    leaf = subentry(added, "vehicle_leaf")
    assert leaf.title == "Blue Leaf"
    # The id at the charger was left empty, so it is gone.
    assert leaf.data == {
        CONF_VEHICLE_ID: "leaf",
        CONF_NAME: "Blue Leaf",
        CONF_CAPACITY_KWH: 39,
    }
    form = await reconfigure(hass, added, leaf)
    battery = {
        CONF_CHEMISTRY: "lfp",
        CONF_BATTERY_PRICE: 90,
        CONF_TEMPERATURE: "sensor.outside",
    }
    facts = {CONF_NAME: "Blue Leaf", CONF_CAPACITY_KWH: 39}
    await go_on(hass, form, facts | battery)
    leaf = subentry(added, "vehicle_leaf")
    assert leaf.data == facts | battery | {CONF_VEHICLE_ID: "leaf"}
    assert (vehicle(leaf).chemistry, vehicle(leaf).battery_price_per_kwh) == (
        Chemistry.LFP,
        90,
    )
    await go_on(hass, await reconfigure(hass, added, leaf), facts)
    leaf = subentry(added, "vehicle_leaf")
    assert vehicle(leaf).chemistry is None
    assert CONF_TEMPERATURE not in leaf.data
    assert vehicle(leaf).battery_price_per_kwh == BATTERY_PRICE_PER_KWH
    # The old name is free again, its id is not.
    form = await start(hass, added, SUBENTRY_VEHICLE)
    result = await go_on(hass, form, VEHICLE | {CONF_NAME: "Leaf"})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert subentry(added, "vehicle_leaf_2").title == "Leaf"
