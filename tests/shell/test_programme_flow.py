"""Joining a programme: a real aggregator enrols the home, a real broker admits it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from copy import deepcopy
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

from homeassistant.config_entries import SOURCE_USER
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from aggregator.__main__ import main
from custom_components.v2g_vpp.const import (
    CONF_AGGREGATOR_KEYS,
    CONF_BROKER_HOST,
    CONF_BROKER_PORT,
    CONF_CERTIFICATE,
    CONF_CERTIFICATE_EXPIRES_AT,
    CONF_CLIENT_CERTIFICATE_PEM,
    CONF_CLIENT_KEY_PEM,
    CONF_CSR,
    CONF_HOME_ID,
    CONF_INVITATION,
    CONF_PROGRAMME_ID,
    CONF_REGION,
    CONF_SIGNING_SEED,
    DOMAIN,
    SUBENTRY_PROGRAMME,
)
from custom_components.v2g_vpp.domain.dispatch import LinkState
from custom_components.v2g_vpp.vpp import probe
from script.rig.broker import Broker, BrokerFiles
from tests.aggregator.conftest import Rig

type Json = dict[str, Any]


class Operator(Rig):
    """An aggregator with its broker, as a home sees it."""

    async def invite(self, home_id: str = "home-1") -> Json:
        return await self.call("POST", "/api/homes", {"home_id": home_id})

    async def sign(self, invitation: Json, shown: Json) -> str:
        """Give out a certificate by hand, for what the owner sent."""
        status, reply = await self.post_enrolment(
            invitation,
            {
                "type": "enrolment_request",
                "version": "1.0",
                "code": invitation["code"],
                "home_id": invitation["home_id"],
                "region": invitation["region"],
                "csr_pem": shown["csr"],
                "signing_keys": {"home-1": shown["signing_key"]},
            },
        )
        assert status == 200, reply
        return str(reply["certificate_pem"])


@pytest.fixture
async def operator(
    hass: HomeAssistant, tmp_path: Path, socket_enabled: None
) -> AsyncIterator[Operator]:
    data = tmp_path / "data"
    promises = ["--notice-s", "1800", "--opt-out-s", "0"]
    assert main(["init", "--data", str(data), "--region", "north", *promises]) == 0
    broker = Broker(tmp_path / "broker", BrokerFiles.in_data_directory(data))
    async with AsyncExitStack() as stack:
        broker.start()
        stack.callback(broker.stop)
        running = Operator(data, broker, stack, tmp_path)
        await running.start()
        stack.push_async_callback(running.stop)
        yield running


@pytest.fixture(autouse=True)
def short_silence() -> Any:
    """A broker on this machine refuses within a millisecond."""
    with patch.object(probe, "SILENCE_S", 0.2):
        yield


@pytest.fixture
def added(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    entry.add_to_hass(hass)
    return entry


class Dialog:
    """One run of the flow."""

    def __init__(self, hass: HomeAssistant, entry: MockConfigEntry) -> None:
        self._flows = hass.config_entries.subentries
        self._entry = entry
        self._flow_id = ""
        self.terms: Json = {}

    async def begin(self) -> Json:
        form: Json = dict(
            await self._flows.async_init(
                (self._entry.entry_id, SUBENTRY_PROGRAMME),
                context={"source": SOURCE_USER},
            )
        )
        self._flow_id = form["flow_id"]
        assert form["menu_options"] == ["invitation", "entities", "calendar"]
        return await self.enter({"next_step_id": "invitation"})

    async def enter(self, data: Json) -> Json:
        result: Json = dict(await self._flows.async_configure(self._flow_id, data))
        return result

    async def invite(self, invitation: Json | str) -> Json:
        text = invitation if isinstance(invitation, str) else json.dumps(invitation)
        return await self.enter({CONF_INVITATION: text})

    async def choose(self, invitation: Json, step: str) -> Json:
        await self.begin()
        menu = await self.invite(invitation)
        assert menu["type"] is FlowResultType.MENU, menu
        assert menu["menu_options"] == ["online", "manual"]
        self.terms = menu["description_placeholders"]
        return await self.enter({"next_step_id": step})


@pytest.fixture
def dialog(hass: HomeAssistant, added: MockConfigEntry) -> Dialog:
    return Dialog(hass, added)


def programme(entry: MockConfigEntry) -> Any:
    return next(
        s for s in entry.subentries.values() if s.subentry_type == SUBENTRY_PROGRAMME
    )


async def test_home_enrols_by_itself_with_the_code_of_the_invitation(
    operator: Operator, dialog: Dialog, added: MockConfigEntry
) -> None:
    invitation = await operator.invite()
    form = await dialog.choose(invitation, "online")
    assert form["step_id"] == "online"
    result = await dialog.enter({})
    assert result["type"] is FlowResultType.CREATE_ENTRY, result["errors"]
    subentry = programme(added)
    assert subentry.title == invitation["programme_name"]
    assert subentry.unique_id == f"programme_{invitation['programme_id']}"
    data = subentry.data
    assert data[CONF_PROGRAMME_ID] == invitation["programme_id"]
    assert data[CONF_REGION] == "north"
    assert data[CONF_HOME_ID] == "home-1"
    assert data[CONF_BROKER_HOST] == invitation["broker_host"]
    assert data[CONF_BROKER_PORT] == operator.broker.port
    assert data[CONF_AGGREGATOR_KEYS] == invitation["aggregator_keys"]
    assert data[CONF_CLIENT_KEY_PEM].startswith("-----BEGIN PRIVATE KEY-----")
    assert data[CONF_CLIENT_CERTIFICATE_PEM].startswith("-----BEGIN CERTIFICATE-----")
    assert data[CONF_CERTIFICATE_EXPIRES_AT] > "2026"
    assert len(data[CONF_SIGNING_SEED]) == 43
    assert invitation["code"] not in str(data)

    # The same programme again is refused, whatever the code.
    await dialog.begin()
    result = await dialog.invite(await operator.invite())
    assert result["errors"] == {CONF_INVITATION: "already_configured"}


async def test_terms_are_shown_before_a_programme_is_joined(
    hass: HomeAssistant, operator: Operator, dialog: Dialog, added: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(added.entry_id)
    invitation = await operator.invite()
    await dialog.choose(invitation, "online")
    terms = dialog.terms
    assert (terms["notice"], terms["opt_out"]) == ("30 min", "0 min")
    assert (terms["reserves"], terms["budgets"]) == ("Leaf 50 %", "Leaf 10 %")
    assert terms["terms_sha256"] == invitation["terms_sha256"]
    assert await hass.config_entries.async_unload(added.entry_id)


async def test_code_that_was_used_is_refused_in_the_operators_words(
    operator: Operator, dialog: Dialog
) -> None:
    first = await operator.invite()
    await operator.invite()  # Voids the first.
    await dialog.choose(first, "online")
    result = await dialog.enter({})
    assert result["errors"] == {"base": "enrolment_refused"}
    assert (
        "code is wrong, used or expired" in result["description_placeholders"]["detail"]
    )

    await dialog.choose(await operator.invite(), "online")
    result = await dialog.enter({})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_certificate_that_came_survives_a_broker_that_is_away(
    operator: Operator, dialog: Dialog, added: MockConfigEntry
) -> None:
    invitation = await operator.invite()
    await dialog.choose(invitation | {"broker_port": 1}, "online")
    result = await dialog.enter({})
    assert result["errors"] == {"base": "broker_unreachable"}
    # Another dialog, the same code: it is used, but what it gave is kept.
    await dialog.choose(invitation, "online")
    result = await dialog.enter({})
    assert result["type"] is FlowResultType.CREATE_ENTRY, result["errors"]
    assert programme(added).data[CONF_BROKER_PORT] == operator.broker.port


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda i: "no json", "not_an_invitation"),
        (lambda i: i | {"type": "offer"}, "not_an_invitation"),
        (
            lambda i: i | {"expires_at": "2020-01-01T00:00:00.000Z"},
            "invitation_expired",
        ),
        (lambda i: i | {"broker_port": 0}, "invitation_incomplete"),
    ],
    ids=["no json", "another message", "expired", "a part is wrong"],
)
async def test_invitation_that_cannot_be_used_is_told_and_a_good_one_works(
    operator: Operator,
    dialog: Dialog,
    change: Callable[[Json], Json | str],
    error: str,
) -> None:
    invitation = await operator.invite()
    await dialog.begin()
    result = await dialog.invite(change(deepcopy(invitation)))
    assert result["errors"] == {CONF_INVITATION: error}
    if error == "invitation_incomplete":
        assert result["description_placeholders"]["field"] == "broker_port"
    assert (await dialog.invite(invitation))["type"] is FlowResultType.MENU


async def test_operator_that_is_away_or_not_trusted_is_told(
    operator: Operator, dialog: Dialog
) -> None:
    invitation = await operator.invite()
    await dialog.choose(invitation | {"enrol_url": "https://127.0.0.1:1/x"}, "online")
    result = await dialog.enter({})
    assert result["errors"] == {"base": "enrolment_unreachable"}

    stranger = operator.directory / "stranger"
    assert main(["init", "--data", str(stranger), "--region", "north"]) == 0
    root = BrokerFiles.in_data_directory(stranger).root.read_text()
    # Any TLS server of the operator will do, so the broker, which is not in this loop.
    broker_url = f"https://127.0.0.1:{operator.broker.port}/enrol"
    await dialog.choose(
        invitation | {"broker_root_pem": root, "enrol_url": broker_url}, "online"
    )
    result = await dialog.enter({})
    assert result["errors"] == {"base": "enrolment_not_trusted"}

    await dialog.choose(invitation | {"enrol_url": invitation["terms_url"]}, "online")
    result = await dialog.enter({})
    assert result["errors"] == {"base": "enrolment_refused"}

    await dialog.choose(invitation, "online")
    result = await dialog.enter({})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_root_that_no_broker_can_have_is_told(
    operator: Operator, dialog: Dialog
) -> None:
    invitation = await operator.invite()
    leaf = operator.data / "authority" / "server.pem"
    broken = invitation | {"broker_root_pem": leaf.read_text()}
    form = await dialog.choose(broken, "manual")
    pem = await operator.sign(invitation, form["description_placeholders"])
    result = await dialog.enter({CONF_CERTIFICATE: pem})
    assert result["errors"] == {CONF_CERTIFICATE: "certificate_unusable"}
    await dialog.choose(invitation, "manual")
    result = await dialog.enter({CONF_CERTIFICATE: pem})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_certificate_by_hand_is_checked_before_it_is_taken(
    operator: Operator, dialog: Dialog, added: MockConfigEntry
) -> None:
    invitation = await operator.invite()
    form = await dialog.choose(invitation, "manual")
    shown = form["description_placeholders"]
    assert shown["csr"].startswith("-----BEGIN CERTIFICATE REQUEST-----")
    assert content_of(shown["file"]) == shown["csr"]
    result = await dialog.enter({CONF_CERTIFICATE: "hello"})
    assert result["errors"] == {CONF_CERTIFICATE: "certificate_unreadable"}
    result = await dialog.enter({CONF_CERTIFICATE: invitation["broker_root_pem"]})
    assert result["errors"] == {CONF_CERTIFICATE: "certificate_key_mismatch"}

    # Days later, in a new dialog: the request is still the same.
    form = await dialog.choose(invitation, "manual")
    assert form["description_placeholders"]["csr"] == shown["csr"]
    pem = await operator.sign(invitation, shown)
    result = await dialog.enter({CONF_CERTIFICATE: pem})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert programme(added).data[CONF_CSR] == shown["csr"]


async def test_revoked_certificate_is_told_and_a_new_one_replaces_it(
    hass: HomeAssistant, operator: Operator, dialog: Dialog, added: MockConfigEntry
) -> None:
    await dialog.choose(await operator.invite(), "online")
    assert (await dialog.enter({}))["type"] is FlowResultType.CREATE_ENTRY
    subentry = programme(added)
    old = subentry.data[CONF_CLIENT_CERTIFICATE_PEM]
    await operator.call("POST", "/api/homes/home-1/revoke", {})

    form = await added.start_subentry_reconfigure_flow(hass, subentry.subentry_id)
    flows = hass.config_entries.subentries
    assert form["menu_options"] == ["grant", "certificate", "leave"]
    await flows.async_configure(form["flow_id"], {"next_step_id": "certificate"})
    result = await flows.async_configure(form["flow_id"], {CONF_CERTIFICATE: old})
    assert result["errors"] == {"base": "tls_certificate_revoked"}

    new = await operator.sign(
        await operator.invite(),
        {
            "csr": subentry.data[CONF_CSR],
            "signing_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        },
    )
    result = await flows.async_configure(form["flow_id"], {CONF_CERTIFICATE: new})
    assert result["reason"] == "reconfigure_successful"
    assert programme(added).data[CONF_CLIENT_CERTIFICATE_PEM] == new


async def test_pressed_button_renews_the_certificate_and_the_link_goes_on_with_it(
    hass: HomeAssistant, operator: Operator, dialog: Dialog, added: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(added.entry_id)
    await dialog.choose(await operator.invite(), "online")
    result = await dialog.enter({})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    before = programme(added).data[CONF_CLIENT_CERTIFICATE_PEM]
    prefix = f"programme_{programme(added).data[CONF_PROGRAMME_ID]}"
    button = er.async_get(hass).async_get_entity_id(
        "button", DOMAIN, f"{prefix}_renew_certificate"
    )
    assert button is not None

    async def press() -> None:
        await hass.services.async_call(
            "button", "press", {"entity_id": button}, blocking=True
        )

    def is_linked() -> bool:
        (one,) = added.runtime_data.site.snapshot.programmes
        return one.link is LinkState.HEALTHY

    async with asyncio.timeout(20):
        while not is_linked():
            await asyncio.sleep(0.05)
        await press()
        while programme(added).data[CONF_CLIENT_CERTIFICATE_PEM] == before:
            await asyncio.sleep(0.05)
        await hass.async_block_till_done()
        # The link began anew with the new certificate, and the old one is still good.
        while not is_linked():
            await asyncio.sleep(0.05)
    operator.broker.stop()
    async with asyncio.timeout(20):
        while is_linked():
            await asyncio.sleep(0.05)
    with pytest.raises(HomeAssistantError) as raised:
        await press()
    assert raised.value.translation_key == "broker_unreachable"
    assert await hass.config_entries.async_unload(added.entry_id)


def content_of(path: str) -> str:
    return Path(path).read_text()
