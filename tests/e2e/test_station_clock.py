"""A station whose clock is wrong, drifts or jumps, at the real listener and site."""

from typing import Any

import pytest

from custom_components.v2g_vpp.csms.clock_desk import NEWS_S
from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.state import ClockState
from custom_components.v2g_vpp.virtual.config import Fault, Protocol
from tests.e2e.loopback_time import in_loopback_time
from tests.e2e.virtual_home import VirtualHome

BY_CLOCK = [
    (Protocol.OCPP_2_1, DischargeDialect.V21_SCHEDULE),
    (Protocol.OCPP_2_0_1, DischargeDialect.NEG_LIMIT_W),
    (Protocol.OCPP_1_6, DischargeDialect.NEG_LIMIT_W),
]
"""Whose profiles begin and end by the clock of the station."""

every_clock = pytest.mark.parametrize(("protocol", "dialect"), BY_CLOCK, ids=str)
WITHIN_S = 1.5
"""Times are whole seconds on the wire to the station."""


class ClockHome(VirtualHome):
    """A home that is asked for what it knows of the clock."""

    def __init__(
        self, protocol: Protocol, dialect: DischargeDialect, **changes: Any
    ) -> None:
        super().__init__(protocol, dialect, takes_negative_limits=True, **changes)

    @property
    def clock_state(self) -> ClockState:
        (station,) = self.site.snapshot.stations
        return station.clock_state

    @property
    def offset_error_s(self) -> float:
        """What the site believes, against the truth."""
        (station,) = self.site.snapshot.stations
        assert station.clock_offset_s is not None
        return station.clock_offset_s - self.truth.clock_offset_s

    async def begin(self) -> None:
        await self.plug()
        await self.grant()


@pytest.mark.parametrize("offset_s", [-240.0, 240.0])
@every_clock
@in_loopback_time
async def test_a_clock_that_is_minutes_off_is_reckoned_with(
    protocol: Protocol, dialect: DischargeDialect, offset_s: float, socket_enabled: None
) -> None:
    async with ClockHome(protocol, dialect, clock_offset_s=offset_s) as home:
        await home.begin()
        await home.discharge()
        assert home.clock_state is ClockState.TRUSTED
        assert abs(home.offset_error_s) <= WITHIN_S
        await home.run(300)
        assert home.power_w < -4_000
        # And the station ends it in time by the same clock.
        proof = home.evse.proof
        assert proof is not None
        home.station.set_fault(Fault.HALF_OPEN, is_on=True)
        took_s = await home.until(lambda: home.is_at_rest, 120, "dead-man")
        assert took_s <= proof.dead_man_s + WITHIN_S


@every_clock
@in_loopback_time
async def test_drift_is_measured_while_it_discharges(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with ClockHome(protocol, dialect, clock_drift_ppm=20_000.0) as home:
        await home.begin()
        await home.discharge()
        for _ in range(6):
            await home.run(120)
            assert home.power_w < -4_000
            assert home.clock_state is ClockState.TRUSTED
            assert abs(home.offset_error_s) <= NEWS_S + WITHIN_S
        assert home.truth.clock_offset_s > 14.0


@pytest.mark.parametrize("step_s", [-400.0, 400.0])
@every_clock
@in_loopback_time
async def test_a_clock_that_jumps_far_blocks_discharge_until_it_is_set(
    protocol: Protocol, dialect: DischargeDialect, step_s: float, socket_enabled: None
) -> None:
    async with ClockHome(protocol, dialect) as home:
        await home.begin()
        await home.discharge()
        home.station.step_clock(step_s)
        await home.until(lambda: home.is_at_rest, 90, "rest")
        await home.until(lambda: home.evse.is_clock_in_the_way, 30, "named")
        if home.evse.has_transaction:
            assert home.evse.discharge_blocked_by is Reason.STATION_CLOCK
        await home.run(120)
        assert home.is_at_rest
        home.station.step_clock(-step_s)
        if not home.evse.has_transaction:
            # Readings that seem older than the last ones say nothing: the site ended
            # what it could not see.
            assert step_s < 0
            home.station.unplug()
            await home.run(5)
            await home.plug()
        await home.until(lambda: home.power_w < -4_000, 400, "set right")
        assert not home.evse.is_clock_in_the_way


@every_clock
@in_loopback_time
async def test_a_station_that_takes_our_time_rights_itself(
    protocol: Protocol, dialect: DischargeDialect, socket_enabled: None
) -> None:
    async with ClockHome(
        protocol, dialect, clock_offset_s=90_000.0, follows_csms_time=True
    ) as home:
        assert abs(home.truth.clock_offset_s) <= WITHIN_S
        await home.begin()
        await home.discharge()
        # Heartbeats set it as well; a reboot does it sooner.
        home.station.step_clock(-500.0)
        await home.until(lambda: home.is_at_rest, 90, "rest")
        home.station.reboot()
        await home.until(lambda: home.truth.boot_count == 2, 60, "boot")
        await home.until(
            lambda: abs(home.truth.clock_offset_s) <= WITHIN_S, 30, "set by the boot"
        )
        home.station.unplug()
        await home.run(5)
        await home.plug()
        # It was without power: the grid is trusted again, and then little by little.
        await home.until(lambda: home.power_w < -4_000, 700, "again")


@in_loopback_time
async def test_the_dynamic_dialect_needs_no_clock(socket_enabled: None) -> None:
    async with ClockHome(
        Protocol.OCPP_2_1, DischargeDialect.V21_DYNAMIC, clock_offset_s=4_000.0
    ) as home:
        await home.begin()
        await home.discharge()
        assert home.clock_state is ClockState.WRONG
        assert not home.evse.is_clock_in_the_way
        await home.run(120)
        assert home.power_w < -4_000
