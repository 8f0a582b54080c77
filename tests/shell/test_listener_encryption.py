"""What an encrypted listener shows: chosen in the flow, used, and watched."""

import asyncio
from pathlib import Path
from typing import Any

from homeassistant.config_entries import SOURCE_USER, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_OCPP_HOST,
    CONF_OCPP_PORT,
    CONF_OCPP_TLS_1_3_ONLY,
    CONF_OCPP_TLS_CERTIFICATE,
    CONF_OCPP_TLS_HOST,
    CONF_OCPP_TLS_KEY,
    CONF_OCPP_TLS_PORT,
    CONF_SKIP_WAIT,
    DOMAIN,
    SUBENTRY_STATION,
)
from custom_components.v2g_vpp.listener_flow_tls import (
    OWN_EXPIRED,
    OWN_EXPIRES,
    OWN_UNUSABLE,
    show_own_certificate,
)
from tests.pki.test_own_certificate import HOST, Owner
from tests.shell.test_listener_tls import LOOPBACK, shown_names, two_ports
from tests.shell.test_subentry_flows import STATION

__all__ = ["two_ports"]


@pytest.fixture
def owner(hass: HomeAssistant, tmp_path: Path) -> Owner:
    hass.config.config_dir = str(tmp_path)
    return Owner(tmp_path)


@pytest.fixture
def listener(two_ports: tuple[int, int]) -> dict[str, Any]:
    return {
        CONF_OCPP_HOST: LOOPBACK,
        CONF_OCPP_PORT: two_ports[0],
        CONF_OCPP_TLS_PORT: two_ports[1],
        CONF_OCPP_TLS_HOST: HOST,
    }


def files(owner: Owner) -> dict[str, Any]:
    return {
        CONF_OCPP_TLS_CERTIFICATE: str(owner.files.certificate),
        CONF_OCPP_TLS_KEY: str(owner.files.key),
    }


async def to_encryption(hass: HomeAssistant, listener: dict[str, Any]) -> Any:
    flow = hass.config_entries.flow
    menu = await flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    form = await flow.async_configure(menu["flow_id"], {"next_step_id": "home"})
    page = await flow.async_configure(form["flow_id"], listener)
    assert page["step_id"] == "encryption"
    assert page["description_placeholders"] == {"host": HOST}
    return page


async def test_own_files_are_checked_and_then_shown_to_chargers(
    hass: HomeAssistant, listener: dict[str, Any], owner: Owner
) -> None:
    flow = hass.config_entries.flow
    page = await to_encryption(hass, listener)
    good = files(owner)
    for wrong, errors in (
        (
            {CONF_OCPP_TLS_KEY: good[CONF_OCPP_TLS_KEY]},
            {CONF_OCPP_TLS_KEY: "both_files"},
        ),
        (
            good | {CONF_OCPP_TLS_CERTIFICATE: "/nowhere.pem"},
            {CONF_OCPP_TLS_CERTIFICATE: "own_unreadable"},
        ),
        (
            good | {CONF_OCPP_TLS_KEY: "/nowhere.pem"},
            {CONF_OCPP_TLS_KEY: "own_unreadable_key"},
        ),
    ):
        page = await flow.async_configure(page["flow_id"], wrong)
        assert page["errors"] == errors
    owner.write(hosts=("other.example",))
    page = await flow.async_configure(page["flow_id"], good)
    assert page["errors"] == {CONF_OCPP_TLS_CERTIFICATE: "own_wrong_name"}
    owner.write()
    result = await flow.async_configure(
        page["flow_id"], good | {CONF_OCPP_TLS_1_3_ONLY: True}
    )
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["data"] == listener | good | {CONF_OCPP_TLS_1_3_ONLY: True}
    await hass.async_block_till_done()
    entry = result["result"]
    port, root = listener[CONF_OCPP_TLS_PORT], owner.root.certificate_pem
    assert await shown_names(port, root, HOST) == {HOST}
    # A charger is not told to trust a root of the home that signs nothing here.
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (entry.entry_id, SUBENTRY_STATION), context={"source": SOURCE_USER}
    )
    told = await flows.async_configure(form["flow_id"], STATION)
    assert told["step_id"] == "connect_own"
    assert told["description_placeholders"] is not None
    assert told["description_placeholders"]["url"] == f"wss://{HOST}:{port}/"
    done = await flows.async_configure(told["flow_id"], {CONF_SKIP_WAIT: True})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert await hass.config_entries.async_unload(entry.entry_id)


async def test_a_root_in_the_chain_is_shown_to_the_one_who_sets_up_a_charger(
    hass: HomeAssistant, listener: dict[str, Any], owner: Owner
) -> None:
    owner.write(with_root=True)
    entry = MockConfigEntry(domain=DOMAIN, data=listener | files(owner))
    entry.add_to_hass(hass)
    flows = hass.config_entries.subentries
    form = await flows.async_init(
        (entry.entry_id, SUBENTRY_STATION), context={"source": SOURCE_USER}
    )
    page = await flows.async_configure(form["flow_id"], STATION)
    assert page["step_id"] == "connect_secure"
    assert page["data_schema"] is not None
    (field,) = page["data_schema"].schema
    assert field.description["suggested_value"] == owner.root.certificate_pem


async def test_the_choice_can_be_changed_and_taken_back(
    hass: HomeAssistant, listener: dict[str, Any], owner: Owner
) -> None:
    entry = MockConfigEntry(domain=DOMAIN, title="Home", data=listener | files(owner))
    entry.add_to_hass(hass)
    form = await entry.start_reconfigure_flow(hass)
    flow = hass.config_entries.flow
    page = await flow.async_configure(form["flow_id"], listener)
    assert page["step_id"] == "encryption"
    assert page["data_schema"] is not None
    shown = {
        str(field): field.description["suggested_value"]
        for field in page["data_schema"].schema
    }
    assert shown == files(owner) | {CONF_OCPP_TLS_1_3_ONLY: None}
    result = await flow.async_configure(page["flow_id"], {})
    assert result["reason"] == "reconfigure_successful"
    assert dict(entry.data) == listener
    # Without a port for it nothing is asked.
    form = await entry.start_reconfigure_flow(hass)
    plain = {
        k: v
        for k, v in listener.items()
        if k not in (CONF_OCPP_TLS_PORT, CONF_OCPP_TLS_HOST)
    }
    result = await flow.async_configure(form["flow_id"], plain)
    assert result["reason"] == "reconfigure_successful"
    assert dict(entry.data) == plain


async def test_files_that_are_gone_at_a_start_are_told_and_it_is_tried_again(
    hass: HomeAssistant, listener: dict[str, Any], owner: Owner
) -> None:
    entry = MockConfigEntry(domain=DOMAIN, title="Home", data=listener | files(owner))
    entry.add_to_hass(hass)
    key = owner.files.key.read_text()
    owner.files.key.unlink()
    assert not await hass.config_entries.async_setup(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "listener_certificate"
    owner.files.key.write_text(key)
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert await hass.config_entries.async_unload(entry.entry_id)


def issues(hass: HomeAssistant) -> set[str]:
    known = {OWN_EXPIRED, OWN_EXPIRES, OWN_UNUSABLE}
    return {issue for _, issue in ir.async_get(hass).issues} & known


async def test_an_end_that_is_near_is_told_by_a_start(
    hass: HomeAssistant, listener: dict[str, Any], owner: Owner
) -> None:
    entry = MockConfigEntry(domain=DOMAIN, title="Home", data=listener | files(owner))
    entry.add_to_hass(hass)
    for in_days, expected in ((-355, {OWN_EXPIRES}), (-366, {OWN_EXPIRED}), (0, set())):
        owner.write(in_days=in_days)
        assert await hass.config_entries.async_setup(entry.entry_id)
        await hass.async_block_till_done(wait_background_tasks=False)
        async with asyncio.timeout(5):
            while issues(hass) != expected:
                await hass.async_block_till_done()
        assert await hass.config_entries.async_unload(entry.entry_id)


def test_each_state_of_the_files_has_one_repair(hass: HomeAssistant) -> None:
    for days_left, reason, expected in (
        (300.0, None, set()),
        (20.0, None, {OWN_EXPIRES}),
        (20.0, "key_mismatch", {OWN_UNUSABLE}),
        (300.0, "wrong_name", {OWN_UNUSABLE}),
        (-1.0, "expired", {OWN_EXPIRED}),
        (-1.0, None, {OWN_EXPIRED}),
        (None, None, set()),
    ):
        show_own_certificate(hass, days_left, reason)
        assert issues(hass) == expected
