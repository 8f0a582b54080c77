"""Meters that report at different times are read at one instant."""

from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.house_load import (
    LONGEST_LAG_S,
    HomePowers,
    HomeReadings,
    HouseLoad,
    Window,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from tests.control.given import KEY, NOW, reading

OTHER = EvseKey(StationId("CS2"), 1)


def ramp_w(mono_s: float) -> float:
    """Return what a charger at 3.3 kW/s has after its start at ``NOW``."""
    return min(10_000.0, max(0.0, 3_300.0 * (mono_s - NOW)))


@pytest.mark.parametrize("lag_s", [-0.9, -0.4, 0.0, 0.4, 0.9])
def test_a_ramp_is_no_load_however_the_meters_are_apart(lag_s: float) -> None:
    load, seen_w = HouseLoad(), []
    for second in range(-3, 12):
        grid_s, evse_s = NOW + second, NOW + second + lag_s
        powers = load.step(
            HomeReadings(
                grid=reading(500.0 + ramp_w(grid_s), grid_s),
                evses={KEY: reading(ramp_w(evse_s), evse_s)},
            )
        )
        assert powers is not None
        seen_w.append(powers.rest_w)
    # A line between two readings cuts the corners of a ramp, nothing more.
    assert seen_w == pytest.approx([500.0] * len(seen_w), abs=900.0)
    assert seen_w[-1] == pytest.approx(500.0)
    assert sum(1 for w in seen_w if abs(w - 500.0) > 10.0) <= 2


def test_a_meter_far_behind_counts_as_it_was() -> None:
    load = HouseLoad()
    load.step(
        HomeReadings(grid=reading(500.0, NOW), evses={KEY: reading(2_000.0, NOW)})
    )
    late_s = NOW + LONGEST_LAG_S + 2.0
    powers = load.step(
        HomeReadings(grid=reading(9_000.0, late_s), evses={KEY: reading(2_000.0, NOW)})
    )
    assert powers is not None
    assert powers.at_mono_s == late_s - LONGEST_LAG_S
    assert powers.evses_w == {KEY: 2_000.0}


def test_a_silent_grid_is_no_load_at_all() -> None:
    load = HouseLoad()
    assert load.step(HomeReadings(grid=None, evses={KEY: reading(1.0)})) is None


def test_every_signal_is_read_at_the_same_instant() -> None:
    load = HouseLoad()

    def told(second: float) -> HomePowers | None:
        return load.step(
            HomeReadings(
                grid=reading(100.0 * second, NOW + second),
                phases=(reading(30.0 * second, NOW + second),),
                battery=reading(40.0 * second, NOW + second - 0.5),
                solar=reading(second, NOW + second),
                evses={
                    KEY: reading(10.0 * second, NOW + second),
                    OTHER: reading(20.0, NOW + second),
                },
            )
        )

    told(0.0)
    powers = told(1.0)
    assert powers is not None
    assert powers.at_mono_s == NOW + 0.5
    assert powers.grid_w == 50.0
    assert powers.phases_w == (15.0,)
    assert powers.battery_w == 40.0
    assert powers.solar_w == 0.5
    assert powers.evses_w == {KEY: 5.0, OTHER: 20.0}
    assert powers.rest_w == 25.0


def test_a_signal_begins_anew_after_it_was_gone() -> None:
    load = HouseLoad()
    readings = HomeReadings(grid=reading(0.0), evses={KEY: reading(5_000.0)})
    load.step(readings)
    load.step(replace(readings, evses={}))
    again = replace(
        readings,
        grid=reading(0.0, NOW + 1),
        evses={KEY: reading(100.0, NOW + 1)},
    )
    powers = load.step(again)
    assert powers is not None
    assert powers.evses_w == {KEY: 100.0}


@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.floats(-2e4, 2e4), st.floats(-2e4, 2e4)),
        min_size=1,
        max_size=30,
    )
)
def test_nothing_is_read_that_no_meter_said(
    steps: list[tuple[float, float, float]],
) -> None:
    load, now_s = HouseLoad(), NOW
    grids: list[float] = []
    evses: list[float] = []
    for gap_s, grid_w, evse_w in steps:
        now_s += gap_s
        if gap_s == 0 and grids:
            grids.pop()
            evses.pop()
        grids.append(grid_w)
        evses.append(evse_w)
        powers = load.step(
            HomeReadings(
                grid=reading(grid_w, now_s), evses={KEY: reading(evse_w, now_s)}
            )
        )
        assert powers is not None
        assert min(grids) - 1e-6 <= powers.grid_w <= max(grids) + 1e-6
        assert min(evses) - 1e-6 <= powers.evses_w[KEY] <= max(evses) + 1e-6


def test_a_window_is_full_once_it_spans_its_time() -> None:
    window = Window(10.0)
    for second in range(10):
        window.take(float(second), NOW + second)
        assert not window.is_full
    window.take(3.0, NOW + 10)
    assert window.is_full
    assert (window.lowest, window.highest) == (0.0, 9.0)
    window.take(3.0, NOW + 15)
    assert (window.lowest, window.highest) == (3.0, 9.0)
    window.take(1.0, NOW)
    assert not window.is_full, "a clock that steps back begins anew"
    assert window.lowest == 1.0


def test_a_window_without_values_for_long_is_still_as_old_as_it_is() -> None:
    window = Window(10.0)
    window.take(1.0, NOW)
    window.take(2.0, NOW + 60)
    assert window.is_full
    assert window.lowest == 2.0
