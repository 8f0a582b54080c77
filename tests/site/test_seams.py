"""Where one feature of a home meets another."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.calibration import Calibration
from custom_components.v2g_vpp.domain.dispatch import AckStatus
from custom_components.v2g_vpp.domain.errors import DischargeNotPermitted
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner
from custom_components.v2g_vpp.domain.site_meters import (
    OperatorLimit,
    SiteMeter,
    SiteWiring,
)
from tests.site.home import VEHICLE, Home
from tests.site.test_meters import report
from tests.site.virtual_time import in_virtual_time


@in_virtual_time
async def test_who_comes_after_the_departure_of_today_may_discharge() -> None:
    async with Home() as home:
        await home.grant()
        home.station.unplug()
        await home.run(5)
        due = home.clock.utcnow() - timedelta(minutes=5)
        at = f"{due:%H:%M}"
        await home.site.set_vehicle_policy(
            VEHICLE, lambda p: replace(p, ready_by=at, ready_soc_percent=95.0)
        )
        home.station.plug()
        await home.run(30)
        await home.site.set_evse_policy(
            home.key, lambda p: replace(p, vehicle_id=VEHICLE)
        )
        await home.run(5)
        ack = home.order(-5_000)
        assert ack.status is AckStatus.ACCEPTED
        await home.run(60)
        assert home.power_w < -4_000


@pytest.mark.parametrize(
    ("gain", "truth"),
    [
        pytest.param(1.0, 1.0, id="a right meter"),
        pytest.param(1.08, 1.08, id="a meter that shows too little"),
        pytest.param(0.92, 0.92, id="a meter that shows too much"),
        pytest.param(1.08, 1.0, id="a calibration that is wrong upwards"),
        pytest.param(0.92, 1.0, id="a calibration that is wrong downwards"),
    ],
)
@in_virtual_time
async def test_a_calibrated_meter_keeps_the_import_limit_without_flapping(
    gain: float, truth: float
) -> None:
    async with Home() as home:
        await home.grant()
        record = home.site._registry.evses[home.key]
        record.calibration = Calibration(
            gain=gain,
            offset_w=0.0,
            residual_w=0.0,
            samples=20,
            made_at="2026-01-01T00:00:00+00:00",
        )
        home.site.use_wiring(SiteWiring(import_limit_w=8_000.0))
        home.site.use_meters([SiteMeter.GRID])

        async def feed() -> None:
            while True:
                report(home, SiteMeter.GRID, 500.0 + truth * home.power_w)
                await asyncio.sleep(1)

        task = asyncio.ensure_future(feed())
        await home.run(5)
        await home.site.set_evse_policy(
            home.key, lambda p: replace(p, mode=Mode.CHARGE_NOW)
        )
        told_w, taken_w = [], []
        for _ in range(180):
            await home.run(1)
            told_w.append(home.evse.setpoint.power_w)
            taken_w.append(500.0 + truth * home.power_w)
        task.cancel()
        assert min(told_w[60:]) > 0
        # Not while it begins either: nobody waits for the meter to learn that.
        assert max(taken_w) < 8_050
        assert min(taken_w[120:]) > 7_300


def _tear_the_evse(document: dict[str, Any]) -> None:
    for part in document["evses"].values():
        part.update(policy="torn")


def _tear_the_version(document: dict[str, Any]) -> None:
    document.update(version="torn")


@pytest.mark.parametrize("spoil", [_tear_the_evse, _tear_the_version])
@in_virtual_time
async def test_after_an_emergency_stop_that_was_lost_nothing_charges(
    spoil: Callable[[dict[str, Any]], None],
) -> None:
    async with Home() as home:
        await home.grant()
        await home.site.emergency_stop(home.key)
        await home.run(30)
        await home.crash()
        home.store.edit(spoil)
        await home.restart()
        home.reconnect()
        await home.run(20)
        home.order(5_000)
        await home.run(60)
        assert home.power_w < 500
        # The owner looks and resets: then it charges again.
        await home.site.reset_emergency_stop(home.key)
        home.order(5_000)
        await home.until(lambda: home.power_w > 4_000, 60)


@in_virtual_time
async def test_an_unreadable_import_limit_is_not_as_if_there_were_none() -> None:
    async with Home() as home:
        await home.grant()
        await home.site.set_site_limit(OperatorLimit(import_w=4_200.0))
        await home.crash()
        home.store.edit(
            lambda d: d["site"]["operator_limit"].update(import_until_at="torn")
        )
        await home.restart()
        home.reconnect()
        await home.run(20)
        await home.site.set_evse_policy(
            home.key, lambda p: replace(p, mode=Mode.CHARGE_NOW)
        )
        await home.run(60)
        assert home.power_w <= 4_300


@in_virtual_time
async def test_a_claim_ends_with_the_vehicle_that_it_was_made_for() -> None:
    async with Home() as home:
        await home.grant()
        home.site.acquire_control(home.key, "night", 5_000, 7_200)
        await home.run(30)
        home.station.unplug()
        await home.run(10)
        home.station.plug()
        await home.run(60)
        assert home.site._registry.evses[home.key].claim is None


@in_virtual_time
async def test_a_vehicle_that_has_to_charge_for_its_trip_is_not_tested() -> None:
    async with Home() as home:
        due = home.clock.utcnow() + timedelta(minutes=10)
        await home.site.set_vehicle_policy(
            VEHICLE,
            lambda p: replace(
                p, departure_at=due.isoformat(), departure_soc_percent=95.0
            ),
        )
        await home.until(lambda: home.evse.setpoint.owner is ControlOwner.TRIP, 60)
        station = home.station
        assert station.transaction_id is not None
        await station.end_transaction(station.transaction_id)
        await home.until(lambda: not home.evse.has_transaction, 10)
        with pytest.raises(DischargeNotPermitted, match="trip_floor"):
            await home.site.start_self_test(home.key)
