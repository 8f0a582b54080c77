"""On the wire: what answers a question of ours tells the clock of a station."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.csms.station import Station
from custom_components.v2g_vpp.csms.times import QUEUE_S
from custom_components.v2g_vpp.domain.events import (
    MeasurementReported,
    StationClockReported,
    StationDisconnected,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.state import ClockState
from custom_components.v2g_vpp.domain.station_session import (
    StationSession,
    advance_station,
)
from tests.csms.charge_point import PROTOCOL, ChargePoint, at
from tests.csms.charger import Charger
from tests.csms.peer import EVSE1, STATION, Dialler, Rig

HOUR = timedelta(hours=1)
T1 = TransactionId("t1")
POWER = {"value": -5_000.0, "measurand": "Power.Active.Import"}
POWER_16 = {"value": "-5000", "measurand": "Power.Active.Import"}


def _s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def _age_s(rig: Rig) -> float:
    """Return how old the last power that was told counts."""
    power = rig.sink.of(MeasurementReported)[-1].measurement.power_w
    assert power is not None
    return rig.clock.monotonic() - power.received_mono_s


async def _tell(
    charger: Charger,
    rig: Rig,
    kind: str,
    trigger: str,
    late_s: float = 0.0,
    **more: Any,
) -> float:
    """Tell a step of a transaction with a reading, both an hour behind."""
    told_at = (rig.clock.utcnow() - HOUR - _s(late_s)).isoformat()
    values = [{"timestamp": told_at, "sampledValue": [POWER]}]
    event = charger.event(kind, trigger, **more)
    event |= {"timestamp": told_at, "meterValue": values}
    await charger.peer.call("TransactionEvent", event)
    return _age_s(rig)


def _started(remote_start_id: int) -> dict[str, Any]:
    return {
        "evse": {"id": 1, "connectorId": 1},
        "state": "EVConnected",
        "info": {"remoteStartId": remote_start_id},
    }


@pytest.mark.parametrize("late_s", [0.0, 3.0])
async def test_a_start_that_we_asked_for_tells_the_clock_and_another_does_not(
    rig: Rig, charger: Charger, late_s: float
) -> None:
    charger.transaction = "t1"
    assert await _tell(charger, rig, "Started", "RemoteStart", **_started(1)) > 3_500
    await _tell(charger, rig, "Updated", "MeterValuePeriodic")
    await _tell(charger, rig, "Ended", "EVDeparted")
    assert rig.sink.of(StationClockReported)[-1].makes_old
    assert (await rig.server.start_transaction(EVSE1)).is_accepted
    asked = charger.peer.payloads("RequestStartTransaction")[-1]["remoteStartId"]
    # Asked so much earlier.
    questions = rig.server._stations[STATION].clocks.asked
    questions._asked_mono_s[asked] -= late_s
    charger.transaction, charger.seq_no = "t2", 0
    started = _started(asked)
    assert await _tell(charger, rig, "Started", "RemoteStart", late_s, **started) < 5
    told = rig.sink.of(StationClockReported)[-1]
    assert (told.state, told.makes_old) == (ClockState.WRONG, False)
    for _ in range(12):
        assert await _tell(charger, rig, "Updated", "MeterValuePeriodic") < 5


async def test_an_end_that_we_asked_for_tells_the_clock(
    rig: Rig, charger: Charger, drained: None
) -> None:
    await charger.plug()
    assert await _tell(charger, rig, "Updated", "MeterValuePeriodic") > 3_500
    assert (await rig.server.end_transaction(EVSE1, T1)).is_accepted
    stopped = {"stoppedReason": "Remote"}
    assert await _tell(charger, rig, "Ended", "RemoteStop", info=stopped) < 5
    charger.transaction, charger.seq_no = "t2", 0
    assert await _tell(charger, rig, "Started", "CablePluggedIn", **_started(0)) < 5


def _old_values(rig: Rig) -> dict[str, Any]:
    sample = {"timestamp": at(rig, hours=1), "sampledValue": [POWER_16]}
    return {"connectorId": 1, "meterValue": [sample]}


async def _end(rig: Rig, point: ChargePoint, reason: str, **more: Any) -> None:
    transaction_id = TransactionId(str(point.number))
    assert (await rig.server.end_transaction(EVSE1, transaction_id)).is_accepted
    await point.unplug(at(rig, hours=1), reason=reason, **more)


@pytest.mark.parametrize(("reason", "is_told"), [("Remote", True), ("Local", False)])
async def test_so_does_one_of_a_charge_point(
    rig: Rig, point: ChargePoint, drained: None, reason: str, is_told: bool
) -> None:
    await point.plug(at(rig, hours=1))
    await _end(rig, point, reason)
    await point.peer.call("MeterValues", _old_values(rig))
    assert (_age_s(rig) < 5) is is_told


async def test_a_remote_end_of_before_this_life_proves_nothing(
    rig: Rig, dialler: Dialler, point: ChargePoint
) -> None:
    number = await point.plug(at(rig))
    await point.peer.leave()
    await rig.restart()
    point = ChargePoint(await dialler.dial(PROTOCOL))
    point.number = number
    rig.sink.clear()
    await _end(rig, point, "Remote", transactionData=_old_values(rig)["meterValue"])
    assert _age_s(rig) > 3_500


async def test_what_waited_while_the_link_was_down_is_old_though_the_clock_was_set(
    rig: Rig, dialler: Dialler, point: ChargePoint, drained: None
) -> None:
    await point.plug(at(rig, hours=1))
    await _end(rig, point, "Remote")
    await point.peer.call("MeterValues", _old_values(rig))
    assert _age_s(rig) < 5
    await point.peer.leave()
    # Its clock is set right meanwhile; it empties its queue, without a boot.
    again = ChargePoint(await dialler.dial(PROTOCOL))
    rig.sink.clear()
    await again.peer.call("MeterValues", _old_values(rig))
    assert _age_s(rig) > 3_500


@pytest.fixture
def drained(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Count each link as one whose queue is empty."""
    monkeypatch.setattr(Station, "link_age_s", lambda _: QUEUE_S)


def test_what_it_makes_old_ends_with_the_link() -> None:
    session = StationSession(station_id=STATION, is_connected=True)
    behind = StationClockReported(
        station_id=STATION, state=ClockState.WRONG, offset_s=-3_600.0, makes_old=True
    )
    session = advance_station(session, behind)
    assert session.is_clock_behind
    lost = StationDisconnected(station_id=STATION, cause="lost")
    assert not advance_station(session, lost).is_clock_behind


async def test_it_is_told_again_on_the_next_link(
    rig: Rig, dialler: Dialler, charger: Charger
) -> None:
    charger.transaction = "t1"
    for _ in range(3):
        await _tell(charger, rig, "Updated", "MeterValuePeriodic")
    assert rig.sink.of(StationClockReported)[-1].makes_old
    await charger.peer.leave()
    again = Charger(await dialler.dial())
    again.transaction, again.seq_no = "t1", charger.seq_no
    rig.sink.clear()
    await _tell(again, rig, "Updated", "MeterValuePeriodic")
    assert rig.sink.of(StationClockReported)[-1].makes_old
