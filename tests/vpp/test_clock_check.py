"""The aggregator's clock as the home knows it."""

from datetime import timedelta
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.vpp.clock_check import (
    MAX_AGE_S,
    MAX_ROUND_TRIP_S,
    ClockCheck,
)

from .actors import EPOCH_START, FakeClock


def exchange(
    check: ClockCheck,
    clock: Any,
    *,
    offset_s: float = 0.0,
    there_s: float = 0.0,
    held_s: float = 0.0,
    back_s: float = 0.0,
) -> Any:
    """One clock check over a network with these delays."""
    asked = clock.monotonic()
    clock.advance(there_s)
    received_at = clock.utcnow() + timedelta(seconds=offset_s)
    clock.advance(held_s)
    sent_at = clock.utcnow() + timedelta(seconds=offset_s)
    clock.advance(back_s)
    return check.add(
        asked_mono_s=asked,
        received_at=received_at,
        sent_at=sent_at,
        answered_mono_s=clock.monotonic(),
    )


def offset_s(check: ClockCheck, clock: Any) -> Any:
    now = check.now(clock.monotonic(), clock.utcnow())
    assert now.aggregator_at is not None
    return (now.aggregator_at - now.local_at).total_seconds()


@given(
    true_offset_s=st.floats(-100, 100),
    delays=st.lists(
        st.tuples(st.floats(0, 0.9), st.floats(0, 0.5), st.floats(0, 0.9)),
        min_size=1,
        max_size=20,
    ),
)
def test_error_is_at_most_half_the_shortest_round_trip(
    true_offset_s: float, delays: list[tuple[float, float, float]]
) -> None:
    clock, check = FakeClock(), ClockCheck()
    for there_s, held_s, back_s in delays:
        assert exchange(
            check,
            clock,
            offset_s=true_offset_s,
            there_s=there_s,
            held_s=held_s,
            back_s=back_s,
        )
    shortest = min(there + back for there, _, back in delays[-8:])
    quality = check.quality_s(clock.monotonic())
    assert quality is not None
    assert quality == pytest.approx(shortest / 2, abs=1e-4)
    assert abs(offset_s(check, clock) - true_offset_s) <= quality + 1e-4


def test_slow_or_impossible_exchange_says_nothing() -> None:
    clock, check = FakeClock(), ClockCheck()
    assert not exchange(check, clock, there_s=MAX_ROUND_TRIP_S + 0.1)
    assert not check.add(
        asked_mono_s=10.0,
        received_at=EPOCH_START + timedelta(seconds=1),
        sent_at=EPOCH_START,
        answered_mono_s=12.0,
    )
    assert not check.add(
        asked_mono_s=10.0,
        received_at=EPOCH_START,
        sent_at=EPOCH_START + timedelta(seconds=5),
        answered_mono_s=10.1,
    )
    assert check.quality_s(clock.monotonic()) is None
    assert not check.now(clock.monotonic(), clock.utcnow()).is_trusted
    assert exchange(check, clock)
    assert check.now(clock.monotonic(), clock.utcnow()).is_trusted


def test_estimate_expires_without_new_checks_and_returns_with_one() -> None:
    clock, check = FakeClock(), ClockCheck()
    exchange(check, clock)
    clock.advance(MAX_AGE_S - 1)
    assert check.now(clock.monotonic(), clock.utcnow()).is_trusted
    clock.advance(2)
    assert not check.now(clock.monotonic(), clock.utcnow()).is_trusted
    exchange(check, clock)
    assert check.now(clock.monotonic(), clock.utcnow()).is_trusted


@pytest.mark.parametrize(("offset", "is_trusted"), [(1.9, True), (2.1, False)])
def test_offset_above_two_seconds_is_not_trusted(
    offset: float, is_trusted: bool
) -> None:
    clock, check = FakeClock(), ClockCheck()
    exchange(check, clock, offset_s=offset)
    assert check.now(clock.monotonic(), clock.utcnow()).is_trusted is is_trusted


def test_step_of_the_wall_clock_moves_the_offset_and_not_the_estimate() -> None:
    clock, check = FakeClock(), ClockCheck()
    exchange(check, clock)
    before = check.now(clock.monotonic(), clock.utcnow()).aggregator_at
    clock.wall += timedelta(hours=1)
    now = check.now(clock.monotonic(), clock.utcnow())
    assert now.aggregator_at == before
    assert not now.is_trusted


@pytest.mark.parametrize("step_s", [30.0, -30.0, 0.5])
def test_new_leaders_clock_counts_at_once_even_over_a_slower_network(
    step_s: float,
) -> None:
    clock, check = FakeClock(), ClockCheck()
    exchange(check, clock)
    clock.advance(60)
    exchange(check, clock, offset_s=step_s, there_s=0.1, back_s=0.1)
    assert offset_s(check, clock) == pytest.approx(step_s)


def test_slower_answer_of_the_same_clock_does_not_replace_a_better_one() -> None:
    clock, check = FakeClock(), ClockCheck()
    exchange(check, clock)
    clock.advance(60)
    exchange(check, clock, there_s=0.9)
    assert offset_s(check, clock) == pytest.approx(0.0)
    assert check.quality_s(clock.monotonic()) == pytest.approx(0.0)


def test_machine_that_slept_is_corrected_by_the_next_answer() -> None:
    clock, check = FakeClock(), ClockCheck()
    exchange(check, clock)
    # Monotonic time of Linux stands still during sleep, the wall clock does not.
    clock.wall += timedelta(hours=8)
    assert not check.now(clock.monotonic(), clock.utcnow()).is_trusted
    exchange(check, clock, there_s=0.05, back_s=0.05)
    assert check.now(clock.monotonic(), clock.utcnow()).is_trusted
