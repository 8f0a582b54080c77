"""How seldom a contactor is worn by transactions of no use."""

from itertools import pairwise

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.start_pace import (
    AGAIN_S,
    AUTHORISE_GRACE_S,
    AWAY_S,
    FREE,
    LONGEST_PAUSE_S,
    MOST_ASKED,
    MOST_TO_BE_TOLD,
    RETRY_S,
    SHORTEST_PAUSE_S,
    StartPace,
)
from custom_components.v2g_vpp.domain.setpoint import ControlOwner

WISH = (ControlOwner.MODE, True)
OTHERS = [
    (ControlOwner.MODE, False),
    (ControlOwner.TRIP, False),
    (ControlOwner.VPP, True),
]


def _begin(pace: StartPace, now: float, wish: tuple[ControlOwner, bool] = WISH) -> None:
    pace.ask(wish, now, to_be_told=False)
    pace.began(now)


class _Hours:
    """A wish that is always there, and transactions that end after a while."""

    def __init__(self, lasts_s: float, *, flows: bool = False) -> None:
        self._pace, self._lasts_s, self._flows = StartPace(), lasts_s, flows
        self._now, self._ends_s = 100.0, 0.0

    def starts(self) -> int:
        """Return how many begin in the next hour."""
        began, ends_s = 0, self._now + 3_600.0
        while self._now < ends_s:
            self._now += 1.0
            if self._now < self._ends_s:
                if self._flows:
                    self._pace.flows()
            elif self._pace.is_due(WISH, self._now):
                _begin(self._pace, self._now)
                began, self._ends_s = began + 1, self._now + self._lasts_s
        return began


@given(lasts_s=st.floats(1.0, 120.0))
def test_transactions_of_no_use_come_ever_more_seldom(lasts_s: float) -> None:
    hours = _Hours(lasts_s)
    assert FREE + 4 <= hours.starts() <= FREE + 12
    an_hour = 3_600.0 / LONGEST_PAUSE_S
    assert an_hour - 1 <= hours.starts() <= an_hour + 1
    assert an_hour - 1 <= hours.starts() <= an_hour + 1


def test_those_in_which_power_flows_come_as_they_are_wanted() -> None:
    assert _Hours(40.0, flows=True).starts() >= 80


@pytest.mark.parametrize("other", OTHERS)
def test_what_was_in_vain_for_one_wish_holds_no_other_up(
    other: tuple[ControlOwner, bool],
) -> None:
    pace = StartPace()
    for _ in range(FREE + 3):
        _begin(pace, 0.0)
    assert not pace.is_due(WISH, RETRY_S)
    assert pace.is_due(other, RETRY_S)
    assert pace.can_start


def test_what_somebody_else_started_makes_nobody_wait() -> None:
    pace = StartPace()
    for _ in range(100):
        pace.began(0.0)
    assert pace.is_due(WISH, 1.0)


def test_a_flow_ends_the_pauses() -> None:
    pace = StartPace()
    for _ in range(FREE + 3):
        _begin(pace, 0.0)
    pace.flows()
    assert pace.is_due(WISH, RETRY_S)
    for _ in range(FREE):
        _begin(pace, 20.0)
    assert pace.is_due(WISH, 20.0 + RETRY_S)


def test_a_station_that_ignores_starts_is_asked_three_times_then_now_and_then() -> None:
    pace = StartPace()
    pace.plugged(0.0)
    asked = []
    for second in range(400):
        if pace.is_due(WISH, float(second)):
            pace.ask(WISH, float(second), to_be_told=False)
            asked.append(second)
    waits = [later - one for one, later in pairwise(asked)]
    assert asked[0] == AUTHORISE_GRACE_S
    assert waits[: MOST_ASKED - 1] == [RETRY_S] * (MOST_ASKED - 1)
    assert set(waits[MOST_ASKED - 1 :]) == {RETRY_S + AGAIN_S}
    assert not pace.can_start


@pytest.mark.parametrize("by_hand", [True, False])
def test_somebody_who_is_there_need_not_wait(by_hand: bool) -> None:
    pace = StartPace()
    for number in range(FREE + 3):
        _begin(pace, float(number))
    pace.ask(WISH, 10.0, to_be_told=False)
    assert not pace.is_due(WISH, 12.0)
    (pace.by_hand if by_hand else pace.begin_anew)()
    assert pace.can_start
    assert pace.is_due(WISH, 12.0) is by_hand
    assert pace.is_due(WISH, 10.0 + RETRY_S)


def test_a_wake_starts_at_once_and_the_next_start_pauses_again() -> None:
    pace = StartPace()
    for _ in range(FREE + 1):
        _begin(pace, 0.0)
    for _ in range(MOST_ASKED):
        pace.ask(WISH, 0.0, to_be_told=False)
    pace.wake()
    assert pace.is_due(WISH, RETRY_S)
    _begin(pace, RETRY_S)
    assert not pace.is_due(WISH, RETRY_S + SHORTEST_PAUSE_S)
    assert pace.is_due(WISH, RETRY_S + 2 * SHORTEST_PAUSE_S)


@pytest.mark.parametrize(("gone_s", "is_new"), [(AWAY_S, True), (AWAY_S - 1, False)])
def test_only_a_vehicle_that_was_gone_is_a_new_one(gone_s: float, is_new: bool) -> None:
    pace = StartPace()
    pace.plugged(0.0)
    for _ in range(FREE + 3):
        pace.ask(WISH, 0.0, to_be_told=True)
        pace.began(0.0)
    pace.left(100.0)
    pace.swapped()
    pace.plugged(100.0 + gone_s)
    assert pace.is_due(WISH, 150.0) is is_new
    assert pace.may_be_told is is_new


def test_what_only_a_transaction_tells_is_asked_for_a_few_times() -> None:
    pace = StartPace()
    for _ in range(MOST_TO_BE_TOLD):
        assert pace.may_be_told
        pace.ask(WISH, 0.0, to_be_told=True)
        pace.began(0.0)
        pace.flows()
    assert not pace.may_be_told
    pace.by_hand()
    assert pace.may_be_told
