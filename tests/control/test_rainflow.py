"""Rainflow counting, against the package of that name."""

from collections import Counter
from itertools import pairwise

from hypothesis import given, strategies as st
import pytest
import rainflow

from custom_components.v2g_vpp.control.rainflow import Rainflow, count_cycles

SERIES = st.lists(st.integers(0, 100).map(float), max_size=60)


def _counts(cycles: list[tuple[float, float]]) -> Counter[float]:
    total: Counter[float] = Counter()
    for depth, count in cycles:
        if depth > 0:
            total[depth] += count  # type: ignore[assignment]  # halves
    return total


def test_the_example_of_the_standard() -> None:
    series = [-2.0, 1.0, -3.0, 5.0, -1.0, 3.0, -4.0, 4.0, -2.0]
    assert _counts([(c.depth, c.count) for c in count_cycles(series)]) == {
        3.0: 0.5,
        4.0: 1.5,
        6.0: 0.5,
        8.0: 1.0,
        9.0: 0.5,
    }


@given(SERIES.filter(lambda series: len(series) > 2))
def test_counts_as_the_rainflow_package(series: list[float]) -> None:
    ours = _counts([(c.depth, c.count) for c in count_cycles(series)])
    theirs = _counts([(c[0], c[2]) for c in rainflow.extract_cycles(series)])
    assert ours == theirs


@given(SERIES, st.integers(0, 60))
def test_kept_points_go_on_as_if_never_stopped(series: list[float], cut: int) -> None:
    whole = [(c.depth, c.count) for c in count_cycles(series)]
    first = Rainflow()
    parts = [c for value in series[:cut] for c in first.note(value)]
    second = Rainflow(points=list(first.points))
    parts += [c for value in series[cut:] for c in second.note(value)]
    assert [(c.depth, c.count) for c in parts + second.open_cycles()] == whole


@given(SERIES)
def test_each_swing_counts_once(series: list[float]) -> None:
    """Twice the depths of all cycles is the way that the series went."""
    way = sum(abs(b - a) for a, b in pairwise(series))
    counted = sum(2.0 * c.depth * c.count for c in count_cycles(series))
    assert counted == pytest.approx(way)


@given(st.lists(st.integers(0, 1_000).map(float), max_size=300))
def test_what_stays_open_is_short(series: list[float]) -> None:
    rainflow_ = Rainflow(smallest=10.0)
    for value in series:
        rainflow_.note(value)
    assert len(rainflow_.points) <= 2 * 1_000 / 10 + 3


def test_noise_is_no_cycle() -> None:
    rainflow_ = Rainflow(smallest=0.5)
    noise = [50.0 + 0.2 * (number % 2) for number in range(100)]
    assert [c for value in noise for c in rainflow_.note(value)] == []
    assert rainflow_.open_cycles() == []
