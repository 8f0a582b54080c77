"""What an owner grants to a programme of an operator."""

from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp import subentry_facts as facts
from custom_components.v2g_vpp.const import CONF_CSR, CONF_RESERVE_PERCENT
from tests.shell.test_programme_flow import (
    Dialog,
    Operator,
    added,
    dialog,
    operator,
    programme,
    short_silence,
)

__all__ = ["added", "dialog", "operator", "short_silence"]


async def test_reserve_of_a_programme_is_granted_later_and_taken_back(
    hass: HomeAssistant, operator: Operator, dialog: Dialog, added: MockConfigEntry
) -> None:
    await dialog.choose(await operator.invite(), "online")
    await dialog.enter({})
    flows = hass.config_entries.subentries
    for granted in ({CONF_RESERVE_PERCENT: 65}, {}):
        subentry = programme(added)
        form = await added.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
        await flows.async_configure(form["flow_id"], {"next_step_id": "grant"})
        result = await flows.async_configure(form["flow_id"], granted)
        assert result["reason"] == "reconfigure_successful"
        expected = granted.get(CONF_RESERVE_PERCENT, 0)
        data = programme(added).data
        assert facts.grant(data).reserve_percent == expected
        assert data[CONF_CSR]
