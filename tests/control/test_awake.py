"""Time that a vehicle was awake for nothing, and no other time."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.awake import LONGEST_STEP_S, AwakeTime


def test_only_idle_time_that_was_looked_at_counts() -> None:
    awake = AwakeTime()
    for now_s, is_idle in ((0, True), (1, True), (2, False), (3, True), (5, True)):
        awake.step(float(now_s), is_idle=is_idle)
    assert awake.total_s(5.0) == 3.0
    awake.step(5.0 + LONGEST_STEP_S + 1.0, is_idle=True)
    assert awake.total_s(99.0) == 3.0, "nobody looked meanwhile"
    awake.step(5.0 + LONGEST_STEP_S + 2.0, is_idle=True)
    assert awake.total_s(99.0) == 4.0


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.booleans()), max_size=500))
def test_within_a_day_it_never_falls_and_never_outruns_the_clock(
    steps: list[tuple[float, bool]],
) -> None:
    awake, now_s, before_s = AwakeTime(), 0.0, 0.0
    for passed_s, is_idle in steps:
        now_s += passed_s
        awake.step(now_s, is_idle=is_idle)
        total_s = awake.total_s(now_s)
        assert before_s <= total_s
        assert total_s <= now_s or total_s == pytest.approx(now_s)
        before_s = total_s
