"""The listener end to end: a station dials in, is brought up, obeys, is lost, returns."""

import asyncio
from datetime import datetime, timedelta

from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.events import (
    StationBooted,
    StationConnected,
    StationDisconnected,
    StationReady,
    TransactionReported,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite, WriteStatus
from tests.csms.charger import Charger
from tests.csms.peer import BOOT, EVSE1, NOW, STATION, Dialler, Rig


def write(rig: Rig, power_w: float, **changes: object) -> SetpointWrite:
    return SetpointWrite(
        **{  # type: ignore[arg-type]
            "key": EVSE1,
            "power_w": power_w,
            "transaction_id": TransactionId("t1"),
            "decided_mono_s": rig.clock.monotonic(),
            **changes,
        }
    )


async def test_a_station_is_brought_up_after_its_boot(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial())
    answer = await charger.boot()
    assert answer["status"] == "Accepted"
    assert answer["interval"] == 300
    ready = await charger.ready(rig.sink)
    assert ready.capability.dialect is DischargeDialect.V21_DYNAMIC
    assert ready.capability.evse_ids == (1,)
    assert ready.capability.max_charge_power_w == 11000
    assert ready.capability.max_discharge_power_w == 10000
    assert ready.capability.reports_export
    assert "Power.Active.Export" in charger.variables["TxUpdatedMeasurands"]
    assert charger.variables["TxUpdatedInterval"] == "1"
    floor = charger.profiles[1000]
    assert floor["chargingProfilePurpose"] == "TxDefaultProfile"
    assert floor["stackLevel"] == 0
    assert rig.sink.of(StationBooted)[0].firmware == "1.0"


async def test_setpoints_go_out_as_profile_then_as_updates(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    first = await rig.server.write_setpoint(write(rig, -5000.0))
    assert first.status is WriteStatus.ACCEPTED
    assert first.on_wire_mono_s is not None
    profile = charger.profiles[1001]
    assert profile["chargingProfileKind"] == "Dynamic"
    assert profile["maxOfflineDuration"] == 10
    assert profile["invalidAfterOfflineDuration"] is True
    assert profile["chargingSchedule"] == [
        {
            "id": 1,
            "chargingRateUnit": "W",
            "duration": 20,
            "chargingSchedulePeriod": [
                {
                    "startPeriod": 0,
                    "operationMode": "CentralSetpoint",
                    "setpoint": -5000.0,
                }
            ],
        }
    ]
    second = await rig.server.write_setpoint(write(rig, -4200.0))
    assert second.is_accepted
    assert charger.peer.payloads("UpdateDynamicSchedule") == [
        {"chargingProfileId": 1001, "scheduleUpdate": {"setpoint": -4200.0}}
    ]


async def test_after_a_restart_a_station_that_never_rebooted_is_ready_at_once(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    await charger.plug()
    assert (await rig.server.write_setpoint(write(rig, -5000.0))).is_accepted
    await rig.restart()
    assert await charger.peer.closed() == 1001
    rig.sink.clear()
    before_s = rig.clock.monotonic()
    again = Charger(await dialler.dial())
    again.variables, again.profiles = charger.variables, charger.profiles
    again.transaction = charger.transaction
    ready = await again.ready(rig.sink)
    assert rig.clock.monotonic() - before_s < 1.0
    assert ready.capability.dialect is DischargeDialect.V21_DYNAMIC
    assert again.reports == 0, "the device model is remembered"
    assert again.peer.payloads("SetChargingProfile") == [], "the floor is still there"
    kinds = [type(event) for event in rig.sink.events]
    assert kinds[:3] == [StationConnected, StationBooted, TransactionReported]
    transaction = rig.sink.of(TransactionReported)[0]
    assert transaction.transaction_id == "t1"
    result = await rig.server.write_setpoint(write(rig, 0.0))
    assert result.is_accepted
    assert len(again.peer.payloads("SetChargingProfile")) == 1, "a whole profile first"


async def test_link_loss_is_told_and_the_next_link_is_confirmed_anew(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    await charger.peer.leave()
    lost = await rig.sink.wait_for(StationDisconnected)
    assert lost.station_id == STATION
    assert (await rig.server.write_setpoint(write(rig, 0.0))).status is (
        WriteStatus.OFFLINE
    )
    rig.sink.clear()
    again = Charger(await dialler.dial())
    ready = await again.ready(rig.sink)
    assert ready.has_floor_profile
    assert len(again.peer.payloads("SetChargingProfile")) == 1, "the floor was gone"


async def test_a_heartbeat_is_answered(rig: Rig, charger: Charger) -> None:
    answer = await charger.peer.call("Heartbeat", {})
    assert answer["currentTime"].endswith("Z")
    assert NOW.endswith("Z")


async def test_setpoints_do_not_wait_for_the_set_up(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    await charger.plug()
    await charger.peer.leave()
    again = Charger(await dialler.dial())
    again.transaction = "t1"
    held = asyncio.Event()
    again.peer.responders["GetChargingProfiles"] = lambda _: held.set()
    await asyncio.wait_for(held.wait(), 1.0)
    rig.sink.clear()
    # The question about profiles holds the slot; the stop is next.
    stop = asyncio.create_task(rig.server.write_setpoint(write(rig, 0.0)))
    await asyncio.sleep(0)
    assert not rig.sink.of(StationReady)
    stop.cancel()


async def test_a_boot_that_looks_like_the_last_one_is_told_the_time_of_now(
    rig: Rig, dialler: Dialler
) -> None:
    """Stations that count their messages from 1 say the same at each start."""
    told = []
    for _ in range(2):
        peer = await dialler.dial()
        for action, payload in (("BootNotification", BOOT), ("Heartbeat", {})):
            told.append((await peer.call(action, payload))["currentTime"])
        await rig.sink.wait_for(StationBooted)
        rig.sink.clear()
        await peer.leave()
        rig.clock.ahead += timedelta(minutes=5)
    booted, beat, booted_again, beat_again = map(datetime.fromisoformat, told)
    assert booted_again - booted >= timedelta(minutes=5)
    assert beat_again - beat >= timedelta(minutes=5)
