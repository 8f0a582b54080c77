"""A charger without a password: only by choice, only from named networks, never unseen."""

from typing import Any

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from custom_components.v2g_vpp.const import (
    CONF_NO_PASSWORD,
    CONF_OCPP_NETWORKS,
    DOMAIN,
    SUBENTRY_STATION,
)
from tests.shell.home import Home
from tests.shell.test_subentry_flows import STATION

NETWORKS = {CONF_OCPP_NETWORKS: "192.168.1.0/24"}
ISSUE = "no_password_CS-2"


def notice(hass: HomeAssistant) -> str | None:
    issue = ir.async_get(hass).async_get_issue(DOMAIN, ISSUE)
    return issue.translation_key if issue is not None else None


async def name_networks(home: Home, networks: dict[str, Any]) -> None:
    data = {k: v for k, v in home.entry.data.items() if k != CONF_OCPP_NETWORKS}
    home.hass.config_entries.async_update_entry(home.entry, data=data | networks)
    await home.settle()


async def test_it_needs_named_networks_and_is_never_unseen(
    hass: HomeAssistant, home: Home
) -> None:
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (home.entry.entry_id, SUBENTRY_STATION), context={"source": SOURCE_USER}
    )
    wanted = STATION | {CONF_NO_PASSWORD: True}
    page = await flows.async_configure(form["flow_id"], wanted)
    assert page["errors"] == {CONF_NO_PASSWORD: "networks_needed"}
    await name_networks(home, NETWORKS)
    page = await flows.async_configure(page["flow_id"], wanted)
    done = await flows.async_configure(page["flow_id"], {})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()
    assert notice(hass) == "no_password"
    # Networks that are taken away close the door, and that is told.
    await name_networks(home, {})
    assert notice(hass) == "no_password_no_networks"
    await name_networks(home, NETWORKS)
    assert notice(hass) == "no_password"
    subentry = next(
        s for s in home.entry.subentries.values() if s.unique_id == "station_CS-2"
    )
    hass.config_entries.async_update_subentry(
        home.entry, subentry, data={**subentry.data, CONF_NO_PASSWORD: False}
    )
    await home.settle()
    assert notice(hass) is None


async def test_the_notice_goes_with_the_charger(
    hass: HomeAssistant, home: Home
) -> None:
    await name_networks(home, NETWORKS)
    subentry = next(
        s for s in home.entry.subentries.values() if s.unique_id == "station_CS-1"
    )
    hass.config_entries.async_update_subentry(
        home.entry, subentry, data={**subentry.data, CONF_NO_PASSWORD: True}
    )
    await home.settle()
    registry = ir.async_get(hass)
    assert registry.async_get_issue(DOMAIN, "no_password_CS-1") is not None
    hass.config_entries.async_remove_subentry(home.entry, subentry.subentry_id)
    await home.settle()
    assert registry.async_get_issue(DOMAIN, "no_password_CS-1") is None
