"""The walk through the product, from the first plug to the restart."""

from dataclasses import replace

import pytest

from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus, LinkState
from custom_components.v2g_vpp.domain.errors import DischargeNotPermitted
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.self_test import SelfTestPhase
from custom_components.v2g_vpp.domain.setpoint import Reason, SetpointWrite
from custom_components.v2g_vpp.domain.state import EvseState, flow_threshold_w
from custom_components.v2g_vpp.domain.units import energy_wh
from custom_components.v2g_vpp.virtual.plant import TYPICAL
from tests.site.home import PROGRAMME, Home
from tests.site.station_words import Answer
from tests.site.virtual_time import in_virtual_time

ZERO_W = flow_threshold_w(11_000.0)


@in_virtual_time
async def test_a_vehicle_that_plugs_in_is_available_then_idle_then_charging() -> None:
    async with Home() as home:
        home.station.unplug()
        await home.run(1)
        assert home.evse.state is EvseState.AVAILABLE
        states: list[EvseState] = []
        stop = home.site.subscribe(
            lambda snapshot: states.append(snapshot.evses[0].state)
        )
        home.station.plug()
        await home.until(lambda: home.power_w > 10_000, 20)
        await home.run(2)
        stop()
        seen = list(dict.fromkeys(states))
        assert seen[-2:] == [EvseState.IDLE, EvseState.CHARGING]
        assert home.vehicle.evse == home.key


@in_virtual_time
async def test_without_permission_a_discharge_is_refused_and_a_charge_is_followed() -> (
    None
):
    async with Home() as home:
        await home.until(lambda: home.power_w > 10_000, 20)
        ack = home.order(-5_000)
        assert (ack.status, ack.code) == (AckStatus.REJECTED, AckCode.NOT_PERMITTED)
        ack = home.order(3_000)
        assert (ack.status, ack.code) == (AckStatus.ACCEPTED, AckCode.OK)
        await home.until(lambda: home.is_at(3_000), 20)
        # Heartbeats come every 5 s, so the fail-safe has no ground.
        await home.run(120)
        assert home.is_at(3_000)
        assert home.link() is LinkState.HEALTHY
        assert home.programme.told(ack.order_id) == [AckStatus.ACTIVE]
        assert home.station.discharged_wh == 0


@in_virtual_time
async def test_the_switch_turns_on_only_after_a_passed_self_test() -> None:
    async with Home() as home:
        with pytest.raises(DischargeNotPermitted) as refused:
            await home.allow(home.key)
        assert refused.value.reason == Reason.NOT_PROVEN
        assert not home.evse.policy.is_discharge_allowed
        await home.site.start_self_test(home.key)
        await home.until(
            lambda: home.evse.self_test.phase is SelfTestPhase.PASSED, 240, "passed"
        )
        proof, learnt = home.evse.proof, home.evse.fingerprint
        assert proof is not None
        assert 20 <= proof.dead_man_s <= 35
        assert learnt.is_learnt
        assert 4 <= learnt.dead_time_s <= 6
        assert learnt.offset_discharge_w == pytest.approx(150, abs=60)
        await home.allow(home.key)
        assert home.evse.policy.is_discharge_allowed
        assert home.evse.discharge_blocked_by is None
        on_disk = home.store.document["evses"][str(home.key)]
        assert on_disk["policy"]["is_discharge_allowed"]


@in_virtual_time
async def test_a_dispatch_flows_and_is_told_and_counted() -> None:
    async with Home() as home:
        await home.prove()
        before_wh = home.station.discharged_wh
        ack = home.order(-5_000)
        assert (ack.status, ack.code) == (AckStatus.ACCEPTED, AckCode.OK)
        assert ack.committed_w == -5_000
        took_s = await home.until(lambda: home.is_at(-5_000), 20)
        assert took_s <= 4 + 5_000 / 3_300 + 4
        await home.run(60)
        assert home.is_at(-5_000)
        assert home.evse.state is EvseState.DISCHARGING
        assert home.evse.setpoint.requested_w == -5_000
        assert home.programme.told(ack.order_id) == [AckStatus.ACTIVE]
        programme = home.site.snapshot.programme(PROGRAMME)
        assert programme is not None
        assert programme.order is not None
        assert programme.order.order_id == ack.order_id
        flowed_wh = home.station.discharged_wh - before_wh
        assert programme.delivered_discharge_wh == pytest.approx(flowed_wh, abs=5)


@in_virtual_time
async def test_a_raised_floor_stops_at_once_and_a_lowered_one_lets_go_on() -> None:
    async with Home() as home:
        await home.prove()
        await home.discharge()
        count = len(home.station.writes)
        crossed = home.clock.monotonic()
        stored_wh = home.station.stored_wh
        await home.set_floors(30, 75)
        zero = home.station.writes[count]
        assert (zero.power_w, zero.at_mono_s) == (0, crossed)
        await home.run(60)
        assert home.evse.setpoint.reason is Reason.VPP_FLOOR
        own_s = 4 + 5_150 / 3_300
        assert home.station.lowest_since(crossed + own_s + 1) >= -ZERO_W
        # The bound of the floors: P x (dead time + one tick) + P^2 / (2 x ramp).
        bound_wh = energy_wh(5_150, 5) + energy_wh(5_150**2 / 6_600, 1)
        assert stored_wh - home.station.stored_wh <= bound_wh <= 10
        assert all(w.power_w == 0 for w in home.station.writes[count:])
        ack = home.order(-5_000)
        assert (ack.status, ack.code) == (AckStatus.REJECTED, AckCode.SOC_FLOOR)
        await home.set_floors(30, 50)
        await home.until(lambda: home.is_at(-5_000), 30)


@in_virtual_time
async def test_a_stop_leaves_in_the_turn_of_the_emergency_call_and_stays() -> None:
    async with Home() as home:
        await home.prove()
        await home.discharge()
        count, pressed = len(home.station.writes), home.clock.monotonic()
        home.store.save_s = 1.5
        press = home.site.emergency_stop(home.key)
        # Driven by hand to its first wait: no other code can have run.
        press.send(None)
        assert home.station.writes[count].power_w == 0
        assert home.station.writes[count].at_mono_s == pressed
        press.close()
        await home.site.emergency_stop(home.key)
        assert home.clock.monotonic() >= pressed + 1.5
        assert home.store.document["evses"][str(home.key)]["is_emergency_stopped"]
        await home.until(lambda: home.station.transaction_id is None, 20)
        ended = home.station.ended[-1]
        assert home.station.lowest_since(ended) >= -ZERO_W
        assert ended - pressed <= 4 + 5_150 / 3_300 + 3
        assert home.evse.state is EvseState.EMERGENCY_STOP
        ack = home.order(-5_000)
        assert (ack.status, ack.code) == (AckStatus.REJECTED, AckCode.ESTOP)
        await home.run(4)
        home.store.save_s = 0
        await home.restart()
        home.reconnect()
        await home.run(30)
        assert home.evse.is_emergency_stopped
        assert home.station.transaction_id is None
        await home.site.reset_emergency_stop(home.key)
        assert not home.evse.is_emergency_stopped
        assert not home.store.document["evses"][str(home.key)]["is_emergency_stopped"]
        await home.run(5)
        await home.discharge()


@in_virtual_time
async def test_an_emergency_stop_ends_the_dispatch_for_good() -> None:
    async with Home() as home:
        await home.prove()
        ack = await home.discharge()
        await home.site.emergency_stop(home.key)
        await home.run(30)
        assert home.programme.acks[-1].order_id == ack.order_id
        assert home.programme.acks[-1].status is AckStatus.FAILED
        assert home.programme.acks[-1].code is AckCode.ESTOP
        reset = home.clock.monotonic()
        await home.site.reset_emergency_stop(home.key)
        await home.run(60)
        assert home.station.lowest_since(reset) >= -ZERO_W
        await home.discharge()


@in_virtual_time
async def test_nothing_is_written_by_a_stuck_loop_and_the_charger_ends_by_itself() -> (
    None
):
    async with Home() as home:
        await home.prove()
        await home.discharge()
        await home.freeze()
        frozen, count = home.clock.monotonic(), len(home.station.writes)
        await home.run(60)
        assert len(home.station.writes) == count
        assert home.station.lowest_since(frozen + 35) >= -ZERO_W
        assert home.station.lowest_since(frozen + 10) < -4_000
        # It thaws: a minute without heartbeats is a fail-safe, and that ends as well.
        home.run_site()
        await home.run(25)
        assert home.station.lowest_since(frozen + 35) >= -ZERO_W
        await home.discharge()


@in_virtual_time
async def test_a_normal_stop_writes_0_w_and_nothing_after() -> None:
    async with Home() as home:
        await home.prove()
        await home.discharge()
        count, stopped = len(home.station.writes), home.clock.monotonic()
        await home.site.stand_down()
        assert home.station.writes[count].power_w == 0
        assert home.station.writes[count].is_accepted
        assert home.clock.monotonic() - stopped <= 5
        await home.run(30)
        assert len(home.station.writes) == count + 1
        assert home.station.lowest_since(stopped + 7) >= -ZERO_W
        await home.restart()
        home.reconnect()
        await home.run(10)
        await home.discharge()


@in_virtual_time
async def test_a_write_that_was_planned_before_the_stop_does_not_leave_after_it() -> (
    None
):
    async with Home() as home:
        await home.grant()
        await home.discharge()
        desk, record = home.site._delivery, home.site._registry.evses[home.key]
        # Its task was made, and had no turn yet.
        planned = desk._write(
            record,
            SetpointWrite(
                key=home.key,
                power_w=-5_000.0,
                transaction_id=record.session.transaction_id,
                decided_mono_s=home.clock.monotonic(),
            ),
        )
        await home.site.stand_down()
        count = len(home.station.writes)
        await planned
        assert len(home.station.writes) == count
        assert home.station.writes[-1].power_w == 0


@in_virtual_time
async def test_a_station_that_does_not_take_the_last_0_w_does_not_hold_the_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for answer, answer_s, words in (
        (Answer.REJECT, 0.02, "0 W not accepted"),
        (Answer.ACCEPT, 9.0, "0 W not confirmed"),
    ):
        async with Home() as home:
            await home.grant()
            await home.discharge()
            home.station.answer, home.station.answer_s = answer, answer_s
            stopped, count = home.clock.monotonic(), len(home.station.writes)
            await home.site.stand_down()
            assert home.clock.monotonic() - stopped <= 5.1
            assert words in caplog.text
            # Asked twice, it is done once.
            await home.site.stand_down()
            await home.run(40)
            assert len(home.station.writes) == count + 1
            assert home.station.lowest_since(stopped + 35) >= -ZERO_W
            home.station.answer, home.station.answer_s = Answer.ACCEPT, 0.02
            await home.restart()
            home.reconnect()
            await home.run(20)
            await home.discharge()


@in_virtual_time
async def test_a_home_at_rest_stands_down_without_a_write() -> None:
    async with Home(plants=[replace(TYPICAL, noise_w=0.0)]) as home:
        await home.set_mode(Mode.OFF)
        await home.run(60)
        count = len(home.station.writes)
        await home.site.stand_down()
        await home.run(30)
        assert len(home.station.writes) == count


@in_virtual_time
async def test_a_restart_brings_everything_back_but_no_power() -> None:
    async with Home() as home:
        await home.prove()
        await home.set_floors(35, 45)
        await home.discharge()
        await home.run(60)
        before, vehicle = home.evse, home.vehicle
        await home.site.set_participation(PROGRAMME, is_participating=True)
        programme = home.site.snapshot.programme(PROGRAMME)
        transaction_id, count = home.station.transaction_id, len(home.station.writes)
        await home.restart()
        await home.run(1)
        after = home.evse
        assert after.policy == before.policy
        assert after.proof is None or after.proof == before.proof
        assert after.fingerprint == before.fingerprint
        assert after.is_plugged
        assert after.has_transaction
        assert home.vehicle.policy == vehicle.policy
        # The charger may have discharged on until its dead-man.
        assert home.vehicle.soc_percent == pytest.approx(vehicle.soc_percent, abs=1.0)
        kept = home.site.snapshot.programme(PROGRAMME)
        assert programme is not None
        assert kept is not None
        assert kept.delivered_discharge_wh == programme.delivered_discharge_wh
        assert kept.order is None
        reading = after.measurement.energy_discharged_wh
        assert reading is not None
        assert before.measurement.energy_discharged_wh is not None
        assert reading.value == before.measurement.energy_discharged_wh.value
        home.reconnect()
        await home.run(0.01)
        assert home.evse.proof == before.proof
        assert home.station.writes[count].power_w == 0
        await home.run(40)
        assert all(w.power_w == 0 for w in home.station.writes[count:])
        assert home.station.transaction_id == transaction_id
        await home.discharge()


@in_virtual_time
async def test_after_a_restart_the_first_write_is_0_w_whatever_the_mode() -> None:
    async with Home() as home:
        await home.prove()
        await home.set_mode(Mode.CHARGE_NOW)
        await home.discharge()
        count = len(home.station.writes)
        await home.restart()
        home.reconnect()
        await home.run(10)
        powers = [w.power_w for w in home.station.writes[count:]]
        assert powers[0] == 0
        assert max(powers) > 10_000
