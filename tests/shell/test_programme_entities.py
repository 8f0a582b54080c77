"""A programme that cannot be joined: the home works, a repair says why."""

import asyncio
from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState, ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
import pytest

from custom_components.v2g_vpp.const import (
    CONF_AGGREGATOR_KEYS,
    CONF_BROKER_HOST,
    CONF_BROKER_PORT,
    CONF_BROKER_ROOT_PEM,
    CONF_CERTIFICATE_EXPIRES_AT,
    CONF_CLIENT_CERTIFICATE_PEM,
    CONF_CLIENT_KEY_PEM,
    CONF_CSR,
    CONF_HOME_ID,
    CONF_PROGRAMME_ID,
    CONF_REGION,
    CONF_SIGNING_SEED,
    DOMAIN,
    SUBENTRY_PROGRAMME,
)
from custom_components.v2g_vpp.pki.authority import (
    LeafPurpose,
    create_authority,
    issue_certificate,
)
from custom_components.v2g_vpp.pki.request import create_client_request
from custom_components.v2g_vpp.sensor_descriptions import certificate_days_left
from custom_components.v2g_vpp.watches import ProgrammeWatch
from tests.shell.conftest import STATION, VEHICLE
from tests.shell.home import Home

PREFIX = "programme_evening-peak"
NOBODY_LISTENS = 1


@pytest.fixture
def subentries() -> list[ConfigSubentryData]:
    return [STATION, VEHICLE, unreachable_programme()]


def unreachable_programme() -> ConfigSubentryData:
    """Return a programme whose broker is not there."""
    now = dt_util.utcnow()
    authority = create_authority("Operator", now)
    made = create_client_request("north--home-1")
    another = create_client_request("north--home-1")
    return ConfigSubentryData(
        subentry_type=SUBENTRY_PROGRAMME,
        title="Evening peak",
        unique_id=PREFIX,
        data={
            CONF_PROGRAMME_ID: "evening-peak",
            CONF_REGION: "north",
            CONF_HOME_ID: "home-1",
            CONF_BROKER_HOST: "127.0.0.1",
            CONF_BROKER_PORT: NOBODY_LISTENS,
            CONF_BROKER_ROOT_PEM: authority.certificate_pem,
            CONF_AGGREGATOR_KEYS: {"a": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            # Not the key that the certificate was made for.
            CONF_CLIENT_KEY_PEM: another.key_pem,
            CONF_CSR: made.csr_pem,
            CONF_SIGNING_SEED: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
            CONF_CLIENT_CERTIFICATE_PEM: issue_certificate(
                authority, made.csr_pem, now, LeafPurpose.CLIENT
            ),
            CONF_CERTIFICATE_EXPIRES_AT: (now + timedelta(days=90.5)).isoformat(),
        },
    )


async def repair(hass: HomeAssistant) -> ir.IssueEntry:
    """Return the repair once the link has tried."""
    async with asyncio.timeout(5):
        while True:
            issue = ir.async_get(hass).async_get_issue(DOMAIN, "vpp_evening-peak")
            if issue is not None:
                return issue
            await asyncio.sleep(0.01)


async def test_home_with_an_unusable_certificate_works_and_has_a_repair(
    home: Home,
) -> None:
    assert home.entry.state is ConfigEntryState.LOADED
    await home.connect()
    assert home.state("binary_sensor", "link", PREFIX).state == "off"
    assert home.state("binary_sensor", "event_active", PREFIX).state == "off"
    assert home.state("sensor", "delivered_energy", PREFIX).state == "0.0"
    issue = await repair(home.hass)
    assert issue.translation_key == "vpp_certificate_invalid"
    assert home.state("sensor", "state").state == "available"


async def test_repair_of_a_programme_ends_with_it(
    hass: HomeAssistant, home: Home
) -> None:
    await repair(hass)
    subentry = next(
        s
        for s in home.entry.subentries.values()
        if s.subentry_type == SUBENTRY_PROGRAMME
    )
    hass.config_entries.async_remove_subentry(home.entry, subentry.subentry_id)
    await home.settle()
    issues = ir.async_get(hass)
    assert issues.async_get_issue(DOMAIN, "vpp_evening-peak") is None
    assert home.site.snapshot.programmes == ()


async def test_days_of_the_certificate_go_by_without_any_news(
    freezer: FrozenDateTimeFactory, home: Home
) -> None:
    assert home.state("sensor", "certificate_days_left", PREFIX).state == "90"
    await home.pass_time(freezer, 86_400)
    assert home.state("sensor", "certificate_days_left", PREFIX).state == "89"
    await home.pass_time(freezer, 90 * 86_400)
    assert home.state("sensor", "certificate_days_left", PREFIX).state == "-1"


def test_certificate_of_an_unknown_end_has_no_days() -> None:
    assert certificate_days_left({}, dt_util.utcnow()) is None


async def test_participation_is_switched(hass: HomeAssistant, home: Home) -> None:
    entity_id = home.entity_id("switch", "participation", PREFIX)
    before = home.state("switch", "participation", PREFIX).state
    after = "off" if before == "on" else "on"
    for state in (after, before):
        await hass.services.async_call(
            "switch", f"turn_{state}", {"entity_id": entity_id}, blocking=True
        )
        await home.settle()
        assert home.state("switch", "participation", PREFIX).state == state
        (programme,) = home.site.snapshot.programmes
        assert programme.is_participating is (state == "on")


async def test_clocks_that_part_are_a_repair_with_the_offset(
    hass: HomeAssistant, home: Home
) -> None:
    watch = ProgrammeWatch(hass, "evening-peak", "Evening peak")
    issues = ir.async_get(hass)
    for offset_s, key, shown in (
        (3.24, "vpp_clock_offset_late", "3.2"),
        (-61.0, "vpp_clock_offset_early", "61.0"),
    ):
        watch.clock_told(offset_s)
        issue = issues.async_get_issue(DOMAIN, "vpp_clock_offset_evening-peak")
        assert issue is not None
        assert issue.translation_key == key
        assert issue.translation_placeholders == {
            "programme": "Evening peak",
            "offset": shown,
        }
    watch.clock_told(None)
    assert issues.async_get_issue(DOMAIN, "vpp_clock_offset_evening-peak") is None
    watch.clock_told(3.0)
    subentry = next(
        s
        for s in home.entry.subentries.values()
        if s.subentry_type == SUBENTRY_PROGRAMME
    )
    hass.config_entries.async_remove_subentry(home.entry, subentry.subentry_id)
    await home.settle()
    assert issues.async_get_issue(DOMAIN, "vpp_clock_offset_evening-peak") is None
