"""Windows of events that entities tell."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from custom_components.v2g_vpp.domain.source_event import (
    EventWindows,
    SourceEvent,
    Window,
)

NOW = datetime(2026, 11, 30, 18, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENT = SourceEvent(power_w=-3_000.0, start_at=NOW, end_at=NOW + HOUR)


def test_window_is_what_the_source_says() -> None:
    later = replace(EVENT, start_at=NOW + HOUR, end_at=NOW + 2 * HOUR)
    window = EventWindows().of(later, NOW, 1_000.0)
    assert window == Window(start_mono_s=4_600.0, ends_mono_s=8_200.0)


def test_clock_that_is_set_moves_no_window() -> None:
    windows = EventWindows()
    first = windows.of(EVENT, NOW, 1_000.0)
    # An hour and a half on: the event is over, whatever the clock on the wall says.
    assert windows.of(EVENT, NOW - 5 * HOUR, 1_060.0) == first
    assert windows.of(EVENT, NOW + 5 * HOUR, 1_120.0) == first


def test_no_window_is_longer_than_4_h() -> None:
    long = replace(EVENT, end_at=NOW + 9 * HOUR)
    assert EventWindows().of(long, NOW, 0.0).ends_mono_s == 4 * 3_600.0


@given(st.lists(st.integers(60, 7_200), min_size=1, max_size=60))
def test_source_that_moves_its_end_again_and_again_ends_after_4_h(
    steps: list[int],
) -> None:
    windows, now_s = EventWindows(), 0.0
    for step in steps:
        now = NOW + timedelta(seconds=now_s)
        event = SourceEvent(
            power_w=-3_000.0, start_at=now, end_at=now + timedelta(hours=3)
        )
        window = windows.of(event, now, now_s)
        if now_s < 4 * 3_600.0:
            # Every step here is shorter than what is left: one single chain.
            assert window.ends_mono_s <= 4 * 3_600.0
        now_s = min(now_s + step, max(now_s + 1, window.ends_mono_s))


def test_next_evening_begins_a_new_chain() -> None:
    windows = EventWindows()
    windows.of(EVENT, NOW, 0.0)
    day = timedelta(days=1)
    next_one = SourceEvent(
        power_w=-3_000.0, start_at=NOW + day, end_at=NOW + day + 3 * HOUR
    )
    window = windows.of(next_one, NOW + 2 * HOUR, 7_200.0)
    assert window.ends_mono_s - window.start_mono_s == 3 * 3_600.0


def test_event_that_is_replaced_before_it_began_is_no_chain() -> None:
    windows = EventWindows()
    later = replace(EVENT, start_at=NOW + HOUR, end_at=NOW + 5 * HOUR)
    windows.of(later, NOW, 0.0)
    moved = replace(EVENT, start_at=NOW + 2 * HOUR, end_at=NOW + 6 * HOUR)
    window = windows.of(moved, NOW, 10.0)
    assert window.ends_mono_s - window.start_mono_s == 4 * 3_600.0
