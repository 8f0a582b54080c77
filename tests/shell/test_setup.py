"""Loading and unloading: a port that is taken, freed again, and the way there."""

import socket

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import CONF_OCPP_HOST, CONF_OCPP_PORT
from custom_components.v2g_vpp.station_address import station_url
from tests.shell.home import Home


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
        assert entry.state is ConfigEntryState.SETUP_RETRY
        assert entry.error_reason_translation_key == "port_taken"
        assert entry.error_reason_translation_placeholders is not None
        assert entry.error_reason_translation_placeholders["port"] == str(port)
        # Nothing of the home is left behind.
        states = hass.states.async_all()
        assert all(state.attributes.get("restored") for state in states)

    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.LOADED
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
