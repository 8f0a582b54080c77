"""What answers a question of ours tells the clock, however wrong that is."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.asked_transactions import (
    ANSWER_WITHIN_S,
    AskedTransactions,
)
from custom_components.v2g_vpp.csms.times import QUEUE_S, StationClock
from custom_components.v2g_vpp.csms.transactions import TransactionFrame
from custom_components.v2g_vpp.domain.events import (
    TransactionPhase,
)
from custom_components.v2g_vpp.domain.ids import TransactionId
from tests.fakes import FakeClock

AT = datetime(2026, 11, 22, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
T1 = TransactionId("t1")


def _s(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


# The clock


@given(
    behind_s=st.floats(10.1, 1e7),
    age_s=st.floats(0.0, 1e6),
    took_s=st.floats(0.0, ANSWER_WITHIN_S),
)
def test_on_a_proven_clock_a_sample_has_its_own_age(
    behind_s: float, age_s: float, took_s: float
) -> None:
    clock = StationClock()
    clock.learn(AT, AT)
    clock.prove(AT - _s(behind_s), AT, took_s)
    told_s = clock.age_s(AT - _s(behind_s + age_s), AT)
    assert told_s == pytest.approx(age_s, abs=1e-3)


@given(
    behind_s=st.sampled_from([900.0, 3_600.0, 90_000.0]),
    waits_s=st.lists(st.floats(0.0, 4_000.0), max_size=20),
    set_s=st.floats(ANSWER_WITHIN_S + 2.1, 1e5),
)
def test_a_clock_that_was_set_on_is_proven_no_more(
    behind_s: float, waits_s: list[float], set_s: float
) -> None:
    clock = StationClock()
    clock.prove(AT - _s(behind_s), AT, 1.0)
    for wait_s in waits_s:
        clock.learn(AT - _s(behind_s + wait_s), AT)
    clock.learn(AT - _s(behind_s - set_s), AT)
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
    clock.prove(AT - HOUR, AT, 0.0)
    for wait_s in waits_s:
        clock.learn(AT - HOUR - _s(wait_s), AT)
    age_s = clock.age_s(AT - HOUR - _s(waited_s), AT)
    assert age_s >= waited_s - 1e-3


@given(
    took_s=st.floats(0.0, ANSWER_WITHIN_S),
    waited=st.floats(0.0, 1.0),
    later_s=st.lists(st.floats(0.0, 5.0), min_size=1, max_size=30),
)
def test_an_answer_that_waited_proves_as_well(
    took_s: float, waited: float, later_s: list[float]
) -> None:
    clock = StationClock()
    clock.prove(AT - HOUR - _s(took_s * waited), AT, took_s)
    for late_s in later_s:
        clock.learn(AT - HOUR - _s(late_s), AT)
    age_s = clock.age_s(AT - HOUR - _s(20.0), AT)
    assert 20.0 - ANSWER_WITHIN_S - 1e-3 <= age_s <= 20.0 + 1e-3


def test_a_second_answer_that_waited_does_not_weaken_the_first() -> None:
    clock = StationClock()
    clock.prove(AT - HOUR, AT, 1.0)
    clock.prove(AT - HOUR - _s(9), AT, 9.5)
    assert clock.age_s(AT - HOUR - _s(9), AT) == pytest.approx(9.0)
    # One that cannot be of the same clock takes its place.
    clock.prove(AT - 2 * HOUR, AT, 1.0)
    assert clock.age_s(AT - 2 * HOUR, AT) == 0.0


@given(st.lists(st.floats(0.0, 2.0), min_size=1, max_size=200))
def test_a_proven_clock_may_run_fast(steps_s: list[float]) -> None:
    clock = StationClock()
    shown = AT - HOUR
    clock.prove(shown, AT, 1.0)
    for step_s in steps_s:
        shown += _s(step_s)
        clock.learn(shown, AT)
    if not clock.is_trusted and clock._proven is not None:
        assert clock.age_s(shown - _s(30.0), AT) == pytest.approx(30.0, abs=1e-3)


@pytest.mark.parametrize("proven_h", [-4, 2])
def test_a_clock_that_is_set_back_is_proven_no_more(proven_h: int) -> None:
    clock = StationClock()
    clock.prove(AT + proven_h * HOUR, AT, 1.0)
    now = AT
    for _ in range(8):
        now += _s(10)
        clock.learn(now + (proven_h - 1) * HOUR, now)
    is_behind = proven_h < 0
    assert clock.makes_old is is_behind
    assert (clock.age_s(now + (proven_h - 1) * HOUR, now) == 0.0) is not is_behind


def test_a_clock_ahead_that_is_set_back_makes_no_sample_old() -> None:
    clock = StationClock()
    clock.prove(AT + 2 * HOUR, AT, 1.0)
    assert clock.age_s(AT + HOUR, AT) == 0.0


def test_a_trusted_clock_outlives_an_older_proof() -> None:
    clock = StationClock()
    clock.prove(AT - _s(100), AT, 1.0)
    now = AT
    for _ in range(20):
        now += _s(60)
        clock.learn(now, now)
    assert clock.is_trusted
    clock.learn(now - _s(3), now)
    assert not clock.is_trusted
    assert clock.age_s(now, now) == 0.0


def test_a_clock_that_jumped_on_is_seen_before_any_live_frame() -> None:
    clock = StationClock()
    clock.prove(AT - HOUR, AT, 5.0)
    assert clock.age_s(AT, AT) == 0.0
    assert clock.age_s(AT - _s(60), AT) == 60.0


def test_a_clock_that_was_never_set_needs_no_proof() -> None:
    clock, zero = StationClock(), datetime(1, 1, 1, tzinfo=UTC)
    for _ in range(3):
        clock.prove(zero, AT, 1.0)
        assert clock.age_s(zero, AT) == 0.0
    assert not clock.makes_old


@pytest.mark.parametrize("name", ["reset", "forget_proof"])
def test_what_was_proven_is_forgotten(name: str) -> None:
    clock = StationClock()
    clock.prove(AT - HOUR, AT, 1.0)
    assert clock.age_s(AT - HOUR, AT) == 0.0
    getattr(clock, name)()
    assert clock.age_s(AT - HOUR, AT) == 3_600.0


def test_readings_count_as_old_once_no_live_frame_says_otherwise() -> None:
    clock = StationClock()
    clock.learn(AT - HOUR, AT)
    assert not clock.makes_old, "it may have come late"
    clock.learn(AT - HOUR, AT)
    clock.learn(AT - HOUR, AT)
    assert clock.makes_old
    clock.prove(AT - HOUR, AT, 1.0)
    assert not clock.makes_old


def test_a_home_that_was_frozen_finds_no_clock_behind() -> None:
    clock = StationClock()
    for number in range(9):
        clock.learn(AT + _s(5 * number), AT + _s(60))
        assert not clock.makes_old


# What was asked


def _frame(
    phase: TransactionPhase = TransactionPhase.UPDATED, **more: Any
) -> TransactionFrame:
    return TransactionFrame(transaction_id=T1, phase=phase, seq_no=0, at=AT, **more)


def test_only_a_soon_answer_counts_and_the_first_question_decides() -> None:
    clock = FakeClock()
    asked = AskedTransactions(clock)
    started, ended = _frame(remote_start_id=7), _frame(stopped_reason="Remote")
    assert asked.took_s(started) is None
    assert asked.took_s(ended) is None
    asked.start(7)
    asked.end(T1, link_age_s=60.0)
    clock.advance(2.0)
    assert asked.took_s(started) == 2.0
    assert asked.took_s(ended) == 2.0
    assert asked.took_s(_frame(trigger="RemoteStop")) == 2.0
    assert asked.took_s(_frame(remote_start_id=1, trigger="RemoteStop")) == 2.0
    assert asked.took_s(_frame()) is None
    assert asked.took_s(_frame(remote_start_id=8)) is None
    assert asked.took_s(_frame(stopped_reason="EVDisconnected")) is None
    clock.advance(ANSWER_WITHIN_S - 1.9)
    asked.start(7)
    asked.end(T1, link_age_s=60.0)
    assert asked.took_s(started) is None
    assert asked.took_s(ended) is None


def test_an_end_asked_for_on_a_young_link_proves_nothing_when_asked_again() -> None:
    clock = FakeClock()
    asked = AskedTransactions(clock)
    asked.end(T1, link_age_s=QUEUE_S - 1)
    clock.advance(20.0)
    asked.end(T1, link_age_s=QUEUE_S + 19)
    assert asked.took_s(_frame(stopped_reason="Remote")) is None
    asked.forget()
    asked.end(T1, link_age_s=QUEUE_S)
    assert asked.took_s(_frame(stopped_reason="Remote")) == 0.0


def test_only_the_last_questions_are_remembered() -> None:
    asked = AskedTransactions(FakeClock())
    for number in range(1_000):
        asked.start(number)
    assert len(asked._asked_mono_s) < 100
    assert asked.took_s(_frame(remote_start_id=999)) == 0.0
    assert asked.took_s(_frame(remote_start_id=1)) is None
