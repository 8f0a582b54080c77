"""Starts in vain come ever more seldom, and hold up nothing that is not."""

from dataclasses import replace
from datetime import timedelta

import pytest

from custom_components.v2g_vpp.domain.dispatch import AckStatus
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    StationEvent,
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
)
from custom_components.v2g_vpp.domain.measurement import Reading
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.virtual.plant import TYPICAL
from tests.site.home import VEHICLE, Home
from tests.site.station import SimulatedStation
from tests.site.test_start_again import hide_charge, wait_for_discharge
from tests.site.virtual_time import in_virtual_time

LEAVES_IN_H = 2.9
"""What the charge for a trip takes here, and the reserve that it begins earlier."""


async def _charge_in_vain(home: Home, duration_s: int = 3_600) -> None:
    """Let a car take no charge, and its station end each session after 10 s."""
    await home.grant()
    home.station.is_asleep = True
    await home.set_mode(Mode.CHARGE_NOW)
    await _end_each(home, duration_s)


async def _end_each(home: Home, duration_s: int) -> None:
    for _ in range(duration_s // 10):
        await home.run(10)
        if home.station.transaction_id is not None:
            home.station._end()


async def _begin_long_pause(home: Home) -> None:
    """Come to the beginning of a long pause, with nothing that hinders any more."""
    await _charge_in_vain(home)
    await home.until(lambda: home.station.transaction_id is not None, 700, "the last")
    await home.run(1)
    home.station._end()
    home.station.is_asleep = False
    home.station.started.clear()
    await home.run(60)
    assert home.station.started == []


@pytest.mark.parametrize("offset_w", [0.0, 300.0])
@in_virtual_time
async def test_what_a_charger_itself_takes_is_no_use(offset_w: float) -> None:
    async with Home(plants=(replace(TYPICAL, offset_zero_w=offset_w),)) as home:
        await _charge_in_vain(home)
        assert 3 <= len(home.station.started) <= 3 + 4 + 6
        home.station.started.clear()
        await _end_each(home, 3_600)
        assert 5 <= len(home.station.started) <= 7


@pytest.mark.parametrize("start_in_s", [0.0, 7_200.0])
@in_virtual_time
async def test_a_charge_in_vain_refuses_no_order(start_in_s: float) -> None:
    async with Home() as home:
        await _begin_long_pause(home)
        assert home.evse.available_discharge_w > 10_000
        ack = home.order(-5_000.0, start_in_s=start_in_s)
        assert ack.status is AckStatus.ACCEPTED
        if start_in_s == 0:
            await home.until(lambda: home.power_w < -4_000, 60, "a discharge")


@pytest.mark.parametrize("mode", [Mode.CHARGE_NOW, Mode.DISCHARGE_NOW])
@in_virtual_time
async def test_who_chooses_a_mode_need_not_wait(mode: Mode) -> None:
    async with Home() as home:
        await _begin_long_pause(home)
        await home.set_mode(Mode.OFF)
        await home.run(20)
        await home.set_mode(mode)
        await home.until(lambda: abs(home.power_w) > 1_000, 60, "power")


@in_virtual_time
async def test_a_trip_does_not_wait_for_what_was_in_vain_before() -> None:
    async with Home() as home:
        home.station.set_soc(30.0)
        await _begin_long_pause(home)
        await home.set_mode(Mode.OFF)
        now = home.clock.utcnow()
        home.site._registry.vehicles[VEHICLE].temperature_c = Reading(
            value=25.0, received_mono_s=1e9, taken_at=now
        )
        leaves = now + timedelta(hours=LEAVES_IN_H)
        await home.site.set_vehicle_policy(
            VEHICLE,
            lambda policy: replace(
                policy, departure_at=leaves.isoformat(), departure_soc_percent=80.0
            ),
        )
        await home.run(30)
        assert home.power_w > 4_000
        assert home.vehicle.is_ready_in_time is not False
        await home.run(LEAVES_IN_H * 3_600 - 30)
        assert home.station.soc_percent >= 80.0


@in_virtual_time
async def test_what_a_station_starts_by_itself_holds_up_nothing() -> None:
    async with Home() as home:
        await home.grant()
        for _ in range(12):
            if home.station.transaction_id is None:
                home.station._begin()
            await home.run(20)
            home.station._end()
            await home.run(280)
        assert home.station.started == []
        assert home.order(-5_000.0).status is AckStatus.ACCEPTED
        await home.until(lambda: home.power_w < -4_000, 60, "a discharge")


@in_virtual_time
async def test_short_dispatches_are_of_use() -> None:
    async with Home() as home:
        await home.grant()
        for _ in range(12):
            ack = home.order(-5_000.0, duration_s=16.0)
            assert ack.status is AckStatus.ACCEPTED
            await home.until(lambda: home.power_w < -1_000, 16, "a discharge")
            await home.run(25)
            if home.station.transaction_id is not None:
                home.station._end()
            await home.run(20)


@in_virtual_time
async def test_a_vehicle_is_woken_in_time() -> None:
    async with Home() as home:
        await _charge_in_vain(home, 1_800)
        await home.set_mode(Mode.OFF)
        await home.run(1_000)
        home.station.started.clear()
        began_mono_s = home.clock.monotonic()
        await home.set_mode(Mode.DISCHARGE_NOW)
        await home.until(lambda: len(home.station.started) >= 2, 400, "a wake")
        await home.run(3)
        home.station.is_asleep = False
        await home.until(lambda: home.power_w < -4_000, 60, "a discharge")
        assert home.clock.monotonic() - began_mono_s < 300


def _end_as_unplugged(station: SimulatedStation) -> None:
    """End a transaction as some stations do: the car is gone, then there again."""
    assert station.transaction_id is not None
    station._tell(
        TransactionReported(
            key=station.key,
            transaction_id=station.transaction_id,
            phase=TransactionPhase.ENDED,
            is_plugged=False,
        )
    )
    station.transaction_id = None
    station.tell_status()


@in_virtual_time
async def test_a_car_that_seems_gone_for_a_moment_is_no_new_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hide_charge(monkeypatch)
    async with Home() as home:
        await wait_for_discharge(home)
        for _ in range(180):
            await home.run(20)
            if home.station.transaction_id is not None:
                _end_as_unplugged(home.station)
        assert len(home.station.started) <= 3


@pytest.mark.parametrize("has_name", [True, False])
@pytest.mark.parametrize("ends", [True, False])
@in_virtual_time
async def test_who_never_tells_anything_is_not_asked_for_ever(
    monkeypatch: pytest.MonkeyPatch, ends: bool, has_name: bool
) -> None:
    hide_charge(monkeypatch)
    tell = SimulatedStation._tell

    def hide(station: SimulatedStation, event: StationEvent) -> None:
        if has_name or not isinstance(event, VehicleIdentified | ChargingNeedsReported):
            tell(station, event)

    monkeypatch.setattr(SimulatedStation, "_tell", hide)
    async with Home() as home:
        home.station.starts_by_itself = False
        await wait_for_discharge(home)
        for _ in range(24):
            await home.run(300)
            if ends and home.station.transaction_id is not None:
                home.station._end()
        assert 1 <= len(home.station.started) <= 3
        assert home.power_w == pytest.approx(0.0, abs=100.0)
