"""Encrypted connections: chosen in the flow, made at the start, told to the charger."""

import asyncio
from pathlib import Path
import ssl
from typing import Any

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_OCPP_HOST,
    CONF_OCPP_PORT,
    CONF_OCPP_TLS_HOST,
    CONF_OCPP_TLS_PORT,
    CONF_SKIP_WAIT,
    DOMAIN,
    SUBENTRY_STATION,
)
from tests.shell.test_subentry_flows import STATION

LOOPBACK = "127.0.0.1"
NAME = "charger.home.arpa"


@pytest.fixture
def two_ports(free_port: int, unused_tcp_port_factory: Any) -> tuple[int, int]:
    return free_port, unused_tcp_port_factory()


@pytest.fixture
async def entry(
    hass: HomeAssistant, two_ports: tuple[int, int], tmp_path: Path
) -> MockConfigEntry:
    """A home that offers both ways in."""
    hass.config.config_dir = str(tmp_path)
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Home",
        data={
            CONF_OCPP_HOST: LOOPBACK,
            CONF_OCPP_PORT: two_ports[0],
            CONF_OCPP_TLS_PORT: two_ports[1],
            CONF_OCPP_TLS_HOST: NAME,
        },
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    return entry


async def shown_names(port: int, root_pem: str, host: str) -> set[str]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=root_pem)
    _reader, writer = await asyncio.open_connection(
        LOOPBACK, port, ssl=context, server_hostname=host
    )
    told = writer.get_extra_info("peercert")
    writer.close()
    await writer.wait_closed()
    return {value for _kind, value in told["subjectAltName"]}


async def test_a_charger_is_told_the_address_and_the_root_that_fit(
    hass: HomeAssistant, entry: MockConfigEntry, two_ports: tuple[int, int]
) -> None:
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (entry.entry_id, SUBENTRY_STATION), context={"source": SOURCE_USER}
    )
    page = await flows.async_configure(form["flow_id"], STATION)
    assert page["step_id"] == "connect_secure"
    told = page["description_placeholders"]
    assert told is not None
    assert told["url"] == f"wss://{NAME}:{two_ports[1]}/"
    assert told["plain_url"] == f"ws://{LOOPBACK}:{two_ports[0]}/"
    schema = page["data_schema"]
    assert schema is not None
    field, skip_wait = schema.schema
    assert skip_wait == CONF_SKIP_WAIT
    root_pem = field.description["suggested_value"]
    # What the page says is what the listener does: name and root fit its certificate.
    assert NAME in await shown_names(two_ports[1], root_pem, NAME)
    result = await flows.async_configure(
        page["flow_id"], {"root_pem": root_pem, CONF_SKIP_WAIT: True}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert "root_pem" not in result["data"]
    (station_id,) = (
        i for i, s in entry.subentries.items() if s.data.get("identity") == "CS-2"
    )
    change = await flows.async_init(
        (entry.entry_id, SUBENTRY_STATION),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": station_id},
    )
    shown = change["description_placeholders"]
    assert shown is not None
    assert told["url"] in shown["urls"]
    assert told["plain_url"] in shown["urls"]
    assert await hass.config_entries.async_unload(entry.entry_id)
    with pytest.raises(OSError, match=r"refused|Connect"):
        await shown_names(two_ports[1], root_pem, NAME)


async def test_the_root_is_shown_again_when_a_charger_is_changed(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (entry.entry_id, SUBENTRY_STATION), context={"source": SOURCE_USER}
    )
    page = await flows.async_configure(form["flow_id"], STATION)
    await flows.async_configure(
        page["flow_id"], {"root_pem": "-", CONF_SKIP_WAIT: True}
    )
    (station,) = entry.subentries.values()
    form = await flows.async_init(
        (entry.entry_id, SUBENTRY_STATION),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": station.subentry_id},
    )
    change = {k: v for k, v in STATION.items() if k != "identity"}
    page = await flows.async_configure(
        form["flow_id"], change | {"unattended_charge_w": 1_400}
    )
    assert page["step_id"] == "connect_secure"
    result = await flows.async_configure(page["flow_id"], {"root_pem": "-"})
    assert result["reason"] == "reconfigure_successful"
    (station,) = entry.subentries.values()
    assert station.data["unattended_charge_w"] == 1_400
    assert "root_pem" not in station.data


async def test_keys_are_private_and_the_root_outlives_a_restart(
    hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path
) -> None:
    folder = tmp_path / ".storage" / "v2g_vpp.pki"
    before = content_of(folder / "ocpp_root.pem")
    assert modes_of(folder) == {0o600}
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.LOADED
    assert content_of(folder / "ocpp_root.pem") == before
    assert await hass.config_entries.async_unload(entry.entry_id)


@pytest.mark.parametrize(
    "broken", ["broken", "", "\N{LATIN SMALL LETTER E WITH ACUTE}"]
)
async def test_a_root_of_the_home_that_is_broken_is_told_until_it_is_mended(
    hass: HomeAssistant, entry: MockConfigEntry, tmp_path: Path, broken: str
) -> None:
    root = tmp_path / ".storage" / "v2g_vpp.pki" / "ocpp_root.pem"
    good = content_of(root)
    write(root, broken)
    await hass.config_entries.async_reload(entry.entry_id)
    state: ConfigEntryState = entry.state
    assert state is ConfigEntryState.SETUP_ERROR
    assert entry.error_reason_translation_key == "store_unreadable"
    write(root, good)
    assert await hass.config_entries.async_reload(entry.entry_id)
    state = entry.state
    assert state is ConfigEntryState.LOADED
    assert content_of(root) == good, "no charger has to be visited"
    assert await hass.config_entries.async_unload(entry.entry_id)


def write(path: Path, content: str) -> None:
    path.write_text(content)


def content_of(path: Path) -> str:
    return path.read_text()


def modes_of(folder: Path) -> set[int]:
    return {file.stat().st_mode & 0o777 for file in folder.iterdir()}


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({CONF_OCPP_TLS_HOST: "no name"}, {CONF_OCPP_TLS_HOST: "host_name_not_legal"}),
        ({CONF_OCPP_TLS_HOST: "-x"}, {CONF_OCPP_TLS_HOST: "host_name_not_legal"}),
        ({CONF_OCPP_TLS_PORT: None}, {CONF_OCPP_TLS_PORT: "same_port"}),
        ({"ocpp_networks": "my house"}, {"ocpp_networks": "not_a_network"}),
        ({"ocpp_networks": "10.0.0.0/33"}, {"ocpp_networks": "not_a_network"}),
    ],
    ids=[
        "a space",
        "a hyphen in front",
        "the port of the other",
        "words for a network",
        "a mask too long",
    ],
)
async def test_a_mistake_is_told_and_can_be_corrected(
    hass: HomeAssistant,
    two_ports: tuple[int, int],
    wrong: dict[str, Any],
    errors: dict[str, str],
) -> None:
    menu = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    form = await hass.config_entries.flow.async_configure(
        menu["flow_id"], {"next_step_id": "home"}
    )
    right = {CONF_OCPP_HOST: LOOPBACK, CONF_OCPP_PORT: two_ports[0]}
    wrong = {k: two_ports[0] if v is None else v for k, v in wrong.items()}
    result = await hass.config_entries.flow.async_configure(
        form["flow_id"], right | wrong
    )
    assert result["errors"] == errors
    result = await hass.config_entries.flow.async_configure(form["flow_id"], right)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert await hass.config_entries.async_unload(result["result"].entry_id)
