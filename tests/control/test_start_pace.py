"""How seldom a contactor is worn by transactions of no use."""

from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.start_pace import (
    AGAIN_S,
    AUTHORISE_GRACE_S,
    FREE,
    LONGEST_PAUSE_S,
    MOST_ASKED,
    RETRY_S,
    SHORTEST_PAUSE_S,
    USEFUL_S,
    StartPace,
)


def _starts(pace: StartPace, lasts_s: float, span_s: float, flows_s: float = 0) -> int:
    """Return how many transactions begin when each ends after a while."""
    began, ends_s, now = 0, 0.0, 100.0
    while now < 100.0 + span_s:
        now += 1.0
        if now < ends_s:
            pace.look(now, is_flowing=now < ends_s - lasts_s + flows_s)
        elif pace.is_due(now):
            pace.ask(now)
            pace.began(now)
            began, ends_s = began + 1, now + lasts_s
    return began


@given(lasts_s=st.floats(1.0, 120.0))
def test_transactions_of_no_use_come_ever_more_seldom(lasts_s: float) -> None:
    pace = StartPace()
    first = _starts(pace, lasts_s, 3_600.0)
    assert FREE <= first <= FREE + 7
    # From then on four an hour.
    assert _starts(pace, lasts_s, 3_600.0) <= 3_600.0 / LONGEST_PAUSE_S + 1


def test_those_in_which_power_flows_come_as_they_are_wanted() -> None:
    assert _starts(StartPace(), 60.0, 3_600.0, flows_s=USEFUL_S + 2) >= 50


def test_a_flow_ends_the_pauses_and_a_moment_of_it_does_not() -> None:
    pace = StartPace()
    for number in range(FREE + 1):
        pace.began(float(number))
    assert not pace.can_start(30.0)
    pace.look(30.0, is_flowing=True)
    pace.look(30.0 + USEFUL_S - 1, is_flowing=True)
    pace.look(30.0 + USEFUL_S, is_flowing=False)
    pace.look(31.0 + USEFUL_S, is_flowing=True)
    assert not pace.can_start(32.0 + USEFUL_S)
    pace.look(31.0 + 2 * USEFUL_S, is_flowing=True)
    assert pace.can_start(32.0 + 2 * USEFUL_S)


def test_a_station_that_ignores_starts_is_asked_three_times_then_now_and_then() -> None:
    pace = StartPace()
    pace.plugged(0.0)
    asked = []
    for second in range(400):
        if pace.is_due(float(second)):
            pace.ask(float(second))
            asked.append(second)
    waits = [later - one for one, later in pairwise(asked)]
    assert asked[0] == AUTHORISE_GRACE_S
    assert waits[: MOST_ASKED - 1] == [RETRY_S] * (MOST_ASKED - 1)
    assert set(waits[MOST_ASKED - 1 :]) == {RETRY_S + AGAIN_S}
    assert not pace.can_start(399.0)


@pytest.mark.parametrize("by_hand", [True, False])
def test_somebody_who_is_there_need_not_wait(by_hand: bool) -> None:
    pace = StartPace()
    for number in range(FREE + 3):
        pace.ask(float(number))
        pace.began(float(number))
    pace.ask(10.0)
    assert not pace.is_due(12.0)
    (pace.by_hand if by_hand else pace.begin_anew)()
    assert pace.can_start(12.0)
    assert pace.is_due(12.0) is by_hand
    assert pace.is_due(10.0 + RETRY_S)


def test_a_wake_has_its_starts_but_no_end_to_the_pauses() -> None:
    pace = StartPace()
    for second in range(MOST_ASKED):
        pace.ask(float(second))
    assert not pace.can_start(50.0)
    pace.wake()
    assert pace.can_start(50.0)
    for _ in range(FREE + 1):
        pace.began(50.0)
    pace.wake()
    assert not pace.can_start(50.0 + SHORTEST_PAUSE_S - 1)
