"""The home rides through, ceases and comes back as the profile of its region asks."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus
from custom_components.v2g_vpp.domain.events import (
    FaultReported,
    InverterReported,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.grid_profile import IEEE1547_CAT3_60HZ
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.state import InverterMode, flow_threshold_w
from tests.site.home import Home
from tests.site.virtual_time import in_virtual_time

QUICK = replace(IEEE1547_CAT3_60HZ, enter_delay_s=60.0, enter_ramp_s=60.0)
"""The same region with less to wait for."""

DISCHARGE_W = -5_000.0
ZERO_W = flow_threshold_w(11_000.0)


async def ready(home: Home, frequency_hz: float = 60.0) -> None:
    home.site.use_grid_profile(QUICK)
    home.station.senses |= {"frequency_hz": frequency_hz, "voltage_v": 240.0}
    await home.grant()


def inverter(home: Home, mode: InverterMode) -> None:
    home.site.post(InverterReported(key=home.key, mode=mode))


def is_zero(home: Home) -> bool:
    return abs(home.power_w) <= ZERO_W


@in_virtual_time
async def test_over_frequency_is_ridden_through_to_the_must_trip_time() -> None:
    async with Home() as home:
        await ready(home)
        ack = await home.discharge(DISCHARGE_W)
        home.station.senses["frequency_hz"] = 61.3
        await home.run(290)
        assert home.is_at(DISCHARGE_W), "what runs rides through"
        refused = home.order(DISCHARGE_W, start_in_s=30)
        assert (refused.status, refused.code) == (
            AckStatus.REJECTED,
            AckCode.GRID_FREQ_OUT_OF_RANGE,
        )
        await home.until(lambda: is_zero(home), 40)
        assert home.evse.faults == (FaultCode.GRID_FREQ_OUT_OF_RANGE,)
        assert home.evse.discharge_blocked_by is Reason.GRID_FREQUENCY
        failed = home.programme.acks[-1]
        assert failed.order_id == ack.order_id
        assert (failed.status, failed.code) == (
            AckStatus.FAILED,
            AckCode.GRID_FREQ_OUT_OF_RANGE,
        )


@in_virtual_time
async def test_service_is_entered_after_the_delay_little_by_little() -> None:
    async with Home() as home:
        await ready(home)
        home.station.senses["frequency_hz"] = 62.5
        await home.run(5)
        assert home.evse.faults == (FaultCode.GRID_FREQ_OUT_OF_RANGE,)
        home.station.senses["frequency_hz"] = 60.0
        await home.run(3)
        assert not home.evse.faults
        assert home.evse.discharge_blocked_by is Reason.ENTER_SERVICE
        await home.set_mode(Mode.DISCHARGE_NOW)
        await home.run(50)
        assert is_zero(home)
        assert home.evse.setpoint.reason is Reason.ENTER_SERVICE
        await home.run(45)
        assert -11_000.0 < home.evse.setpoint.power_w < -2_000.0
        assert home.evse.setpoint.reason is Reason.ENTER_SERVICE
        await home.run(60)
        assert home.evse.setpoint.power_w < -10_000.0


@in_virtual_time
async def test_an_implausible_frequency_is_0_w_in_both_directions() -> None:
    async with Home() as home:
        await ready(home)
        await home.set_mode(Mode.CHARGE_NOW)
        await home.until(lambda: home.power_w > 5_000.0, 30)
        home.station.senses["frequency_hz"] = 0.0
        await home.until(lambda: is_zero(home), 20)
        assert home.evse.setpoint.reason is Reason.GRID_FREQUENCY
        assert home.evse.faults == (FaultCode.GRID_FREQ_OUT_OF_RANGE,)


@in_virtual_time
async def test_under_frequency_takes_charging_first() -> None:
    async with Home() as home:
        await ready(home)
        await home.set_mode(Mode.CHARGE_NOW)
        await home.until(lambda: home.power_w > 5_000.0, 30)
        home.station.senses["frequency_hz"] = 58.7
        await home.until(lambda: is_zero(home), 20)
        assert not home.evse.faults
        home.station.senses["frequency_hz"] = 60.0
        await home.until(lambda: home.power_w > 5_000.0, 30)


@in_virtual_time
async def test_a_station_that_backs_the_home_up_is_left_alone() -> None:
    async with Home() as home:
        await ready(home)
        ack = await home.discharge(DISCHARGE_W)
        # It supplies the home by itself, whatever it was told.
        home.station.unattended_w = -3_000.0
        inverter(home, InverterMode.GRID_FORMING)
        await home.run(2)
        failed = home.programme.acks[-1]
        assert (failed.order_id, failed.status) == (ack.order_id, AckStatus.FAILED)
        writes = len(home.station.writes)
        await home.run(120)
        assert len(home.station.writes) == writes, "no setpoint, no refresh"
        assert home.is_at(-3_000.0)
        assert not home.evse.faults, "what it delivers then is nobody's fault"
        assert home.evse.setpoint.reason is Reason.GRID_LOST
        refused = home.order(DISCHARGE_W)
        assert refused.code is AckCode.GRID_FREQ_OUT_OF_RANGE
        home.station.unattended_w = 0.0
        inverter(home, InverterMode.GRID_FOLLOWING)
        await home.run(3)
        assert home.evse.discharge_blocked_by is Reason.ENTER_SERVICE
        await home.until(
            lambda: home.evse.discharge_blocked_by is None, 70, "enters service"
        )
        assert not home.evse.faults


@in_virtual_time
async def test_a_station_takes_its_time_to_leave_the_backup() -> None:
    async with Home() as home:
        await ready(home)
        home.station.unattended_w = -4_000.0
        inverter(home, InverterMode.GRID_FORMING)
        await home.run(60)
        assert home.is_at(-4_000.0)
        assert not home.evse.faults, "nobody asked for it, and it is no fault"
        inverter(home, InverterMode.GRID_FOLLOWING)
        await home.run(8)
        assert not home.evse.faults
        await home.until(lambda: is_zero(home), 20)
        assert not home.evse.faults


@in_virtual_time
async def test_an_emergency_stop_reaches_a_station_that_backs_the_home_up() -> None:
    async with Home() as home:
        await ready(home)
        await home.discharge(DISCHARGE_W)
        home.station.unattended_w = -3_000.0
        inverter(home, InverterMode.GRID_FORMING)
        await home.run(60)
        await home.site.emergency_stop(home.key)
        await home.until(lambda: is_zero(home), 40)
        assert home.station.writes[-1].power_w == 0


def lost_power(home: Home) -> None:
    """Let the station tell, once it has its power back, that it had lost it."""
    station = home.station
    assert station.transaction_id is not None
    home.site.post(
        TransactionReported(
            key=home.key,
            transaction_id=station.transaction_id,
            phase=TransactionPhase.ENDED,
            is_offline_replay=True,
            has_lost_power=True,
        )
    )
    station.transaction_id = None


@in_virtual_time
async def test_after_a_power_cut_nothing_starts_before_its_time() -> None:
    async with Home() as home:
        await ready(home)
        await home.discharge(DISCHARGE_W)
        home.station.plant.cut()
        home.station.disconnect()
        await home.run(30)
        home.station.connect()
        lost_power(home)
        starts = len(home.station.started)
        await home.set_mode(Mode.DISCHARGE_NOW)
        await home.run(40)
        assert len(home.station.started) == starts
        refused = home.order(DISCHARGE_W)
        assert refused.code is AckCode.GRID_FREQ_OUT_OF_RANGE
        await home.restart()
        home.site.use_grid_profile(QUICK)
        home.reconnect()
        await home.run(10)
        assert len(home.station.started) == starts, "a restart shortens nothing"
        assert home.evse.discharge_blocked_by is Reason.ENTER_SERVICE
        await home.until(lambda: len(home.station.started) > starts, 60)


@in_virtual_time
async def test_a_charger_that_was_switched_off_and_on_charges_at_once() -> None:
    async with Home() as home:
        await ready(home)
        lost_power(home)
        await home.set_mode(Mode.CHARGE_NOW)
        await home.until(lambda: home.power_w > 5_000.0, 40)
        assert home.evse.discharge_blocked_by is Reason.ENTER_SERVICE


@in_virtual_time
async def test_an_alarm_of_the_station_ends_with_the_station() -> None:
    async with Home() as home:
        await ready(home)
        code = FaultCode.GRID_FREQ_OUT_OF_RANGE

        def alarm(*, is_active: bool) -> None:
            home.site.post(FaultReported(key=home.key, code=code, is_active=is_active))

        alarm(is_active=True)
        await home.run(2)
        assert home.evse.faults == (code,)
        home.station.senses["frequency_hz"] = 62.5
        await home.run(3)
        home.station.senses["frequency_hz"] = 60.0
        await home.run(3)
        assert home.evse.faults == (code,), "the station still says so"
        alarm(is_active=False)
        await home.run(2)
        assert not home.evse.faults
        home.station.senses["frequency_hz"] = 62.5
        await home.run(3)
        alarm(is_active=False)
        await home.run(2)
        assert home.evse.faults == (code,), "what we see is not the station's to end"


@in_virtual_time
async def test_without_a_region_only_what_no_grid_has_is_acted_on() -> None:
    async with Home() as home:
        home.station.senses["frequency_hz"] = 52.0
        await home.grant()
        await home.discharge(DISCHARGE_W)
        await home.run(330)
        assert home.is_at(DISCHARGE_W)


@in_virtual_time
async def test_a_warm_plug_takes_power_back_and_the_offer_with_it() -> None:
    async with Home() as home:
        await ready(home)
        assert home.evse.available_discharge_w == pytest.approx(11_000.0)
        await home.discharge(-11_000.0)
        home.station.senses["handle_temperature_c"] = 77.5
        await home.until(lambda: home.is_at(-5_500.0, 500.0), 30)
        assert home.evse.setpoint.reason is Reason.THERMAL
        assert home.evse.available_discharge_w <= 5_500.0
        home.station.senses["handle_temperature_c"] = 60.0
        await home.until(lambda: home.is_at(-11_000.0, 500.0), 60)
        home.station.senses["handle_temperature_c"] = 84.5
        await home.until(lambda: is_zero(home), 30)
        refused = home.order(-3_000.0)
        assert refused.code is AckCode.THERMAL
