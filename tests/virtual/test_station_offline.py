"""A lost link: what goes on, what is kept, what is told afterwards."""

import asyncio
from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.config import Fault

from .conftest import Rig, connector_states
from .fake_clock import until
from .scripted_csms import settle, silent


async def lose_link(rig: Rig) -> None:
    rig.csms.refuse_with = 503
    await rig.csms.drop()
    await until(lambda: not rig.station.status().is_connected)


async def test_discharge_runs_out_while_the_link_is_lost(rig: Rig) -> None:
    await rig.start()
    transaction_id = await rig.discharge(duration_s=30)
    await lose_link(rig)
    await rig.clock.advance(25)
    assert rig.true_w == -5000
    await rig.clock.advance(4)
    assert rig.true_w == 0
    assert rig.station.status().transaction_id == transaction_id


async def test_offline_duration_ends_it_earlier_and_for_good(rig: Rig) -> None:
    await rig.start()
    await rig.discharge(
        duration_s=60, maxOfflineDuration=10, invalidAfterOfflineDuration=True
    )
    await lose_link(rig)
    await rig.clock.advance(9.5)
    assert rig.true_w == -5000
    await rig.clock.advance(2.5)
    assert rig.true_w == 0
    rig.csms.refuse_with = None
    await rig.reconnect()
    update = {"chargingProfileId": 1001, "scheduleUpdate": {"setpoint": -5000}}
    answer = await rig.csms.call("UpdateDynamicSchedule", update)
    assert answer["status"] == "Rejected"
    await rig.clock.advance(5)
    assert rig.true_w == 0


async def test_events_are_kept_and_told_in_order_without_a_new_boot(rig: Rig) -> None:
    await rig.start(meter_interval_s=5.0)
    await connector_states(rig, "Available")
    await rig.discharge(duration_s=20)
    await rig.all_told()
    told = len(rig.csms.events())
    await lose_link(rig)
    await rig.clock.advance(22)
    rig.station.unplug()
    queued = rig.station.status().queued_events
    assert queued >= 5
    rig.csms.refuse_with = None
    await rig.reconnect()
    await rig.all_told()
    replayed = rig.csms.events()[told:]
    assert len(replayed) == queued
    assert all(event["offline"] for event in replayed)
    assert not any(event["offline"] for event in rig.csms.events()[:told])
    numbers = [event["seqNo"] for event in rig.csms.events()]
    assert numbers == list(range(len(numbers)))
    times = [event["timestamp"] for event in rig.csms.events()]
    assert times == sorted(times)
    assert replayed[-1]["eventType"] == "Ended"
    assert replayed[-1]["transactionInfo"]["stoppedReason"] == "EVDisconnected"
    assert len(rig.csms.calls("BootNotification")) == 1
    await connector_states(rig, "Available", "Occupied", "Available")


async def test_event_on_the_wire_when_the_link_broke_is_sent_again(rig: Rig) -> None:
    await rig.start()
    await rig.plug()
    await rig.all_told()
    told = len(rig.csms.events())
    answer = rig.csms.answers.pop("TransactionEvent", None)
    rig.csms.answers["TransactionEvent"] = silent
    await rig.csms.call("TriggerMessage", {"requestedMessage": "TransactionEvent"})
    await until(lambda: len(rig.csms.events()) == told + 1)
    await rig.csms.drop()
    rig.csms.answers["TransactionEvent"] = answer or (lambda _: {})
    await rig.reconnect()
    await until(lambda: len(rig.csms.events()) == told + 2)
    first, again = rig.csms.events()[-2:]
    assert first == again


async def test_vehicle_plugged_in_while_offline_is_let_in_afterwards(rig: Rig) -> None:
    await rig.start()
    await lose_link(rig)
    rig.station.plug()
    await rig.clock.advance(5)
    assert rig.station.status().transaction_id is None
    rig.csms.refuse_with = None
    await rig.reconnect()
    started = await rig.csms.event(eventType="Started")
    assert not started["offline"]


async def test_back_off_grows_and_starts_over_after_a_registration(rig: Rig) -> None:
    await rig.start(reconnect_min_s=1.0, reconnect_max_s=8.0)
    await lose_link(rig)
    attempts = len(rig.csms.paths)
    pauses_s: list[float] = []
    waited_s = 0.0
    for _ in range(400):
        await rig.clock.advance(0.25)
        waited_s += 0.25
        await settle_briefly()
        if len(rig.csms.paths) > attempts:
            attempts = len(rig.csms.paths)
            pauses_s.append(waited_s)
            waited_s = 0.0
        if len(pauses_s) == 6:
            break
    assert 0.5 <= pauses_s[0] <= 1.25
    assert pauses_s[-1] > 3.5
    assert max(pauses_s) <= 8.5
    assert rig.station.status().last_error == "refused with HTTP 503"
    rig.csms.refuse_with = None
    await rig.reconnect()
    assert rig.station.status().last_error is None
    await rig.csms.drop()
    await until(lambda: not rig.station.status().is_connected)
    await rig.clock.advance(1.25)
    await until(lambda: rig.station.status().is_connected)


async def settle_briefly() -> None:
    await asyncio.sleep(0.01)


async def test_wrong_password_is_told_and_dialled_again(rig: Rig) -> None:
    rig.csms.refuse_with = 401
    await rig.start(is_accepted=False)
    await until(lambda: rig.station.status().last_error == "refused with HTTP 401")
    rig.csms.refuse_with = None
    await rig.reconnect()
    await until(lambda: rig.station.status().is_registered)


async def test_csms_without_a_common_protocol_is_left(rig: Rig) -> None:
    rig.csms.protocol = "ocpp1.6"
    await rig.start(is_accepted=False)
    await until(lambda: rig.station.status().last_error == "no common sub-protocol")
    assert rig.csms.frames == []
    rig.csms.protocol = "ocpp2.1"
    await rig.reconnect()
    await until(lambda: rig.station.status().is_registered)


async def test_dropped_link_stays_down_as_long_as_the_fault_lasts(rig: Rig) -> None:
    await rig.start()
    rig.station.set_fault(Fault.DROP_LINK, is_on=True)
    await until(lambda: not rig.station.status().is_connected)
    await rig.clock.advance(60)
    await settle()
    assert rig.csms.connections == 1
    rig.station.set_fault(Fault.DROP_LINK, is_on=False)
    await rig.reconnect()
    assert rig.csms.connections == 2


async def test_refused_event_is_told_again_then_given_up(rig: Rig) -> None:
    await rig.start()
    await rig.plug()
    await rig.all_told()
    told = len(rig.csms.events())
    rig.csms.answers["TransactionEvent"] = lambda _: [4, "InternalError", "", {}]
    await rig.csms.call("TriggerMessage", {"requestedMessage": "TransactionEvent"})
    for number, pause_s in enumerate((0, 10, 20), start=1):
        await rig.clock.advance(pause_s)
        await rig.csms.events_number(told + number)
        await settle()
    attempts = rig.csms.events()[told:]
    assert attempts[0] == attempts[1] == attempts[2]
    await rig.all_told()
    rig.csms.answers["TransactionEvent"] = lambda _: {}
    await rig.csms.call("TriggerMessage", {"requestedMessage": "TransactionEvent"})
    await until(lambda: len(rig.csms.events()) == told + 4)
    assert rig.csms.events()[-1]["seqNo"] == attempts[0]["seqNo"] + 1


async def test_state_that_never_arrived_is_told_on_the_next_link(rig: Rig) -> None:
    await rig.start()
    await rig.csms.came("NotifyEvent")
    rig.csms.answers["NotifyEvent"] = silent
    rig.station.press_emergency_stop()
    await rig.csms.came("NotifyEvent", 2)
    await rig.csms.drop()
    rig.csms.answers["NotifyEvent"] = lambda _: {}
    await rig.reconnect()
    await until(
        lambda: rig.csms.states("EmergencyStopSensor", "Active") == ["true", "true"]
    )


async def test_one_call_at_a_time_waits_for_its_answer(rig: Rig) -> None:
    await rig.start()
    await rig.csms.came("NotifyEvent")
    rig.csms.answers["NotifyEvent"] = silent
    rig.station.press_emergency_stop()
    await rig.csms.came("NotifyEvent", 2)
    await rig.csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
    await settle()
    assert rig.csms.calls("Heartbeat") == []
    # Answering the other way is still possible: crossing calls are legal.
    assert await rig.csms.call("ClearCache", {}) == {"status": "Accepted"}
    pending = rig.csms.frames[
        max(n for n, f in enumerate(rig.csms.frames) if f[2] == "NotifyEvent")
    ]
    rig.csms.answers["NotifyEvent"] = lambda _: {}
    await rig.csms.send(f'[3,"{pending[1]}",{{}}]')
    await rig.csms.came("Heartbeat")


async def test_silent_csms_holds_no_call_longer_than_the_timeout(rig: Rig) -> None:
    rig.csms.answers["NotifyEvent"] = silent
    await rig.start(call_timeout_s=0.05)
    await rig.csms.came("NotifyEvent")
    await rig.plug()


@pytest.mark.parametrize("how", ["run", "offline"])
async def test_cancelled_station_leaves_nothing_behind(rig: Rig, how: str) -> None:
    await rig.start()
    await rig.discharge()
    if how == "offline":
        await lose_link(rig)
    await rig.stop()
    status: Any = rig.station.status()
    assert not status.is_connected


async def test_state_that_broke_with_the_link_is_told_again(rig: Rig) -> None:
    await rig.start()
    await connector_states(rig, "Available")
    rig.csms.answers["NotifyEvent"] = silent
    rig.station.plug()
    await connector_states(rig, "Available", "Occupied")
    rig.station.unplug()
    await lose_link(rig)
    rig.csms.refuse_with = None
    del rig.csms.answers["NotifyEvent"]
    await rig.reconnect()
    # The CSMS heard Occupied although the station never got its answer.
    await connector_states(rig, "Available", "Occupied", "Available")
