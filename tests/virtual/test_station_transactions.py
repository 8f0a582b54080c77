"""Beginnings and ends: remote, by hand, by the button, by a reboot."""

from .conftest import TOKEN, Rig, central, connector_states, floor
from .fake_clock import until
from .scripted_csms import settle

# Transactions


async def test_remote_stop_ramps_down_and_opens_cold(rig: Rig) -> None:
    await rig.start()
    transaction_id = await rig.discharge()
    stop = {"transactionId": transaction_id}
    answer = await rig.csms.call("RequestStopTransaction", stop)
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(1)
    assert -5000 < rig.true_w < 0
    assert rig.csms.events(eventType="Ended") == []
    await rig.clock.advance(1)
    ended = await rig.csms.event(eventType="Ended")
    assert ended["triggerReason"] == "RemoteStop"
    assert ended["transactionInfo"]["stoppedReason"] == "Remote"
    status = rig.station.status()
    assert (status.cold_opens, status.hot_opens) == (1, 0)
    assert status.true_power_w == 0
    answer = await rig.csms.call("RequestStopTransaction", stop)
    assert answer["statusInfo"]["reasonCode"] == "TxNotFound"
    await rig.clock.advance(60)
    await settle()
    assert len(rig.csms.events(eventType="Started")) == 1


async def test_remote_start_after_a_stop_begins_a_new_transaction(rig: Rig) -> None:
    await rig.start()
    first = await rig.discharge()
    await rig.csms.call("RequestStopTransaction", {"transactionId": first})
    await rig.clock.advance(4)
    profile = central("", 3000)["chargingProfile"]
    del profile["transactionId"]
    profile["chargingProfileKind"] = "Relative"
    profile["chargingSchedule"][0]["chargingSchedulePeriod"] = [
        {"startPeriod": 0, "limit": 3000}
    ]
    start = {"idToken": TOKEN, "remoteStartId": 7, "chargingProfile": profile}
    answer = await rig.csms.call("RequestStartTransaction", {"evseId": 1, **start})
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(1)
    await until(lambda: len(rig.csms.events(eventType="Started")) == 2)
    started = rig.csms.events(eventType="Started")[1]
    assert started["triggerReason"] == "RemoteStart"
    assert started["transactionInfo"]["remoteStartId"] == 7
    assert started["transactionInfo"]["transactionId"] != first
    assert started["idToken"] == TOKEN
    await until(lambda: rig.station.status().is_contactor_closed)
    await rig.clock.advance(4)
    assert rig.true_w == 3000
    answer = await rig.csms.call("RequestStartTransaction", start)
    assert answer["status"] == "Rejected"


async def test_remote_start_waits_for_a_vehicle_only_so_long(rig: Rig) -> None:
    await rig.start()
    start = {"idToken": TOKEN, "remoteStartId": 7}
    await rig.csms.call("RequestStartTransaction", start)
    await rig.clock.advance(61)
    rig.station.plug()
    await rig.clock.advance(1)
    started = await rig.csms.event(eventType="Started")
    assert started["triggerReason"] == "Authorized"


async def test_remote_start_with_a_wrong_profile_is_refused(rig: Rig) -> None:
    await rig.start()
    profile = central("t9", 0)["chargingProfile"]
    start = {"idToken": TOKEN, "remoteStartId": 7, "chargingProfile": profile}
    answer = await rig.csms.call("RequestStartTransaction", start)
    assert answer["status"] == "Rejected"
    assert answer["statusInfo"]["reasonCode"] == "InvalidValue"
    rig.station.plug()
    await rig.clock.advance(1)
    started = await rig.csms.event(eventType="Started")
    assert started["triggerReason"] == "Authorized"


async def test_transaction_status(rig: Rig) -> None:
    await rig.start()
    transaction_id = await rig.plug()
    await rig.all_told()
    ask = {"transactionId": transaction_id}
    assert await rig.csms.call("GetTransactionStatus", ask) == {
        "ongoingIndicator": True,
        "messagesInQueue": False,
    }
    rig.station.unplug()
    await rig.csms.event(eventType="Ended")
    await rig.all_told()
    assert await rig.csms.call("GetTransactionStatus", ask) == {
        "ongoingIndicator": False,
        "messagesInQueue": False,
    }
    assert await rig.csms.call("GetTransactionStatus", {}) == {"messagesInQueue": False}


# People


async def test_emergency_stop_breaks_the_circuit_at_once(rig: Rig) -> None:
    await rig.start()
    # On a busy machine the plug may come before the first word of the connector.
    await connector_states(rig, "Available")
    await rig.discharge()
    rig.station.press_emergency_stop()
    assert rig.true_w == 0
    status = rig.station.status()
    assert not status.is_contactor_closed
    assert status.hot_opens == 1
    ended = await rig.csms.event(eventType="Ended")
    assert ended["transactionInfo"]["stoppedReason"] == "EmergencyStop"
    await until(lambda: rig.csms.states("EmergencyStopSensor", "Active") == ["true"])
    await connector_states(rig, "Available", "Occupied", "Faulted")
    start = {"idToken": TOKEN, "remoteStartId": 1}
    answer = await rig.csms.call("RequestStartTransaction", start)
    assert answer == {"status": "Rejected"}

    rig.station.release_emergency_stop()
    await until(
        lambda: rig.csms.states("EmergencyStopSensor", "Active") == ["true", "false"]
    )
    await connector_states(rig, "Available", "Occupied", "Faulted", "Occupied")
    await rig.clock.advance(30)
    await settle()
    assert len(rig.csms.events(eventType="Started")) == 1
    rig.station.unplug()
    rig.station.plug()
    await rig.clock.advance(1)
    await until(lambda: len(rig.csms.events(eventType="Started")) == 2)


async def test_unplug_under_load_is_a_hot_opening(rig: Rig) -> None:
    await rig.start()
    await connector_states(rig, "Available")
    await rig.discharge()
    rig.station.unplug()
    assert rig.true_w == 0
    assert rig.station.status().hot_opens == 1
    ended = await rig.csms.event(eventType="Ended")
    assert ended["triggerReason"] == "EVCommunicationLost"
    assert ended["transactionInfo"]["stoppedReason"] == "EVDisconnected"
    assert ended["transactionInfo"]["chargingState"] == "Idle"
    await connector_states(rig, "Available", "Occupied", "Available")
    await until(
        lambda: rig.csms.states("ConnectedEV", "Available") == ["true", "false"]
    )


# Reboot


async def test_reset_ends_the_transaction_and_keeps_the_floor(rig: Rig) -> None:
    await rig.start()
    await connector_states(rig, "Available")
    await rig.discharge()
    answer = await rig.csms.call("Reset", {"type": "Immediate"})
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(3)
    ended = await rig.csms.event(eventType="Ended")
    assert ended["transactionInfo"]["stoppedReason"] == "ImmediateReset"
    await rig.all_told()
    await rig.reconnect()
    boot = await rig.csms.came("BootNotification", 2)
    assert boot["reason"] == "RemoteReset"
    assert rig.station.status().boot_count == 2
    await until(lambda: rig.station.status().is_registered)
    await connector_states(rig, "Available", "Occupied", "Occupied")
    answer = await rig.csms.call(
        "GetChargingProfiles", {"requestId": 4, "chargingProfile": {}}
    )
    assert answer == {"status": "Accepted"}
    report = await rig.csms.came("ReportChargingProfiles")
    assert report["requestId"] == 4
    assert report["evseId"] == 0
    assert report["chargingProfile"] == [floor()["chargingProfile"]]
    assert not report["tbc"]
    rig.station.unplug()
    rig.station.plug()
    await rig.clock.advance(1)
    await until(lambda: rig.station.status().is_contactor_closed)
    await rig.clock.advance(4)
    assert rig.true_w == 0


async def test_reset_when_idle_waits_for_the_transaction(rig: Rig) -> None:
    await rig.start()
    await rig.plug()
    answer = await rig.csms.call("Reset", {"type": "OnIdle"})
    assert answer == {"status": "Scheduled"}
    await rig.clock.advance(30)
    assert rig.station.status().boot_count == 1
    rig.station.unplug()
    await rig.csms.event(eventType="Ended")
    await rig.all_told()
    await rig.clock.advance(1)
    await rig.reconnect()
    await rig.csms.came("BootNotification", 2)
    answer = await rig.csms.call("Reset", {"type": "ImmediateAndResume"})
    assert answer == {"status": "Rejected"}


async def test_power_loss_ends_everything_and_is_told_after_the_boot(
    rig: Rig,
) -> None:
    await rig.start()
    await rig.discharge()
    rig.station.reboot()
    assert rig.true_w == 0
    await rig.reconnect()
    boot = await rig.csms.came("BootNotification", 2)
    assert boot["reason"] == "PowerUp"
    ended = await rig.csms.event(eventType="Ended")
    assert ended["transactionInfo"]["stoppedReason"] == "PowerLoss"
