"""At rest the floor profile holds an EVSE, and its memory is spared."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.dispatch import AckStatus
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

REST_W = 250.0


async def _rest(home: Home, dialect: DischargeDialect) -> None:
    """Discharge in a dialect, then stop."""
    home.station.dialect = dialect
    home.station.connect()
    await home.grant()
    home.station.cleared = 0
    await home.discharge()
    await home.site.stop(home.key)
    await home.until(lambda: abs(home.power_w) <= REST_W, 20, "at rest")


@pytest.mark.parametrize(
    "dialect", [DischargeDialect.V21_SCHEDULE, DischargeDialect.NEG_LIMIT_W]
)
@in_virtual_time
async def test_what_ended_is_overwritten_with_0_cleared_once_and_left_alone(
    dialect: DischargeDialect,
) -> None:
    async with Home() as home:
        await _rest(home, dialect)
        station = home.station
        assert station.writes[-1].power_w == 0
        assert station.cleared == 0, "first it has to be at rest"
        await home.run(60)
        assert station.cleared == 1
        count = len(station.writes)
        await home.run(3_600)
        assert len(station.writes) == count
        assert station.cleared == 1
        assert abs(home.power_w) <= REST_W

        await home.site.return_to_automatic(home.key)
        await home.discharge()
        assert station.writes[count].is_renewal


@in_virtual_time
async def test_a_floor_that_charges_holds_nothing_at_0() -> None:
    home = Home()
    home.limits = replace(home.limits, unattended_charge_w=1_380.0)
    home.station.unattended_w = 1_380.0
    async with home:
        await _rest(home, DischargeDialect.V21_SCHEDULE)
        count = len(home.station.writes)
        await home.run(600)
        assert home.station.cleared == 0
        assert len(home.station.writes) - count >= 10
        assert abs(home.power_w) <= REST_W


@in_virtual_time
async def test_after_an_emergency_stop_nothing_is_cleared() -> None:
    async with Home() as home:
        await _rest(home, DischargeDialect.V21_SCHEDULE)
        home.station.ignores_end = True
        await home.site.emergency_stop(home.key)
        await home.run(300)
        assert home.station.cleared == 0
        assert abs(home.power_w) <= REST_W
        home.station.ignores_end = False
        await home.site.reset_emergency_stop(home.key)
        await home.run(60)
        assert home.station.cleared <= 1


@in_virtual_time
async def test_a_reboot_gets_its_0_again() -> None:
    async with Home() as home:
        await _rest(home, DischargeDialect.V21_SCHEDULE)
        await home.run(60)
        count = len(home.station.writes)
        home.station.disconnect()
        home.station.connect()
        await home.run(5)
        assert [write.power_w for write in home.station.writes[count:]] == [0.0]


@in_virtual_time
async def test_a_vehicle_that_nobody_needs_may_sleep_after_half_an_hour() -> None:
    async with Home() as home:
        await _rest(home, DischargeDialect.V21_DYNAMIC)
        station = home.station
        await home.run(1_700)
        assert station.cleared == 0
        assert home.order(-5_000.0, start_in_s=3_000.0).status is AckStatus.REJECTED
        await home.site.return_to_automatic(home.key)
        assert home.order(-5_000.0, start_in_s=600.0).status is AckStatus.ACCEPTED
        await home.run(400)
        assert station.cleared == 0, "somebody needs it soon"
        await home.until(lambda: home.is_at(-5_000.0), 300)


@in_virtual_time
async def test_what_keeps_a_sleeping_vehicle_awake_is_not_written() -> None:
    async with Home() as home:
        await _rest(home, DischargeDialect.V21_DYNAMIC)
        station = home.station
        await home.run(3_500)
        assert station.cleared == 0, "the order still runs"
        await home.run(200)
        assert station.cleared == 1
        count = len(station.writes)
        await home.run(1_800)
        assert len(station.writes) == count
        assert abs(home.power_w) <= REST_W
        await home.site.return_to_automatic(home.key)
        await home.discharge()
        assert station.writes[count].is_renewal
