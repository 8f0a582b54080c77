"""What the CSMS may ask for, and what people do at the station."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.schedule import format_time

from .conftest import TOKEN, Rig, connector_states
from .fake_clock import START, until
from .scripted_csms import settle


def reservation(number: int = 3, in_s: float = 600, **more: Any) -> dict[str, Any]:
    return {
        "id": number,
        "expiryDateTime": format_time(START + timedelta(seconds=in_s)),
        "idToken": TOKEN,
        **more,
    }


# Availability and reservations


async def test_availability_waits_for_the_transaction(rig: Rig) -> None:
    await rig.start()
    await connector_states(rig, "Available")
    await rig.discharge()
    inoperative = {"operationalStatus": "Inoperative"}
    answer = await rig.csms.call("ChangeAvailability", inoperative)
    assert answer == {"status": "Scheduled"}
    await rig.clock.advance(5)
    assert rig.true_w == -5000
    rig.station.unplug()
    await connector_states(rig, "Available", "Occupied", "Unavailable")
    rig.station.plug()
    await rig.clock.advance(5)
    await settle()
    assert len(rig.csms.calls("Authorize")) == 1
    answer = await rig.csms.call(
        "ChangeAvailability", {"operationalStatus": "Operative"}
    )
    assert answer == {"status": "Accepted"}
    await rig.clock.advance(1)
    await until(lambda: len(rig.csms.events(eventType="Started")) == 2)


async def test_reservation_is_kept_for_its_token(rig: Rig) -> None:
    await rig.start()
    await connector_states(rig, "Available")
    answer = await rig.csms.call("ReserveNow", reservation(evseId=1))
    assert answer == {"status": "Accepted"}
    await connector_states(rig, "Available", "Reserved")
    assert (await rig.csms.call("ReserveNow", reservation(4)))["status"] == "Occupied"
    assert (await rig.csms.call("ReserveNow", reservation(3)))["status"] == "Accepted"
    stranger = {"idToken": {"idToken": "X", "type": "Central"}, "remoteStartId": 1}
    answer = await rig.csms.call("RequestStartTransaction", stranger)
    assert answer == {"status": "Rejected"}
    owner = {"idToken": TOKEN, "remoteStartId": 2}
    answer = await rig.csms.call("RequestStartTransaction", owner)
    assert answer == {"status": "Accepted"}
    rig.station.plug()
    await rig.clock.advance(1)
    started = await rig.csms.event(eventType="Started")
    assert started["reservationId"] == 3
    assert (await rig.csms.call("ReserveNow", reservation(5)))["status"] == "Occupied"


async def test_vehicle_of_another_token_waits_beside_a_reservation(rig: Rig) -> None:
    await rig.start()
    await rig.csms.call("ReserveNow", reservation())
    rig.station.plug()
    await rig.clock.advance(5)
    await settle()
    assert rig.csms.calls("Authorize") == []


async def test_reservation_ends_by_time_or_by_word(rig: Rig) -> None:
    await rig.start()
    await connector_states(rig, "Available")
    await rig.csms.call("ReserveNow", reservation(in_s=10))
    await connector_states(rig, "Available", "Reserved")
    await rig.clock.advance(11)
    update = await rig.csms.came("ReservationStatusUpdate")
    assert update == {"reservationId": 3, "reservationUpdateStatus": "Expired"}
    await connector_states(rig, "Available", "Reserved", "Available")
    cancel = {"reservationId": 3}
    assert await rig.csms.call("CancelReservation", cancel) == {"status": "Rejected"}
    await rig.csms.call("ReserveNow", reservation())
    assert await rig.csms.call("CancelReservation", cancel) == {"status": "Accepted"}
    await connector_states(
        rig, "Available", "Reserved", "Available", "Reserved", "Available"
    )
    late = await rig.csms.call("ReserveNow", reservation(in_s=-1))
    assert late == {"status": "Rejected"}
    await rig.csms.call("ChangeAvailability", {"operationalStatus": "Inoperative"})
    answer = await rig.csms.call("ReserveNow", reservation())
    assert answer == {"status": "Unavailable"}


# Messages on demand


@pytest.mark.parametrize(
    ("requested", "action"),
    [
        ("Heartbeat", "Heartbeat"),
        ("StatusNotification", "StatusNotification"),
        ("MeterValues", "MeterValues"),
    ],
)
async def test_triggered_messages(rig: Rig, requested: str, action: str) -> None:
    await rig.start()
    answer = await rig.csms.call("TriggerMessage", {"requestedMessage": requested})
    assert answer == {"status": "Accepted"}
    await rig.csms.came(action)


async def test_triggered_messages_that_cannot_be_sent(rig: Rig) -> None:
    await rig.start()
    event = {"requestedMessage": "TransactionEvent"}
    assert await rig.csms.call("TriggerMessage", event) == {"status": "Rejected"}
    other = {"requestedMessage": "PublishFirmwareStatusNotification"}
    assert await rig.csms.call("TriggerMessage", other) == {"status": "NotImplemented"}
    await rig.plug()
    assert await rig.csms.call("TriggerMessage", event) == {"status": "Accepted"}
    await rig.csms.event(triggerReason="Trigger")


async def test_heartbeats_follow_the_interval_of_the_boot(rig: Rig) -> None:
    await rig.start(tick_s=10.0, ping_interval_s=1000.0)
    await rig.clock.advance(299)
    await settle()
    assert rig.csms.calls("Heartbeat") == []
    await rig.clock.advance(2)
    await rig.csms.came("Heartbeat")


async def test_frozen_csms_is_noticed_by_the_ping(rig: Rig) -> None:
    await rig.start(ping_interval_s=20.0)
    await rig.clock.advance(21)
    await until(lambda: rig.csms.pings == 1)
    await settle()
    await rig.clock.advance(20)
    assert rig.station.status().is_connected
    rig.csms.is_frozen = True
    # The next ping leaves at 50 s and is given up at 60 s.
    await rig.clock.advance(18.75)
    assert rig.station.status().is_connected
    await rig.clock.advance(0.5)
    assert not rig.station.status().is_connected
    assert rig.station.status().last_error == "no answer to a ping"
    rig.csms.is_frozen = False
    await rig.reconnect()


async def test_composite_schedule_shows_what_will_be(rig: Rig) -> None:
    await rig.start()
    await rig.discharge(duration_s=20)
    ask = {"evseId": 1, "duration": 60, "chargingRateUnit": "W"}
    answer = await rig.csms.call("GetCompositeSchedule", ask)
    assert answer["status"] == "Accepted"
    assert answer["schedule"]["chargingSchedulePeriod"] == [
        {
            "startPeriod": 0,
            "operationMode": "CentralSetpoint",
            "setpoint": -5000,
            "numberPhases": 3,
        },
        {
            "startPeriod": 16,
            "operationMode": "ChargingOnly",
            "limit": 0,
            "numberPhases": 3,
        },
    ]
    amperes = await rig.csms.call(
        "GetCompositeSchedule", {**ask, "chargingRateUnit": "A"}
    )
    periods = amperes["schedule"]["chargingSchedulePeriod"]
    assert periods[0]["setpoint"] == pytest.approx(-5000 / 690, abs=0.001)
    unknown = await rig.csms.call("GetCompositeSchedule", {**ask, "evseId": 9})
    assert unknown == {"status": "Rejected"}


async def test_profiles_are_reported_per_evse(rig: Rig) -> None:
    await rig.start()
    await rig.discharge()
    every = {"requestId": 1, "chargingProfile": {}}
    assert await rig.csms.call("GetChargingProfiles", every) == {"status": "Accepted"}
    await rig.csms.came("ReportChargingProfiles", 2)
    first, second = rig.csms.calls("ReportChargingProfiles")
    assert (first["evseId"], first["tbc"]) == (0, True)
    assert (second["evseId"], second["tbc"]) == (1, False)
    assert second["chargingLimitSource"] == "CSO"
    assert "dynUpdateTime" in second["chargingProfile"][0]
    for none in ({"chargingProfileId": [77]}, {"chargingLimitSource": ["EMS"]}):
        answer = await rig.csms.call(
            "GetChargingProfiles", {"requestId": 2, "chargingProfile": none}
        )
        assert answer == {"status": "NoProfiles"}


async def test_small_answers(rig: Rig) -> None:
    await rig.start()
    vendor = await rig.csms.call("DataTransfer", {"vendorId": "com.example"})
    assert vendor == {"status": "UnknownVendorId"}
    assert await rig.csms.call("ClearCache", {}) == {"status": "Accepted"}
    unlock = {"evseId": 1, "connectorId": 1}
    assert await rig.csms.call("UnlockConnector", unlock) == {"status": "Unlocked"}
    await rig.plug()
    answer = await rig.csms.call("UnlockConnector", unlock)
    assert answer == {"status": "OngoingAuthorizedTransaction"}
    other = {"evseId": 1, "connectorId": 2}
    answer = await rig.csms.call("UnlockConnector", other)
    assert answer == {"status": "UnknownConnector"}
