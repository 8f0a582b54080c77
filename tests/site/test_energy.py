"""Totals of energy through resets of the station's registers and of the home."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.domain.chemistry import Chemistry
from custom_components.v2g_vpp.domain.policy import Mode, VehiclePolicy
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_register_that_begins_anew_takes_nothing_from_the_total() -> None:
    home = Home()
    home.station.charged_wh = 250_000.0
    async with home:
        station = home.station
        await home.set_mode(Mode.CHARGE_NOW)
        await home.run(120)
        before = home.evse.charged_wh
        assert before is not None
        assert before > 250_100.0
        # Its meter was replaced.
        station.charged_wh = 0.0
        await home.run(2)
        assert home.evse.charged_wh == pytest.approx(before, abs=20.0)
        await home.run(120)
        grown = home.evse.charged_wh
        assert grown is not None
        assert grown == pytest.approx(before + station.charged_wh, abs=20.0)

        # Nor does a restart, and what flowed meanwhile counts.
        await home.site.emergency_stop(None)
        await home.site.reset_emergency_stop(home.key)
        await home.restart()
        station.charged_wh += 40_000.0
        home.reconnect()
        station.plug()
        await home.run(60)
        assert home.evse.charged_wh is not None
        assert home.evse.charged_wh >= grown + 40_000.0 - 20.0


@in_virtual_time
async def test_what_the_home_discharges_wears_the_vehicle_that_was_there() -> None:
    async with Home() as home:
        spec = replace(home.vehicle.spec, chemistry=Chemistry.LFP)
        home.site.add_vehicle(spec, VehiclePolicy())
        await home.grant()
        charged = home.vehicle.equivalent_cycles
        assert home.vehicle.wear_cost is not None
        await home.set_mode(Mode.DISCHARGE_NOW)
        await home.run(300)
        discharged_wh = home.station.discharged_wh
        assert discharged_wh > 500.0
        worn = home.vehicle
        assert worn.wear_cost == pytest.approx(
            discharged_wh / 1_000 * 120.0 * 2.81e-5 / 0.2, rel=0.05
        )
        assert worn.equivalent_cycles - charged < discharged_wh / spec.capacity_wh

        # A restart changes nothing.
        await home.site.stop(None)
        await home.run(120)
        worn = home.vehicle
        await home.restart()
        home.site.add_vehicle(spec, VehiclePolicy())
        await home.run(1)
        assert home.vehicle.wear_cost == pytest.approx(worn.wear_cost)
        assert home.vehicle.equivalent_cycles == pytest.approx(worn.equivalent_cycles)
