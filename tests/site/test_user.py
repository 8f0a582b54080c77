"""What the owner asks for by hand: done, or said why not."""

from dataclasses import replace
from math import nan

import pytest

from custom_components.v2g_vpp.domain.errors import (
    DischargeNotPermitted,
    EmergencyStopActive,
    NothingPlugged,
    PowerNotAvailable,
    PowerOutOfRange,
    StationOffline,
    StationRejected,
    StationTimeout,
    UnknownTarget,
)
from custom_components.v2g_vpp.domain.events import EmergencyStopReported
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Mode, StationLimits
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from custom_components.v2g_vpp.domain.state import flow_threshold_w
from custom_components.v2g_vpp.virtual.plant import TYPICAL
from tests.site.home import VEHICLE, Home
from tests.site.station_words import Answer
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)
UNKNOWN = EvseKey(StationId("CS9"), 1)


@in_virtual_time
async def test_a_power_is_held_for_its_time_and_handed_back() -> None:
    async with Home() as home:
        await home.grant()
        await home.site.set_power(home.key, -4_000, 60)
        assert home.evse_at(home.key).setpoint.owner is ControlOwner.USER
        await home.until(lambda: home.is_at(-4_000), 20)
        await home.run(35)
        assert home.is_at(-4_000)
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 40)
        assert home.evse.setpoint.owner is ControlOwner.MODE
        await home.site.set_power(home.key, 4_000, 600)
        await home.until(lambda: home.is_at(4_000), 30)
        await home.site.return_to_automatic(home.key)
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 20)


@pytest.mark.parametrize("power_w", [-11_001.0, 11_001.0, nan])
@in_virtual_time
async def test_a_power_out_of_range_changes_nothing(power_w: float) -> None:
    async with Home() as home:
        await home.until(lambda: home.power_w > 10_000, 30)
        with pytest.raises(PowerOutOfRange) as refused:
            await home.site.set_power(home.key, power_w, 60)
        assert (refused.value.lowest_w, refused.value.highest_w) == (-11_000, 11_000)
        await home.run(10)
        assert home.power_w > 10_000
        await home.site.set_power(home.key, 5_000, 60)
        await home.until(lambda: home.is_at(5_000), 20)


@in_virtual_time
async def test_each_ground_to_refuse_a_power_is_said_and_goes_away() -> None:
    async with Home() as home:
        with pytest.raises(UnknownTarget):
            await home.site.set_power(UNKNOWN, 1_000, 60)
        with pytest.raises(DischargeNotPermitted) as refused:
            await home.site.set_power(home.key, -4_000, 60)
        assert refused.value.reason == Reason.DISCHARGE_NOT_ALLOWED
        with pytest.raises(PowerNotAvailable) as too_small:
            await home.site.set_power(home.key, 500, 60)
        assert too_small.value.reason == Reason.MINIMUM_POWER
        await home.grant()
        await home.site.emergency_stop(home.key)
        with pytest.raises(EmergencyStopActive):
            await home.site.set_power(home.key, 4_000, 60)
        await home.site.reset_emergency_stop(home.key)
        home.station.unplug()
        await home.run(1)
        with pytest.raises(NothingPlugged):
            await home.site.set_power(home.key, 4_000, 60)
        home.station.plug()
        await home.run(5)
        home.station.disconnect()
        with pytest.raises(StationOffline):
            await home.site.set_power(home.key, 4_000, 60)
        home.station.connect()
        await home.run(1)
        await home.site.set_power(home.key, -4_000, 60)
        await home.until(lambda: home.is_at(-4_000), 20)


@in_virtual_time
async def test_a_guest_vehicle_charges_and_never_discharges() -> None:
    async with Home() as home:
        await home.grant()
        home.station.unplug()
        await home.run(2)
        home.station.evcc_id = "STRANGER"
        home.station.plug()
        await home.run(5)
        assert home.evse.vehicle_id is None
        with pytest.raises(DischargeNotPermitted) as refused:
            await home.site.set_power(home.key, -4_000, 60)
        assert refused.value.reason == Reason.VEHICLE_UNKNOWN
        home.order(-5_000)
        await home.site.set_power(home.key, 4_000, 60)
        await home.until(lambda: home.is_at(4_000), 30)
        # The owner says whose it is, of a vehicle that has no id of its own; that ends
        # with the plug.
        record = home.site._registry.vehicles[VEHICLE]
        record.spec = replace(record.spec, evcc_id=None)
        await home.site.set_evse_policy(
            home.key, lambda policy: replace(policy, vehicle_id=VEHICLE)
        )
        assert home.station.allowed == [True]
        await home.site.set_power(home.key, -4_000, 60)
        await home.until(lambda: home.is_at(-4_000), 30)
        home.station.unplug()
        await home.run(1)
        assert home.evse.policy.vehicle_id is None


@in_virtual_time
async def test_an_unplug_under_load_forgets_power_and_vehicle() -> None:
    async with Home() as home:
        await home.grant()
        await home.site.set_power(home.key, -4_000, 600)
        await home.until(lambda: home.is_at(-4_000), 20)
        home.station.unplug()
        await home.run(0.5)
        assert home.evse.setpoint.power_w == 0
        assert home.evse.vehicle_id is None
        assert home.evse.available_discharge_w == 0
        assert home.evse.measurement.soc_percent is None
        home.station.plug()
        await home.run(20)
        assert abs(home.power_w) <= ZERO_W
        assert home.evse.setpoint.owner is ControlOwner.MODE
        await home.site.set_power(home.key, -4_000, 600)
        await home.until(lambda: home.is_at(-4_000), 20)


@in_virtual_time
async def test_a_power_that_the_station_refuses_is_no_success() -> None:
    async with Home() as home:
        await home.grant()
        home.station.answer = Answer.REJECT
        with pytest.raises(StationRejected) as refused:
            await home.site.set_power(home.key, -4_000, 600)
        assert refused.value.detail == "no_way"
        home.station.answer = Answer.ACCEPT
        await home.run(40)
        # It was told that nothing came of it, so nothing may come of it later.
        assert abs(home.power_w) <= ZERO_W
        await home.site.set_power(home.key, -4_000, 600)
        await home.until(lambda: home.is_at(-4_000), 20)


@in_virtual_time
async def test_a_power_that_the_station_does_not_answer_is_no_success() -> None:
    async with Home() as home:
        await home.grant()
        home.station.answer = Answer.SILENT
        with pytest.raises(StationTimeout):
            await home.site.set_power(home.key, -4_000, 600)
        home.station.answer = Answer.ACCEPT
        await home.run(40)
        assert abs(home.power_w) <= ZERO_W
        await home.site.set_power(home.key, -4_000, 600)
        await home.until(lambda: home.is_at(-4_000), 20)


@in_virtual_time
async def test_an_answer_to_an_older_write_is_no_success() -> None:
    async with Home() as home:
        await home.grant()
        home.station.answer_s = 1.0
        # A write is on its way when the owner asks for something else.
        assert home.order(-5_000).committed_w == -5_000
        await home.run(0.5)
        home.station.answer = Answer.REJECT
        with pytest.raises(StationRejected):
            await home.site.set_power(home.key, -3_000, 600)
        home.station.answer, home.station.answer_s = Answer.ACCEPT, 0.02
        await home.until(lambda: home.is_at(-5_000), 60)


@in_virtual_time
async def test_a_stop_that_the_station_refuses_is_no_success_and_goes_on() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        home.station.answer = Answer.REJECT
        with pytest.raises(StationRejected):
            await home.site.stop(home.key)
        home.station.answer = Answer.ACCEPT
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 10)
        await home.site.stop(home.key)
        await home.site.stop(home.key)
        await home.site.return_to_automatic(home.key)
        await home.until(lambda: home.is_at(-5_000), 30)


@in_virtual_time
async def test_a_stop_of_all_stops_the_others_when_one_is_offline() -> None:
    async with Home(plants=[TYPICAL, TYPICAL]) as home:
        await home.grant()
        one, other = home.stations
        home.order(-15_000)
        await home.until(lambda: one.power_w + other.power_w < -14_000, 30)
        one.disconnect()
        with pytest.raises(StationOffline):
            await home.site.stop(one.key)
        await home.site.stop(None)
        await home.until(lambda: abs(other.power_w) <= ZERO_W, 10)
        await home.until(lambda: abs(one.power_w) <= ZERO_W, 40, "by its dead-man")
        one.connect()
        await home.run(20)
        assert abs(one.power_w) <= ZERO_W
        await home.site.return_to_automatic(one.key)
        await home.until(lambda: one.power_w < -9_000, 30)
        with pytest.raises(UnknownTarget):
            await home.site.stop(UNKNOWN)
        with pytest.raises(UnknownTarget):
            await home.site.return_to_automatic(UNKNOWN)


@in_virtual_time
async def test_a_power_without_a_transaction_starts_one() -> None:
    async with Home() as home:
        await home.set_mode(Mode.OFF)
        transaction_id = home.station.transaction_id
        assert transaction_id is not None
        await home.station.end_transaction(transaction_id)
        await home.run(30)
        assert not home.evse.has_transaction
        await home.site.set_power(home.key, 4_000, 600)
        await home.until(lambda: home.is_at(4_000), 30)
        assert len(home.station.started) == 1


@in_virtual_time
async def test_a_power_whose_transaction_the_station_refuses_is_no_success() -> None:
    async with Home() as home:
        await home.set_mode(Mode.OFF)
        transaction_id = home.station.transaction_id
        assert transaction_id is not None
        await home.station.end_transaction(transaction_id)
        home.station.start_answer = Answer.REJECT
        with pytest.raises(StationRejected):
            await home.site.set_power(home.key, 4_000, 600)
        home.station.start_answer = Answer.ACCEPT
        await home.run(60)
        assert home.station.transaction_id is None
        await home.site.set_power(home.key, 4_000, 600)
        await home.until(lambda: home.is_at(4_000), 30)


@in_virtual_time
async def test_the_own_button_of_a_station_latches_and_holds_the_reset() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        everything = EvseKey(home.key.station_id, 0)
        count = len(home.station.writes)
        home.site.post(EmergencyStopReported(key=everything, is_active=True))
        await home.run(0.01)
        assert home.station.writes[count].power_w == 0
        assert home.store.document["evses"][str(home.key)]["is_emergency_stopped"]
        with pytest.raises(EmergencyStopActive):
            await home.site.reset_emergency_stop(home.key)
        home.site.post(EmergencyStopReported(key=everything, is_active=False))
        assert home.evse.is_emergency_stopped
        await home.run(20)
        await home.site.reset_emergency_stop(home.key)
        await home.discharge()
        with pytest.raises(UnknownTarget):
            await home.site.reset_emergency_stop(UNKNOWN)
        with pytest.raises(UnknownTarget):
            await home.site.emergency_stop(UNKNOWN)


@pytest.mark.parametrize("mode", [Mode.CHARGE_NOW, Mode.DISCHARGE_NOW])
@in_virtual_time
async def test_a_reset_of_the_emergency_stop_is_no_start(mode: Mode) -> None:
    async with Home() as home:
        await home.grant()
        await home.set_mode(mode)
        await home.until(lambda: abs(home.power_w) > 2_000, 90)
        home.site.acquire_control(home.key, "planner", -3_000, 600)
        home.site.post(EmergencyStopReported(key=home.key, is_active=True))
        home.site.post(EmergencyStopReported(key=home.key, is_active=False))
        await home.until(lambda: abs(home.power_w) < 500, 60)
        await home.site.reset_emergency_stop(home.key)
        assert home.store.document["evses"][str(home.key)]["policy"]["mode"] == "off"
        await home.run(120)
        assert abs(home.power_w) < 500
        # Somebody asks, and it goes on.
        await home.set_mode(mode)
        await home.until(lambda: abs(home.power_w) > 2_000, 90)


@in_virtual_time
async def test_a_station_wide_stop_before_any_evse_is_known_is_not_lost() -> None:
    async with Home() as home:
        station_id = StationId("CS7")
        home.site.add_station(station_id, StationLimits())
        home.site.post(
            EmergencyStopReported(key=EvseKey(station_id, 0), is_active=True)
        )
        home.stations[0].key = EvseKey(station_id, 1)
        home.station.connect()
        await home.run(2)
        assert home.evse.is_emergency_stopped


@in_virtual_time
async def test_a_profile_is_cleared_at_0_w() -> None:
    async with Home() as home:
        await home.grant()
        await home.discharge()
        await home.site.clear_charging_profile(home.key)
        assert home.station.cleared == 1
        await home.until(lambda: abs(home.power_w) <= ZERO_W, 10)
        home.station.answer = Answer.REJECT
        with pytest.raises(StationRejected):
            await home.site.clear_charging_profile(home.key)
        home.station.answer = Answer.ACCEPT
        await home.run(20)
        await home.site.clear_charging_profile(home.key)
        assert home.station.cleared == 2


@in_virtual_time
async def test_a_clear_that_the_station_does_not_answer_is_a_timeout() -> None:
    async with Home() as home:
        await home.site.stop(home.key)
        home.station.answer = Answer.SILENT
        with pytest.raises(StationTimeout):
            await home.site.clear_charging_profile(home.key)
        home.station.disconnect()
        with pytest.raises(StationOffline):
            await home.site.clear_charging_profile(home.key)


@in_virtual_time
async def test_a_self_test_says_why_it_cannot_begin() -> None:
    async with Home() as home:
        with pytest.raises(UnknownTarget):
            await home.site.start_self_test(UNKNOWN)
        await home.site.set_vehicle_policy(
            VEHICLE, lambda policy: replace(policy, is_discharge_allowed=False)
        )
        assert home.station.allowed == [False]
        with pytest.raises(DischargeNotPermitted) as refused:
            await home.site.start_self_test(home.key)
        assert refused.value.reason == Reason.VEHICLE_NOT_ALLOWED
        await home.site.set_vehicle_policy(
            VEHICLE,
            lambda policy: replace(
                policy, is_discharge_allowed=True, reserve_percent=80
            ),
        )
        with pytest.raises(DischargeNotPermitted) as refused:
            await home.site.start_self_test(home.key)
        assert refused.value.reason == Reason.RESERVE_FLOOR
        await home.set_floors(30, 50)
        await home.site.start_self_test(home.key)
        await home.site.start_self_test(home.key)
        await home.site.stop(home.key)
        assert home.evse.self_test.phase is SelfTestPhase.FAILED
        assert home.evse.self_test.failure == "aborted"
        await home.site.return_to_automatic(home.key)
        await home.prove()
