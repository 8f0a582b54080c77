"""A station that reports its meter seldom: as fresh as its own period lets it be."""

import pytest

from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

STEPS_PER_S = 4
OVER = {SelfTestPhase.PASSED, SelfTestPhase.FAILED}


async def with_period(home: Home, period_s: int) -> None:
    """Let the station report so often, until that is learnt."""
    home.station.meter_every = period_s * STEPS_PER_S
    await home.run(period_s * 12)


@pytest.mark.parametrize("period_s", [5, 12, 15])
@in_virtual_time
async def test_a_station_that_reports_seldom_discharges_without_a_gap(
    period_s: int,
) -> None:
    async with Home() as home:
        await with_period(home, period_s)
        await home.grant()
        await home.discharge()
        for _ in range(120):
            await home.run(1)
            assert home.evse.setpoint.power_w < 0, home.evse.setpoint
            assert home.evse.is_meter_fresh
        # It stops without a ladder: what its meter said last is from before the stop.
        await home.site.stop(home.key)
        await home.until(lambda: home.is_at(0.0), 15, "a stop")
        await home.run(60)
        assert home.evse.has_transaction
        assert not home.evse.faults


@in_virtual_time
async def test_a_meter_that_falls_silent_stops_the_discharge_within_30_s() -> None:
    async with Home() as home:
        await with_period(home, 15)
        await home.grant()
        await home.discharge()
        home.station.has_meter = False
        stale_s = await home.until(
            lambda: home.evse.setpoint.power_w == 0, 31, "0 W without a meter"
        )
        assert stale_s <= 30.5
        assert home.evse.setpoint.reason is Reason.METER_STALE
        home.station.has_meter = True
        await home.until(
            lambda: home.evse.setpoint.power_w < 0, 60, "the meter is back"
        )


@in_virtual_time
async def test_a_quick_meter_that_falls_silent_is_stale_after_10_s() -> None:
    async with Home() as home:
        await home.run(30)
        await home.grant()
        await home.discharge()
        home.station.has_meter = False
        await home.until(lambda: home.evse.setpoint.power_w == 0, 11, "0 W")
        assert home.evse.setpoint.reason is Reason.METER_STALE


@in_virtual_time
async def test_a_turn_from_charging_to_discharge_is_no_wrong_direction() -> None:
    async with Home() as home:
        await with_period(home, 15)
        await home.grant()
        await home.set_mode(Mode.CHARGE_NOW)
        for _ in range(4):
            await home.run(40)
            home.order(-5_000.0, duration_s=60.0)
            await home.run(60)
        assert not home.evse.faults


@in_virtual_time
async def test_a_station_that_reports_each_15_s_passes_the_self_test() -> None:
    async with Home() as home:
        await with_period(home, 15)
        await home.site.start_self_test(home.key)
        await home.until(lambda: home.evse.self_test.phase in OVER, 700, "self-test")
        assert home.evse.self_test.failure is None
        assert home.evse.proof is not None
