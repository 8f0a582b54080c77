"""Stops that meet a new link, a refusal or a station that does not obey."""

from dataclasses import replace
from itertools import pairwise

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import (
    StationConnected,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import (
    SetpointWrite,
    WriteResult,
    WriteStatus,
)
from tests.site.home import Home
from tests.site.station import SimulatedStation
from tests.site.virtual_time import in_virtual_time

FLOW_W = -220.0


def _last_flow_s(home: Home, since_s: float) -> float:
    """Return how long after a moment the station discharged for the last time."""
    return max(
        (
            at - since_s
            for at, p in home.station.powers_w
            if at >= since_s and p < FLOW_W
        ),
        default=0.0,
    )


@in_virtual_time
async def test_a_stop_leaves_as_soon_as_the_link_is_back() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        station, key = home.station, home.key
        assert station.transaction_id is not None
        station.disconnect()
        # It dials in again while it discharges; its device model takes a while.
        station.is_connected = True
        home.site.post(StationConnected(station_id=key.station_id, protocol="ocpp2.1"))
        home.site.post(
            TransactionReported(
                key=key,
                transaction_id=station.transaction_id,
                phase=TransactionPhase.UPDATED,
            )
        )
        began_s, before = home.clock.monotonic(), len(station.writes)
        await home.site.emergency_stop(None)
        await home.run(20)
        assert len(station.writes) > before
        assert all(write.power_w == 0 for write in station.writes[before:])
        assert _last_flow_s(home, began_s) < 10.0

        # Once it is ready and the latch is gone it discharges again.
        station.connect()
        await home.site.reset_emergency_stop(key)
        await home.allow(key)
        await home.discharge()


@in_virtual_time
async def test_a_refused_refresh_is_followed_by_zero(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take, refuses = SimulatedStation.write_setpoint, {"is_on": False}

    async def refusing(self: SimulatedStation, write: SetpointWrite) -> WriteResult:
        if refuses["is_on"] and write.power_w < 0:
            return WriteResult(status=WriteStatus.REJECTED, detail="station_clock")
        return await take(self, write)

    monkeypatch.setattr(SimulatedStation, "write_setpoint", refusing)
    async with Home() as home:
        home.station.dialect = DischargeDialect.V21_SCHEDULE
        home.station.connect()
        await home.grant()
        await home.discharge()
        # Its clock went back by an hour: the old profile stays valid for as long.
        home.station.expires_s = home.clock.monotonic() + 3_660.0
        refuses["is_on"] = True
        began_s = home.clock.monotonic()
        await home.run(300)
        assert _last_flow_s(home, began_s) < 90.0
        assert home.power_w > FLOW_W

        refuses["is_on"] = False
        await home.until(lambda: home.is_at(-5_000.0), 60, "discharge again")


@in_virtual_time
async def test_a_station_that_reads_a_stop_as_a_discharge_is_left_to_its_dead_man(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    take, is_bad = SimulatedStation.write_setpoint, {"is_on": False}

    async def renewing(self: SimulatedStation, write: SetpointWrite) -> WriteResult:
        if is_bad["is_on"] and write.power_w == 0:
            write = replace(write, power_w=-5_000.0)
        return await take(self, write)

    monkeypatch.setattr(SimulatedStation, "write_setpoint", renewing)
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.station.obey(is_obeying=False)
        home.station.ignores_stops, is_bad["is_on"] = False, True
        began_s = home.clock.monotonic()
        await home.site.emergency_stop(None)
        await home.until(lambda: home.station.closed != [], 60, "the top")
        # It dials in again at once, and still nothing puts off its dead-man.
        home.station.connect()
        await home.run(600)
        assert FaultCode.STATION_DOES_NOT_STOP in home.evse.faults
        assert _last_flow_s(home, began_s) < 70.0

        # The owner looked at it, and it obeys again.
        home.station.obey(is_obeying=True)
        is_bad["is_on"] = False
        before = len(home.station.writes)
        await home.site.reset_emergency_stop(home.key)
        await home.run(10)
        assert len(home.station.writes) > before, "a stop is written again"


@in_virtual_time
async def test_a_refused_end_of_the_transaction_is_asked_for_again() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        station = home.station
        station.obey(is_obeying=False)
        began_s = home.clock.monotonic()
        await home.site.emergency_stop(None)
        await home.until(lambda: station.closed != [], 60, "the top")
        station.connect()
        await home.run(30)
        waits_s = [b - a for a, b in pairwise(station.ended)]
        assert len(station.ended) >= 5
        assert all(4.9 <= wait_s <= 7.0 for wait_s in waits_s), waits_s
        station.ignores_end = False
        await home.run(10)
        assert home.power_w > FLOW_W
        assert _last_flow_s(home, began_s) < 90.0


@in_virtual_time
async def test_a_zero_of_an_older_transaction_is_no_first_write_of_the_next() -> None:
    async with Home() as home:
        await home.grant()
        record = home.site._registry.evses[home.key]
        home.station.answer_s = 1.0
        record.delivery.force_write()
        home.site._waker.now()
        await home.run(0.2)
        home.site.post(
            TransactionReported(
                key=home.key,
                transaction_id=TransactionId("next"),
                phase=TransactionPhase.UPDATED,
            )
        )
        await home.run(0.9)
        assert (
            home.station.writes[-1].is_accepted or home.station.writes[-2].is_accepted
        )
        assert record.is_first_write_pending, "the answer was about the older one"
        home.station.transaction_id = TransactionId("next")
        await home.run(5)
        assert not record.is_first_write_pending
