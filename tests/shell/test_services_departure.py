"""Departures by action, and what the vehicle's entities show of them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
import pytest
import voluptuous as vol

from custom_components.v2g_vpp.const import DOMAIN
from tests.shell.home import Home

LEAF = "vehicle_leaf"


async def act(home: Home, service: str, device_id: str, **data: Any) -> None:
    await home.hass.services.async_call(
        DOMAIN, service, {"device_id": device_id, **data}, blocking=True
    )
    await home.settle()


@pytest.fixture
def leaf(home: Home) -> str:
    return home.device_id("vehicle/leaf")


async def test_a_departure_is_kept_in_utc_and_cleared(
    home: Home, leaf: str, freezer: FrozenDateTimeFactory
) -> None:
    freezer.move_to("2026-01-15T12:00:00+00:00")
    await home.hass.config.async_set_time_zone("Europe/Berlin")
    await act(home, "set_departure", leaf, departure="2026-01-16 07:00:00", soc=80)
    policy = home.vehicle().policy
    assert policy.departure_at == datetime(2026, 1, 16, 6, tzinfo=UTC).isoformat()
    assert policy.departure_soc_percent == 80.0
    await act(home, "set_departure", leaf, departure="2026-01-17T07:00:00Z", soc=60.5)
    policy = home.vehicle().policy
    assert policy.departure_at == datetime(2026, 1, 17, 7, tzinfo=UTC).isoformat()
    await act(home, "clear_departure", leaf)
    assert home.vehicle().policy.departure_at is None
    await act(home, "clear_departure", leaf)


async def test_a_departure_that_is_over_is_refused(home: Home, leaf: str) -> None:
    over = (dt_util.now() - timedelta(seconds=1)).isoformat()
    with pytest.raises(ServiceValidationError) as raised:
        await act(home, "set_departure", leaf, departure=over, soc=80)
    assert raised.value.translation_key == "departure_over"
    assert home.vehicle().policy.departure_at is None


@pytest.mark.parametrize("service", ["set_departure", "clear_departure"])
async def test_only_a_vehicle_departs(home: Home, service: str) -> None:
    tomorrow = (dt_util.now() + timedelta(days=1)).isoformat()
    data = {"departure": tomorrow, "soc": 80} if service == "set_departure" else {}
    await home.connect()
    for device_id in (home.evse_device_id, home.device_id("site")):
        with pytest.raises(ServiceValidationError) as raised:
            await act(home, service, device_id, **data)
        assert raised.value.translation_key == "target_not_vehicle"


@pytest.mark.parametrize("soc", [0, 101, "full", None])
async def test_a_charge_that_cannot_be_is_refused(
    home: Home, leaf: str, soc: object
) -> None:
    tomorrow = (dt_util.now() + timedelta(days=1)).isoformat()
    with pytest.raises(vol.Invalid):
        await act(home, "set_departure", leaf, departure=tomorrow, soc=soc)


async def test_the_daily_time_is_set_and_shown(home: Home) -> None:
    shown = home.state("time", "ready_by", LEAF)
    assert shown.state == "07:00:00"
    await home.hass.services.async_call(
        "time",
        "set_value",
        {"entity_id": shown.entity_id, "time": "06:15:00"},
        blocking=True,
    )
    await home.settle()
    assert home.vehicle().policy.ready_by == "06:15:00"
    assert home.state("time", "ready_by", LEAF).state == "06:15:00"


async def test_sensors_say_what_holds_the_vehicle(home: Home, leaf: str) -> None:
    await home.connect()
    await home.plug_in()
    await home.measure(0)
    soc = home.state("sensor", "soc", LEAF)
    assert soc.state == "70.0"
    assert soc.attributes["source"] == "vehicle"
    assert soc.attributes["uncertainty"] == 1
    floor = home.state("sensor", "active_floor", LEAF)
    assert (floor.state, floor.attributes["which"]) == ("50.0", "vpp")
    left = home.state("sensor", "cycle_budget_left", LEAF)
    capacity_wh = home.vehicle().spec.capacity_wh
    assert float(left.state) == pytest.approx(0.1 * capacity_wh / 1_000, abs=0.05)
    assert home.state("sensor", "ready_at", LEAF).state == "unknown"

    soon = dt_util.utcnow() + timedelta(minutes=5)
    await act(home, "set_departure", leaf, departure=soon.isoformat(), soc=90)
    ready = home.state("sensor", "ready_at", LEAF)
    assert datetime.fromisoformat(ready.state) > soon
    assert ready.attributes["in_time"] is False
    assert ready.attributes["cold_allowance"] == "assumed"
    floor = home.state("sensor", "active_floor", LEAF)
    assert (floor.state, floor.attributes["which"]) == ("90.0", "trip")
    assert home.state("sensor", "control_owner").state == "trip"
