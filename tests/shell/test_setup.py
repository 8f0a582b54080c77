"""Loading and unloading: a port that is taken, freed again, and the way there."""

from dataclasses import replace
import socket

from homeassistant.config_entries import ConfigEntryState, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_CAPACITY_KWH,
    CONF_IDENTITY,
    CONF_MAX_CHARGE_POWER_W,
    CONF_OCPP_HOST,
    CONF_OCPP_PORT,
    CONF_PASSWORD,
    SUBENTRY_STATION,
)
from custom_components.v2g_vpp.station_address import station_url
from tests.shell.conftest import VEHICLE, mapping
from tests.shell.home import VEHICLE_ID, Home


def is_open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def test_taken_port_is_tried_again_and_named(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    port = entry.data[CONF_OCPP_PORT]
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen(1)
        assert not await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done()
        state: ConfigEntryState = entry.state
        assert state is ConfigEntryState.SETUP_RETRY
        assert entry.error_reason_translation_key == "port_taken"
        assert entry.error_reason_translation_placeholders is not None
        assert entry.error_reason_translation_placeholders["port"] == str(port)
        # Nothing of the home is left behind.
        states = hass.states.async_all()
        assert all(state.attributes.get("restored") for state in states)

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    state = entry.state
    assert state is ConfigEntryState.LOADED
    home = Home.willing(hass, entry)
    assert home.state("binary_sensor", "link", "CS-1_0").state == "off"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_listener_is_open_while_the_home_is_loaded(
    hass: HomeAssistant, home: Home
) -> None:
    port = home.entry.data[CONF_OCPP_PORT]
    assert is_open(port)
    await hass.config_entries.async_unload(home.entry.entry_id)
    assert not is_open(port)
    await hass.config_entries.async_setup(home.entry.entry_id)
    assert is_open(port)


async def test_change_of_the_listener_reloads_the_home(
    hass: HomeAssistant, home: Home
) -> None:
    old = home.entry.data[CONF_OCPP_PORT]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        new = probe.getsockname()[1]
    hass.config_entries.async_update_entry(
        home.entry, data={**home.entry.data, CONF_OCPP_PORT: new}
    )
    await home.settle()
    assert not is_open(old)
    assert is_open(new)


@pytest.mark.parametrize(
    ("internal_url", "host", "expected"),
    [
        (None, "0.0.0.0", "ws://homeassistant.local:8080/"),
        ("http://192.168.1.5:8123", "0.0.0.0", "ws://192.168.1.5:8080/"),
        ("https://ha.example:8123", "::", "ws://ha.example:8080/"),
        ("http://192.168.1.5:8123", "192.168.7.1", "ws://192.168.7.1:8080/"),
        ("http://192.168.1.5:8123", "fd00::1", "ws://[fd00::1]:8080/"),
    ],
)
async def test_address_for_a_charger_is_one_that_it_can_reach(
    hass: HomeAssistant, internal_url: str | None, host: str, expected: str
) -> None:
    await hass.config.async_update(internal_url=internal_url)
    listener = {CONF_OCPP_HOST: host, CONF_OCPP_PORT: 8080}
    assert station_url(hass, listener) == expected


def part(home: Home, unique_id: str) -> ConfigSubentry:
    found = (s for s in home.entry.subentries.values() if s.unique_id == unique_id)
    return next(found)


async def test_limits_of_an_installation_change_without_a_reload(
    hass: HomeAssistant, home: Home
) -> None:
    await home.connect()
    station = part(home, "station_CS-1")
    for limit_w, shown in ((7_400, "7400.0"), (22_000, "7400.0")):
        hass.config_entries.async_update_subentry(
            home.entry,
            station,
            data={**station.data, CONF_MAX_CHARGE_POWER_W: limit_w},
        )
        await home.settle()
        number = home.state("number", "max_charge_power")
        assert number.attributes["max"] == limit_w
        assert number.state == shown
    # Its connection was not touched.
    assert home.state("binary_sensor", "link", "CS-1_0").state == "on"


@pytest.mark.parametrize(
    ("unique_id", "identifier"),
    [("station_CS-1", "station/CS-1"), ("vehicle_leaf", "vehicle/leaf")],
)
async def test_device_takes_the_new_name_of_its_set_up(
    hass: HomeAssistant, home: Home, unique_id: str, identifier: str
) -> None:
    hass.config_entries.async_update_subentry(
        home.entry, part(home, unique_id), title="Renamed"
    )
    await home.settle()
    device = dr.async_get(hass).async_get(home.device_id(identifier))
    assert isinstance(device, dr.DeviceEntry)
    assert device.name == "Renamed"


async def test_vehicle_keeps_its_knobs_when_its_facts_change(
    hass: HomeAssistant, home: Home
) -> None:
    await home.site.set_vehicle_policy(
        VEHICLE_ID, lambda policy: replace(policy, reserve_percent=42)
    )
    leaf = part(home, "vehicle_leaf")
    hass.config_entries.async_update_subentry(
        home.entry, leaf, data={**leaf.data, CONF_CAPACITY_KWH: 39}
    )
    await home.settle()
    await home.tick()
    assert home.vehicle().spec.capacity_wh == 39_000
    assert home.state("number", "reserve", "vehicle_leaf").state == "42.0"


async def test_quick_hands_leave_the_home_as_its_set_up_says(
    hass: HomeAssistant, home: Home
) -> None:
    entries = hass.config_entries
    stations = [
        ConfigSubentry(
            data=mapping({CONF_IDENTITY: f"Q-{n}", CONF_PASSWORD: "f" * 20}),
            subentry_type=SUBENTRY_STATION,
            title=f"Q {n}",
            unique_id=f"station_Q-{n}",
        )
        for n in range(4)
    ]
    for station in stations:
        entries.async_add_subentry(home.entry, station)
    entries.async_remove_subentry(home.entry, stations[1].subentry_id)
    entries.async_update_subentry(home.entry, stations[2], title="Renamed")
    entries.async_remove_subentry(home.entry, stations[0].subentry_id)
    entries.async_update_subentry(home.entry, stations[2], title="Renamed again")
    await home.settle()
    await home.tick()
    known = {station.station_id for station in home.site.snapshot.stations}
    assert known == {"CS-1", "Q-2", "Q-3"}
    assert set(home.entry.runtime_data.closers) == set(home.entry.subentries)
    for n, is_there in enumerate((False, False, True, True)):
        assert home.has_entity("binary_sensor", "link", f"Q-{n}_0") is is_there


async def test_a_vehicle_that_is_added_can_be_chosen_at_once(
    hass: HomeAssistant, home: Home
) -> None:
    await home.connect()
    await home.tick()
    hass.config_entries.async_add_subentry(
        home.entry,
        ConfigSubentry(
            data=mapping({**VEHICLE["data"], "vehicle_id": "zoe", "evcc_id": "X"}),
            subentry_type="vehicle",
            title="Zoe",
            unique_id="vehicle_zoe",
        ),
    )
    await home.settle()
    await home.tick()
    assert "Zoe" in home.state("select", "vehicle").attributes["options"]
