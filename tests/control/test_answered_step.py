"""When the answer of a charger to a change is seen, sample by sample."""

from collections.abc import Iterable

import pytest

from custom_components.v2g_vpp.control.agreement import Span
from custom_components.v2g_vpp.control.answered_step import AnsweredStep, StepWatch

T = 1_000.0


def _watch(base_w: float = 0.0) -> StepWatch:
    """Return a watch at a power that was told and flows, a second before ``T``."""
    watch = StepWatch()
    if base_w == 0.0:
        # Something flowed before, so the vehicle is awake.
        assert watch.told(3_000.0, T - 60.0) is None
        assert watch.sample(3_000.0, T - 50.0) is None
    watch.told(base_w, T - 40.0)
    for second in range(10):
        assert watch.sample(base_w, T - 10.0 + second) is None
    return watch


def _see(
    watch: StepWatch, powers: Iterable[float], first_s: float = 1.0
) -> AnsweredStep | None:
    answers = [
        watch.sample(power_w, T + first_s + second)
        for second, power_w in enumerate(powers)
    ]
    seen = [answer for answer in answers if answer is not None]
    assert len(seen) <= 1
    return seen[0] if seen else None


def test_the_answer_is_between_the_last_quiet_sample_and_the_first_that_moved() -> None:
    watch = _watch()
    watch.told(5_000.0, T)
    answer = _see(watch, [10.0, -40.0, 30.0, 1_700.0, 4_300.0, *[5_000.0] * 12])
    assert answer is not None
    assert answer.dead_time == Span(low=3.0, high=4.0)
    assert answer.is_growing
    assert answer.change_w == pytest.approx(5_000.0)
    assert answer.arrived_s == 6.0
    assert [at_s for at_s, _ in answer.ways] == [4.0, 5.0]
    assert [way_w for _, way_w in answer.ways] == pytest.approx([1_700.0, 4_300.0])
    pace = answer.pace(answer.dead_time)
    assert pace.low <= 1.0 / 2_600.0 <= pace.high


def test_the_answer_to_the_change_before_is_not_taken_for_its_own() -> None:
    """Under a signal that changes faster than the charger answers all overlap."""
    watch = _watch()
    watch.told(0.0, T)
    watch.told(3_000.0, T - 2.0)
    watch.told(0.0, T - 1.0)
    for second in range(4):
        watch.sample(0.0, T - 1.0 + second)
    watch.told(5_000.0, T + 3.0)
    # What flows now was told at T - 2, and the answer to it comes at T + 7.
    assert _see(watch, [3_000.0, 0.0, 0.0, 5_000.0, *[5_000.0] * 12], 4.0) is None


def test_a_stop_is_a_way_towards_0() -> None:
    watch = _watch(-5_000.0)
    watch.told(0.0, T)
    answer = _see(watch, [-5_000.0] * 3 + [0.0] * 12)
    assert answer is not None
    assert not answer.is_growing
    assert answer.ways == ()


def test_one_sample_alone_is_a_glitch_of_the_meter() -> None:
    watch = _watch()
    watch.told(5_000.0, T)
    answer = _see(watch, [0.0, 4_000.0, 0.0, 0.0, *[5_000.0] * 12])
    assert answer is not None
    assert answer.dead_time == Span(low=4.0, high=5.0)


def test_a_sample_of_before_the_write_says_nothing() -> None:
    watch = _watch()
    watch.told(5_000.0, T + 5.0)
    # Taken on its way to us while the write left.
    assert watch.sample(5_000.0, T + 4.0) is None
    answer = _see(watch, [0.0, *[5_000.0] * 12], first_s=6.0)
    assert answer is not None
    assert answer.moved_s == pytest.approx(2.0)


def test_a_vehicle_may_answer_after_its_time_or_not_at_all() -> None:
    watch = _watch()
    watch.told(5_000.0, T)
    assert _see(watch, [0.0] * 62 + [5_000.0] * 20) is None


def test_an_unsteady_power_is_no_base() -> None:
    watch = _watch(3_000.0)
    watch.sample(2_400.0, T - 0.5)
    watch.told(0.0, T)
    assert _see(watch, [3_000.0, *[0.0] * 20]) is None


def test_too_few_samples_are_no_base() -> None:
    watch = StepWatch()
    watch.told(3_000.0, T - 20.0)
    watch.sample(3_000.0, T - 1.0)
    watch.told(0.0, T)
    assert _see(watch, [3_000.0, *[0.0] * 20]) is None


@pytest.mark.parametrize(
    ("base_w", "told_w"),
    [
        pytest.param(3_000.0, 3_500.0, id="too small"),
        pytest.param(3_000.0, 2_900.0, id="trim"),
        pytest.param(3_000.0, 3_000.0, id="the same"),
    ],
)
def test_a_small_change_is_not_watched(base_w: float, told_w: float) -> None:
    watch = _watch(base_w)
    watch.told(told_w, T)
    assert _see(watch, [base_w, *[told_w + 900.0] * 20]) is None


def test_a_vehicle_far_from_what_it_was_told_is_not_watched_upwards() -> None:
    watch = StepWatch()
    watch.told(6_000.0, T - 40.0)
    for second in range(10):
        watch.sample(3_000.0, T - 10.0 + second)
    watch.told(9_000.0, T)
    assert _see(watch, [3_000.0, *[4_000.0] * 20]) is None
    # Nor where less was told and it still must give more, or flows beyond it.
    watch = StepWatch()
    watch.told(6_000.0, T - 40.0)
    for second in range(10):
        watch.sample(3_000.0, T - 10.0 + second)
    watch.told(5_000.0, T)
    assert _see(watch, [3_000.0, *[4_000.0] * 20]) is None
    watch = StepWatch()
    watch.told(2_000.0, T - 40.0)
    for second in range(10):
        watch.sample(6_000.0, T - 10.0 + second)
    watch.told(0.0, T)
    assert _see(watch, [6_000.0, *[0.0] * 20]) is None


def test_a_change_of_mind_leaves_the_begin_that_was_seen() -> None:
    watch = _watch()
    watch.told(5_000.0, T)
    assert _see(watch, [0.0, 2_000.0, 4_000.0]) is None
    assert watch.told(0.0, T + 3.5) == AnsweredStep(quiet_s=1.0, moved_s=2.0)
    watch = _watch()
    watch.told(5_000.0, T)
    assert _see(watch, [0.0, 2_000.0]) is None
    assert watch.told(0.0, T + 2.5) is None, "one sample alone may be a glitch"


def test_told_bit_by_bit_only_the_begin_is_the_charger_s_own() -> None:
    watch = _watch()
    watch.told(1_400.0, T)
    assert watch.told(5_000.0, T + 1.0) is None
    assert watch.told(4_950.0, T + 2.0) is None
    answer = _see(watch, [0.0, 1_400.0, *[5_000.0] * 12])
    assert answer == AnsweredStep(quiet_s=1.0, moved_s=2.0)


def test_the_other_direction_has_a_rest_on_its_way() -> None:
    watch = _watch(3_000.0)
    watch.told(-3_000.0, T)
    answer = _see(watch, [3_000.0, 1_000.0, 0.0, 0.0, *[-3_000.0] * 12])
    assert answer == AnsweredStep(quiet_s=1.0, moved_s=2.0)


def test_a_way_that_does_not_end_counts_as_far_as_it_went() -> None:
    watch = _watch(0.0)
    watch.told(11_000.0, T)
    answer = _see(watch, [0.0, *[50.0 * second for second in range(1, 140)]])
    assert answer is not None
    assert answer.arrived_s > 100.0
    pace = answer.pace(answer.dead_time)
    assert pace.low <= 1.0 / 50.0 <= pace.high


def test_an_unsteady_end_is_waited_for() -> None:
    watch = _watch(0.0)
    watch.told(5_000.0, T)
    swings = [4_000.0, 5_000.0] * 8
    answer = _see(watch, [0.0, 5_000.0, *swings, *[5_000.0] * 12])
    assert answer is not None
    assert answer.change_w == pytest.approx(5_000.0)
