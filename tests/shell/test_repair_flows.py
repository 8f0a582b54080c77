"""The dialogs of repairs, over the interface that the browser uses."""

from functools import partial
from http import HTTPStatus
from typing import Any

from homeassistant.components.repairs import DOMAIN as REPAIRS
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.v2g_vpp import repairs
from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.self_test import ProofLoss
from tests.shell.home import KEY, STATION_ID, Home
from tests.shell.test_repairs import WEB_SERVER, issues


class FixFlow:
    """The repair's dialog, over the interface that the browser uses."""

    def __init__(self, client: Any) -> None:
        self._client = client

    async def begin(self, issue_id: str) -> dict[str, Any]:
        return await self._post(
            "/api/repairs/issues/fix", {"handler": DOMAIN, "issue_id": issue_id}
        )

    async def submit(
        self, flow_id: str, data: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        return await self._post(f"/api/repairs/issues/fix/{flow_id}", data or {})

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._client.post(path, json=body)
        assert answer.status == HTTPStatus.OK
        result: dict[str, Any] = await answer.json()
        return result


@pytest.fixture
async def fix(hass: HomeAssistant, hass_client: ClientSessionGenerator) -> FixFlow:
    assert await async_setup_component(hass, REPAIRS, {})
    return FixFlow(await hass_client())


@WEB_SERVER
async def test_repair_opens_the_set_up_of_the_charger_with_its_identity(
    hass: HomeAssistant, home: Home, fix: FixFlow
) -> None:
    raise_it = partial(
        repairs.async_raise_unknown_station, hass, home.entry, "CS-9", "10.0.0.9"
    )
    raise_it()
    await hass.async_block_till_done()
    form = await fix.begin("unknown_station_CS-9")
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"] == {
        "identity": "CS-9",
        "address": "10.0.0.9",
    }
    result = await fix.submit(form["flow_id"])
    assert result["type"] == FlowResultType.CREATE_ENTRY
    kind, flow_id = result["next_flow"]
    assert kind == "config_subentries_flow"
    assert issues(hass) == {}

    flows = hass.config_entries.subentries
    # The identity is filled in: leaving it alone is enough.
    shown = await flows.async_configure(flow_id, {"password": "0123456789abcdef"})
    assert shown["step_id"] == "connect"
    assert "CS-9" in str(shown["description_placeholders"])
    done = await flows.async_configure(flow_id, {"skip_wait": True})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await home.settle()
    assert home.state("binary_sensor", "link", "CS-9_0").state == "off"

    # It was adopted in the meantime: a repair that is still open ends.
    raise_it()
    result = await fix.begin("unknown_station_CS-9")
    assert result["reason"] == "already_configured"
    assert issues(hass) == {}


@WEB_SERVER
async def test_repair_of_a_home_that_is_not_loaded_says_so(
    hass: HomeAssistant, home: Home, fix: FixFlow
) -> None:
    repairs.async_raise_unknown_station(hass, home.entry, "CS-9", "10.0.0.9")
    form = await fix.begin("unknown_station_CS-9")
    await hass.config_entries.async_unload(home.entry.entry_id)
    result = await fix.submit(form["flow_id"])
    assert result["reason"] == "not_loaded"


@WEB_SERVER
async def test_owner_may_leave_discharge_off_without_being_reminded(
    hass: HomeAssistant, home: Home, fix: FixFlow
) -> None:
    await home.connect()
    record = home.site._registry.evses[KEY]
    record.lost_proof = ProofLoss.FIRMWARE_CHANGED
    await home.tick()
    issue_id = f"proof_lost_{STATION_ID}_1"
    assert issue_id in issues(hass)
    form = await fix.begin(issue_id)
    assert form["step_id"] == "confirm"
    assert form["description_placeholders"] == {"station": STATION_ID, "evse": "1"}
    result = await fix.submit(form["flow_id"])
    assert result["type"] == FlowResultType.CREATE_ENTRY
    assert record.lost_proof is None
    assert issues(hass) == {}

    record.lost_proof = ProofLoss.WRONG_SIZE
    await home.tick()
    form = await fix.begin(issue_id)
    await hass.config_entries.async_unload(home.entry.entry_id)
    result = await fix.submit(form["flow_id"])
    assert result["reason"] == "not_loaded"
