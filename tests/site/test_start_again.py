"""A station that refuses to start a transaction is asked again, and not nagged."""

import pytest

from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    MeasurementReported,
    StationEvent,
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
)
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.site.home import Home
from tests.site.station import SimulatedStation
from tests.site.station_words import Answer, measured_by
from tests.site.virtual_time import in_virtual_time


@in_virtual_time
async def test_a_refused_start_is_tried_again_later_and_later_works() -> None:
    async with Home() as home:
        await home.grant()
        await home.set_mode(Mode.CHARGE_NOW)
        station = home.station
        station.unplug()
        await home.run(10)
        station.starts_by_itself, station.start_answer = False, Answer.REJECT
        station.started.clear()
        station.plug()
        await home.run(90)
        assert len(station.started) == 3
        await home.run(1_000)
        assert 3 + 8 <= len(station.started) <= 3 + 10
        station.start_answer = Answer.ACCEPT
        await home.until(lambda: home.evse.has_transaction, 110, "a transaction")
        await home.until(lambda: home.power_w > 1_000, 60, "a charge")


def _hide_charge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the vehicle never tell its state of charge."""

    def tell(station: SimulatedStation) -> None:
        told = measured_by(station.clock, power_w=station.plant.measured_w())
        station.post(MeasurementReported(key=station.key, measurement=told))

    monkeypatch.setattr(SimulatedStation, "_tell_meter", tell)


async def _wait_for_discharge(home: Home) -> None:
    """Wait for a discharge at a vehicle that comes new."""
    await home.grant()
    home.station.unplug()
    await home.run(10)
    home.station.plug()
    home.station.started.clear()
    await home.set_mode(Mode.DISCHARGE_NOW)


@in_virtual_time
async def test_a_start_tells_what_a_discharge_waits_for() -> None:
    async with Home() as home:
        home.station.starts_by_itself = False
        await _wait_for_discharge(home)
        assert home.evse.discharge_blocked_by is Reason.VEHICLE_UNKNOWN
        await home.until(lambda: home.power_w < -4_000, 120, "a discharge")
        assert len(home.station.started) == 1


@in_virtual_time
async def test_a_refusal_of_such_a_start_is_not_final() -> None:
    async with Home() as home:
        home.station.starts_by_itself = False
        home.station.start_answer = Answer.REJECT
        await _wait_for_discharge(home)
        await home.run(90)
        home.station.start_answer = Answer.ACCEPT
        await home.until(lambda: home.power_w < -4_000, 120, "a discharge")


def _end(station: SimulatedStation, *, is_plugged: bool | None) -> None:
    assert station.transaction_id is not None
    station.plant.cut()
    station._tell(
        TransactionReported(
            key=station.key,
            transaction_id=station.transaction_id,
            phase=TransactionPhase.ENDED,
            is_plugged=is_plugged,
        )
    )
    station.transaction_id = None


@in_virtual_time
async def test_who_tells_in_each_session_is_asked_for_each_discharge() -> None:
    async with Home() as home:
        home.station.starts_by_itself = False
        await _wait_for_discharge(home)
        for _ in range(5):
            home.station.set_soc(70.0)
            await home.until(lambda: home.power_w < -4_000, 1_000, "a discharge")
            await home.run(60)
            _end(home.station, is_plugged=None)
            home.station.tell_status()


@pytest.mark.parametrize("free_s", [None, 0.0, 4.0])
@pytest.mark.parametrize("has_name", [True, False])
@in_virtual_time
async def test_who_never_tells_is_asked_four_times_an_hour(
    monkeypatch: pytest.MonkeyPatch, has_name: bool, free_s: float | None
) -> None:
    """Some stations call the connector free for a moment between two sessions."""
    _hide_charge(monkeypatch)
    tell = SimulatedStation._tell

    def hide(station: SimulatedStation, event: StationEvent) -> None:
        if has_name or not isinstance(event, VehicleIdentified | ChargingNeedsReported):
            tell(station, event)

    monkeypatch.setattr(SimulatedStation, "_tell", hide)
    async with Home() as home:
        home.station.starts_by_itself = False
        await _wait_for_discharge(home)
        for _ in range(360):
            await home.run(20)
            if home.station.transaction_id is None:
                continue
            _end(home.station, is_plugged=None if free_s is None else False)
            await home.run(free_s or 0.0)
            home.station.tell_status()
        assert 6 <= len(home.station.started) <= 9
        assert home.power_w == pytest.approx(0.0, abs=100.0)
