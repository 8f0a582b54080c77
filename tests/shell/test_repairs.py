"""Repairs: raised for what an owner can do, bounded, and gone once it is done."""

import json
from pathlib import Path
from typing import Any

from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import UnknownHandler
from homeassistant.helpers import issue_registry as ir
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.v2g_vpp import repairs
from custom_components.v2g_vpp.const import DOMAIN, STORE_SITE
from custom_components.v2g_vpp.csms.versions import SERVED_VERSIONS
from custom_components.v2g_vpp.domain.errors import (
    BrokerRefusedLogin,
    BrokerRefusedTls,
    BrokerUnreachable,
    CertificateInvalid,
    StationOffline,
    TlsFault,
    V2gError,
)
from tests.shell.home import KEY, Home

TRANSLATIONS = Path(repairs.__file__).parent / "translations" / "en.json"

# Home Assistant's own web server keys its application by text.
WEB_SERVER = pytest.mark.filterwarnings("ignore::aiohttp.web.NotAppKeyWarning")


def issues(hass: HomeAssistant) -> dict[str, ir.IssueEntry]:
    registry = ir.async_get(hass)
    return {i: issue for (d, i), issue in registry.issues.items() if d == DOMAIN}


def placeholders(issue: ir.IssueEntry) -> dict[str, str]:
    assert issue.translation_placeholders is not None
    return issue.translation_placeholders


@pytest.fixture
def added(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    entry.add_to_hass(hass)
    return entry


async def test_unknown_station_is_offered_for_adoption(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    repairs.async_raise_refusal(hass, added, "CS-9", "192.168.1.9", "unknown_identity")
    (issue,) = issues(hass).values()
    assert issue.translation_key == "unknown_station"
    assert issue.is_fixable
    assert issue.translation_placeholders == {
        "identity": "CS-9",
        "address": "192.168.1.9",
    }
    repairs.async_clear_station(hass, "CS-9")
    assert issues(hass) == {}


@pytest.mark.parametrize(
    "identity",
    ["", "a" * 49, "<img src=x>", "`code`", "a b", "a/b", "a\nb"],
    ids=repr,
)
async def test_name_that_is_no_identity_is_dropped(
    hass: HomeAssistant, added: MockConfigEntry, identity: str
) -> None:
    for cause in ("unknown_identity", "wrong_password", "no_common_protocol"):
        repairs.async_raise_refusal(hass, added, identity, "192.168.1.9", cause)
    repairs.async_raise_unknown_station(hass, added, identity, "192.168.1.9")
    assert issues(hass) == {}


async def test_address_that_is_none_is_not_shown(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    repairs.async_raise_unknown_station(hass, added, "CS-9", "<b>")
    (issue,) = issues(hass).values()
    assert placeholders(issue)["address"] == "?"


async def test_five_unknown_stations_are_listed_and_the_rest_is_one_summary(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    for number in range(40):
        repairs.async_raise_unknown_station(hass, added, f"CS-{number}", "10.0.0.9")
    listed = issues(hass)
    assert len(listed) == 6
    summary = listed["unknown_stations"]
    assert not summary.is_fixable
    assert summary.translation_placeholders == {
        "address": "10.0.0.9",
        "port": str(added.data["ocpp_port"]),
    }
    # One that is listed stays listed when it comes again.
    repairs.async_raise_unknown_station(hass, added, "CS-0", "10.0.0.10")
    assert issues(hass)["unknown_station_CS-0"].translation_placeholders == {
        "identity": "CS-0",
        "address": "10.0.0.10",
    }
    repairs.async_clear_station(hass, "CS-0")
    assert "unknown_stations" not in issues(hass)


@pytest.mark.parametrize(
    "cause",
    [
        "identity_not_exact",
        "password_missing",
        "wrong_password",
        "no_common_protocol",
    ],
)
async def test_known_station_that_is_refused_says_what_to_change(
    hass: HomeAssistant, added: MockConfigEntry, cause: str
) -> None:
    repairs.async_raise_refusal(hass, added, "CS-1", "fe80::1%eth0", cause)
    (issue,) = issues(hass).values()
    assert issue.translation_key == cause
    assert not issue.is_fixable
    repairs.async_clear_station(hass, "CS-1")
    assert issues(hass) == {}


@pytest.mark.parametrize(
    ("detail", "shown"),
    [
        ("ocpp1.2, ocpp1.5", "ocpp1.2, ocpp1.5"),
        ("", "-"),
        ("<b>", "-"),
        ("a`b", "-"),
        (", ".join(["x"] * 6), "-"),
    ],
    ids=repr,
)
async def test_no_common_protocol_says_what_each_side_offered(
    hass: HomeAssistant, added: MockConfigEntry, detail: str, shown: str
) -> None:
    repairs.async_raise_refusal(
        hass, added, "CS-1", "10.0.0.1", "no_common_protocol", detail
    )
    (issue,) = issues(hass).values()
    assert placeholders(issue)["offered"] == shown
    texts = json.loads(TRANSLATIONS.read_text())
    text = texts["issues"]["no_common_protocol"]["description"]
    for version in SERVED_VERSIONS:
        assert f"`{version.protocol}`" in text


async def test_station_that_got_in_is_no_repair_any_more(
    hass: HomeAssistant, home: Home
) -> None:
    for cause in ("wrong_password", "no_common_protocol"):
        repairs.async_raise_refusal(hass, home.entry, "CS-1", "10.0.0.1", cause)
    assert len(issues(hass)) == 2
    await home.connect()
    assert issues(hass) == {}
    # And it is one again after a loss.
    await home.disconnect()
    repairs.async_raise_refusal(hass, home.entry, "CS-1", "10.0.0.1", "wrong_password")
    await home.measure(0)
    assert len(issues(hass)) == 1
    await home.connect()
    assert issues(hass) == {}


async def test_charger_of_another_network_is_told_which_may_connect(
    hass: HomeAssistant, home: Home
) -> None:
    hass.config_entries.async_update_entry(
        home.entry, data={**home.entry.data, "ocpp_networks": "192.168.1.0/24"}
    )
    await hass.async_block_till_done()
    cause = "network_not_allowed"
    repairs.async_raise_refusal(hass, home.entry, "CS-1", "172.17.0.1", cause)
    (issue,) = issues(hass).values()
    assert issue.translation_key == cause
    assert placeholders(issue)["address"] == "172.17.0.1"
    assert placeholders(issue)["networks"] == "192.168.1.0/24"
    repairs.async_clear_station(hass, "CS-1")
    assert issues(hass) == {}


@pytest.mark.parametrize(
    ("needed", "key", "word"),
    [
        ("1", "downgrade_password", "password"),
        ("2", "downgrade_encryption", "wss://"),
        ("3", "downgrade_certificate", "certificate"),
    ],
)
async def test_charger_with_less_security_is_told_what_it_used_before(
    hass: HomeAssistant, added: MockConfigEntry, needed: str, key: str, word: str
) -> None:
    repairs.async_raise_refusal(hass, added, "CS-1", "10.0.0.1", "downgrade", needed)
    (issue,) = issues(hass).values()
    assert issue.translation_key == key
    text = json.loads(TRANSLATIONS.read_text())["issues"][key]["description"]
    assert word in text
    # The one way to lower it on purpose.
    assert "new password" in text
    repairs.async_clear_station(hass, "CS-1")
    assert issues(hass) == {}


async def test_refusals_that_the_owner_chose_are_no_repair(
    hass: HomeAssistant, added: MockConfigEntry
) -> None:
    for cause in ("stranger_outside", "too_many_attempts", "something new"):
        repairs.async_raise_refusal(hass, added, "CS-1", "10.0.0.1", cause)
    assert issues(hass) == {}


@pytest.mark.parametrize(
    ("err", "key"),
    [
        *(
            (BrokerRefusedTls("broker", 8883, fault), f"vpp_tls_{fault}")
            for fault in TlsFault
        ),
        (BrokerUnreachable("broker", 8883), "vpp_broker_unreachable"),
        (BrokerRefusedLogin("banned"), "vpp_broker_refused_login"),
        (CertificateInvalid("expired"), "vpp_certificate_invalid"),
        (StationOffline("x"), "vpp_failed"),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
async def test_every_fault_of_a_programme_is_a_repair_that_ends(
    hass: HomeAssistant, err: V2gError, key: str
) -> None:
    repairs.async_raise_vpp_problem(hass, "evening", "Evening peak", err)
    issue = issues(hass)["vpp_evening"]
    assert issue.translation_key == key
    assert placeholders(issue)["programme"] == "Evening peak"
    # A second programme has a repair of its own.
    repairs.async_raise_vpp_problem(hass, "night", "Night", err)
    repairs.async_clear_vpp_problem(hass, "evening")
    assert list(issues(hass)) == ["vpp_night"]


async def test_document_that_cannot_be_written_is_a_repair_until_it_can(
    hass: HomeAssistant,
) -> None:
    report = repairs.async_write_reporter(hass, STORE_SITE)
    report(False)
    report(False)
    (issue,) = issues(hass).values()
    assert issue.translation_key == "store_not_written"
    assert issue.translation_placeholders == {"store": STORE_SITE}
    report(True)
    assert issues(hass) == {}


async def test_unreadable_state_is_a_repair_until_the_owner_resets(
    hass: HomeAssistant, hass_storage: dict[str, Any], entry: MockConfigEntry
) -> None:
    hass_storage[STORE_SITE] = {"version": 1, "key": STORE_SITE, "data": ["torn"]}
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    home = Home.willing(hass, entry)
    await home.tick()
    issue = issues(hass)["store_unreadable"]
    assert issue.severity is ir.IssueSeverity.CRITICAL
    await home.connect()
    await home.plug_in()
    assert home.state("sensor", "discharge_blocked_by").state == "store_unreadable"

    await home.site.reset_emergency_stop(KEY)
    await home.settle()
    assert "store_unreadable" not in issues(hass)
    assert home.state("sensor", "discharge_blocked_by").state != "store_unreadable"
    await hass.config_entries.async_unload(entry.entry_id)


async def test_issue_without_data_has_no_fix(hass: HomeAssistant) -> None:
    with pytest.raises(UnknownHandler):
        await repairs.async_create_fix_flow(hass, "wrong_password_CS-1", None)


@pytest.mark.parametrize("cause", repairs.TLS_MISTAKES)
async def test_a_handshake_that_fails_is_a_repair_until_it_works(
    hass: HomeAssistant, home: Home, cause: str
) -> None:
    registry = ir.async_get(hass)
    repairs.async_raise_refusal(hass, home.entry, "", "", cause)
    issue = registry.async_get_issue(DOMAIN, cause)
    assert issue is not None
    assert issue.translation_placeholders is not None
    assert set(issue.translation_placeholders) == {"port"}
    repairs.async_raise_refusal(hass, home.entry, "", "", cause, "over")
    assert registry.async_get_issue(DOMAIN, cause) is None
