"""Chargers that misbehave, and facts that change under way."""

from dataclasses import replace
import logging
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.capability import (
    LONGEST_PROMISE_S,
    DischargeDialect,
)
from custom_components.v2g_vpp.domain.events import (
    ConnectorReported,
    ContactorReported,
    FaultReported,
    StationReady,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.snapshot import SiteSnapshot
from custom_components.v2g_vpp.domain.state import (
    ConnectorStatus,
    EvseState,
    flow_threshold_w,
)
from custom_components.v2g_vpp.virtual.plant import MEASURED_2019
from tests.site.home import Home
from tests.site.station_words import NEEDS, Answer
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)


async def is_withdrawn(home: Home, *codes: FaultCode) -> None:
    """Show that permission and proof are gone, here and on disk."""
    await home.run(1)
    assert home.evse.faults == codes
    assert not home.evse.policy.is_discharge_allowed
    assert home.evse.proof is None
    kept = home.store.document["evses"][str(home.key)]
    assert kept["faults"] == list(codes)
    assert kept["proof"] is None
    assert not kept["policy"]["is_discharge_allowed"]
    assert home.evse.state is EvseState.FAULTED


@in_virtual_time
async def test_a_station_that_ignores_every_stop_is_latched() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.station.obey(is_obeying=False)
        count = len(home.station.writes)
        await home.set_floors(30, 90)
        never = FaultCode.STATION_DOES_NOT_STOP
        await home.until(lambda: never in home.evse.faults, 60)
        stops = home.station.writes[count:]
        assert all(write.power_w == 0 for write in stops)
        assert any(write.is_renewal for write in stops)
        assert home.station.ended != []
        # The meter also shows a discharge that nobody asks for any more.
        both = (never, FaultCode.UNCOMMANDED_DISCHARGE)
        await is_withdrawn(home, *both)
        await home.restart()
        home.reconnect()
        await home.run(10)
        assert home.evse.faults == both
        assert home.evse.discharge_blocked_by is Reason.FAULT
        home.station.obey(is_obeying=True)
        await home.until(lambda: home.station.transaction_id is None, 40)
        await home.set_floors(30, 50)
        await home.site.reset_emergency_stop(home.key)
        home.station.plug()
        await home.run(5)
        await home.grant()
        await home.discharge()


@in_virtual_time
async def test_a_stop_that_is_not_answered_is_sent_again_and_again() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.station.answer = Answer.SILENT
        count = len(home.station.writes)
        await home.set_floors(30, 90)
        await home.run(12)
        stops = home.station.writes[count:]
        assert len(stops) >= 3
        assert all(write.power_w == 0 for write in stops)
        assert any(write.is_renewal for write in stops)
        home.station.answer = Answer.ACCEPT
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 12)
        assert home.evse.faults == ()


@in_virtual_time
async def test_the_wrong_direction_is_stopped_and_latched() -> None:
    async with Home() as home:
        await home.grant()
        home.station.is_reversed = True
        home.order(-5_000)
        await home.until(lambda: home.evse.faults != (), 60)
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 20)
        await is_withdrawn(home, FaultCode.WRONG_DIRECTION)
        home.station.is_reversed = False
        await home.run(30)
        await home.site.reset_emergency_stop(home.key)
        home.station.plug()
        await home.run(5)
        await home.grant()
        await home.discharge()


@in_virtual_time
async def test_the_guards_wait_after_a_start_no_longer_than_the_charger() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        await home.run(70)
        await home.restart()
        began_s = home.clock.monotonic()
        home.reconnect()
        await home.run(10)
        home.order(-5_000)
        await home.until(lambda: home.power_w < -4_000, 25)
        home.station.is_reversed = True
        await home.until(lambda: home.evse.faults != (), 40)
        assert home.evse.faults == (FaultCode.WRONG_DIRECTION,)
        # Its dead-man is 20 s; the longest of all would be another 40.
        assert home.clock.monotonic() - began_s < 50


@in_virtual_time
async def test_a_discharge_that_nobody_asked_for_is_stopped_and_latched() -> None:
    async with Home() as home:
        await home.grant()
        await home.run(60)
        home.station.is_reversed = True
        await home.set_mode(Mode.CHARGE_NOW)
        await home.until(lambda: home.evse.faults != (), 60)
        await is_withdrawn(home, FaultCode.UNCOMMANDED_DISCHARGE)
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 20)
        home.station.is_reversed = False
        await home.run(30)
        await home.site.reset_emergency_stop(home.key)
        await home.until(lambda: home.power_w > 10_000, 40)


@in_virtual_time
async def test_writes_that_a_charging_station_refuses_are_no_wrong_direction() -> None:
    async with Home() as home:
        await home.grant()
        home.station.unattended_w = 2_000
        home.station.answer = Answer.REJECT
        home.order(-5_000)
        await home.run(90)
        assert home.power_w > 1_500
        assert home.evse.faults == ()
        assert home.evse.proof is not None
        home.station.answer = Answer.ACCEPT
        await home.until(lambda: home.is_at(-5_000), 40)


@in_virtual_time
async def test_a_charger_with_large_offsets_is_proven_and_not_accused() -> None:
    async with Home(plants=[MEASURED_2019]) as home:
        await home.set_mode(Mode.OFF)
        await home.run(60)
        assert home.evse.faults == ()
        assert home.station.transaction_id is not None
        await home.prove()
        await home.discharge()
        await home.set_floors(30, 90)
        await home.run(60)
        assert home.evse.faults == ()


@in_virtual_time
async def test_a_proof_of_a_dead_man_that_takes_too_long_is_none() -> None:
    async with Home() as home:
        await home.grant()
        record = home.site._registry.evses[home.key]
        assert record.proof is not None
        record.proof = replace(record.proof, dead_man_s=LONGEST_PROMISE_S + 0.1)
        began = home.clock.monotonic()
        home.order(-5_000)
        await home.run(30)
        assert home.evse.discharge_blocked_by is Reason.NOT_PROVEN
        assert home.station.lowest_since(began) >= -ZERO_W


@pytest.mark.parametrize("is_connected", [True, False], ids=["booted", "dialled in"])
@in_virtual_time
async def test_a_changed_firmware_voids_the_proof(is_connected: bool) -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        if not is_connected:
            home.station.disconnect()
            await home.run(30)
        home.station.firmware = "2.0"
        count = len(home.station.writes)
        home.station.connect()
        await home.run(1)
        assert home.evse.proof is None
        assert not home.evse.policy.is_discharge_allowed
        kept = home.store.document["evses"][str(home.key)]
        assert kept["proof"] is None
        assert not kept["policy"]["is_discharge_allowed"]
        assert all(write.power_w == 0 for write in home.station.writes[count:])
        await home.run(30)
        assert abs(home.power_w) <= ZERO_W
        await home.grant()
        await home.until(lambda: home.is_at(-5_000), 40)


@pytest.mark.parametrize(
    "change",
    [{"dialect": DischargeDialect.V21_SCHEDULE}, {"wording": "another message"}],
    ids=["dialect", "wording"],
)
@in_virtual_time
async def test_another_dialect_voids_the_proof(change: dict[str, Any]) -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.site.post(
            StationReady(
                station_id=home.key.station_id,
                capability=replace(home.station.capability(), **change),
                has_floor_profile=True,
            )
        )
        await home.run(20)
        assert home.evse.proof is None
        assert abs(home.power_w) <= ZERO_W


@in_virtual_time
async def test_a_silent_meter_ends_discharge_and_its_return_lets_it_go_on() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.station.has_meter = False
        silent = home.clock.monotonic()
        await home.run(25)
        assert home.station.lowest_since(silent + 19) >= -ZERO_W
        assert not home.evse.is_meter_fresh
        home.station.has_meter = True
        await home.until(lambda: home.is_at(-5_000), 60)


@in_virtual_time
async def test_a_lost_link_ends_by_the_dead_man_and_goes_on_after_it() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        lost = home.clock.monotonic()
        home.station.disconnect()
        await home.run(1)
        assert home.evse.setpoint.reason is Reason.STATION_OFFLINE
        assert home.evse_at(home.key).state is not EvseState.UNAVAILABLE
        await home.run(65)
        assert home.station.lowest_since(lost + 35) >= -ZERO_W
        assert home.evse.state is EvseState.UNAVAILABLE
        home.station.connect()
        await home.until(lambda: home.is_at(-5_000), 30)


@in_virtual_time
async def test_a_passing_fault_stops_discharge_and_is_persisted_when_latched() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        everything = EvseKey(home.key.station_id, 0)
        home.site.post(
            FaultReported(key=everything, code=FaultCode.METER_FAILURE, is_active=True)
        )
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 10)
        home.site.post(
            FaultReported(key=everything, code=FaultCode.METER_FAILURE, is_active=False)
        )
        await home.until(lambda: home.is_at(-5_000), 20)
        home.site.post(
            FaultReported(key=home.key, code=FaultCode.GROUND_FAULT, is_active=True)
        )
        await home.run(0.01)
        kept = home.store.document["evses"][str(home.key)]
        assert kept["faults"] == [FaultCode.GROUND_FAULT]
        await home.until(lambda: home.station.transaction_id is None, 20)
        home.site.post(
            FaultReported(key=home.key, code=FaultCode.GROUND_FAULT, is_active=False)
        )
        assert home.evse.faults == (FaultCode.GROUND_FAULT,)
        await home.site.reset_emergency_stop(home.key)
        await home.discharge()


@in_virtual_time
async def test_a_broken_listener_does_not_end_control(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()

        def breaks(_: SiteSnapshot) -> None:
            raise RuntimeError("a listener is broken")

        end = home.site.subscribe(breaks)
        await home.run(20)
        end()
        end()
        assert home.is_at(-5_000)
        assert "a listener is broken" in caplog.text
        errors = [r for r in caplog.records if r.levelno >= logging.ERROR]
        assert errors != []
        await home.set_floors(30, 90)
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 10)


@in_virtual_time
async def test_a_vehicle_that_cannot_discharge_is_not_discharged() -> None:
    async with Home() as home:
        await home.grant()
        home.station.unplug()
        await home.run(1)
        home.station.needs = replace(NEEDS, is_bidirectional=False)
        home.station.plug()
        await home.run(5)
        assert home.evse.discharge_blocked_by is Reason.VEHICLE_NOT_BIDIRECTIONAL
        # It only runs a charging service now; it can do more.
        assert home.vehicle.is_v2g_capable
        home.station.unplug()
        await home.run(1)
        home.station.needs = NEEDS
        home.station.plug()
        await home.run(5)
        await home.discharge()


@in_virtual_time
async def test_events_of_strangers_are_dropped() -> None:
    async with Home() as home:
        before = home.site.snapshot.stations
        home.site.post(
            ConnectorReported(
                key=EvseKey(StationId("CS9"), 1),
                connector_id=1,
                status=ConnectorStatus.OCCUPIED,
            )
        )
        await home.run(2)
        assert home.site.snapshot.stations == before
        assert home.site.may_vehicle_discharge(home.key.station_id, "EV1")
        assert home.site.may_vehicle_discharge(home.key.station_id, None)
        assert not home.site.may_vehicle_discharge(home.key.station_id, "STRANGER")
        assert not home.site.may_vehicle_discharge(StationId("CS9"), None)


@in_virtual_time
async def test_a_contactor_that_stays_closed_is_latched() -> None:
    async with Home() as home:
        home.station.unplug()
        home.site.post(ContactorReported(key=home.key, is_closed=True))
        await home.run(25)
        assert not home.evse.faults
        await home.run(10)
        assert home.evse.faults == (FaultCode.CONTACTOR_WELDED,)
        home.station.disconnect()
        home.station.connect()
        await home.run(60)
        assert home.evse.faults == (FaultCode.CONTACTOR_WELDED,), "until it is reset"


@in_virtual_time
async def test_a_vehicle_that_falls_silent_is_counted() -> None:
    async with Home() as home:
        for is_active in (True, True, False, True, False):
            code = FaultCode.EV_COMM_TIMEOUT
            home.site.post(FaultReported(key=home.key, code=code, is_active=is_active))
        await home.run(1)
        assert home.evse.link_drops_today == 2
