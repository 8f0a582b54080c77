"""A station that refuses to start a transaction is asked again, and not nagged."""

import pytest

from custom_components.v2g_vpp.domain.events import MeasurementReported
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


def hide_charge(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the vehicle never tell its state of charge."""

    def tell(station: SimulatedStation) -> None:
        told = measured_by(station.clock, power_w=station.plant.measured_w())
        station.post(MeasurementReported(key=station.key, measurement=told))

    monkeypatch.setattr(SimulatedStation, "_tell_meter", tell)


async def wait_for_discharge(home: Home) -> None:
    """Wait for a discharge at a vehicle that comes new."""
    await home.grant()
    home.station.unplug()
    await home.run(10)
    home.station.plug()
    home.station.started.clear()
    await home.set_mode(Mode.DISCHARGE_NOW)


@in_virtual_time
async def test_a_silent_meter_ends_few_sessions() -> None:
    async with Home() as home:
        home.station.has_meter = False
        await wait_for_discharge(home)
        await home.run(3_600)
        assert 3 <= len(home.station.started) <= 13
        assert len(home.station.ended) <= 13
        # Once it tells again, the next one is not far.
        home.station.has_meter = True
        await home.until(lambda: home.power_w < -4_000, 960, "a discharge")


@in_virtual_time
async def test_a_start_tells_what_a_discharge_waits_for() -> None:
    async with Home() as home:
        home.station.starts_by_itself = False
        await wait_for_discharge(home)
        assert home.evse.discharge_blocked_by is Reason.VEHICLE_UNKNOWN
        await home.until(lambda: home.power_w < -4_000, 120, "a discharge")
        assert len(home.station.started) == 1
