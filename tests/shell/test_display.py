"""Which numbers become states: dead band, pace, and at once when it matters."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.display import POWER, DisplayFilter, DisplayRate

EXACT = DisplayRate(dead_band=0.0, dead_band_share=0.0, interval_s=0.0)


def test_first_number_is_shown_at_once() -> None:
    shown = DisplayFilter(POWER)
    assert shown.offer(1234.4, "idle", 10.0) is None
    assert shown.shown == 1234.0


@pytest.mark.parametrize(
    ("before", "after", "is_shown"),
    [
        (0.0, 49.0, False),
        (0.0, 50.0, True),
        (40.0, 0.0, True),
        (-5_000.0, -5_099.0, False),
        (-5_000.0, -5_100.0, True),
        (1_000.0, 1_049.0, False),
        (None, 0.0, True),
        (7.0, None, True),
    ],
    ids=str,
)
def test_change_counts_from_50_w_or_2_percent(
    before: float | None, after: float | None, is_shown: bool
) -> None:
    shown = DisplayFilter(POWER)
    shown.offer(before, None, 0.0)
    shown.offer(after, None, 100.0)
    assert shown.shown == (after if is_shown else before)


def test_change_waits_for_5_s_and_is_shown_then() -> None:
    shown = DisplayFilter(POWER)
    shown.offer(0.0, "charging", 0.0)
    assert shown.offer(3_000.0, "charging", 1.5) == pytest.approx(3.5)
    assert shown.shown == 0.0
    assert shown.offer(3_000.0, "charging", 5.0) is None
    assert shown.shown == 3_000.0


def test_number_that_stays_does_not_put_the_next_one_off() -> None:
    shown = DisplayFilter(POWER)
    for second in (0.0, 2.0, 4.0):
        assert shown.offer(0.0, "charging", second) is None
    assert shown.offer(3_000.0, "charging", 5.0) is None
    assert shown.shown == 3_000.0


def test_change_of_state_shows_the_number_at_once() -> None:
    shown = DisplayFilter(POWER)
    shown.offer(0.0, "idle", 0.0)
    assert shown.offer(10.0, "discharging", 0.1) is None
    assert shown.shown == 10.0


MOMENTS = st.lists(
    st.tuples(
        st.floats(-11_000, 11_000),
        st.sampled_from(["idle", "charging", "discharging"]),
        st.floats(0.05, 20.0),
    ),
    min_size=1,
    max_size=60,
)


@given(MOMENTS)
def test_without_a_change_of_state_two_numbers_are_5_s_apart(
    moments: list[tuple[float, str, float]],
) -> None:
    shown = DisplayFilter(POWER)
    now = 0.0
    last: tuple[object, str, float] | None = None
    for value, context, pause_s in moments:
        now += pause_s
        shown.offer(value, context, now)
        if last is None or shown.shown != last[0] or context != last[1]:
            if last is not None and context == last[1]:
                # Sums of random pauses are not exact.
                assert now - last[2] >= POWER.interval_s - 1e-6
            last = (shown.shown, context, now)


@given(MOMENTS)
def test_number_that_rests_is_shown_within_the_dead_band(
    moments: list[tuple[float, str, float]],
) -> None:
    shown = DisplayFilter(POWER)
    now, value, context = 0.0, 0.0, "idle"
    for value, context, pause_s in moments:
        now += pause_s
        shown.offer(value, context, now)
    # What had to wait is offered again when its time has come.
    wait_s = shown.offer(value, context, now)
    if wait_s is not None:
        # A sum of random pauses is not exact.
        assert shown.offer(value, context, now + wait_s + 1e-6) is None
    assert shown.shown is not None
    band = max(POWER.dead_band, POWER.dead_band_share * abs(shown.shown))
    assert abs(shown.shown - value) <= band + 0.5


def test_noise_of_an_idle_day_is_no_state() -> None:
    shown = DisplayFilter(POWER)
    states = set()
    for second in range(0, 86_400, 10):
        shown.offer((second * 7919) % 45 - 22.0, "idle", float(second))
        states.add(shown.shown)
    assert len(states) <= 2


def test_rate_without_a_dead_band_shows_every_change() -> None:
    shown = DisplayFilter(EXACT)
    for value in (1.0, 2.0, 1.0, 3.0):
        shown.offer(value, None, 0.0)
        assert shown.shown == value


def test_number_that_goes_along_is_shown_and_waits_anew() -> None:
    shown = DisplayFilter(POWER)
    shown.offer(0.0, "charging", 0.0)
    assert shown.go_along(20.4, 7.0) == shown.shown == 20.0
    assert shown.offer(3_000.0, "charging", 8.0) == pytest.approx(4.0)
