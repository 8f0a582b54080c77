"""Setpoints on a real link: the shortest legal form, typed ends, nothing invented."""

import asyncio
from math import inf, nan
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import (
    FaultReported,
    StationConnected,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId, TransactionId
from custom_components.v2g_vpp.domain.setpoint import (
    SetpointWrite,
    WriteResult,
    WriteStatus,
)
from tests.csms.charger import INVENTORY, Charger, row
from tests.csms.peer import EVSE1, Dialler, Rig, config

T1 = TransactionId("t1")


def order(rig: Rig, power_w: float, **changes: Any) -> SetpointWrite:
    plain: dict[str, Any] = {
        "key": EVSE1,
        "power_w": power_w,
        "transaction_id": T1,
        "decided_mono_s": rig.clock.monotonic(),
    }
    return SetpointWrite(**{**plain, **changes})


async def write(rig: Rig, power_w: float, **changes: Any) -> WriteResult:
    return await rig.server.write_setpoint(order(rig, power_w, **changes))


def actions(charger: Charger) -> list[str]:
    wanted = {"SetChargingProfile", "UpdateDynamicSchedule"}
    return [
        action
        for action, payload in charger.peer.requests
        if action in wanted and payload.get("evseId") != 0
    ]


FULL, UPDATE = "SetChargingProfile", "UpdateDynamicSchedule"


async def test_a_whole_profile_first_then_updates(rig: Rig, charger: Charger) -> None:
    await charger.plug()
    for power_w in (-5000.0, -4000.0, 0.0, 6000.0):
        assert (await write(rig, power_w)).is_accepted
    assert actions(charger) == [FULL, UPDATE, UPDATE, UPDATE]


async def test_a_renewal_is_a_whole_profile(rig: Rig, charger: Charger) -> None:
    await charger.plug()
    await write(rig, -5000.0)
    assert (await write(rig, -5000.0, is_renewal=True)).is_accepted
    assert actions(charger) == [FULL, FULL]


async def test_a_refused_update_is_followed_by_a_whole_profile(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    await write(rig, -5000.0)
    charger.profiles.clear()
    assert (await write(rig, -4000.0)).is_accepted
    assert (await write(rig, -3000.0)).is_accepted
    assert actions(charger) == [FULL, UPDATE, FULL, UPDATE]


async def test_a_new_transaction_begins_with_a_whole_profile(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    await write(rig, -5000.0)
    ended = charger.event("Ended", "EVDeparted")
    await charger.peer.call("TransactionEvent", ended)
    assert (await write(rig, 0.0)).detail == "no_transaction"
    await charger.plug("t2")
    assert (await write(rig, -5000.0)).detail == "no_transaction", "it is t1 no more"
    result = await write(rig, -5000.0, transaction_id=TransactionId("t2"))
    assert result.is_accepted
    assert actions(charger) == [FULL, FULL]


async def test_a_reboot_begins_with_a_whole_profile(rig: Rig, charger: Charger) -> None:
    await charger.plug()
    await write(rig, -5000.0)
    await charger.boot()
    assert (await write(rig, 0.0)).is_accepted
    assert actions(charger) == [FULL, FULL]


@pytest.mark.parametrize(
    ("answer", "status", "detail"),
    [
        ({"status": "Rejected"}, WriteStatus.REJECTED, "Rejected"),
        (
            {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidMessageSeq"}},
            WriteStatus.REJECTED,
            "InvalidMessageSeq",
        ),
        ("InternalError", WriteStatus.REJECTED, "InternalError"),
        ({"status": "Perhaps"}, WriteStatus.REJECTED, "property"),
    ],
)
async def test_what_the_station_says_is_told(
    rig: Rig, charger: Charger, answer: Any, status: WriteStatus, detail: str
) -> None:
    await charger.plug()
    good = charger.peer.responders[FULL]
    charger.peer.responders[FULL] = lambda _: answer
    result = await write(rig, -5000.0)
    assert (result.status, result.detail) == (status, detail)
    assert result.on_wire_mono_s is not None
    charger.peer.responders[FULL] = good
    assert (await write(rig, -5000.0)).is_accepted
    assert actions(charger) == [FULL, FULL]


async def test_an_old_discharge_is_never_sent_and_an_old_stop_is(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    old = rig.clock.monotonic() - 3.0
    result = await write(rig, -5000.0, decided_mono_s=old)
    assert result == WriteResult(status=WriteStatus.STALE)
    assert (await write(rig, 0.0, decided_mono_s=old)).is_accepted
    assert actions(charger) == [FULL]


@pytest.mark.parametrize("power_w", [nan, inf, -inf])
async def test_what_is_no_number_is_never_sent(
    rig: Rig, charger: Charger, power_w: float
) -> None:
    await charger.plug()
    assert (await write(rig, power_w)).detail == "not_finite"
    assert actions(charger) == []


async def test_the_newest_of_waiting_setpoints_is_sent(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    charger.peer.responders[FULL] = lambda _: None
    first = asyncio.create_task(write(rig, -5000.0))
    await charger.peer.request(FULL, 2)
    second = asyncio.create_task(write(rig, -4000.0))
    await asyncio.sleep(0)
    third = asyncio.create_task(write(rig, 0.0))
    assert (await second).status is WriteStatus.SUPERSEDED
    await charger.peer.leave()
    assert (await first).status is WriteStatus.OFFLINE
    assert (await third).status is WriteStatus.OFFLINE


async def test_a_refused_update_gives_way_to_a_newer_setpoint(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    await write(rig, -5000.0)
    charger.peer.responders[UPDATE] = lambda _: None
    older = asyncio.create_task(write(rig, -4000.0))
    await charger.peer.request(UPDATE)
    newer = asyncio.create_task(write(rig, 0.0))
    await asyncio.sleep(0)
    # The id of the update is not known here: the engine of the station is asked.
    link = rig.server._stations[EVSE1.station_id].link
    assert link is not None
    assert link.engine._outstanding is not None
    update_id = link.engine._outstanding.message_id
    charger.peer.responders[UPDATE] = lambda _: {"status": "Rejected"}
    await charger.peer.send([3, update_id, {"status": "Rejected"}])
    assert (await older).status is WriteStatus.SUPERSEDED
    assert (await newer).is_accepted
    assert actions(charger) == [FULL, UPDATE, UPDATE, FULL]


async def test_an_unanswered_stop_is_a_fault_until_commands_are_answered(
    rig: Rig, charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "custom_components.v2g_vpp.csms.link.timeout_of", lambda _: 0.02
    )
    await charger.plug()
    good = charger.peer.responders[FULL]
    charger.peer.responders[FULL] = lambda _: None
    result = await write(rig, 0.0)
    assert result.status is WriteStatus.TIMEOUT
    told = await rig.sink.wait_for(FaultReported)
    assert (told.code, told.is_active) == (FaultCode.OCPP_MSG_TIMEOUT, True)
    charger.peer.responders[FULL] = good
    monkeypatch.undo()
    assert (await write(rig, 0.0)).is_accepted
    assert [e.is_active for e in rig.sink.of(FaultReported)] == [True, False]


async def test_a_station_without_v2x_gets_limits_and_no_discharge(
    rig: Rig, dialler: Dialler
) -> None:
    inventory = tuple(
        item for item in INVENTORY if item["component"]["name"] != "V2XChargingCtrlr"
    )
    charger = Charger(await dialler.dial(), inventory)
    await charger.boot()
    ready = await charger.ready(rig.sink)
    assert ready.capability.dialect is DischargeDialect.NONE
    await charger.plug()
    assert (await write(rig, -5000.0)).detail == "no_dialect"
    assert (await write(rig, 6000.0)).is_accepted
    (schedule,) = charger.profiles[1001]["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"] == [{"startPeriod": 0, "limit": 6000.0}]
    assert charger.profiles[1001]["chargingProfileKind"] == "Absolute"
    assert actions(charger) == [FULL]


async def test_an_absolute_dialect_needs_the_clock_of_the_station(
    socket_enabled: None,
) -> None:
    station = config(dialect=DischargeDialect.V21_SCHEDULE)
    async with Rig(station) as rig, Dialler(rig) as dialler:
        charger = Charger(await dialler.dial())
        await charger.boot()
        await charger.ready(rig.sink)
        # The scripted station lives months in the past.
        await charger.plug()
        assert (await write(rig, -5000.0)).detail == "station_clock"
        assert (await write(rig, 0.0)).is_accepted
        clock = rig.server._stations[EVSE1.station_id].clocks.station_clock
        clock.reset()
        clock.learn(rig.clock.utcnow(), rig.clock.utcnow())
        assert (await write(rig, -5000.0)).is_accepted
        assert charger.profiles[1001]["chargingProfileKind"] == "Absolute"
        assert actions(charger) == [FULL, FULL]


async def test_2_1_messages_on_a_2_0_1_link_where_the_owner_chose_so(
    socket_enabled: None,
) -> None:
    station = config(dialect=DischargeDialect.V201_PLUS21)
    async with Rig(station) as rig, Dialler(rig) as dialler:
        charger = Charger(await dialler.dial(("ocpp2.0.1",)))
        await charger.boot()
        ready = await charger.ready(rig.sink)
        assert ready.capability.dialect is DischargeDialect.V201_PLUS21
        await charger.plug()
        clock = rig.server._stations[EVSE1.station_id].clocks.station_clock
        clock.reset()
        clock.learn(rig.clock.utcnow(), rig.clock.utcnow())
        assert (await write(rig, -5000.0)).is_accepted
        (schedule,) = charger.profiles[1001]["chargingSchedule"]
        assert schedule["chargingSchedulePeriod"][0]["setpoint"] == -5000.0


async def test_a_transaction_known_from_replays_only_is_not_discharged(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug(offline=True)
    assert (await write(rig, -5000.0)).detail == "offline_transaction"
    assert (await write(rig, 0.0)).is_accepted
    live = charger.event("Updated", "MeterValuePeriodic")
    await charger.peer.call("TransactionEvent", live)
    assert (await write(rig, -5000.0)).is_accepted


async def test_a_setpoint_for_another_evse_than_its_transaction_is_refused(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    result = await write(rig, -5000.0, key=EvseKey(EVSE1.station_id, 2))
    assert result.detail == "no_transaction"


async def test_commands_to_nobody_are_refused(rig: Rig) -> None:
    nobody = EvseKey(StationId("X"), 1)
    server = rig.server
    assert (await write(rig, 0.0, key=nobody)).detail == "unknown_station"
    assert (await server.end_transaction(nobody, T1)).detail == "unknown_station"
    assert (await server.start_transaction(nobody)).detail == "unknown_station"
    assert (await server.clear_charging_profile(nobody)).detail == "unknown_station"
    allowed = await server.allow_energy_transfer(nobody, T1, may_discharge=True)
    assert allowed.detail == "unknown_station"


async def test_commands_to_a_station_that_is_not_there_say_offline(rig: Rig) -> None:
    server = rig.server
    for result in (
        await write(rig, 0.0),
        await server.end_transaction(EVSE1, T1),
        await server.start_transaction(EVSE1),
        await server.clear_charging_profile(EVSE1),
        await server.allow_energy_transfer(EVSE1, T1, may_discharge=True),
    ):
        assert result.status is WriteStatus.OFFLINE


async def test_commands_to_a_station_that_has_not_booted_wait_for_it(
    rig: Rig, dialler: Dialler
) -> None:
    await dialler.dial()
    await rig.sink.wait_for(StationConnected)
    assert (await write(rig, 0.0)).detail == "not_ready"
    assert (await rig.server.start_transaction(EVSE1)).detail == "not_ready"


async def test_transactions_are_ended_started_and_allowed(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    assert (await rig.server.end_transaction(EVSE1, T1)).is_accepted
    assert charger.peer.payloads("RequestStopTransaction") == [{"transactionId": "t1"}]
    assert (await rig.server.start_transaction(EVSE1)).is_accepted
    (start,) = charger.peer.payloads("RequestStartTransaction")
    assert start["evseId"] == 1
    assert start["idToken"]["type"] == "Central"
    for may_discharge in (True, False):
        allowed = await rig.server.allow_energy_transfer(
            EVSE1, T1, may_discharge=may_discharge
        )
        assert allowed.is_accepted
    modes = [
        payload["allowedEnergyTransfer"]
        for payload in charger.peer.payloads("NotifyAllowedEnergyTransfer")
    ]
    assert modes == [["AC_three_phase", "AC_BPT"], ["AC_three_phase"]]


async def test_service_renegotiation_does_not_exist_in_2_0_1(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial(("ocpp2.0.1",)))
    await charger.boot()
    await charger.ready(rig.sink)
    allowed = await rig.server.allow_energy_transfer(EVSE1, T1, may_discharge=True)
    assert allowed.is_accepted, "there is nobody to tell"
    assert allowed.on_wire_mono_s is None
    assert charger.peer.payloads("NotifyAllowedEnergyTransfer") == []


async def test_a_single_phase_station_reads_its_setpoint_as_single_phase(
    rig: Rig, dialler: Dialler
) -> None:
    phases = row("EVSE", "SupplyPhases", "1", evse=1)
    inventory = (
        phases,
        *(i for i in INVENTORY if i["variable"]["name"] != "SupplyPhases"),
    )
    charger = Charger(await dialler.dial(), inventory)
    await charger.boot()
    await charger.ready(rig.sink)
    await charger.plug()
    await write(rig, -3000.0)
    (schedule,) = charger.profiles[1001]["chargingSchedule"]
    assert schedule["chargingSchedulePeriod"][0]["numberPhases"] == 1


async def test_a_transaction_stays_where_it_began_and_can_be_stopped_there(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    assert (await write(rig, -5000.0)).is_accepted
    rig.sink.clear()
    told = charger.event("Updated", "MeterValuePeriodic", evse={"id": 2})
    await charger.peer.call("TransactionEvent", told)
    assert all(e.key == EVSE1 for e in rig.sink.of(TransactionReported))
    assert (await write(rig, 0.0)).is_accepted
