"""Scenarios T and E: what a station reports and asks."""

from datetime import UTC, datetime
from typing import Any

from custom_components.v2g_vpp.domain.events import (
    ConnectorReported,
    EmergencyStopReported,
    FaultReported,
    MeasurementReported,
    SecurityReported,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.security import SecurityEvent
from custom_components.v2g_vpp.domain.state import ConnectorStatus
from tests.csms import plays_16
from tests.csms.peer import EVSE1, NOW, STATION, Peer
from tests.csms.scenario_table import SCENARIOS, Plays, Scene, frame_of

PLAYS = Plays()


async def answered(peer: Peer, scenario_id: str, **changes: Any) -> None:
    """Send the frame of a scenario and see its answer."""
    frame = frame_of(scenario_id)
    told = {**frame[3], **changes}
    answer = await peer.ask([frame[0], frame[1], frame[2], told])
    assert answer == SCENARIOS[scenario_id]["ans"][0]


def faults(scene: Scene, code: FaultCode) -> list[bool]:
    return [e.is_active for e in scene.rig.sink.of(FaultReported) if e.code is code]


def live(scene: Scene) -> list[TransactionReported]:
    return scene.rig.sink.of(TransactionReported)


@PLAYS.of("T07")
async def no_authorisation_is_accepted(scene: Scene) -> None:
    await answered(await scene.booted(), "T07")


@PLAYS.of("T08", "T09", "T10")
async def a_late_event_fills_its_gap_and_moves_nothing_back(scene: Scene) -> None:
    charger = await scene.plugged()
    peer = charger.peer
    await answered(peer, "T08", meterValue=power(1000.0, NOW))
    ahead = len(live(scene))
    await answered(peer, "T09", meterValue=power(2000.0, "2026-11-22T17:30:00Z"))
    await answered(peer, "T10")
    assert len(live(scene)) == ahead, "neither the old one nor its repetition is live"
    readings = scene.rig.sink.of(MeasurementReported)
    assert len(readings) == 2, "the energy of the old one counts, its repetition not"
    assert readings[1].measurement.power_w is not None
    newest = readings[0].measurement.updated_by(readings[1].measurement)
    assert newest.power_w is not None
    assert newest.power_w.value == 1000.0


@PLAYS.of("T11")
async def a_whole_queue_from_offline_starts_no_control(scene: Scene) -> None:
    charger = await scene.charger()
    peer = charger.peer
    charger.transaction = "t9"
    profiles = len(peer.payloads("SetChargingProfile"))
    kinds = ["Started"] + 38 * ["Updated"] + ["Ended"]
    for number, kind in enumerate(kinds):
        told = charger.event(kind, "MeterValuePeriodic", offline=True)
        told["timestamp"] = f"2026-11-22T17:{number:02d}:00Z"
        assert await peer.call("TransactionEvent", told) == {}
    assert all(event.is_offline_replay for event in live(scene))
    assert live(scene)[-1].phase is TransactionPhase.ENDED
    assert len(peer.payloads("SetChargingProfile")) == profiles


@PLAYS.of("T13")
async def an_emergency_stop_is_told(scene: Scene) -> None:
    charger = await scene.plugged()
    await answered(charger.peer, "T13")
    pressed = [e.is_active for e in scene.rig.sink.of(EmergencyStopReported)]
    assert pressed == [True, False], (
        "it latches; no sensor says that it is still pressed"
    )
    assert live(scene)[-1].phase is TransactionPhase.ENDED


@PLAYS.of("T14")
async def a_ground_fault_is_told(scene: Scene) -> None:
    charger = await scene.plugged()
    await answered(charger.peer, "T14")
    assert faults(scene, FaultCode.GROUND_FAULT) == [True, False]


@PLAYS.of("T15")
async def a_vehicle_that_falls_silent_is_told_until_it_is_back(scene: Scene) -> None:
    charger = await scene.plugged()
    charger.seq_no = 7
    await answered(charger.peer, "T15")
    assert faults(scene, FaultCode.EV_COMM_TIMEOUT) == [True]
    back = charger.event("Updated", "ChargingStateChanged", "Charging")
    await charger.peer.call("TransactionEvent", back)
    assert faults(scene, FaultCode.EV_COMM_TIMEOUT) == [True, False]


@PLAYS.of("T16")
async def sequence_numbers_may_start_again_with_a_transaction(scene: Scene) -> None:
    charger = await scene.plugged("t1")
    charger.seq_no = 40
    await charger.peer.call("TransactionEvent", charger.event("Ended", "EVDeparted"))
    await answered(charger.peer, "T16")
    assert live(scene)[-1].transaction_id == "t2"
    assert live(scene)[-2].is_plugged is False


def power(value: float, at: str, measurand: str = "Power.Active.Import") -> Any:
    sample = {"value": value, "measurand": measurand}
    return [{"timestamp": at, "sampledValue": [sample]}]


@PLAYS.of("T17")
async def exported_power_is_negative(scene: Scene) -> None:
    if scene.is_16:
        await plays_16.power_of_a_charge_point(scene)
        return
    charger = await scene.charger()
    samples = [
        {"value": 5021.4, "measurand": "Power.Active.Export"},
        {"value": 21.8, "measurand": "Current.Export", "phase": "L1"},
    ]
    meter_value = [{"timestamp": NOW, "sampledValue": samples}]
    told = {"evseId": 1, "meterValue": meter_value}
    assert await charger.peer.call("MeterValues", told) == {}
    reading = scene.rig.sink.of(MeasurementReported)[-1]
    assert reading.key == EVSE1
    assert reading.measurement.power_w is not None
    assert reading.measurement.power_w.value == -5021.4
    assert reading.measurement.current_a is not None
    assert reading.measurement.current_a.value == -21.8


@PLAYS.of("T20")
async def a_multiplier_is_a_power_of_ten(scene: Scene) -> None:
    charger = await scene.plugged()
    await answered(charger.peer, "T20")
    reading = scene.rig.sink.of(MeasurementReported)[-1].measurement.power_w
    assert reading is not None
    assert round(reading.value, 6) == -5021.0


@PLAYS.of("E02")
async def heat_in_the_handle_is_not_heat_elsewhere(scene: Scene) -> None:
    peer = await scene.booted()
    await answered(peer, "E02")
    assert faults(scene, FaultCode.OVER_TEMPERATURE) == [True]
    assert faults(scene, FaultCode.HANDLE_OVER_TEMPERATURE) == []
    (event,) = frame_of("E02")[3]["eventData"]
    handle = {**event["component"], "instance": "Handle"}
    told = {**frame_of("E02")[3], "eventData": [{**event, "component": handle}]}
    await peer.call("NotifyEvent", told)
    assert faults(scene, FaultCode.HANDLE_OVER_TEMPERATURE) == [True]


@PLAYS.of("E03")
async def a_tripped_rcd_is_told_and_its_end(scene: Scene) -> None:
    peer = await scene.booted()
    (event,) = frame_of("E03")[3]["eventData"]
    tripped = {**event, "actualValue": "true", "cleared": False}
    await answered(peer, "E03", eventData=[tripped])
    assert faults(scene, FaultCode.GROUND_FAULT) == [True]
    await answered(peer, "E03")
    assert faults(scene, FaultCode.GROUND_FAULT) == [True, False]


@PLAYS.of("E04")
async def a_pressed_emergency_stop_stays_pressed_until_released(scene: Scene) -> None:
    charger = await scene.plugged()
    await answered(charger.peer, "E04")
    # The transaction ends for the same reason: the sensor is the one that releases.
    ended = charger.event(
        "Ended", "AbnormalCondition", info={"stoppedReason": "EmergencyStop"}
    )
    await charger.peer.call("TransactionEvent", ended)
    pressed = [e.is_active for e in scene.rig.sink.of(EmergencyStopReported)]
    assert pressed == [True, True]
    (event,) = frame_of("E04")[3]["eventData"]
    await answered(charger.peer, "E04", eventData=[{**event, "actualValue": "false"}])
    assert scene.rig.sink.of(EmergencyStopReported)[-1].is_active is False


@PLAYS.of("E05")
async def availability_comes_as_an_event_too(scene: Scene) -> None:
    peer = await scene.booted()
    await answered(peer, "E05")
    reported = await scene.rig.sink.wait_for(ConnectorReported)
    assert reported == ConnectorReported(
        key=EVSE1, connector_id=1, status=ConnectorStatus.OCCUPIED
    )


@PLAYS.of("E12", "E14", "E15")
async def what_only_has_an_answer(scene: Scene) -> None:
    peer = await scene.booted()
    known = ("E15",) if scene.is_16 else ("E12", "E14", "E15")
    for number, scenario_id in enumerate(known):
        frame = frame_of(scenario_id)
        answer = await peer.ask([2, f"e{number}", frame[2], frame[3]])
        assert answer[2] == SCENARIOS[scenario_id]["ans"][0][2]


@PLAYS.of("E17")
async def a_security_event_is_told_to_the_home(scene: Scene) -> None:
    peer = await scene.booted()
    await answered(peer, "E17")
    told = await scene.rig.sink.wait_for(SecurityReported)
    assert told == SecurityReported(
        station_id=STATION,
        kind=SecurityEvent.TAMPERING_DETECTED,
        occurred_at=datetime(2026, 11, 22, 18, tzinfo=UTC),
    )


@PLAYS.of("E16")
async def custom_data_is_welcome(scene: Scene) -> None:
    peer = await scene.booted()
    answer = await peer.ask(frame_of("E16"))
    assert answer[:2] == [3, "1"]


@PLAYS.of("E18")
async def a_station_that_installs_is_out_of_use(scene: Scene) -> None:
    charger = await scene.charger()
    await answered(charger.peer, "E18")
    scene.rig.sink.clear()
    triggers = len(charger.peer.payloads("TriggerMessage"))
    await charger.peer.call("FirmwareStatusNotification", {"status": "Installing"})
    reported = await scene.rig.sink.wait_for(ConnectorReported)
    assert reported.status is ConnectorStatus.UNAVAILABLE
    await charger.peer.call("FirmwareStatusNotification", {"status": "Installed"})
    # Afterwards it is asked what it is now.
    await charger.peer.request("TriggerMessage", triggers + 1)
