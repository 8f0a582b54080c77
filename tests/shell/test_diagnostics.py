"""Diagnostics: enough to help, nothing that names, locates or admits anybody."""

import json
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.diagnostics import REDACTED, async_redact_data
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.v2g_vpp import diagnostics
from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.calibration import Calibration
from custom_components.v2g_vpp.domain.dispatch import LinkState
from tests.shell.conftest import STATION, VEHICLE
from tests.shell.home import KEY, Home


@pytest.fixture
async def running(freezer: FrozenDateTimeFactory, home: Home) -> Home:
    await home.connect()
    await home.plug_in()
    await home.measure(0)
    return home


async def entry_diagnostics(home: Home) -> dict[str, Any]:
    return await diagnostics.async_get_config_entry_diagnostics(home.hass, home.entry)


def without_hashes(shown: Any) -> Any:
    """Return what does not depend on the random id of the entry."""
    if isinstance(shown, dict):
        return {
            key: "hash"
            if key in {"id", "station", "vehicle", "evse"} and isinstance(value, str)
            else without_hashes(value)
            for key, value in shown.items()
        }
    if isinstance(shown, list):
        return [without_hashes(value) for value in shown]
    return shown


async def test_diagnostics_of_a_home(
    running: Home, snapshot: SnapshotAssertion
) -> None:
    shown = without_hashes(await entry_diagnostics(running))
    assert shown["entry"]["data"].pop("ocpp_port") == running.entry.data["ocpp_port"]
    assert shown == snapshot


async def test_no_name_secret_or_number_of_anybody_is_shown(running: Home) -> None:
    text = json.dumps(await entry_diagnostics(running))
    secrets = {
        STATION["data"]["identity"],
        STATION["data"]["password"],
        STATION["title"],
        VEHICLE["data"]["evcc_id"],
        VEHICLE["title"],
        "SN-1",
        running.entry.title,
        running.entry.entry_id,
        "127.0.0.1",
        "tx-1",
    }
    assert {secret for secret in secrets if secret in text} == set()


async def test_ids_mean_something_within_one_home_only(running: Home) -> None:
    first = await entry_diagnostics(running)
    station = first["site"]["stations"][0]["id"]
    assert first["site"]["evses"][0]["station"] == station
    assert first["site"]["vehicles"][0]["evse"] == station
    assert (await entry_diagnostics(running))["site"]["stations"][0]["id"] == station
    another = MockConfigEntry(domain=DOMAIN)
    assert diagnostics._hider(running.entry)("CS-1") == station
    assert diagnostics._hider(another)("CS-1") != station


async def test_device_shows_its_own_station_or_outlet(
    hass: HomeAssistant, running: Home
) -> None:
    await running.connect(evse_ids=(1, 2))
    registry = dr.async_get(hass)

    async def shown(device_id: str) -> dict[str, Any]:
        device = registry.async_get(device_id)
        assert device is not None
        return await diagnostics.async_get_device_diagnostics(
            hass, running.entry, device
        )

    station = await shown(running.device_id("station/CS-1"))
    assert station["station"]["model"] == "Two-way 11"
    assert [evse["evse_id"] for evse in station["evses"]] == [1, 2]
    outlet = await shown(running.evse_device_id)
    assert [evse["evse_id"] for evse in outlet["evses"]] == [1]
    assert "entry" in await shown(running.device_id("site"))
    assert station["security"] == {
        "profile": 0,
        "is_encrypted": None,
        "certificate_days_left": None,
        "revoked_certificates": 0,
    }


def test_second_net_catches_what_the_first_let_through() -> None:
    for key in ("password", "client_key_pem", "signing_seed", "identity", "evcc_id"):
        assert key in diagnostics.TO_REDACT
    redacted = async_redact_data(
        {"a": [{"password": "x", "link": LinkState.DOWN}]}, diagnostics.TO_REDACT
    )
    assert redacted == {"a": [{"password": REDACTED, "link": "down"}]}


async def test_what_flows_and_what_the_meter_shows_are_told_apart(
    running: Home,
) -> None:
    running.site._registry.evses[KEY].calibration = Calibration(
        gain=1.05, offset_w=-50.0, residual_w=4.0, samples=20, made_at=""
    )
    await running.measure(3_000)
    shown = (await entry_diagnostics(running))["site"]["evses"][0]
    assert shown["measurement"]["power_w"] == pytest.approx(3_100.0)
    assert shown["meter_power_w"] == 3_000.0
