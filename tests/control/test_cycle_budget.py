"""How much of the battery may be cycled in a day."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.cycle_budget import (
    CycleBudget,
    CycleGuard,
    cycle_budget_wh,
)
from custom_components.v2g_vpp.control.day_sum import BUCKET_S, WINDOW_S
from tests.control.given import NOW


def test_ten_percent_of_60_kwh() -> None:
    assert cycle_budget_wh(10.0, 60_000.0) == pytest.approx(6_000.0)
    assert cycle_budget_wh(-1.0, 60_000.0) == 0.0


def test_a_spent_budget_opens_again_when_a_fifth_is_free() -> None:
    guard = CycleGuard()
    spent = [5_900.0, 5_980.0, 5_000.0, 4_800.0, 4_799.0, 5_500.0]
    shut = [guard.step(wh, 6_000.0, 0.0) for wh in spent]
    assert shut == [False, False, False, False, False, False]
    shut = [guard.step(wh, 6_000.0, 0.0) for wh in (6_000.0, 4_801.0, 4_799.0)]
    assert shut == [True, True, False]


def test_what_still_flows_after_the_end_is_spent_already() -> None:
    assert not CycleGuard().step(5_970.0, 6_000.0, 0.0)
    assert CycleGuard().step(5_970.0, 6_000.0, 30.0)


def test_no_budget_is_never_unspent() -> None:
    assert CycleGuard().step(0.0, 0.0, 0.0)


@given(
    st.lists(
        st.tuples(
            st.floats(0, 30_000),
            st.sampled_from(["discharge", "discharge", "restart"]),
            st.floats(0, 500),
        ),
        max_size=100,
    )
)
def test_no_day_holds_more_than_was_counted_whatever_restarts(
    steps: list[tuple[float, str, float]],
) -> None:
    budget, now_s, samples = CycleBudget(), NOW, list[tuple[float, float]]()
    for later_s, what, wh in steps:
        now_s += later_s
        samples = [(age_s + later_s, amount) for age_s, amount in samples]
        if what == "discharge":
            budget.add(wh, now_s)
            samples.append((0.0, wh))
        else:
            kept, budget = budget.dump(now_s), CycleBudget()
            # Another process, another zero of the monotonic clock.
            now_s = later_s
            budget.restore(kept, now_s)
        total = budget.total(now_s)
        least = sum(amount for age_s, amount in samples if age_s < WINDOW_S)
        most = sum(amount for age_s, amount in samples if age_s < WINDOW_S + BUCKET_S)
        assert least - 1e-6 <= total <= most + 1e-6


@given(
    st.lists(st.tuples(st.floats(0, 7_200), st.floats(0, 11_000)), max_size=60),
    st.floats(100, 10_000),
)
def test_a_rolling_day_never_takes_more_than_the_budget(
    steps: list[tuple[float, float]], budget_wh: float
) -> None:
    """Discharge in minutes, each only while the guard lets it."""
    budget, guard, now_s, taken = (
        CycleBudget(),
        CycleGuard(),
        NOW,
        list[tuple[float, float]](),
    )
    for pause_s, power_w in steps:
        now_s += pause_s
        for _ in range(30):
            step_wh = power_w / 60.0
            if guard.step(budget.total(now_s), budget_wh, step_wh):
                break
            budget.add(step_wh, now_s)
            taken.append((now_s, step_wh))
            now_s += 60.0
        in_a_day = sum(wh for at_s, wh in taken if at_s > now_s - WINDOW_S)
        assert in_a_day <= budget_wh + 1e-6
