"""A clock that cannot be trusted forbids the discharge that ends by it."""

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.dispatch import AckStatus
from custom_components.v2g_vpp.domain.events import StationClockReported
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.state import ClockState
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time


def _tell(home: Home, state: ClockState, offset_s: float) -> None:
    home.site.post(
        StationClockReported(
            station_id=home.key.station_id, state=state, offset_s=offset_s
        )
    )


@pytest.mark.parametrize("state", [ClockState.WRONG, ClockState.UNSTEADY])
@in_virtual_time
async def test_a_bad_clock_ends_a_discharge_on_schedules_and_comes_back(
    state: ClockState,
) -> None:
    async with Home() as home:
        home.station.dialect = DischargeDialect.V21_SCHEDULE
        home.station.connect()
        _tell(home, ClockState.TRUSTED, 0.0)
        await home.grant()
        await home.discharge()
        _tell(home, state, -3_600.0)
        await home.until(lambda: abs(home.power_w) <= 250.0, 20, "stopped")
        assert home.evse.discharge_blocked_by is Reason.STATION_CLOCK
        assert home.evse.is_clock_in_the_way
        (station,) = home.site.snapshot.stations
        assert station.is_clock_in_the_way
        assert station.clock_offset_s == -3_600.0
        assert home.order(-5_000.0).status is AckStatus.REJECTED

        _tell(home, ClockState.TRUSTED, 0.0)
        await home.run(1)
        assert home.evse.discharge_blocked_by is None
        assert not home.evse.is_clock_in_the_way
        await home.discharge()


@in_virtual_time
async def test_a_duration_that_needs_no_clock_is_not_in_its_way() -> None:
    async with Home() as home:
        _tell(home, ClockState.WRONG, 9_999.0)
        await home.grant()
        await home.discharge()
        assert not home.evse.is_clock_in_the_way
