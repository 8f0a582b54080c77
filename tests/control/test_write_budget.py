"""How often the memory of a station may be written to in a day."""

from hypothesis import given, strategies as st

from custom_components.v2g_vpp.control.day_sum import BUCKET_S, WINDOW_S
from custom_components.v2g_vpp.control.write_budget import WriteBudget
from tests.control.given import NOW


def _spend(budget: WriteBudget, count: int, now_s: float = NOW) -> None:
    for _ in range(count):
        budget.note(now_s)


def test_the_budget_is_spent_by_its_last_write_and_comes_back_a_day_later() -> None:
    budget = WriteBudget(3)
    _spend(budget, 2)
    assert not budget.is_spent(NOW)
    budget.note(NOW + 1.0)
    assert budget.is_spent(NOW + 1.0)
    assert budget.is_spent(NOW + WINDOW_S)
    assert not budget.is_spent(NOW + WINDOW_S + BUCKET_S)
    assert budget.count(NOW + WINDOW_S + BUCKET_S) == 0


def test_a_restart_gives_nothing_back() -> None:
    budget = WriteBudget(100)
    _spend(budget, 60)
    _spend(budget, 40, NOW + 7_200.0)
    kept = budget.dump(NOW + 7_200.0)
    again = WriteBudget(100)
    # Another boot has another zero of the monotonic clock.
    again.restore(kept, 5.0)
    assert again.is_spent(5.0)
    assert again.count(5.0 + WINDOW_S - 7_200.0 + BUCKET_S) == 40


@given(
    st.integers(1, 50),
    st.lists(
        st.tuples(st.floats(0, 30_000), st.sampled_from(["write", "restart"])),
        max_size=120,
    ),
)
def test_no_day_holds_more_than_was_counted(
    daily: int, steps: list[tuple[float, str]]
) -> None:
    budget, now_s, ages_s = WriteBudget(daily), NOW, list[float]()
    for later_s, what in steps:
        now_s += later_s
        ages_s = [age_s + later_s for age_s in ages_s]
        if what == "write":
            budget.note(now_s)
            ages_s.append(0.0)
        else:
            kept, budget = budget.dump(now_s), WriteBudget(daily)
            now_s = later_s
            budget.restore(kept, now_s)
        within = sum(age_s < WINDOW_S for age_s in ages_s)
        latest = sum(age_s < WINDOW_S + BUCKET_S for age_s in ages_s)
        assert within <= budget.count(now_s) <= latest
        assert budget.is_spent(now_s) >= (within >= daily)


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.integers(-5, 1_000)), max_size=9))
def test_torn_ages_never_make_a_budget_negative(
    kept: list[tuple[float, int]],
) -> None:
    budget = WriteBudget()
    budget.restore(kept, NOW)
    assert budget.count(NOW) >= 0
    before = budget.count(NOW)
    budget.note(NOW)
    assert budget.count(NOW) == before + 1
