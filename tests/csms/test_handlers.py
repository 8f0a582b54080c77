"""What stations report and ask, beyond the conformance scenarios."""

from typing import Any

import pytest

from custom_components.v2g_vpp.csms.setpoints import SetpointWriter
from custom_components.v2g_vpp.domain.events import (
    ConnectorReported,
    EmergencyStopReported,
    FaultReported,
    MeasurementReported,
    TransactionReported,
    VehicleIdentified,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey
from custom_components.v2g_vpp.domain.state import ConnectorStatus
from tests.csms.charger import INVENTORY, Charger, row
from tests.csms.peer import EVSE1, NOW, STATION, Dialler, Peer, Rig

EVSE2 = EvseKey(STATION, 2)


def event(
    component: str, variable: str, value: str, evse: int | None = None, **more: Any
) -> dict[str, Any]:
    named: dict[str, Any] = {"name": component}
    if evse is not None:
        named["evse"] = {"id": evse}
    return {
        "eventId": 1,
        "timestamp": NOW,
        "trigger": "Alerting",
        "actualValue": value,
        "eventNotificationType": "HardWiredNotification",
        "component": named,
        "variable": {"name": variable},
        **more,
    }


async def notify(peer: Peer, *events: object) -> None:
    told = {"generatedAt": NOW, "seqNo": 0, "eventData": list(events)}
    assert await peer.call("NotifyEvent", told) == {}


async def status(peer: Peer, told: str, evse: int = 1) -> None:
    payload = {
        "timestamp": NOW,
        "connectorStatus": told,
        "evseId": evse,
        "connectorId": 1,
    }
    assert await peer.call("StatusNotification", payload) == {}


def faults(rig: Rig) -> list[tuple[EvseKey, FaultCode, bool]]:
    return [(e.key, e.code, e.is_active) for e in rig.sink.of(FaultReported)]


@pytest.fixture
async def twin(rig: Rig, dialler: Dialler) -> Charger:
    """A station with two EVSEs."""
    second = row("EVSE", "AvailabilityState", "Available", evse=2)
    charger = Charger(await dialler.dial(), (*INVENTORY, second))
    await charger.boot()
    await charger.ready(rig.sink)
    rig.sink.clear()
    return charger


async def test_what_concerns_the_station_concerns_each_evse(
    rig: Rig, twin: Charger
) -> None:
    await notify(
        twin.peer,
        event("EmergencyStopSensor", "Active", "true"),
        event("RCD", "Tripped", "true"),
        event("ChargingStation", "AvailabilityState", "Unavailable"),
    )
    stops = [(e.key, e.is_active) for e in rig.sink.of(EmergencyStopReported)]
    assert stops == [(EVSE1, True), (EVSE2, True)]
    assert faults(rig) == [
        (EVSE1, FaultCode.GROUND_FAULT, True),
        (EVSE2, FaultCode.GROUND_FAULT, True),
    ]
    reported = [(e.key, e.status) for e in rig.sink.of(ConnectorReported)]
    assert reported == [
        (EVSE1, ConnectorStatus.UNAVAILABLE),
        (EVSE2, ConnectorStatus.UNAVAILABLE),
    ]


async def test_before_the_evses_are_known_a_fault_is_of_the_station(
    rig: Rig, peer: Peer
) -> None:
    charger = Charger(peer)
    peer.responders["GetBaseReport"] = lambda _: None
    await charger.boot()
    await notify(peer, event("EmergencyStopSensor", "Active", "true"))
    await notify(peer, event("RCD", "Tripped", "true"))
    (stop,) = rig.sink.of(EmergencyStopReported)
    assert stop.key.evse_id == 0
    assert faults(rig)[0][0].evse_id == 0


async def test_a_faulted_connector_is_a_fault_until_it_is_not(
    rig: Rig, charger: Charger
) -> None:
    rig.sink.clear()
    await status(charger.peer, "Faulted")
    await status(charger.peer, "Occupied")
    await status(charger.peer, "Available")
    assert faults(rig) == [
        (EVSE1, FaultCode.STATION_FAULTED, True),
        (EVSE1, FaultCode.STATION_FAULTED, False),
    ]
    states = [e.status for e in rig.sink.of(ConnectorReported)]
    assert states == [
        ConnectorStatus.FAULTED,
        ConnectorStatus.OCCUPIED,
        ConnectorStatus.AVAILABLE,
    ]


async def test_an_unknown_status_keeps_the_old_one(rig: Rig, charger: Charger) -> None:
    rig.sink.clear()
    await status(charger.peer, "Dreaming")
    await status(charger.peer, "Occupied", evse=0)
    assert rig.sink.of(ConnectorReported) == []


async def test_a_vehicle_that_leaves_without_a_transaction_is_no_fault(
    rig: Rig, charger: Charger
) -> None:
    gone = event("ConnectedEV", "Available", "false", evse=1)
    back = event("ConnectedEV", "Available", "true", evse=1)
    await notify(charger.peer, gone)
    assert faults(rig) == []
    await charger.plug()
    await notify(charger.peer, gone)
    await notify(charger.peer, back)
    assert faults(rig) == [
        (EVSE1, FaultCode.EV_COMM_TIMEOUT, True),
        (EVSE1, FaultCode.EV_COMM_TIMEOUT, False),
    ]
    await notify(charger.peer, gone)
    await status(charger.peer, "Available")
    assert faults(rig)[-1] == (EVSE1, FaultCode.EV_COMM_TIMEOUT, False)


async def test_the_id_of_the_vehicle_ends_with_the_plug(
    rig: Rig, charger: Charger
) -> None:
    told = event("ConnectedEV", "VehicleID", "EV1", evse=1)
    await notify(charger.peer, told)
    await notify(charger.peer, told)
    await status(charger.peer, "Available")
    await notify(charger.peer, told)
    identified = [e.evcc_id for e in rig.sink.of(VehicleIdentified)]
    assert identified == ["EV1", "EV1"], "once per plug"


async def test_an_unreadable_element_does_not_hide_its_neighbours(
    rig: Rig, charger: Charger
) -> None:
    await notify(charger.peer, {"x": 1}, "text", event("RCD", "Tripped", "true", 1))
    assert faults(rig) == [(EVSE1, FaultCode.GROUND_FAULT, True)]


async def test_the_meter_of_the_whole_station_is_no_evse(
    rig: Rig, charger: Charger
) -> None:
    samples = [{"value": 5.0, "measurand": "Power.Active.Import"}]
    told = {"evseId": 0, "meterValue": [{"timestamp": NOW, "sampledValue": samples}]}
    assert await charger.peer.call("MeterValues", told) == {}
    assert rig.sink.of(MeasurementReported) == []
    assert await charger.peer.call("MeterValues", {**told, "evseId": 1}) == {}
    assert len(rig.sink.of(MeasurementReported)) == 1


async def test_a_transaction_that_never_names_its_evse(rig: Rig, twin: Charger) -> None:
    # Two EVSEs: nobody can tell where it is, so nothing is told; it is answered.
    twin.transaction = "t7"
    told = twin.event("Started", "Authorized")
    assert await twin.peer.call("TransactionEvent", told) == {}
    assert rig.sink.of(TransactionReported) == []
    named = twin.event("Updated", "MeterValuePeriodic", evse={"id": 2})
    await twin.peer.call("TransactionEvent", named)
    later = twin.event("Updated", "ChargingStateChanged", state="Charging")
    await twin.peer.call("TransactionEvent", later)
    assert [e.key for e in rig.sink.of(TransactionReported)] == [EVSE2, EVSE2]


async def test_a_station_with_one_evse_need_not_name_it(
    rig: Rig, charger: Charger
) -> None:
    charger.transaction = "t7"
    told = charger.event("Started", "Authorized")
    await charger.peer.call("TransactionEvent", told)
    assert rig.sink.of(TransactionReported)[0].key == EVSE1


async def test_a_cable_without_a_vehicle_is_not_plugged(
    rig: Rig, charger: Charger
) -> None:
    charger.transaction = "t7"
    for state in ("Idle", "EVConnected"):
        told = charger.event("Updated", "Authorized", state)
        await charger.peer.call("TransactionEvent", told)
    plugged = [e.is_plugged for e in rig.sink.of(TransactionReported)]
    assert plugged == [False, True]


async def test_a_schedule_in_amperes_is_judged_in_watts(charger: Charger) -> None:
    def told(limit: float) -> dict[str, Any]:
        return {
            "timeBase": NOW,
            "evseId": 1,
            "chargingSchedule": {
                "id": 1,
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": limit}],
            },
        }

    answers = [
        (await charger.peer.call("NotifyEVChargingSchedule", told(limit)))["status"]
        for limit in (15.0, 17.0)
    ]
    assert answers == ["Accepted", "Rejected"]


async def test_parts_of_reports_that_nobody_asked_for_are_received(
    charger: Charger,
) -> None:
    told: dict[str, Any] = {"requestId": 99, "generatedAt": NOW, "seqNo": 0}
    assert await charger.peer.call("NotifyReport", told) == {}
    profile = charger.profiles[1000]
    told = {
        "requestId": 99,
        "chargingLimitSource": "CSO",
        "evseId": 0,
        "chargingProfile": [profile],
    }
    assert await charger.peer.call("ReportChargingProfiles", told) == {}


async def test_the_state_of_a_certificate_is_not_looked_up(charger: Charger) -> None:
    hash_data = {
        "hashAlgorithm": "SHA256",
        "issuerNameHash": "a",
        "issuerKeyHash": "b",
        "serialNumber": "c",
    }
    ocsp = {**hash_data, "responderURL": "http://attacker.invalid"}
    answer = await charger.peer.call("GetCertificateStatus", {"ocspRequestData": ocsp})
    assert answer == {"status": "Failed"}
    asked = {
        "certificateHashData": hash_data,
        "source": "OCSP",
        "urls": ["http://attacker.invalid"],
    }
    answer = await charger.peer.call(
        "GetCertificateChainStatus", {"certificateStatusRequests": [asked]}
    )
    assert [item["status"] for item in answer["certificateStatus"]] == ["Failed"]


async def test_a_pull_without_a_running_setpoint_is_zero(charger: Charger) -> None:
    told = {"chargingProfileId": 1001}
    answer = await charger.peer.call("PullDynamicScheduleUpdate", told)
    assert answer == {"status": "Accepted", "scheduleUpdate": {"setpoint": 0.0}}


async def test_a_pull_does_not_repeat_a_discharge_that_nobody_decided_again(
    charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SetpointWriter, "pulled_power_w", lambda *_: None)
    told = {"chargingProfileId": 1001}
    answer = await charger.peer.call("PullDynamicScheduleUpdate", told)
    assert answer["status"] == "Rejected"
    assert "scheduleUpdate" not in answer


async def test_a_failed_installation_is_asked_about(charger: Charger) -> None:
    await charger.peer.request("TriggerMessage", 2)
    for told in ("Downloading", "InstallationFailed"):
        await charger.peer.call("FirmwareStatusNotification", {"status": told})
    await charger.peer.request("TriggerMessage", 3)


async def test_a_station_that_was_not_accepted_is_asked_to_boot_once(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())
    for number in range(5):
        frame = await charger.peer.ask([2, f"x{number}", "Heartbeat", {}])
        assert frame[2] == "SecurityError"
    await charger.peer.request("TriggerMessage")
    assert len(charger.peer.payloads("TriggerMessage")) == 1


async def test_a_station_that_was_accepted_in_a_forgotten_time_is_taken_over(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())
    charger.peer.responders["TriggerMessage"] = lambda _: {"status": "Rejected"}
    frame = await charger.peer.ask([2, "x1", "Heartbeat", {}])
    assert frame[2] == "SecurityError"
    await charger.ready(rig.sink)
    frame = await charger.peer.ask([2, "x2", "Heartbeat", {}])
    assert frame[0] == 3
    await charger.boot()
    frame = await charger.peer.ask([2, "x3", "Heartbeat", {}])
    assert frame[0] == 3


async def test_a_station_that_says_nothing_is_asked_to_boot(
    rig: Rig, dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "custom_components.v2g_vpp.csms.provisioning.BOOT_GRACE_S", 0.02
    )
    charger = Charger(await dialler.dial())
    await charger.peer.request("TriggerMessage")
    await charger.boot()
    await charger.ready(rig.sink)


async def test_what_a_transaction_repeats_is_told_once_until_something_else_is(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    rig.sink.clear()

    async def periodic() -> int:
        told = charger.event("Updated", "MeterValuePeriodic", state="Charging")
        await charger.peer.call("TransactionEvent", told)
        return len(rig.sink.of(TransactionReported))

    assert [await periodic() for _ in range(3)] == [1, 1, 1]
    # Somebody else spoke: the vehicle may have seemed to be gone.
    await status(charger.peer, "Available")
    assert [await periodic() for _ in range(2)] == [2, 2]
    changed = charger.event("Updated", "ChargingStateChanged", state="SuspendedEV")
    await charger.peer.call("TransactionEvent", changed)
    assert len(rig.sink.of(TransactionReported)) == 3
