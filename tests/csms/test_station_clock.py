"""What live messages say of a station's clock, told to the site."""

from datetime import datetime, timedelta

import pytest

from custom_components.v2g_vpp.domain.events import StationClockReported
from custom_components.v2g_vpp.domain.setpoint import WriteStatus
from custom_components.v2g_vpp.domain.state import ClockState
from tests.csms.charger import Charger
from tests.csms.peer import Dialler, Rig
from tests.csms.test_setpoints import write
from tests.csms.test_stop_first import SCHEDULES_ONLY


def _told(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


async def _say(charger: Charger, moment: datetime) -> None:
    event = charger.event("Updated", "MeterValuePeriodic", state="Charging")
    await charger.peer.call("TransactionEvent", {**event, "timestamp": _told(moment)})


async def _plug(charger: Charger, moment: datetime) -> None:
    charger.transaction = "t1"
    started = charger.event(
        "Started",
        "CablePluggedIn",
        evse={"id": 1, "connectorId": 1},
        state="EVConnected",
    )
    await charger.peer.call("TransactionEvent", {**started, "timestamp": _told(moment)})


@pytest.mark.parametrize("hours", [-1, 2], ids=["behind", "ahead"])
async def test_a_wrong_clock_is_told_with_its_offset_and_ends_when_it_is_set(
    socket_enabled: None, hours: int
) -> None:
    async with Rig() as rig, Dialler(rig) as dialler:
        charger = Charger(await dialler.dial(), SCHEDULES_ONLY)
        await charger.boot()
        await charger.ready(rig.sink)
        off = timedelta(hours=hours)
        await _plug(charger, rig.clock.utcnow() + off)
        (told,) = rig.sink.of(StationClockReported)
        assert told.state is ClockState.WRONG
        assert told.offset_s == pytest.approx(off.total_seconds(), abs=2.0)
        refused = await write(rig, -5000.0)
        assert (refused.status, refused.detail) == (
            WriteStatus.REJECTED,
            "station_clock",
        )

        # Set right it is unsteady first, until only new messages count.
        rig.sink.clear()
        for _ in range(8):
            await _say(charger, rig.clock.utcnow())
        states = [event.state for event in rig.sink.of(StationClockReported)]
        assert states[-1] is ClockState.TRUSTED
        assert (await write(rig, -5000.0)).is_accepted


async def test_an_offset_within_bounds_is_corrected_and_told_once(
    socket_enabled: None,
) -> None:
    async with Rig() as rig, Dialler(rig) as dialler:
        charger = Charger(await dialler.dial(), SCHEDULES_ONLY)
        await charger.boot()
        await charger.ready(rig.sink)
        late = timedelta(seconds=120)
        await _plug(charger, rig.clock.utcnow() - late)
        for _ in range(5):
            await _say(charger, rig.clock.utcnow() - late)
        (told,) = rig.sink.of(StationClockReported)
        assert told.state is ClockState.TRUSTED
        assert (await write(rig, -5000.0)).is_accepted
        profile = charger.peer.payloads("SetChargingProfile")[-1]["chargingProfile"]
        start = profile["chargingSchedule"][0]["startSchedule"]
        ahead = datetime.fromisoformat(start) - (rig.clock.utcnow() - late)
        # Begun by its own clock, and not long ago.
        assert -10.0 <= ahead.total_seconds() <= 0.0


async def test_a_boot_forgets_the_clock(socket_enabled: None) -> None:
    async with Rig() as rig, Dialler(rig) as dialler:
        charger = Charger(await dialler.dial(), SCHEDULES_ONLY)
        await charger.boot()
        await charger.ready(rig.sink)
        await _plug(charger, rig.clock.utcnow())
        await charger.boot()
        states = [event.state for event in rig.sink.of(StationClockReported)]
        assert states == [ClockState.TRUSTED, ClockState.UNKNOWN]
