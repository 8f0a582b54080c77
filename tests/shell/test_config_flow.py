"""Set-up of the home: with a virtual car, without, and changes later."""

from collections.abc import Iterator, Mapping
import socket
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_EVCC_ID,
    CONF_EXPORT_LIMIT_W,
    CONF_IDENTITY,
    CONF_OCPP_HOST,
    CONF_OCPP_PORT,
    CONF_PASSWORD,
    CONF_VIRTUAL,
    DOMAIN,
    SUBENTRY_STATION,
    SUBENTRY_VEHICLE,
    VIRTUAL_EVCC_ID,
    VIRTUAL_OWN_PROCESS,
)
from custom_components.v2g_vpp.virtual.config import VirtualStationConfig

type Json = dict[str, Any]

LOOPBACK = "127.0.0.1"
OTHER_PASSWORD = "fedcba9876543210fedc"


@pytest.fixture
def set_up_nothing() -> Iterator[None]:
    """Leave the entry alone: these tests are about the flow."""
    with patch("custom_components.v2g_vpp.async_setup_entry", return_value=True):
        yield


@pytest.fixture
def taken_port(socket_enabled: None) -> Iterator[int]:
    """Return a port that another program listens on."""
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen(1)
        yield int(other.getsockname()[1])


async def start(hass: HomeAssistant, step: str) -> Json:
    """Begin, and choose from the menu."""
    menu = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert menu["type"] is FlowResultType.MENU
    assert menu["menu_options"] == ["virtual", "home"]
    form = await hass.config_entries.flow.async_configure(
        menu["flow_id"], {"next_step_id": step}
    )
    assert form["type"] is FlowResultType.FORM
    assert form["step_id"] == step
    assert form["errors"] == {}
    return dict(form)


def default(form: Mapping[str, Any], key: str) -> object:
    """Return what a form proposes for a field."""
    return next(k for k in form["data_schema"].schema if k == key).default()


@pytest.mark.usefixtures("set_up_nothing", "socket_enabled")
async def test_home_is_set_up_on_the_port_that_is_proposed(
    hass: HomeAssistant,
) -> None:
    form = await start(hass, "home")
    port = default(form, CONF_OCPP_PORT)
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", port))  # It is free.
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"],
        {
            CONF_OCPP_PORT: port,
            CONF_OCPP_HOST: "0.0.0.0",
            CONF_EXPORT_LIMIT_W: 6_000,
        },
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == hass.config.location_name
    assert result["data"] == {
        CONF_OCPP_PORT: port,
        CONF_OCPP_HOST: "0.0.0.0",
        CONF_EXPORT_LIMIT_W: 6_000,
    }
    assert result["result"].unique_id is None
    assert result["subentries"] == ()


@pytest.mark.usefixtures("set_up_nothing")
async def test_taken_port_is_named_and_another_one_works(
    hass: HomeAssistant, taken_port: int, free_port: int
) -> None:
    form = await start(hass, "home")
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_OCPP_PORT: taken_port, CONF_OCPP_HOST: LOOPBACK}
    )
    assert result["type"] is FlowResultType.FORM
    assert result["errors"] == {CONF_OCPP_PORT: "port_taken"}
    assert default(result, CONF_OCPP_PORT) == taken_port

    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_OCPP_PORT: free_port, CONF_OCPP_HOST: LOOPBACK}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert CONF_EXPORT_LIMIT_W not in result["data"]
    assert result["description"] == "home", "what comes next is told"


@pytest.mark.parametrize(
    ("host", "field", "error"),
    [
        ("my charger", CONF_OCPP_HOST, "not_an_address"),
        # TEST-NET-1: an address that no machine has.
        ("192.0.2.1", CONF_OCPP_PORT, "port_unusable"),
    ],
)
@pytest.mark.usefixtures("set_up_nothing")
async def test_address_that_cannot_be_used_is_told_and_a_good_one_works(
    hass: HomeAssistant, free_port: int, host: str, field: str, error: str
) -> None:
    form = await start(hass, "home")
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_OCPP_PORT: free_port, CONF_OCPP_HOST: host}
    )
    assert result["errors"] == {field: error}

    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_OCPP_PORT: free_port, CONF_OCPP_HOST: LOOPBACK}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.usefixtures("set_up_nothing", "socket_enabled")
async def test_virtual_car_comes_with_a_charger_and_a_vehicle_in_one_go(
    hass: HomeAssistant,
) -> None:
    form = await start(hass, "virtual")
    proposed = {
        key: default(form, key)
        for key in (CONF_OCPP_PORT, CONF_VIRTUAL, CONF_IDENTITY, CONF_PASSWORD)
    }
    result = await hass.config_entries.flow.async_configure(form["flow_id"], proposed)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == {
        # Nothing real dials in, so nothing is opened to the network.
        CONF_OCPP_HOST: "127.0.0.1",
        CONF_OCPP_PORT: proposed[CONF_OCPP_PORT],
    }
    station, vehicle = result["result"].subentries.values()
    assert station.subentry_type == SUBENTRY_STATION
    assert station.unique_id == "station_VIRT1"
    assert station.data == {
        CONF_IDENTITY: "VIRT1",
        CONF_PASSWORD: proposed[CONF_PASSWORD],
        CONF_VIRTUAL: "inside",
    }
    assert vehicle.subentry_type == SUBENTRY_VEHICLE
    assert vehicle.unique_id == "vehicle_virtual"
    assert vehicle.data["capacity_kwh"] == 60
    assert result["description"] == "virtual"
    assert result["description_placeholders"] == {
        "url": f"ws://127.0.0.1:{proposed[CONF_OCPP_PORT]}/",
        "identity": "VIRT1",
        "password": proposed[CONF_PASSWORD],
    }


def test_virtual_vehicle_is_the_one_that_the_virtual_station_plugs_in() -> None:
    station = VirtualStationConfig(url="ws://localhost/", identity="VIRT1", password="")
    assert station.evcc_id == VIRTUAL_EVCC_ID
    assert CONF_EVCC_ID == "evcc_id"


@pytest.mark.usefixtures("set_up_nothing")
async def test_virtual_set_up_recovers_from_every_mistake(
    hass: HomeAssistant, taken_port: int, free_port: int
) -> None:
    form = await start(hass, "virtual")
    good = {
        CONF_OCPP_PORT: free_port,
        CONF_VIRTUAL: VIRTUAL_OWN_PROCESS,
        CONF_IDENTITY: "DEMO-1",
        CONF_PASSWORD: OTHER_PASSWORD,
    }
    for mistake, error in (
        ({CONF_OCPP_PORT: taken_port}, {CONF_OCPP_PORT: "port_taken"}),
        ({CONF_IDENTITY: "<b>"}, {CONF_IDENTITY: "identity_not_legal"}),
        ({CONF_PASSWORD: "short"}, {CONF_PASSWORD: "password_not_legal"}),
    ):
        result = await hass.config_entries.flow.async_configure(
            form["flow_id"], good | mistake
        )
        assert result["type"] is FlowResultType.FORM
        assert result["errors"] == error
    result = await hass.config_entries.flow.async_configure(form["flow_id"], good)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    station, _ = result["result"].subentries.values()
    assert station.data[CONF_VIRTUAL] == VIRTUAL_OWN_PROCESS


@pytest.mark.usefixtures("set_up_nothing", "socket_enabled")
async def test_every_set_up_proposes_another_password(hass: HomeAssistant) -> None:
    first = default(await start(hass, "virtual"), CONF_PASSWORD)
    second = default(await start(hass, "virtual"), CONF_PASSWORD)
    assert first != second
    assert len(str(first)) == 40


async def test_second_home_is_refused(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    entry.add_to_hass(hass)
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "single_instance_allowed"


@pytest.mark.usefixtures("set_up_nothing")
async def test_listener_is_changed_after_a_taken_port_was_refused(
    hass: HomeAssistant, entry: MockConfigEntry, taken_port: int
) -> None:
    entry.add_to_hass(hass)
    form = await entry.start_reconfigure_flow(hass)
    assert form["step_id"] == "reconfigure"
    assert default(form, CONF_OCPP_PORT) == entry.data[CONF_OCPP_PORT]
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_OCPP_PORT: taken_port, CONF_OCPP_HOST: LOOPBACK}
    )
    assert result["errors"] == {CONF_OCPP_PORT: "port_taken"}
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_OCPP_PORT: taken_port, CONF_OCPP_HOST: "nowhere"}
    )
    assert result["errors"] == {CONF_OCPP_HOST: "not_an_address"}

    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"],
        {
            CONF_OCPP_PORT: port,
            CONF_OCPP_HOST: LOOPBACK,
            CONF_EXPORT_LIMIT_W: 5_000,
        },
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == {
        CONF_OCPP_PORT: port,
        CONF_OCPP_HOST: LOOPBACK,
        CONF_EXPORT_LIMIT_W: 5_000,
    }


@pytest.mark.usefixtures("set_up_nothing")
async def test_port_that_is_ours_is_no_obstacle_and_the_limit_can_be_removed(
    hass: HomeAssistant, taken_port: int
) -> None:
    entry = MockConfigEntry(
        domain=DOMAIN,
        data={
            CONF_OCPP_PORT: taken_port,
            CONF_OCPP_HOST: LOOPBACK,
            CONF_EXPORT_LIMIT_W: 5_000,
        },
    )
    entry.add_to_hass(hass)
    form = await entry.start_reconfigure_flow(hass)
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], {CONF_OCPP_PORT: taken_port, CONF_OCPP_HOST: LOOPBACK}
    )
    assert result["type"] is FlowResultType.ABORT
    assert entry.data == {CONF_OCPP_PORT: taken_port, CONF_OCPP_HOST: LOOPBACK}
