"""Scenarios of OCPP 1.6, and its side of those of all versions."""

import json
from typing import Any

from custom_components.v2g_vpp.csms.times import format_time
from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import (
    FaultReported,
    MeasurementReported,
    StationReady,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import (
    SetpointWrite,
    WriteResult,
    WriteStatus,
)
from tests.csms.charge_point import ChargePoint
from tests.csms.peer import EVSE1, Rig, config
from tests.csms.scenario_table import SCENARIOS, Plays, Scene, frame_of

PLAYS = Plays()


def now(scene: Scene) -> str:
    return format_time(scene.rig.clock.utcnow())


async def write(
    scene: Scene, power_w: float, transaction_id: object, *, is_renewal: bool = False
) -> WriteResult:
    return await scene.rig.server.write_setpoint(
        SetpointWrite(
            key=EVSE1,
            power_w=power_w,
            transaction_id=None
            if transaction_id is None
            else TransactionId(str(transaction_id)),
            decided_mono_s=scene.rig.clock.monotonic(),
            is_renewal=is_renewal,
        )
    )


def own_profiles(point: ChargePoint) -> list[dict[str, Any]]:
    return [
        payload
        for payload in point.peer.payloads("SetChargingProfile")
        if payload["csChargingProfiles"]["chargingProfilePurpose"] == "TxProfile"
    ]


def adopt(rig: Rig, dialect: DischargeDialect) -> None:
    rig.server.adopt(config(dialect=dialect))


@PLAYS.of("B01")
async def a_charge_point_is_accepted_and_brought_up(scene: Scene) -> None:
    point = ChargePoint(await scene.peer())
    answer = await point.boot()
    assert answer["status"] == "Accepted"
    assert answer["interval"] >= 60
    assert answer["currentTime"].endswith("Z")
    ready = await point.ready(scene.rig.sink)
    assert ready.capability.evse_ids == (1,)
    assert ready.capability.reports_export
    assert ready.capability.dialect is DischargeDialect.NONE, "nothing is guessed"
    wanted = point.keys["MeterValuesSampledData"].split(",")
    assert {"Power.Active.Import", "Power.Active.Export"} <= set(wanted)
    assert point.keys["MeterValueSampleInterval"] == "1"
    (floor,) = point.profiles.values()
    assert floor["chargingProfilePurpose"] == "TxDefaultProfile"
    assert floor["stackLevel"] == 0
    assert point.connectors == {floor["chargingProfileId"]: 0}
    # Read back, nothing differs, so a boot changes no key again.
    changed = len(point.peer.payloads("ChangeConfiguration"))
    scene.rig.sink.clear()
    await point.boot()
    await scene.rig.sink.wait_for(StationReady, lambda e: e.has_floor_profile)
    assert len(point.peer.payloads("ChangeConfiguration")) == changed


@PLAYS.of("B06", "R14")
async def rules_are_refused_in_the_words_of_1_6(scene: Scene) -> None:
    point = ChargePoint(await scene.peer())
    refused = await point.peer.ask(frame_of("B06"))
    assert refused == [4, "1", "SecurityError", "", {}]
    await point.boot()
    assert await point.peer.ask(frame_of("B06")) == [3, "1", {}]
    frame = frame_of("R14")
    assert await point.peer.ask([2, "14", *frame[2:]]) == [
        4,
        "14",
        "FormationViolation",
        "",
        {},
    ]


@PLAYS.of("T01", "T02", "T04")
async def a_start_has_one_number_for_ever(scene: Scene) -> None:
    point = await scene.charge_point()
    frame = frame_of("T01")
    first = await point.peer.ask(frame)
    number = first[2]["transactionId"]
    assert isinstance(number, int)
    assert 0 < number < 2**31
    # It was on disk before it was told.
    assert str(number) in json.dumps(scene.rig.store.data)
    again = await point.peer.ask(frame_of("T02"))
    assert again == [3, "2", first[2]]
    told = scene.rig.sink.of(TransactionReported)
    assert len(told) == 1
    assert told[0].is_offline_replay, "it began long ago: no control for it"
    # A restart of ours forgets nothing.
    await point.peer.leave()
    await scene.rig.restart()
    later = ChargePoint(await scene.peer())
    repeated = await later.peer.ask([2, "3", *frame_of("T02")[2:]])
    assert repeated[2]["transactionId"] == number
    stop = frame_of("T04")
    stop[3]["transactionId"] = number
    scene.rig.sink.clear()
    assert (await later.peer.ask(stop))[2] == SCENARIOS["T04"]["ans"][0][2]
    ended = await scene.rig.sink.wait_for(
        TransactionReported, lambda e: e.phase is TransactionPhase.ENDED
    )
    assert ended.stopped_reason == "Local"
    other = await later.peer.ask([2, "4", frame[2], {**frame[3], "meterStart": 101}])
    assert other[2]["transactionId"] > number


@PLAYS.of("T03", "T05")
async def the_end_of_an_unknown_transaction_is_answered(scene: Scene) -> None:
    point = await scene.charge_point()
    scene.rig.sink.clear()
    for scenario_id in ("T03", "T05"):
        frame = frame_of(scenario_id)
        answer = await point.peer.ask([2, scenario_id, *frame[2:]])
        assert answer == [3, scenario_id, {}]
    assert scene.rig.sink.events == []


async def power_of_a_charge_point(scene: Scene) -> None:
    """T17 on this version."""
    point = await scene.charge_point()
    frame = frame_of("T17")
    assert await point.peer.ask(frame) == [3, "1", {}]
    measurement = scene.rig.sink.of(MeasurementReported)[-1].measurement
    assert measurement.power_w is not None
    assert measurement.power_w.value == -5021.4
    frame[3]["meterValue"][0]["sampledValue"] = [
        {"value": "3.2", "measurand": "Power.Active.Import", "unit": "kW"},
        {"value": "0", "measurand": "Power.Active.Export", "unit": "kW"},
        {"value": "12.5", "unit": "kWh"},
    ]
    frame[3]["meterValue"][0]["timestamp"] = "2026-11-22T18:00:01Z"
    assert await point.peer.ask([2, "2", *frame[2:]]) == [3, "2", {}]
    measurement = scene.rig.sink.of(MeasurementReported)[-1].measurement
    assert measurement.power_w is not None
    assert measurement.power_w.value == 3200.0
    assert measurement.energy_charged_wh is not None
    assert measurement.energy_charged_wh.value == 12_500.0


@PLAYS.of("T19")
async def garbage_is_dropped_and_answered(scene: Scene) -> None:
    point = await scene.charge_point()
    scene.rig.sink.clear()
    assert await point.peer.ask(frame_of("T19")) == [3, "1", {}]
    assert scene.rig.sink.of(MeasurementReported) == []


@PLAYS.of("E06")
async def a_ground_failure_is_e_61_until_it_is_gone(scene: Scene) -> None:
    point = await scene.charge_point()

    def told() -> list[bool]:
        return [
            event.is_active
            for event in scene.rig.sink.of(FaultReported)
            if event.code is FaultCode.GROUND_FAULT
        ]

    assert await point.peer.ask(frame_of("E06")) == [3, "1", {}]
    assert told() == [True]
    await point.status("Faulted", "OtherError", vendorErrorCode="E-61")
    assert told() == [True], "told once"
    await point.status("Available")
    assert told() == [True, False]


@PLAYS.of("C18")
async def a_negative_limit_ends_by_itself(scene: Scene) -> None:
    scene.rig.server.adopt(
        config(dialect=DischargeDialect.NEG_LIMIT_A, supply_phases=1)
    )
    point = await scene.charge_point()
    number = await point.plug(now(scene))
    await point.status("Charging", timestamp=now(scene))
    result = await write(scene, -3_680.0, number)
    assert result.is_accepted, result
    (told,) = own_profiles(point)
    expected = SCENARIOS["C18"]["ans"][0][3]["csChargingProfiles"]
    profile = told["csChargingProfiles"]
    assert told["connectorId"] == 1
    assert profile["transactionId"] == number
    assert profile.keys() >= expected.keys() - {"stackLevel"}
    schedule = profile["chargingSchedule"]
    assert schedule["chargingRateUnit"] == "A"
    assert (
        schedule["chargingSchedulePeriod"]
        == expected["chargingSchedule"]["chargingSchedulePeriod"]
    )
    assert schedule["duration"] == 65
    assert profile["validTo"] > schedule["startSchedule"]
    assert profile["stackLevel"] > 0
    # The end is 0 W, said in the same profile; it is never cleared without its id.
    assert (await write(scene, 0.0, number)).is_accepted
    assert own_profiles(point)[-1]["csChargingProfiles"]["chargingSchedule"][
        "chargingSchedulePeriod"
    ] == [{"startPeriod": 0, "limit": 0.0, "numberPhases": 1}]
    assert (await scene.rig.server.clear_charging_profile(EVSE1)).is_accepted
    assert point.peer.payloads("ClearChargingProfile") == [
        {"id": profile["chargingProfileId"]}
    ]


async def no_profile_without_a_transaction(scene: Scene) -> None:
    """C14 on this version."""
    adopt(scene.rig, DischargeDialect.NEG_LIMIT_W)
    point = await scene.charge_point()
    for number in (None, 17):
        for power_w in (-5000.0, 0.0):
            result = await write(scene, power_w, number)
            assert result.status is WriteStatus.REJECTED
    assert own_profiles(point) == []
