"""Scenarios C: power that is asked for, and what becomes of it."""

from typing import Any

from custom_components.v2g_vpp.csms.times import format_time
from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import (
    ChargingNeedsReported,
    FaultReported,
    TransactionReported,
    VehicleIdentified,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import (
    SetpointWrite,
    WriteResult,
    WriteStatus,
)
from tests.csms import plays_16
from tests.csms.charger import Charger
from tests.csms.peer import EVSE1, Payload, config
from tests.csms.scenario_table import SCENARIOS, Plays, Scene, frame_of

PLAYS = Plays()
EVCC = "WMIV1234567890ABCDEX"
REJECTED: Payload = {"status": "Rejected"}


async def write(
    scene: Scene, power_w: float, transaction_id: str | None = "t1"
) -> WriteResult:
    return await scene.rig.server.write_setpoint(
        SetpointWrite(
            key=EVSE1,
            power_w=power_w,
            transaction_id=TransactionId(transaction_id) if transaction_id else None,
            decided_mono_s=scene.rig.clock.monotonic(),
        )
    )


def own_profiles(charger: Charger) -> list[Any]:
    requests = charger.peer.payloads("SetChargingProfile")
    return [r for r in requests if r["evseId"] == 1]


@PLAYS.of("C01")
async def a_setpoint_is_a_dynamic_profile(scene: Scene) -> None:
    charger = await scene.plugged()
    assert (await write(scene, -5000.0)).is_accepted
    (sent,) = own_profiles(charger)
    expected = SCENARIOS["C01"]["ans"][0][3]
    # The duration in the scenario is an example: the table of dialects governs.
    expected["chargingProfile"]["chargingSchedule"][0]["duration"] = 20
    assert sent == expected


@PLAYS.of("C02")
async def a_running_setpoint_is_updated(scene: Scene) -> None:
    charger = await scene.plugged()
    await write(scene, -5000.0)
    assert (await write(scene, -4200.0)).is_accepted
    (sent,) = charger.peer.payloads("UpdateDynamicSchedule")
    assert sent == SCENARIOS["C02"]["ans"][0][3]


@PLAYS.of("C03")
async def a_station_may_ask_for_the_setpoint(scene: Scene) -> None:
    charger = await scene.plugged()
    await write(scene, -5000.0)
    await write(scene, -4200.0)
    answer = await charger.peer.ask(frame_of("C03"))
    assert answer == SCENARIOS["C03"]["ans"][0]
    await write(scene, 0.0)
    told = await charger.peer.call("PullDynamicScheduleUpdate", frame_of("C03")[3])
    assert told["scheduleUpdate"] == {"setpoint": 0.0}
    unknown = {"chargingProfileId": 7}
    told = await charger.peer.call("PullDynamicScheduleUpdate", unknown)
    assert told["status"] == "Rejected"


@PLAYS.of("C05")
async def a_station_without_updates_gets_whole_profiles(scene: Scene) -> None:
    charger = await scene.plugged()
    charger.peer.responders["UpdateDynamicSchedule"] = lambda _: "NotImplemented"
    for power_w in (-5000.0, -4200.0, -4000.0):
        assert (await write(scene, power_w)).is_accepted
    assert len(charger.peer.payloads("UpdateDynamicSchedule")) == 1, "not asked again"
    sent = own_profiles(charger)
    assert len(sent) == 3
    assert {r["chargingProfile"]["id"] for r in sent} == {1001}


@PLAYS.of("C06")
async def discharge_is_offered_to_an_allowed_vehicle_only(scene: Scene) -> None:
    charger = await scene.charger()
    told = await charger.peer.call("Authorize", frame_of("C06")[3])
    assert told["allowedEnergyTransfer"] == ["AC_three_phase"]
    scene.rig.authority.allowed = {EVCC}
    answer = await charger.peer.ask(frame_of("C06"))
    assert answer == SCENARIOS["C06"]["ans"][0]


@PLAYS.of("C07")
async def needs_of_an_allowed_vehicle_are_accepted(scene: Scene) -> None:
    scene.rig.authority.allowed = {EVCC}
    charger = await scene.charger()
    await charger.peer.call("Authorize", frame_of("C06")[3])
    await charger.plug()
    assert await charger.peer.ask(frame_of("C07")) == SCENARIOS["C07"]["ans"][0]
    assert scene.rig.sink.of(VehicleIdentified)[-1].evcc_id == EVCC
    needs = scene.rig.sink.of(ChargingNeedsReported)[-1].needs
    assert needs.is_bidirectional
    assert needs.max_discharge_power_w == 11000
    assert not needs.is_below_v2x_window


@PLAYS.of("C08")
async def needs_of_another_vehicle_are_rejected(scene: Scene) -> None:
    charger = await scene.plugged()
    assert await charger.peer.ask(frame_of("C08")) == SCENARIOS["C08"]["ans"][0]


@PLAYS.of("C14")
async def without_a_transaction_no_profile_is_sent(scene: Scene) -> None:
    if scene.is_16:
        await plays_16.no_profile_without_a_transaction(scene)
        return
    charger = await scene.charger()
    for transaction_id in (None, "t1"):
        for power_w in (-5000.0, 0.0):
            result = await write(scene, power_w, transaction_id)
            assert result.status is WriteStatus.REJECTED
            assert result.detail == "no_transaction"
    assert own_profiles(charger) == []


@PLAYS.of("C17")
async def a_negative_limit_is_sent_only_where_it_was_chosen(scene: Scene) -> None:
    async def plugged(dialect: DischargeDialect | None) -> Charger:
        scene.rig.server.adopt(config(dialect=dialect, supply_phases=1))
        charger = await scene.charger()
        now = format_time(scene.rig.clock.utcnow())
        await charger.plug("t1", timestamp=now)
        return charger

    unasked = await plugged(None)
    assert (await write(scene, -5000.0)).detail == "no_dialect"
    await unasked.peer.leave()
    scene.rig.sink.clear()

    charger = await plugged(DischargeDialect.NEG_LIMIT_W)
    assert (await write(scene, -5000.0)).is_accepted
    (sent,) = own_profiles(charger)
    profile, expected = sent["chargingProfile"], SCENARIOS["C17"]["ans"][0][3]
    (schedule,) = profile["chargingSchedule"]
    wanted = expected["chargingProfile"]["chargingSchedule"][0]
    assert profile.keys() >= expected["chargingProfile"].keys()
    assert schedule["chargingSchedulePeriod"] == wanted["chargingSchedulePeriod"]
    assert schedule["duration"] == 65
    # A station that says no is not asked in another way.
    charger.peer.responders["SetChargingProfile"] = lambda _: {"status": "Rejected"}
    assert not (await write(scene, -4000.0)).is_accepted
    assert len(own_profiles(charger)) == 2


@PLAYS.of("C15")
async def after_a_lost_link_a_whole_profile_is_sent_again(scene: Scene) -> None:
    charger = await scene.plugged()
    await write(scene, -5000.0)
    await charger.peer.leave()
    again = Charger(await scene.peer())
    again.transaction = "t1"
    scene.rig.sink.clear()
    await again.ready(scene.rig.sink)
    assert (await write(scene, -4000.0)).is_accepted
    assert again.peer.payloads("UpdateDynamicSchedule") == []
    assert len(own_profiles(again)) == 1


@PLAYS.of("C20", "C21")
async def our_profile_is_cleared_by_id_and_only_by_it(scene: Scene) -> None:
    charger = await scene.plugged()
    await write(scene, 0.0)
    for _ in range(2):
        # The second time nothing is there: that is done, too.
        assert (await scene.rig.server.clear_charging_profile(EVSE1)).is_accepted
    requests = charger.peer.payloads("ClearChargingProfile")
    assert requests == 2 * [SCENARIOS["C20"]["ans"][0][3]]
    assert 1000 in charger.profiles, "the floor stays"


@PLAYS.of("C23")
async def a_schedule_beyond_the_installation_is_rejected(scene: Scene) -> None:
    charger = await scene.charger()
    assert await charger.peer.ask(frame_of("C23")) == SCENARIOS["C23"]["ans"][0]
    told = frame_of("C23")[3]
    told["chargingSchedule"]["chargingSchedulePeriod"][0]["limit"] = 11000
    answer = await charger.peer.call("NotifyEVChargingSchedule", told)
    assert answer == {"status": "Accepted"}


@PLAYS.of("C24")
async def a_change_of_mode_is_told(scene: Scene) -> None:
    charger = await scene.plugged()
    await charger.peer.ask(frame_of("C24"))
    assert scene.rig.sink.of(TransactionReported)[-1].operation_mode == "ChargingOnly"


@PLAYS.of("C11")
async def rest_has_neither_limit_nor_setpoint(scene: Scene) -> None:
    charger = await scene.plugged()

    def only_idle(payload: Payload) -> Payload:
        schedule = payload["chargingProfile"]["chargingSchedule"][0]
        (period,) = schedule["chargingSchedulePeriod"]
        is_idle = period["operationMode"] == "Idle"
        return {"status": "Accepted" if is_idle else "Rejected"}

    charger.peer.responders["SetChargingProfile"] = only_idle
    assert (await write(scene, 0.0)).is_accepted
    profile = own_profiles(charger)[-1]["chargingProfile"]
    (period,) = profile["chargingSchedule"][0]["chargingSchedulePeriod"]
    assert set(period) & {"limit", "setpoint", "dischargeLimit"} == set()
    assert profile["chargingProfilePurpose"] == "TxProfile"
    assert profile["maxOfflineDuration"] == 10


@PLAYS.of("C26")
async def a_grid_fault_is_told_until_it_ends(scene: Scene) -> None:
    peer = await scene.booted()
    told = frame_of("C26")[3]
    assert await peer.call("NotifyDERAlarm", told) == {}
    assert await peer.call("NotifyDERAlarm", {**told, "alarmEnded": True}) == {}
    reported = scene.rig.sink.of(FaultReported)
    assert [e.is_active for e in reported] == [True, False]
    assert {e.code for e in reported} == {FaultCode.GRID_FREQ_OUT_OF_RANGE}


@PLAYS.of("C27")
async def a_stream_without_a_monitor_is_rejected(scene: Scene) -> None:
    peer = await scene.booted()
    answer = await peer.ask(frame_of("C27"))
    assert answer == [3, "1", {"status": "Rejected"}]


@PLAYS.of("C19")
async def the_schedule_is_asked_for(scene: Scene) -> None:
    if scene.is_16:
        point = await scene.charge_point()
        assert await scene.rig.server.read_schedule(EVSE1) is not None
        asked = point.peer.payloads("GetCompositeSchedule")[-1]
        assert asked == {"connectorId": 1, "duration": 60, "chargingRateUnit": "W"}
        point.peer.responders["GetCompositeSchedule"] = lambda _: REJECTED
        assert await scene.rig.server.read_schedule(EVSE1) is None
        return
    charger = await scene.plugged()
    assert (await write(scene, 3000.0)).is_accepted
    assert await scene.rig.server.read_schedule(EVSE1) == 3000.0
    asked = charger.peer.payloads("GetCompositeSchedule")[-1]
    assert asked == SCENARIOS["C19"]["ans"][0][3]
    charger.peer.responders["GetCompositeSchedule"] = lambda _: REJECTED
    assert await scene.rig.server.read_schedule(EVSE1) is None
