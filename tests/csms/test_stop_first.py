"""Stops on a link that is new, and on a station whose clock cannot be trusted."""

import asyncio
from datetime import datetime, timedelta
import time

import pytest

from custom_components.v2g_vpp.csms import rpc
from custom_components.v2g_vpp.csms.link import StationLink
from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.setpoint import WriteStatus
from tests.csms.charger import INVENTORY, Charger
from tests.csms.peer import EVSE1, Dialler, Rig
from tests.csms.test_setpoints import actions, write

SCHEDULES_ONLY = tuple(
    row for row in INVENTORY if row["variable"]["name"] != "SupportsDynamicProfiles"
)


def _redialled(charger: Charger, before: Charger) -> Charger:
    charger.transaction, charger.seq_no = before.transaction, before.seq_no
    charger.profiles, charger.variables = before.profiles, before.variables
    return charger


def _link(rig: Rig) -> StationLink:
    link = rig.server._stations[EVSE1.station_id].link
    assert link is not None
    return link


async def test_a_stop_on_a_new_link_does_not_wait_behind_the_set_up(
    rig: Rig, dialler: Dialler, charger: Charger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rpc, "ARMED_SLOT_S", 0.2)
    await charger.plug()
    assert (await write(rig, -5000.0)).is_accepted
    # The link is lost while it discharges; the station ignores one question.
    again = _redialled(Charger(await dialler.dial()), charger)
    again.peer.responders["TriggerMessage"] = lambda _: None
    await again.peer.request("TriggerMessage")
    began_s = time.monotonic()
    result = await write(rig, 0.0)
    assert result.on_wire_mono_s is not None
    assert time.monotonic() - began_s < 2.0 < rpc.CONTROL_TIMEOUT_S
    link = _link(rig)
    assert (await write(rig, 0.0)).is_accepted
    assert not link.engine._is_armed


async def test_a_new_link_is_armed_until_every_transaction_took_a_stop(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    await charger.plug()
    again = _redialled(Charger(await dialler.dial()), charger)
    rig.sink.clear()
    await again.ready(rig.sink)
    link = _link(rig)
    assert link.engine._is_armed
    again.peer.responders["SetChargingProfile"] = lambda _: {"status": "Rejected"}
    assert not (await write(rig, 0.0)).is_accepted
    assert link.engine._is_armed, "a refused stop is none"
    again.peer.responders["SetChargingProfile"] = again._set_profile
    assert (await write(rig, 0.0)).is_accepted
    assert not link.engine._is_armed
    assert (await write(rig, -5000.0)).is_accepted
    assert link.engine._is_armed


async def test_a_new_link_is_armed_until_the_transaction_ended(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    await charger.plug()
    again = _redialled(Charger(await dialler.dial()), charger)
    rig.sink.clear()
    await again.ready(rig.sink)
    await again.peer.call("TransactionEvent", again.event("Ended", "EVDeparted"))
    link = _link(rig)
    assert not link.engine._is_armed


async def test_a_clock_that_steps_ends_a_discharge_that_runs_on_it(
    socket_enabled: None,
) -> None:
    async with Rig() as rig, Dialler(rig) as dialler:
        charger = Charger(await dialler.dial(), SCHEDULES_ONLY)
        await charger.boot()
        ready = await charger.ready(rig.sink)
        assert ready.capability.dialect is DischargeDialect.V21_SCHEDULE

        def told(moment: datetime) -> str:
            return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

        now = rig.clock.utcnow()
        charger.transaction = "t1"
        started = charger.event(
            "Started",
            "CablePluggedIn",
            evse={"id": 1, "connectorId": 1},
            state="EVConnected",
        )
        await charger.peer.call("TransactionEvent", {**started, "timestamp": told(now)})
        assert (await write(rig, -5000.0)).is_accepted
        stepped = charger.event("Updated", "ChargingStateChanged", state="Charging")
        await charger.peer.call(
            "TransactionEvent",
            {**stepped, "timestamp": told(now - timedelta(hours=1))},
        )
        before = len(actions(charger))
        result = await write(rig, -5000.0)
        assert (result.status, result.detail) == (
            WriteStatus.REJECTED,
            "station_clock",
        )
        assert result.on_wire_mono_s is not None
        assert len(actions(charger)) == before + 1
        profile = charger.peer.payloads("SetChargingProfile")[-1]["chargingProfile"]
        period = profile["chargingSchedule"][0]["chargingSchedulePeriod"][0]
        assert period["setpoint"] == 0.0
        # By its own clock, too, the stop has begun and has not ended.
        schedule = profile["chargingSchedule"][0]
        its_time = now - timedelta(hours=1)
        begin = datetime.fromisoformat(schedule["startSchedule"])
        assert begin <= its_time
        assert its_time < begin + timedelta(seconds=schedule["duration"])
        assert its_time < datetime.fromisoformat(profile["validTo"])

        # The stop was taken: nothing runs that would have to be ended once more.
        assert (await write(rig, -5000.0)).on_wire_mono_s is None
        await asyncio.sleep(0)
        assert len(actions(charger)) == before + 1
