"""The station's own schedule is asked for, and a disagreement stops it."""

import pytest

from custom_components.v2g_vpp.control.schedule_check import ScheduleVerdict
from custom_components.v2g_vpp.domain.faults import FaultCode
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time


def _verdict(home: Home) -> ScheduleVerdict:
    return home.site._registry.evses[home.key].schedule.verdict


@in_virtual_time
async def test_a_discharge_is_checked_at_its_start_and_once_a_minute() -> None:
    async with Home() as home:
        await home.grant()
        before = len(home.station.asked)
        await home.discharge()
        await home.run(5)
        assert len(home.station.asked) == before + 1
        assert _verdict(home) is ScheduleVerdict.AGREES
        await home.run(300)
        assert 5 <= len(home.station.asked) - before - 1 <= 6
        assert home.evse.faults == ()


@pytest.mark.parametrize(
    ("plans", "fault"),
    [(-1.0, FaultCode.WRONG_DIRECTION), (1 / 3, FaultCode.WRONG_SIZE)],
)
@in_virtual_time
async def test_another_schedule_than_was_told_is_stopped_and_latched(
    plans: float, fault: FaultCode
) -> None:
    async with Home() as home:
        await home.grant()
        home.station.plans = plans
        home.order(-5_000.0)
        await home.until(lambda: home.evse.faults == (fault,), 30, "found")
        assert home.evse.proof is None
        assert not home.evse.policy.is_discharge_allowed
        await home.until(lambda: abs(home.power_w) <= 250.0, 30, "stopped")
        home.station.plans = 1.0
        await home.run(20)
        await home.site.reset_emergency_stop(home.key)
        home.station.plug()
        await home.run(5)
        await home.grant()
        await home.discharge()
        assert home.evse.faults == ()


@in_virtual_time
async def test_a_station_that_does_not_say_is_relied_on_by_its_meter() -> None:
    async with Home() as home:
        home.station.plans = None
        await home.grant()
        await home.discharge()
        await home.run(200)
        assert _verdict(home) is ScheduleVerdict.NOT_VERIFIABLE
        assert home.evse.faults == ()
        asked = len(home.station.asked)
        assert asked <= 2
        # Another link, another chance.
        home.station.plans = 1.0
        home.station.disconnect()
        home.station.connect()
        await home.run(30)
        assert _verdict(home) is ScheduleVerdict.AGREES
