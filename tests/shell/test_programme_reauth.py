"""A broker that refuses the certificate of this home asks the owner for a new one."""

import asyncio
from collections.abc import Callable
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp.const import (
    CONF_CERTIFICATE,
    CONF_CLIENT_CERTIFICATE_PEM,
    CONF_CSR,
    CONF_PROGRAMME_ID,
    DOMAIN,
)
from custom_components.v2g_vpp.domain.dispatch import LinkState
from custom_components.v2g_vpp.domain.errors import (
    BrokerRefusedLogin,
    BrokerRefusedTls,
    BrokerUnreachable,
    CertificateInvalid,
    TlsFault,
    V2gError,
)
from custom_components.v2g_vpp.watches import ProgrammeWatch
from tests.shell.conftest import STATION, VEHICLE
from tests.shell.home import Home
from tests.shell.test_programme_entities import unreachable_programme
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

REVOKED = BrokerRefusedTls("broker", 8883, TlsFault.CERTIFICATE_REVOKED)


@pytest.fixture
def subentries() -> list[ConfigSubentryData]:
    first, second = unreachable_programme(), unreachable_programme()
    return [
        STATION,
        VEHICLE,
        first,
        ConfigSubentryData(
            subentry_type=second["subentry_type"],
            title="Morning peak",
            unique_id="programme_morning-peak",
            data={**second["data"], CONF_PROGRAMME_ID: "morning-peak"},
        ),
    ]


def asked(hass: HomeAssistant) -> list[str]:
    """Return the programmes that a certificate is asked for."""
    return [
        flow["context"]["title_placeholders"]["name"]
        for flow in hass.config_entries.flow.async_progress_by_handler(DOMAIN)
        if flow["context"]["source"] == SOURCE_REAUTH
    ]


def watch(home: Home, name: str) -> ProgrammeWatch:
    return ProgrammeWatch(home.hass, f"{name.lower()}-peak", f"{name} peak")


@pytest.fixture
async def quiet(home: Home) -> Home:
    """A home whose links have told what they had to tell, and were forgiven."""
    registry = ir.async_get(home.hass)
    names = ("Evening", "Morning")
    await _until(
        lambda: all(
            registry.async_get_issue(DOMAIN, f"vpp_{name.lower()}-peak")
            for name in names
        )
    )
    for name in names:
        watch(home, name).recovered()
    await home.settle()
    assert asked(home.hass) == []
    return home


@pytest.mark.parametrize(
    ("err", "is_asked"),
    [
        (REVOKED, True),
        (BrokerRefusedTls("broker", 8883, TlsFault.CERTIFICATE_EXPIRED), True),
        (BrokerRefusedTls("broker", 8883, TlsFault.UNKNOWN_AUTHORITY), True),
        (BrokerRefusedTls("broker", 8883, TlsFault.CERTIFICATE_REQUIRED), True),
        (CertificateInvalid("expired"), True),
        (BrokerRefusedTls("broker", 8883, TlsFault.BROKER_NOT_TRUSTED), False),
        (BrokerRefusedTls("broker", 8883, TlsFault.NO_TLS_1_3), False),
        (BrokerRefusedLogin("not authorized"), False),
        (BrokerUnreachable("broker", 8883), False),
    ],
    ids=lambda value: value if isinstance(value, bool) else str(value),
)
async def test_only_what_a_new_certificate_ends_asks_for_one(
    quiet: Home, err: V2gError, *, is_asked: bool
) -> None:
    home = quiet
    watch(home, "Evening").failed(err)
    await home.settle()
    assert asked(home.hass) == (["Evening peak"] if is_asked else [])
    # The link came back by another way: nothing is left to ask.
    watch(home, "Evening").recovered()
    await home.settle()
    assert asked(home.hass) == []


async def test_two_programmes_are_asked_for_one_after_the_other(quiet: Home) -> None:
    home = quiet
    watch(home, "Evening").failed(REVOKED)
    watch(home, "Morning").failed(REVOKED)
    await home.settle()
    assert asked(home.hass) == ["Evening peak"]
    watch(home, "Evening").recovered()
    await home.settle()
    assert asked(home.hass) == ["Morning peak"]
    # The end of the home is the end of the question, too: a start finds out anew.
    assert await home.hass.config_entries.async_unload(home.entry.entry_id)
    await home.settle()
    assert asked(home.hass) == []


async def test_a_programme_that_was_left_meanwhile_is_not_asked_for(home: Home) -> None:
    flows = home.hass.config_entries.flow
    result = await flows.async_init(
        DOMAIN,
        context={"source": SOURCE_REAUTH, "entry_id": home.entry.entry_id},
        data={**home.entry.data, "subentry_id": "gone"},
    )
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "removed"


async def _until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_true():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("subentries", [[STATION, VEHICLE]])
async def test_revoked_certificate_is_asked_for_and_the_link_goes_on_with_the_new_one(
    hass: HomeAssistant, operator: Operator, dialog: Dialog, added: MockConfigEntry
) -> None:
    assert await hass.config_entries.async_setup(added.entry_id)
    await dialog.choose(await operator.invite(), "online")
    assert (await dialog.enter({}))["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    subentry = programme(added)
    old = subentry.data[CONF_CLIENT_CERTIFICATE_PEM]

    def is_linked() -> bool:
        (one,) = added.runtime_data.site.snapshot.programmes
        return one.link is LinkState.HEALTHY

    await _until(is_linked)
    await operator.call("POST", "/api/homes/home-1/revoke", {})
    # The broker looks at certificates where a connection begins.
    operator.broker.stop()
    operator.broker.start()
    await _until(lambda: asked(hass) != [])
    issue_id = f"vpp_{subentry.data[CONF_PROGRAMME_ID]}"
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id)

    (flow,) = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert flow["step_id"] == "reauth_confirm"

    async def enter(pem: str) -> Any:
        return await hass.config_entries.flow.async_configure(
            flow["flow_id"], {CONF_CERTIFICATE: pem}
        )

    result = await enter(old)
    assert result["errors"] == {"base": "tls_certificate_revoked"}
    assert result["description_placeholders"]["csr"] == subentry.data[CONF_CSR]
    result = await enter("hello")
    assert result["errors"] == {CONF_CERTIFICATE: "certificate_unreadable"}
    new = await operator.sign(
        await operator.invite(),
        {
            "csr": subentry.data[CONF_CSR],
            "signing_key": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
        },
    )
    result = await enter(new)
    assert result["reason"] == "reauth_successful"
    await hass.async_block_till_done()
    assert programme(added).data[CONF_CLIENT_CERTIFICATE_PEM] == new
    assert asked(hass) == []
    assert ir.async_get(hass).async_get_issue(DOMAIN, issue_id) is None
    assert await hass.config_entries.async_unload(added.entry_id)
