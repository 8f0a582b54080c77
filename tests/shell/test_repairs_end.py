"""Repairs that nobody could end any more: they go with the listener that saw them."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir

from custom_components.v2g_vpp import repairs
from custom_components.v2g_vpp.const import DOMAIN
from tests.shell.home import Home


def issues(hass: HomeAssistant) -> list[str]:
    return sorted(i for domain, i in ir.async_get(hass).issues if domain == DOMAIN)


async def test_what_nobody_listens_to_any_more_is_no_repair(
    hass: HomeAssistant, home: Home
) -> None:
    """A changed set-up starts anew: what is still wrong is said again."""
    repairs.async_raise_refusal(hass, home.entry, "", "", "tls_too_old")
    for identity in ("CS-8", "CS-9"):
        repairs.async_raise_unknown_station(hass, home.entry, identity, "10.0.0.9")
    ir.async_ignore_issue(hass, DOMAIN, "unknown_station_CS-8", True)
    issue_id = "station_does_not_stop_CS-1_1"
    repairs._create(hass, issue_id, "station_does_not_stop", {})
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await hass.async_block_till_done()
    # What the owner ignored stays ignored, and a danger is not over by a reload.
    assert issues(hass) == [issue_id, "unknown_station_CS-8"]


async def test_wrong_clock_of_before_a_reload_is_no_repair_after_it(
    hass: HomeAssistant, home: Home
) -> None:
    repairs._create(hass, "clock_CS-1", "clock_wrong", {})
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await hass.async_block_till_done()
    assert issues(hass) == []
