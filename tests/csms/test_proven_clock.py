"""What answers a question of ours tells the clock, however wrong that is."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.asked_transactions import (
    ANSWER_WITHIN_S,
    AskedTransactions,
)
from custom_components.v2g_vpp.csms.times import StationClock
from custom_components.v2g_vpp.csms.transactions import TransactionFrame
from custom_components.v2g_vpp.domain.events import (
    MeasurementReported,
    StationClockReported,
    TransactionPhase,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from custom_components.v2g_vpp.domain.state import ClockState
from tests.csms.charge_point import ChargePoint, at
from tests.csms.charger import Charger
from tests.csms.peer import EVSE1, Rig
from tests.fakes import FakeClock

AT = datetime(2026, 11, 22, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
T1 = TransactionId("t1")
POWER = {"value": -5_000.0, "measurand": "Power.Active.Import"}
POWER_16 = {"value": "-5000", "measurand": "Power.Active.Import"}


def _s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


# The clock


@given(offset_s=st.floats(-1e7, 1e7), age_s=st.floats(0.0, 1e6))
def test_on_a_proven_clock_a_sample_has_its_own_age(
    offset_s: float, age_s: float
) -> None:
    clock = StationClock()
    clock.learn(AT, AT)
    clock.prove(AT + _s(offset_s), AT)
    told_s = clock.age_s(AT + _s(offset_s - age_s), AT)
    assert told_s == pytest.approx(age_s, abs=2.01)


@given(
    offset_s=st.sampled_from([-3600.0, -900.0, 3600.0]),
    delays_s=st.lists(st.floats(0.0, 4_000.0), max_size=20),
    set_s=st.floats(2.1, 1e6),
)
def test_a_clock_that_was_set_forward_is_proven_no_more(
    offset_s: float, delays_s: list[float], set_s: float
) -> None:
    clock = StationClock()
    clock.prove(AT + _s(offset_s), AT)
    for delay_s in delays_s:
        clock.learn(AT + _s(offset_s - delay_s), AT)
    clock.learn(AT + _s(offset_s + set_s), AT)
    doubted = StationClock()
    doubted.learn(AT, AT)
    doubted.learn(AT + HOUR, AT)
    for age_s in (0.0, 60.0, 7_200.0):
        if not clock.is_trusted:
            taken_at = AT - _s(age_s)
            assert clock.age_s(taken_at, AT) == doubted.age_s(taken_at, AT)


@given(st.lists(st.floats(0.0, 3_600.0), max_size=40), st.floats(0.0, 1e6))
def test_what_waited_never_counts_as_younger_for_what_came_before(
    waits_s: list[float], waited_s: float
) -> None:
    clock = StationClock()
    clock.prove(AT - HOUR, AT)
    for wait_s in waits_s:
        clock.learn(AT - HOUR - _s(wait_s), AT)
    age_s = clock.age_s(AT - HOUR - _s(waited_s), AT)
    assert age_s == pytest.approx(waited_s, abs=1e-3)


@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=200))
def test_a_proven_clock_may_run_fast(steps_s: list[float]) -> None:
    clock = StationClock()
    shown = AT - HOUR
    clock.prove(shown, AT)
    for step_s in steps_s:
        shown += _s(step_s)
        clock.learn(shown, AT)
    if not clock.is_trusted:
        assert clock.age_s(shown - _s(30.0), AT) == pytest.approx(30.0, abs=1e-3)


def test_a_clock_that_jumped_on_is_seen_before_any_live_frame() -> None:
    clock = StationClock()
    clock.prove(AT - HOUR, AT)
    assert clock.age_s(AT, AT) == 0.0
    assert clock.age_s(AT - _s(60), AT) == 60.0


def test_a_reset_forgets_what_was_proven() -> None:
    clock = StationClock()
    clock.prove(AT - HOUR, AT)
    clock.reset()
    assert clock.age_s(AT - HOUR, AT) == 3_600.0


# What was asked


def _frame(
    phase: TransactionPhase = TransactionPhase.UPDATED, **more: Any
) -> TransactionFrame:
    return TransactionFrame(transaction_id=T1, phase=phase, seq_no=0, at=AT, **more)


def test_only_a_soon_answer_counts_and_the_first_question_decides() -> None:
    clock = FakeClock()
    asked = AskedTransactions(clock)
    started, ended = _frame(remote_start_id=7), _frame(stopped_reason="Remote")
    assert not asked.is_answer(started)
    assert not asked.is_answer(ended)
    asked.start(7)
    asked.end(T1)
    assert asked.is_answer(started)
    assert asked.is_answer(ended)
    assert asked.is_answer(_frame(trigger="RemoteStop"))
    assert asked.is_answer(_frame(remote_start_id=1, trigger="RemoteStop"))
    assert not asked.is_answer(_frame())
    assert not asked.is_answer(_frame(remote_start_id=8))
    assert not asked.is_answer(_frame(stopped_reason="EVDisconnected"))
    clock.advance(ANSWER_WITHIN_S + 0.1)
    asked.start(7)
    asked.end(T1)
    assert not asked.is_answer(started)
    assert not asked.is_answer(ended)


def test_only_the_last_questions_are_remembered() -> None:
    asked = AskedTransactions(FakeClock())
    for number in range(1_000):
        asked.start(number)
    assert len(asked._asked_mono_s) < 100
    assert asked.is_answer(_frame(remote_start_id=999))
    assert not asked.is_answer(_frame(remote_start_id=1))


# On the wire


def _age_s(rig: Rig) -> float:
    """Return how old the last power that was told counts."""
    power = rig.sink.of(MeasurementReported)[-1].measurement.power_w
    assert power is not None
    return rig.clock.monotonic() - power.received_mono_s


async def _tell(
    charger: Charger, rig: Rig, kind: str, trigger: str, **more: Any
) -> float:
    """Tell a step of a transaction with a reading, both an hour behind."""
    told_at = (rig.clock.utcnow() - HOUR).isoformat()
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


async def test_a_start_that_we_asked_for_tells_the_clock_and_another_does_not(
    rig: Rig, charger: Charger
) -> None:
    charger.transaction = "t1"
    assert await _tell(charger, rig, "Started", "RemoteStart", **_started(1)) > 3_500
    await _tell(charger, rig, "Ended", "EVDeparted")
    assert (await rig.server.start_transaction(EVSE1)).is_accepted
    asked = charger.peer.payloads("RequestStartTransaction")[-1]["remoteStartId"]
    assert rig.sink.of(StationClockReported)[-1].makes_old
    charger.transaction, charger.seq_no = "t2", 0
    assert await _tell(charger, rig, "Started", "RemoteStart", **_started(asked)) < 5
    told = rig.sink.of(StationClockReported)[-1]
    assert (told.state, told.makes_old) == (ClockState.WRONG, False)
    for _ in range(12):
        assert await _tell(charger, rig, "Updated", "MeterValuePeriodic") < 5


async def test_an_end_that_we_asked_for_tells_the_clock(
    rig: Rig, charger: Charger
) -> None:
    await charger.plug()
    assert await _tell(charger, rig, "Updated", "MeterValuePeriodic") > 3_500
    assert (await rig.server.end_transaction(EVSE1, T1)).is_accepted
    # One that waits ends for another reason.
    stopped = {"info": {"stoppedReason": "Remote"}}
    assert await _tell(charger, rig, "Ended", "RemoteStop", **stopped) < 5
    charger.transaction, charger.seq_no = "t2", 0
    assert await _tell(charger, rig, "Started", "CablePluggedIn", **_started(0)) < 5


@pytest.mark.parametrize(("reason", "is_told"), [("Remote", True), ("Local", False)])
async def test_so_does_one_of_a_charge_point(
    rig: Rig, point: ChargePoint, reason: str, is_told: bool
) -> None:
    number = await point.plug(at(rig))
    ended = await rig.server.end_transaction(EVSE1, TransactionId(str(number)))
    assert ended.is_accepted
    await point.unplug(at(rig, hours=1), reason=reason)
    told = {
        "connectorId": 1,
        "meterValue": [{"timestamp": at(rig, hours=1), "sampledValue": [POWER_16]}],
    }
    await point.peer.call("MeterValues", told)
    assert (_age_s(rig) < 5) is is_told
