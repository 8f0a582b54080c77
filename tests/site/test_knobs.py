"""The owner's knobs: what they change at once, and what they keep."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.domain.errors import UnknownTarget
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId, VehicleId
from custom_components.v2g_vpp.domain.policy import StationLimits
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)
UNKNOWN = EvseKey(StationId("CS9"), 1)


@in_virtual_time
async def test_knobs_of_something_unknown_are_refused() -> None:
    async with Home() as home:
        with pytest.raises(UnknownTarget):
            await home.site.set_evse_policy(UNKNOWN, lambda policy: policy)
        with pytest.raises(UnknownTarget):
            await home.site.set_vehicle_policy(VehicleId("x"), lambda policy: policy)
        await home.site.set_evse_policy(
            home.key, lambda policy: replace(policy, max_charge_power_w=99_000)
        )
        assert home.evse.policy.max_charge_power_w == 11_000
        home.site.add_station(
            home.key.station_id, StationLimits(max_charge_power_w=7_000)
        )
        await home.until(lambda: home.is_at(6_900), 30)
        assert home.evse.policy.max_charge_power_w == 7_000


@in_virtual_time
async def test_new_facts_of_a_vehicle_keep_its_knobs() -> None:
    async with Home() as home:
        await home.set_floors(40, 60)
        spec = replace(home.vehicle.spec, capacity_wh=77_000.0)
        home.site.add_vehicle(spec, home.initial)
        await home.run(1)
        assert home.vehicle.spec == spec
        assert home.vehicle.policy.reserve_percent == 40


@in_virtual_time
async def test_the_switch_off_stops_in_the_same_turn() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        count = len(home.station.writes)
        home.store.save_s = 1.0
        switch = home.allow(home.key, is_allowed=False)
        switch.send(None)
        assert home.station.writes[count].power_w == 0
        switch.close()
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 10)
        await home.allow(home.key)
        await home.until(lambda: home.is_at(-5_000), 30)
