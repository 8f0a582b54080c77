"""What a station says that it will do, against what it was told."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.schedule_check import (
    CHECK_EVERY_S,
    RECHECK_S,
    ScheduleVerdict,
    ScheduleWatch,
)
from tests.control.given import NOW


def _ask(
    watch: ScheduleWatch, told_w: float, said_w: float | None, now_s: float
) -> ScheduleVerdict:
    assert watch.is_due(told_w, now_s)
    return watch.take(said_w, told_w, told_w, now_s)


def test_each_change_of_sign_is_checked_and_a_discharge_once_a_minute() -> None:
    watch = ScheduleWatch()
    assert not watch.is_due(None, NOW)
    assert not watch.is_due(0.0, NOW)
    assert _ask(watch, -3_000.0, -3_000.0, NOW) is ScheduleVerdict.AGREES
    for second in range(1, int(CHECK_EVERY_S)):
        assert not watch.is_due(-3_000.0 - second, NOW + second)
    assert _ask(watch, -4_000.0, -4_100.0, NOW + 60) is ScheduleVerdict.AGREES
    assert _ask(watch, 7_000.0, 3_680.0, NOW + 70) is ScheduleVerdict.AGREES
    assert not watch.is_due(7_000.0, NOW + 3_600), "a charge is checked once"
    assert watch.is_due(-3_000.0, NOW + 3_601)
    assert not watch.is_due(-3_000.0, NOW + 3_602), "one question at a time"


@pytest.mark.parametrize(
    ("told_w", "said_w", "verdict"),
    [
        (-5_000.0, 5_000.0, ScheduleVerdict.WRONG_SIGN),
        (5_000.0, -5_000.0, ScheduleVerdict.WRONG_SIGN),
        (-5_000.0, -1_667.0, ScheduleVerdict.WRONG_SIZE),
        (-5_000.0, 0.0, ScheduleVerdict.WRONG_SIZE),
        (-5_000.0, -5_251.0, ScheduleVerdict.WRONG_SIZE),
    ],
)
def test_a_disagreement_counts_when_it_was_confirmed(
    told_w: float, said_w: float, verdict: ScheduleVerdict
) -> None:
    watch = ScheduleWatch()
    assert _ask(watch, told_w, said_w, NOW) is ScheduleVerdict.NOT_ASKED
    assert not watch.is_due(told_w, NOW + RECHECK_S - 0.1)
    assert _ask(watch, told_w, said_w, NOW + RECHECK_S) is verdict
    # The next answer may agree again.
    watch.reset()
    assert _ask(watch, told_w, told_w, NOW + 60) is ScheduleVerdict.AGREES


def test_a_doubt_that_was_none_is_forgotten() -> None:
    watch = ScheduleWatch()
    _ask(watch, -5_000.0, -1_000.0, NOW)
    assert _ask(watch, -5_000.0, -5_000.0, NOW + 5) is ScheduleVerdict.AGREES
    assert not watch.is_due(-5_000.0, NOW + 6)


def test_a_station_that_does_not_say_is_not_asked_again_until_the_next_link() -> None:
    watch = ScheduleWatch()
    assert _ask(watch, -5_000.0, None, NOW) is ScheduleVerdict.NOT_VERIFIABLE
    assert not watch.is_due(-5_000.0, NOW + 3_600)
    assert not watch.is_due(5_000.0, NOW + 3_600)
    watch.reset()
    assert watch.is_due(-5_000.0, NOW + 3_601)


def test_what_was_told_meanwhile_makes_no_disagreement() -> None:
    watch = ScheduleWatch()
    assert watch.is_due(-5_000.0, NOW)
    assert watch.take(-3_000.0, -5_000.0, -3_000.0, NOW) is ScheduleVerdict.AGREES
    watch.reset()
    assert watch.is_due(-5_000.0, NOW)
    # Stopped, turned or not answered yet: the answer is about no moment.
    for told_w in (0.0, 3_000.0, None):
        assert watch.take(0.0, -5_000.0, told_w, NOW) is ScheduleVerdict.NOT_ASKED
        assert watch.is_due(-5_000.0, NOW)


@given(
    st.floats(-11_000, -100),
    st.floats(-0.049, 0.049),
    st.floats(-11_000, -100),
)
def test_within_5_percent_nobody_is_accused(
    told_w: float, off: float, before_w: float
) -> None:
    watch = ScheduleWatch()
    for count in range(3):
        now_s = NOW + 60.0 * count
        assert watch.is_due(told_w, now_s)
        said_w = told_w * (1 + off)
        assert watch.take(said_w, before_w, told_w, now_s) in (
            ScheduleVerdict.AGREES,
            ScheduleVerdict.NOT_ASKED,
        )
