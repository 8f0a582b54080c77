"""A handle that was hot: what ends its fault, and what does not."""

from custom_components.v2g_vpp.domain.events import FaultReported, MeasurementReported
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from tests.site.home import Home
from tests.site.station_words import measured_by
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)
HOT = (FaultCode.HANDLE_OVER_TEMPERATURE,)


def hot(home: Home, handle_c: float) -> None:
    measurement = measured_by(home.clock, handle_temperature_c=handle_c)
    home.site.post(MeasurementReported(key=home.key, measurement=measurement))


@in_virtual_time
async def test_a_hot_handle_ends_the_discharge_and_is_remembered() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        hot(home, 84.0)
        await home.run(5)
        assert not home.evse.faults
        assert home.evse.setpoint.reason is Reason.THERMAL, "hardly anything is left"
        hot(home, 86.0)
        await home.until(lambda: abs(home.power_w) < ZERO_W, 30)
        assert home.evse.faults == (FaultCode.HANDLE_OVER_TEMPERATURE,)
        await home.site.reset_emergency_stop(home.key)
        assert home.evse.faults, "it is still hot"
        await home.restart()
        home.reconnect()
        await home.run(5)
        assert home.evse.faults == (FaultCode.HANDLE_OVER_TEMPERATURE,)
        hot(home, 40.0)
        await home.run(700)
        await home.site.reset_emergency_stop(home.key)
        await home.run(2)
        assert not home.evse.faults


@in_virtual_time
async def test_a_hot_handle_that_falls_silent_cannot_be_reset() -> None:
    async with Home() as home:
        hot(home, 90.0)
        await home.run(1600)
        await home.site.reset_emergency_stop(home.key)
        assert home.evse.faults == (FaultCode.HANDLE_OVER_TEMPERATURE,)
        hot(home, 40.0)
        await home.run(700)
        await home.site.reset_emergency_stop(home.key)
        await home.run(2)
        assert not home.evse.faults


async def reset(home: Home) -> None:
    await home.site.reset_emergency_stop(home.key)
    await home.run(2)


@in_virtual_time
async def test_a_restart_does_not_cool_a_hot_handle() -> None:
    async with Home() as home:
        hot(home, 90.0)
        await home.run(5)
        await home.restart()
        await reset(home)
        assert home.evse.faults == HOT, "nobody has told anything yet"
        home.reconnect()
        await home.run(60)
        await reset(home)
        assert home.evse.faults == HOT, "connected, and still no temperature"
        hot(home, 80.0)
        await home.run(700)
        await reset(home)
        assert home.evse.faults == HOT, "not 10 K cooler"
        hot(home, 40.0)
        await home.run(700)
        await reset(home)
        assert not home.evse.faults


@in_virtual_time
async def test_a_handle_that_was_hot_and_is_never_heard_again_is_given_2_h() -> None:
    async with Home() as home:
        hot(home, 90.0)
        await home.run(5)
        await home.restart()
        home.reconnect()
        await home.run(7_000)
        await reset(home)
        assert home.evse.faults == HOT
        await home.run(300)
        await reset(home)
        assert not home.evse.faults


@in_virtual_time
async def test_a_handle_that_cooled_before_the_restart_can_be_reset_after_it() -> None:
    async with Home() as home:
        hot(home, 90.0)
        await home.run(5)
        hot(home, 40.0)
        await home.run(700)
        assert home.evse.faults == HOT, "latched"
        await home.restart()
        assert home.evse.faults == HOT
        await reset(home)
        assert not home.evse.faults


@in_virtual_time
async def test_heat_that_the_station_reported_outlives_a_restart_too() -> None:
    async with Home() as home:
        report = FaultReported(key=home.key, code=HOT[0], is_active=True)
        home.site.post(report)
        await home.run(5)
        await home.restart()
        home.reconnect()
        await home.run(5)
        await reset(home)
        assert home.evse.faults == HOT


@in_virtual_time
async def test_a_word_of_the_station_does_not_cool_a_handle_that_is_hot() -> None:
    async with Home() as home:
        hot(home, 90.0)
        await home.run(5)
        home.site.post(FaultReported(key=home.key, code=HOT[0], is_active=False))
        await reset(home)
        assert home.evse.faults == HOT


@in_virtual_time
async def test_a_document_without_the_heat_counts_a_latched_handle_as_hot() -> None:
    async with Home() as home:
        hot(home, 90.0)
        await home.run(5)
        hot(home, 40.0)
        await home.run(700)
        await home.crash()
        home.store.edit(lambda d: d["evses"][str(home.key)].pop("heat", None))
        await home.restart()
        await reset(home)
        assert home.evse.faults == HOT
