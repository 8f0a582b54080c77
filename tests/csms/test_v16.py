"""OCPP 1.6: starts, statuses, readings and set-up beyond the scenarios."""

import asyncio
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import (
    MeasurementReported,
    StationReady,
    TransactionPhase,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite
from tests.csms.charge_point import ChargePoint, at, start
from tests.csms.charger import Charger
from tests.csms.peer import EVSE1, STATION, Dialler, Peer, Rig, config

PROTOCOL = ("ocpp1.6",)


def live(rig: Rig) -> list[tuple[str, TransactionPhase, bool]]:
    return [
        (e.transaction_id, e.phase, e.is_offline_replay)
        for e in rig.sink.of(TransactionReported)
    ]


async def discharge(rig: Rig, number: int) -> bool:
    result = await rig.server.write_setpoint(
        SetpointWrite(
            key=EVSE1,
            power_w=-3000.0,
            transaction_id=TransactionId(str(number)),
            decided_mono_s=rig.clock.monotonic(),
        )
    )
    assert result.is_accepted or result.detail, result
    return result.is_accepted


async def test_a_start_that_waited_in_the_queue_is_no_live_one_until_it_shows(
    rig: Rig, point: ChargePoint
) -> None:
    number = await point.plug(at(rig, hours=2))
    started, updated = TransactionPhase.STARTED, TransactionPhase.UPDATED
    assert live(rig) == [(str(number), started, True)]
    # A status that waited too proves nothing; one of now does.
    await point.status("Charging", timestamp=at(rig, hours=2))
    assert len(live(rig)) == 1
    await point.status("Charging", timestamp=at(rig))
    assert live(rig)[-1] == (str(number), updated, False)
    await point.status("Available", timestamp=at(rig, hours=1))
    assert len(live(rig)) == 2, "an old status ends no transaction"
    await point.status("Available", timestamp=at(rig))
    assert live(rig)[-1][1] is TransactionPhase.ENDED


async def test_the_end_of_the_running_transaction_counts_however_late_it_is_told(
    rig: Rig, point: ChargePoint
) -> None:
    number = await point.plug(at(rig))
    assert live(rig)[-1] == (str(number), TransactionPhase.STARTED, False)
    await point.unplug(at(rig, hours=1), reason="EVDisconnected")
    ended = rig.sink.of(TransactionReported)[-1]
    assert (ended.phase, ended.is_offline_replay) == (TransactionPhase.ENDED, False)
    assert ended.is_plugged is False
    told = len(live(rig))
    await point.unplug(at(rig, hours=1), reason="EVDisconnected")
    assert len(live(rig)) == told, "told twice, ended once"


async def test_the_register_of_the_end_counts_after_a_status_that_came_first(
    rig: Rig, point: ChargePoint
) -> None:
    await point.plug(at(rig))
    await point.status("Available", timestamp=at(rig))
    assert live(rig)[-1][1] is TransactionPhase.ENDED
    told = len(live(rig))
    await point.unplug(at(rig), meterStop=4_321)
    assert len(live(rig)) == told
    energy = rig.sink.of(MeasurementReported)[-1].measurement.energy_charged_wh
    assert energy is not None
    assert energy.value == 4_321.0


async def test_a_transaction_that_nobody_remembers_is_adopted_by_its_readings(
    rig: Rig, point: ChargePoint
) -> None:
    async def read(number: int, timestamp: str) -> None:
        told = {
            "connectorId": 1,
            "transactionId": number,
            "meterValue": [{"timestamp": timestamp, "sampledValue": [{"value": "5"}]}],
        }
        assert await point.peer.call("MeterValues", told) == {}

    await read(42, at(rig, hours=3))
    assert live(rig) == []
    await read(42, at(rig))
    assert live(rig) == [("42", TransactionPhase.UPDATED, False)]
    await read(42, at(rig))
    assert len(live(rig)) == 1


async def test_without_a_floor_that_can_be_seen_nothing_is_armed(
    rig: Rig, dialler: Dialler
) -> None:
    peer: Peer = await dialler.dial(PROTOCOL)
    point = ChargePoint(peer)
    good = peer.responders["GetCompositeSchedule"]
    peer.responders["GetCompositeSchedule"] = lambda _: {"status": "Rejected"}
    await point.boot()
    ready = await rig.sink.wait_for(StationReady, lambda e: bool(e.capability.evse_ids))
    assert not ready.has_floor_profile
    # One that shows a higher limit has another default profile above ours.
    peer.responders["GetCompositeSchedule"] = lambda _: {
        "status": "Accepted",
        "connectorId": 1,
        "chargingSchedule": {
            "chargingRateUnit": "W",
            "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 7400}],
        },
    }
    rig.sink.clear()
    await point.boot()
    await rig.sink.wait_for(StationReady)
    assert not any(e.has_floor_profile for e in rig.sink.of(StationReady))
    peer.responders["GetCompositeSchedule"] = good
    await point.boot()
    await point.ready(rig.sink)


async def test_a_floor_is_seen_behind_the_profile_of_a_running_transaction(
    rig: Rig, dialler: Dialler
) -> None:
    rig.server.adopt(config(dialect=DischargeDialect.NEG_LIMIT_W))
    point = ChargePoint(await dialler.dial(PROTOCOL))
    await point.boot()
    await point.ready(rig.sink)
    number = await point.plug(at(rig))
    assert await discharge(rig, number)
    await point.peer.leave()
    again = ChargePoint(await dialler.dial(PROTOCOL))
    again.profiles, again.keys = point.profiles, point.keys
    rig.sink.clear()
    await again.ready(rig.sink)
    assert await discharge(rig, number)


async def test_measurands_that_a_charge_point_refuses_are_left_out(
    rig: Rig, dialler: Dialler
) -> None:
    point = ChargePoint(await dialler.dial(PROTOCOL))
    change = point.peer.responders["ChangeConfiguration"]

    def picky(payload: dict[str, Any]) -> Any:
        if "Export" in payload["value"]:
            return {"status": "Rejected"}
        return change(payload)

    point.peer.responders["ChangeConfiguration"] = picky
    await point.boot()
    ready = await point.ready(rig.sink)
    assert not ready.capability.reports_export
    taken = point.keys["MeterValuesSampledData"].split(",")
    assert "Power.Active.Import" in taken
    assert "SoC" in taken
    assert not any("Export" in measurand for measurand in taken)


async def test_a_charge_point_that_refuses_a_list_of_keys_is_asked_for_all(
    rig: Rig, dialler: Dialler
) -> None:
    point = ChargePoint(await dialler.dial(PROTOCOL), NumberOfConnectors="2")
    answer = point.peer.responders["GetConfiguration"]
    point.peer.responders["GetConfiguration"] = lambda payload: (
        "OccurenceConstraintViolation" if payload else answer(payload)
    )
    await point.boot()
    ready = await point.ready(rig.sink)
    assert ready.capability.evse_ids == (1, 2)


async def test_a_vehicle_that_identifies_itself_is_known_by_its_address(
    rig: Rig, point: ChargePoint
) -> None:
    answer = await point.peer.call("Authorize", {"idTag": "VID:0A1B2C3D4E5F"})
    assert answer == {"idTagInfo": {"status": "Accepted"}}
    await point.plug(at(rig), idTag="VID:0A1B2C3D4E5F")
    told = [e for e in rig.sink.events if type(e).__name__ == "VehicleIdentified"]
    assert [getattr(e, "evcc_id", "") for e in told] == ["0A1B2C3D4E5F"]


async def test_connectors_that_no_home_has_make_no_evses(
    rig: Rig, point: ChargePoint
) -> None:
    for connector_id in (-1, 33, 2**31):
        status = {
            "connectorId": connector_id,
            "errorCode": "GroundFailure",
            "status": "Charging",
        }
        assert await point.peer.call("StatusNotification", status) == {}
        sample = {"timestamp": at(rig), "sampledValue": [{"value": "5"}]}
        told = {"connectorId": connector_id, "meterValue": [sample]}
        assert await point.peer.call("MeterValues", told) == {}
    assert rig.sink.events == []
    # The start of a charge point with one connector is of that one, whatever it says.
    await point.plug(at(rig), connectorId=-1)
    assert {e.key for e in rig.sink.of(TransactionReported)} == {EVSE1}


async def test_a_start_whose_answer_was_lost_keeps_its_number(
    rig: Rig, dialler: Dialler, point: ChargePoint
) -> None:
    told = start(at(rig, seconds=1))
    await point.peer.send([2, "lost", "StartTransaction", told])
    await rig.sink.wait_for(TransactionReported)
    await point.peer.leave()
    again = ChargePoint(await dialler.dial(PROTOCOL))
    answers = [
        await again.peer.ask([2, message_id, "StartTransaction", told])
        for message_id in ("lost", "other")
    ]
    numbers = {answer[2]["transactionId"] for answer in answers}
    starts = [
        e.transaction_id
        for e in rig.sink.of(TransactionReported)
        if e.phase is TransactionPhase.STARTED
    ]
    assert starts == [str(number) for number in numbers], "one start, one number"


async def test_a_disk_that_fails_or_hangs_keeps_no_vehicle_from_charging(
    rig: Rig, point: ChargePoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.v2g_vpp.csms.station.KEEP_TIMEOUT_S", 0.05)
    hangs = asyncio.Event()

    async def hang(_data: object) -> None:
        await hangs.wait()

    monkeypatch.setattr(rig.store, "save", hang)
    assert await point.plug(at(rig)) > 0
    hangs.set()
    await asyncio.gather(*rig.tasks)


async def test_a_transaction_of_2_x_ends_when_the_station_comes_back_with_1_6(
    rig: Rig, dialler: Dialler
) -> None:
    before = Charger(await dialler.dial())
    await before.boot()
    await before.ready(rig.sink)
    await before.plug("a-name")
    await before.peer.leave()
    rig.sink.clear()
    point = ChargePoint(await dialler.dial(PROTOCOL))
    await point.boot()
    ended = await rig.sink.wait_for(TransactionReported)
    assert (ended.transaction_id, ended.phase) == ("a-name", TransactionPhase.ENDED)
    assert ended.is_plugged is None, "who is plugged now was not heard"
    await point.ready(rig.sink)
    number = await point.plug(at(rig))
    assert live(rig)[-1][0] == str(number)


async def test_a_setpoint_waits_until_the_charge_point_knows_the_transaction(
    rig: Rig, point: ChargePoint
) -> None:
    peer = point.peer
    answered: list[bool] = []
    accept = peer.responders["SetChargingProfile"]

    def set_profile(payload: dict[str, Any]) -> Any:
        answered.append(any("transactionId" in frame[2] for frame in peer.frames))
        return accept(payload)

    peer.responders["SetChargingProfile"] = set_profile
    starting = asyncio.create_task(point.plug(at(rig)))
    started = await rig.sink.wait_for(TransactionReported)
    written = asyncio.create_task(stop(rig, started.transaction_id))
    await starting
    assert await written
    assert answered == [True]


async def test_a_link_that_is_lost_at_a_start_leaves_nothing_waiting(
    rig: Rig, point: ChargePoint
) -> None:
    await point.peer.send([2, "s1", "StartTransaction", start(at(rig))])
    started = await rig.sink.wait_for(TransactionReported)
    written = asyncio.create_task(stop(rig, started.transaction_id))
    await asyncio.sleep(0)
    await rig.server.close_link(STATION)
    async with asyncio.timeout(5):
        assert not await written


async def stop(rig: Rig, transaction_id: TransactionId) -> bool:
    result = await rig.server.write_setpoint(
        SetpointWrite(
            key=EVSE1,
            power_w=0.0,
            transaction_id=transaction_id,
            decided_mono_s=rig.clock.monotonic(),
        )
    )
    return result.is_accepted
