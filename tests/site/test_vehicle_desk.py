"""What the home keeps of its vehicles: budget, counted charge, departures."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus
from custom_components.v2g_vpp.domain.errors import (
    DischargeNotPermitted,
    PowerNotAvailable,
)
from custom_components.v2g_vpp.domain.measurement import Reading
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from custom_components.v2g_vpp.domain.snapshot import FloorKind
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from tests.site.home import VEHICLE, Home
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)
CAPACITY_WH = 60_000.0


async def _wish(home: Home, **changes: Any) -> None:
    await home.site.set_vehicle_policy(
        VEHICLE, lambda policy: replace(policy, **changes)
    )


async def _blocked(home: Home, reason: Reason, within_s: float) -> None:
    await home.until(
        lambda: home.evse.discharge_blocked_by is reason, within_s, str(reason)
    )
    await home.until(lambda: home.power_w >= -ZERO_W, 30, "0 W")


# The budget.


@in_virtual_time
async def test_a_day_takes_no_more_out_of_the_battery_than_its_budget() -> None:
    async with Home() as home:
        await home.grant()
        await _wish(home, cycle_budget_percent=0.5)
        assert home.vehicle.cycle_left_wh() == pytest.approx(300.0)
        await home.discharge()
        await _blocked(home, Reason.CYCLE_BUDGET, 400)
        # At the battery: what the charger loses is counted.
        assert 200.0 < home.station.discharged_wh < 300.0
        assert home.vehicle.cycle_left_wh() < 40.0
        refused = home.order(-5_000)
        assert (refused.status, refused.code) == (
            AckStatus.REJECTED,
            AckCode.CYCLE_BUDGET,
        )
        with pytest.raises(DischargeNotPermitted):
            await home.site.set_power(home.key, -5_000, 60)
        await home.run(30)
        assert home.power_w >= -ZERO_W
        # The owner's word: a larger budget counts at once.
        await _wish(home, cycle_budget_percent=10.0)
        assert home.order(-5_000).status is AckStatus.ACCEPTED


@pytest.mark.parametrize(
    "step", [timedelta(days=3), timedelta(hours=-30), timedelta(hours=1)]
)
@in_virtual_time
async def test_neither_a_restart_nor_a_clock_gives_budget_back(step: timedelta) -> None:
    async with Home() as home:
        await home.grant()
        await _wish(home, cycle_budget_percent=0.5)
        await home.discharge()
        await _blocked(home, Reason.CYCLE_BUDGET, 400)
        await home.run(10)
        left_wh = home.vehicle.cycle_left_wh()
        home.clock.set_utc(home.clock.utcnow() + step)
        await home.run(5)
        assert home.vehicle.cycle_left_wh() <= left_wh
        await home.restart()
        home.clock.set_utc(home.clock.utcnow() + step)
        home.reconnect()
        await home.run(20)
        assert home.evse.discharge_blocked_by is Reason.CYCLE_BUDGET
        assert home.vehicle.cycle_left_wh() <= left_wh + 0.1


@in_virtual_time
async def test_a_crash_in_a_discharge_counts_what_may_have_flowed() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        await home.run(20)
        counted_wh = home.vehicle.cycled_wh
        await home.restart()
        home.reconnect()
        await home.run(30)
        # What is on disk is older than the crash, and the charger ran on after it.
        assert home.vehicle.cycled_wh > counted_wh
        assert home.vehicle.cycled_wh > home.station.discharged_wh
        assert home.vehicle.cycled_wh - counted_wh < 600.0


def no_list(vehicle: dict[str, Any]) -> None:
    vehicle["cycled"] = "much"


def no_energy(vehicle: dict[str, Any]) -> None:
    vehicle["cycled"] = [[0.0, None]]


@pytest.mark.parametrize("change", [no_list, no_energy])
@in_virtual_time
async def test_a_count_that_cannot_be_read_counts_as_spent(
    change: Callable[[dict[str, Any]], None],
) -> None:
    async with Home() as home:
        await home.grant()
        await home.crash()
        home.store.edit(lambda document: change(document["vehicles"][VEHICLE]))
        broken = home.store.document["vehicles"][VEHICLE]
        await home.restart()
        home.reconnect()
        await home.run(80)
        assert home.vehicle.cycle_left_wh() == 0.0
        assert home.evse.discharge_blocked_by is Reason.CYCLE_BUDGET
        assert home.store.document["rejected_parts"]["vehicles"][VEHICLE] == broken


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("ready_by", "soon"),
        ("ready_by", "07:00:00+01:00"),
        ("departure_at", "2026-01-16T07:00:00"),
        ("departure_at", "tomorrow"),
        ("cycle_budget_percent", 1_000.0),
        ("departure_soc_percent", -1.0),
    ],
)
@in_virtual_time
async def test_a_wish_that_cannot_be_forbids_discharge(knob: str, value: Any) -> None:
    async with Home() as home:
        await home.grant()
        await home.crash()
        home.store.edit(
            lambda document: document["vehicles"][VEHICLE]["policy"].update(
                {knob: value}
            )
        )
        await home.restart()
        home.reconnect()
        await home.run(20)
        assert not home.vehicle.policy.is_discharge_allowed
        assert home.evse.discharge_blocked_by is Reason.VEHICLE_NOT_ALLOWED


def bound_beyond(evse: dict[str, Any]) -> None:
    evse["memory"]["soc"]["lower_percent"] = 400.0


def no_vehicle(evse: dict[str, Any]) -> None:
    del evse["memory"]["vehicle_id"]


def taken_backwards(evse: dict[str, Any]) -> None:
    evse["memory"]["taken_w"] = -1.0


def owed_beyond(evse: dict[str, Any]) -> None:
    evse["memory"]["owed_percent"] = 101.0


@pytest.mark.parametrize(
    "change", [bound_beyond, no_vehicle, taken_backwards, owed_beyond]
)
@in_virtual_time
async def test_a_torn_memory_latches_its_evse(
    change: Callable[[dict[str, Any]], None],
) -> None:
    async with Home() as home:
        await home.grant()
        await home.crash()
        home.store.edit(lambda document: change(document["evses"]["CS1/1"]))
        await home.restart()
        home.reconnect()
        await home.run(20)
        assert home.evse.discharge_blocked_by is Reason.FAULT


# The counted charge.


@in_virtual_time
async def test_a_gauge_that_stands_still_does_not_defeat_the_floor() -> None:
    async with Home() as home:
        await home.grant()
        await home.set_floors(68.0, 68.0)
        home.station.set_soc(70.9)
        home.station.shown_percent = 70.0
        await home.discharge()
        await _blocked(home, Reason.RESERVE_FLOOR, 1_500)
        assert home.station.soc_percent > 67.9
        assert home.vehicle.is_report_doubted
        assert home.vehicle.soc_percent is not None
        assert home.vehicle.soc_percent < 69.0
        # A restart and a patient owner change nothing; charging does.
        await home.restart()
        home.reconnect()
        await home.run(120)
        assert home.evse.discharge_blocked_by is Reason.RESERVE_FLOOR
        home.station.shown_percent = None
        await home.set_mode(Mode.CHARGE_NOW)
        await home.until(lambda: home.station.soc_percent > 74.0, 2_400)
        await home.set_mode(Mode.OFF)
        await home.discharge()


# Departures.


@in_virtual_time
async def test_a_vehicle_is_ready_by_the_wall_time_of_each_day() -> None:
    async with Home() as home:
        home.clock.zone = ZoneInfo("Europe/Berlin")
        await home.grant()
        # It is 12 o'clock UTC, 13 o'clock on the wall.
        began = home.clock.utcnow()
        due = began.replace(hour=13, minute=0, second=0, microsecond=0)
        await _wish(home, ready_soc_percent=74.0, ready_by="14:00:00")
        await home.run(2)
        assert home.vehicle.ready_at == due
        assert home.vehicle.is_ready_in_time
        assert home.evse.setpoint.owner is not ControlOwner.TRIP, "there is time"
        kind, floor = home.vehicle.active_floor()
        assert kind is FloorKind.TRIP
        assert 60.0 < floor < 70.0
        await home.until(lambda: home.evse.setpoint.owner is ControlOwner.TRIP, 2_400)
        assert home.vehicle.active_floor() == (FloorKind.TRIP, 74.0)
        assert home.vehicle.ready_at is not None
        assert home.vehicle.ready_at < due
        with pytest.raises(PowerNotAvailable):
            await home.site.set_power(home.key, 2_000, 60)
        with pytest.raises(DischargeNotPermitted):
            await home.site.set_power(home.key, -2_000, 60)
        assert home.order(-5_000).status is AckStatus.REJECTED
        await home.until(lambda: home.station.soc_percent >= 74.0, 2_400)
        await home.until(lambda: home.power_w <= ZERO_W, 30, "done")
        assert home.clock.utcnow() < due


@in_virtual_time
async def test_a_departure_that_cannot_be_met_says_so_and_goes_on() -> None:
    async with Home() as home:
        await home.grant()
        due = home.clock.utcnow() + timedelta(minutes=10)
        await _wish(home, departure_at=due.isoformat(), departure_soc_percent=75.0)
        await home.until(lambda: home.is_at(11_000), 30)
        assert home.vehicle.is_ready_in_time is False
        told = home.vehicle.ready_at
        assert told is not None
        assert told > due
        await home.restart()
        home.reconnect()
        await home.until(lambda: home.is_at(11_000), 90)
        await home.until(lambda: home.station.soc_percent >= 75.0, 3_600)
        reached = home.clock.utcnow()
        assert reached > due
        # The promise of its beginning was careful, not wild.
        assert abs(told - reached) < timedelta(minutes=8)
        await home.until(lambda: home.power_w <= ZERO_W, 30, "done")


@in_virtual_time
async def test_the_user_s_stop_and_a_cleared_departure_end_the_charging() -> None:
    async with Home() as home:
        await home.grant()
        due = home.clock.utcnow() + timedelta(minutes=10)
        wish = {"departure_at": due.isoformat(), "departure_soc_percent": 95.0}
        await _wish(home, **wish)
        await home.until(lambda: home.is_at(11_000), 30)
        await home.site.stop(home.key)
        await home.until(lambda: home.power_w <= ZERO_W, 30)
        await home.run(60)
        assert home.power_w <= ZERO_W
        await home.site.return_to_automatic(home.key)
        await home.until(lambda: home.is_at(11_000), 30)
        await _wish(home, departure_at=None)
        await home.until(lambda: home.power_w <= ZERO_W, 30)
        assert home.vehicle.ready_at is None


@in_virtual_time
async def test_a_lost_link_to_the_aggregator_still_lets_the_trip_charge() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.has_heartbeats = False
        await home.until(lambda: home.power_w >= -ZERO_W, 35)
        due = home.clock.utcnow() + timedelta(minutes=30)
        await _wish(home, departure_at=due.isoformat(), departure_soc_percent=90.0)
        await home.until(lambda: home.is_at(11_000), 120)


@in_virtual_time
async def test_unplugging_ends_what_was_owed() -> None:
    async with Home() as home:
        await home.grant()
        due = home.clock.utcnow() + timedelta(minutes=5)
        await _wish(home, departure_at=due.isoformat(), departure_soc_percent=95.0)
        await home.until(lambda: home.is_at(11_000), 30)
        await home.run(3_600 + 600)
        assert home.evse.setpoint.owner is ControlOwner.TRIP, "an hour late"
        home.station.unplug()
        await home.run(10)
        assert home.vehicle.ready_at is None
        home.station.plug()
        await home.run(30)
        assert home.evse.setpoint.owner is not ControlOwner.TRIP
        assert home.vehicle.policy.departure_at is None, "it is over"


@in_virtual_time
async def test_a_departure_that_is_over_does_not_come_back_with_the_next() -> None:
    async with Home() as home:
        await home.grant()
        over = home.clock.utcnow() - timedelta(hours=2)
        await _wish(home, departure_at=over.isoformat(), departure_soc_percent=95.0)
        await home.run(2)
        assert home.vehicle.policy.departure_at is None
        due = home.clock.utcnow() + timedelta(minutes=1)
        wall = due.astimezone(home.clock.zone).time().replace(microsecond=0)
        await _wish(home, ready_soc_percent=72.0, ready_by=wall.isoformat())
        await home.until(lambda: home.is_at(11_000), 30)
        assert home.vehicle.active_floor() == (FloorKind.TRIP, 72.0)
        # An hour late it is still owed, and no other one than this.
        await home.until(lambda: home.station.soc_percent >= 72.0, 1_200)
        await home.until(lambda: home.power_w <= ZERO_W, 30, "done")


@pytest.mark.parametrize(
    ("temperature_c", "is_earlier"), [(-20.0, True), (20.0, False)]
)
@in_virtual_time
async def test_a_cold_battery_begins_earlier_and_a_warm_one_later_than_without_a_sensor(
    temperature_c: float, *, is_earlier: bool
) -> None:
    async def begins_after_s(told_c: float | None) -> float:
        async with Home() as home:
            await home.grant()
            if told_c is not None:
                home.site.post_temperature(
                    VEHICLE,
                    Reading(
                        value=told_c,
                        received_mono_s=home.clock.monotonic(),
                        taken_at=home.clock.utcnow(),
                    ),
                )
            due = home.clock.utcnow() + timedelta(minutes=90)
            await _wish(home, departure_at=due.isoformat(), departure_soc_percent=80.0)
            return await home.until(
                lambda: home.evse.setpoint.owner is ControlOwner.TRIP, 5_400
            )

    unknown_s, known_s = await begins_after_s(None), await begins_after_s(temperature_c)
    assert (known_s < unknown_s) is is_earlier
    # Half of the power when it is very cold, 15 % less when nothing is known.
    assert abs(known_s - unknown_s) > 100.0
