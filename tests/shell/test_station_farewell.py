"""Who removes a charger is told where it dialled before."""

from dataclasses import replace
from typing import Any

from homeassistant.config_entries import ConfigSubentry
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from custom_components.v2g_vpp import repairs
from custom_components.v2g_vpp.const import (
    CONF_PREVIOUS_URL,
    DOMAIN,
    SUBENTRY_STATION,
)
from custom_components.v2g_vpp.domain.events import StationReady
from custom_components.v2g_vpp.domain.ids import StationId
from tests.shell.home import Home

ISSUE = "previous_address_CS-1"
OLD = "wss://operator.example/ocpp/"


def station_of(home: Home) -> ConfigSubentry:
    return next(
        subentry
        for subentry in home.entry.subentries.values()
        if subentry.subentry_type == SUBENTRY_STATION
    )


def issue(home: Home) -> ir.IssueEntry | None:
    return ir.async_get(home.hass).async_get_issue(DOMAIN, ISSUE)


async def remove(home: Home) -> None:
    subentry = station_of(home)
    home.hass.config_entries.async_remove_subentry(home.entry, subentry.subentry_id)
    await home.settle()


async def test_the_address_that_the_owner_kept_is_told_until_it_is_set(
    home: Home,
) -> None:
    subentry = station_of(home)
    home.hass.config_entries.async_update_subentry(
        home.entry, subentry, data={**subentry.data, CONF_PREVIOUS_URL: OLD}
    )
    await home.settle()
    assert issue(home) is None
    await remove(home)
    shown = issue(home)
    assert shown is not None
    assert shown.is_persistent, "also after a restart"
    assert shown.translation_placeholders == {"station": "CS-1", "address": OLD}
    flow: Any = await repairs.async_create_fix_flow(home.hass, ISSUE, None)
    flow.hass, flow.issue_id = home.hass, ISSUE
    assert (await flow.async_step_confirm())["type"] is FlowResultType.FORM
    done = await flow.async_step_confirm({})
    assert done["type"] is FlowResultType.CREATE_ENTRY


async def test_the_address_that_the_charger_told_is_as_good(home: Home) -> None:
    await home.connect()
    session = home.site.snapshot.station(StationId("CS-1"))
    assert session is not None
    assert session.capability is not None
    home.site.post(
        StationReady(
            station_id=StationId("CS-1"),
            capability=replace(session.capability),
            has_floor_profile=True,
            other_addresses=(OLD,),
        )
    )
    await home.tick()
    await remove(home)
    shown = issue(home)
    assert shown is not None
    assert shown.translation_placeholders == {"station": "CS-1", "address": OLD}


async def test_what_nobody_knows_is_not_told(home: Home) -> None:
    await home.connect()
    await remove(home)
    assert issue(home) is None
