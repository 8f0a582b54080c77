"""What contactors did is counted, and money alone switches them seldom."""

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.control.contactor import (
    BREAK_EVEN_WH,
    DAILY_CLOSINGS,
    HOT_WEIGHT,
    SEEN_OPEN_AFTER_S,
    SHORTEST_OFF_S,
    STAYS_CLOSED_S,
    ContactorCount,
    ContactorDwell,
    ContactorObserved,
    ContactorWatch,
    SwitchWish,
)
from custom_components.v2g_vpp.control.limits import Bound, Envelope
from custom_components.v2g_vpp.control.wear import CONTACTOR_LIFE_OPERATIONS
from custom_components.v2g_vpp.domain.setpoint import Reason

MINIMUM_W = 1_380.0


def seen(
    is_closed: bool | None = None,
    *,
    flowing: bool | None = False,
    transaction: bool = True,
    zero_told_s: float = 0.0,
) -> ContactorObserved:
    return ContactorObserved(
        is_closed=is_closed,
        has_transaction=transaction,
        is_flowing=flowing,
        zero_told_s=zero_told_s,
    )


def test_an_opening_after_0_w_is_cold_and_one_under_load_is_hot() -> None:
    watch = ContactorWatch()
    watch.step(seen(is_closed=True), 0.0)
    watch.step(seen(is_closed=True, flowing=True), 1.0)
    watch.step(seen(is_closed=True, flowing=False, zero_told_s=9.0), 10.0)
    watch.step(seen(is_closed=False, zero_told_s=10.0), 11.0)
    assert watch.count == ContactorCount(cold_openings=1, closings=1)
    watch.step(seen(is_closed=True, flowing=True), 20.0)
    watch.step(seen(is_closed=False, flowing=None), 21.0)
    assert watch.count == ContactorCount(cold_openings=1, hot_openings=1, closings=2)


def test_a_meter_that_lags_behind_0_w_makes_no_hot_opening() -> None:
    watch = ContactorWatch()
    watch.step(seen(is_closed=True, flowing=True), 0.0)
    watch.step(seen(is_closed=False, flowing=None, zero_told_s=8.0), 8.0)
    assert watch.count.hot_openings == 0
    watch.step(seen(is_closed=True, flowing=True), 10.0)
    watch.step(seen(is_closed=False, flowing=None, zero_told_s=1.0), 11.0)
    assert watch.count.hot_openings == 1, "it did not wait for the power to end"


def test_a_lost_link_is_no_opening() -> None:
    watch = ContactorWatch()
    watch.step(seen(is_closed=True, flowing=True), 0.0)
    watch.step(seen(is_closed=None, flowing=None), 5.0)
    watch.step(seen(is_closed=True, flowing=True), 100.0)
    assert watch.count == ContactorCount(closings=1)


def test_without_a_word_of_it_the_flow_tells() -> None:
    watch = ContactorWatch()
    watch.step(seen(), 0.0)
    assert watch.count == ContactorCount()
    watch.step(seen(flowing=True), 1.0)
    watch.step(seen(flowing=False, zero_told_s=5.0), 10.0)
    watch.step(seen(flowing=None), 12.0)
    watch.step(seen(flowing=True), 10.0 + SEEN_OPEN_AFTER_S - 1)
    assert watch.count == ContactorCount(closings=1), "a pause, no opening"
    watch.step(seen(flowing=False, zero_told_s=5.0), 100.0)
    watch.step(seen(flowing=False, zero_told_s=5.0), 100.0 + SEEN_OPEN_AFTER_S)
    assert watch.count == ContactorCount(closings=1, cold_openings=1)
    watch.step(seen(flowing=True), 300.0)
    watch.step(seen(flowing=True, transaction=False), 301.0)
    watch.step(seen(flowing=None, transaction=False), 302.0)
    assert watch.count == ContactorCount(closings=2, cold_openings=1, hot_openings=1)


def test_hot_openings_wear_as_much_as_ten() -> None:
    assert ContactorCount().life_share == 1.0
    half = CONTACTOR_LIFE_OPERATIONS // 2
    assert ContactorCount(cold_openings=half).life_share == 0.5
    assert ContactorCount(hot_openings=half // HOT_WEIGHT).life_share == 0.5
    assert ContactorCount(hot_openings=CONTACTOR_LIFE_OPERATIONS).life_share == 0.0
    assert ContactorCount(cold_openings=2, hot_openings=3).operations == 5


def test_a_day_has_a_budget_that_a_restart_does_not_renew() -> None:
    watch = ContactorWatch()
    for index in range(DAILY_CLOSINGS):
        assert not watch.is_budget_spent(index * 700.0)
        watch.step(seen(is_closed=True), index * 700.0)
        watch.step(seen(is_closed=False), index * 700.0 + 350.0)
    now_s = DAILY_CLOSINGS * 700.0
    assert watch.is_budget_spent(now_s)
    again = ContactorWatch()
    again.restore(watch.count, watch.today.dump(now_s))
    again.step(seen(is_closed=False), 5.0)
    assert again.count == watch.count
    assert again.is_budget_spent(6.0)
    assert not again.is_budget_spent(6.0 + 90_000.0)


def test_a_torn_count_is_refused() -> None:
    with pytest.raises(ValueError):
        ContactorCount(cold_openings=-1)


def envelope(lowest_w: float = -11_000.0, highest_w: float = 11_000.0) -> Envelope:
    return Envelope(
        discharge=Bound(power_w=-lowest_w, reason=Reason.STATION_LIMIT),
        charge=Bound(power_w=highest_w, reason=Reason.STATION_LIMIT),
    )


class Run:
    """One EVSE whose owner only saves money, looked at each second."""

    def __init__(self) -> None:
        self.dwell = ContactorDwell()
        self.power_w = 0.0
        self.now_s = 0.0

    def step(
        self,
        goal_w: float,
        *,
        within: Envelope | None = None,
        is_spent: bool = False,
        useful_w: float = 0.0,
    ) -> float:
        wish = SwitchWish(
            goal_w=goal_w,
            before_w=self.power_w,
            minimum_w=MINIMUM_W,
            envelope=within or envelope(),
            useful_w=useful_w,
            is_budget_spent=is_spent,
        )
        self.power_w = self.dwell.hold(wish, self.now_s)
        self.dwell.note(self.power_w, self.now_s)
        self.now_s += 1.0
        return self.power_w


def test_what_runs_is_held_at_the_minimum_for_a_while() -> None:
    run = Run()
    assert run.step(-5_000.0) == -5_000.0, "the first switching waits for nothing"
    held = [run.step(0.0) for _ in range(60)]
    assert set(held) == {-MINIMUM_W, 0.0}
    run = Run()
    run.step(-5_000.0)
    useful = [run.step(0.0, useful_w=-690.0) for _ in range(120)]
    assert useful.index(0.0) == pytest.approx(2 * held.index(0.0), abs=2)
    against = [run.step(5_000.0 if now < 400 else 0.0) for now in range(520)]
    assert against[-120:].count(MINIMUM_W) == pytest.approx(held.index(0.0), abs=2)
    run = Run()
    run.step(-5_000.0)
    while run.step(0.0) != 0:
        pass
    assert [run.step(-5_000.0) for _ in range(3)] == [0.0, 0.0, 0.0]
    off = [run.step(-5_000.0) for _ in range(int(SHORTEST_OFF_S))]
    assert off[-1] == -5_000.0


def test_it_is_held_until_holding_has_cost_an_operation() -> None:
    run = Run()
    for _ in range(400):
        run.step(3_000.0)
    held = [run.step(0.0) for _ in range(120)]
    seconds = held.index(0.0)
    assert MINIMUM_W * seconds / 3600.0 == pytest.approx(BREAK_EVEN_WH, rel=0.05)


def test_a_pause_that_is_shorter_costs_no_operation() -> None:
    run = Run()
    for _ in range(400):
        run.step(3_000.0)
    powers = [run.step(goal_w) for goal_w in [0.0] * 40 + [3_000.0] * 5 + [0.0] * 40]
    assert 0.0 not in powers


def test_a_limit_opens_at_once() -> None:
    run = Run()
    run.step(-5_000.0)
    assert run.step(0.0, within=envelope(lowest_w=-500.0)) == 0.0


def test_a_spent_day_closes_nothing_for_money() -> None:
    run = Run()
    assert run.step(3_000.0, is_spent=True) == 0.0
    assert run.step(3_000.0) == 3_000.0
    assert run.step(3_000.0, is_spent=True) == 3_000.0, "what runs goes on"


def test_others_switch_as_they_like_and_are_remembered() -> None:
    run = Run()
    run.dwell.note(-5_000.0, 0.0)
    run.dwell.note(0.0, 10.0)
    run.now_s = 20.0
    assert run.step(3_000.0) == 0.0, "the contactor was closed ten seconds ago"


GOALS = st.one_of(
    st.just(0.0), st.floats(MINIMUM_W, 11_000.0), st.floats(-11_000.0, -MINIMUM_W)
)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(GOALS, st.integers(1, 400), st.booleans()), min_size=1, max_size=12
    )
)
def test_laws_of_switching_for_money(spans: list[tuple[float, int, bool]]) -> None:
    run, switched_s, is_on, held_wh = Run(), float("-inf"), False, 0.0
    for goal_w, seconds, is_limited in spans:
        limits = envelope(0.0, 0.0) if is_limited else envelope()
        for _ in range(seconds):
            goal = limits.clamp(goal_w)
            power_w = run.step(goal, within=limits)
            now_s = run.now_s - 1.0
            assert limits.lowest_w <= power_w <= limits.highest_w
            assert power_w in (goal, 0.0) or abs(power_w) == MINIMUM_W
            if (power_w != 0) is not is_on:
                if power_w != 0:
                    assert now_s - switched_s >= SHORTEST_OFF_S
                elif not is_limited:
                    assert held_wh >= BREAK_EVEN_WH - MINIMUM_W / 3600.0
                is_on, switched_s = power_w != 0, now_s
            held_wh += MINIMUM_W / 3600.0
            if goal != 0:
                held_wh = 0.0


def test_what_0_w_does_to_a_contactor_is_seen() -> None:
    watch = ContactorWatch()
    watch.step(seen(is_closed=False, zero_told_s=999.0), 0.0)
    assert watch.opens_at_zero is None, "it never closed"
    watch.step(seen(is_closed=True, flowing=True), 1.0)
    watch.step(seen(is_closed=False, zero_told_s=30.0), 31.0)
    assert watch.opens_at_zero is None, "the transaction may end yet"
    watch.step(seen(is_closed=False, transaction=False, zero_told_s=70.0), 71.0)
    watch.step(seen(is_closed=False, zero_told_s=90.0), 91.0)
    assert watch.opens_at_zero is None, "it opened with the transaction"
    watch.step(seen(is_closed=True, flowing=True), 100.0)
    watch.step(seen(is_closed=False, zero_told_s=SEEN_OPEN_AFTER_S), 161.0)
    assert watch.opens_at_zero is True
    again = ContactorWatch()
    again.restore(watch.count, [], watch.opens_at_zero)
    again.step(seen(is_closed=True, flowing=True), 0.0)
    again.step(seen(is_closed=True, zero_told_s=STAYS_CLOSED_S - 1.0), 600.0)
    assert again.opens_at_zero is True
    again.step(seen(is_closed=True, zero_told_s=STAYS_CLOSED_S), 601.0)
    assert again.opens_at_zero is False


def test_a_station_that_does_not_tell_shows_nothing() -> None:
    watch = ContactorWatch()
    for second in range(2_000):
        watch.step(
            seen(flowing=second < 10, zero_told_s=max(0.0, second - 10.0)), second
        )
    assert watch.opens_at_zero is None
