"""What a demand is at each second, and which ones are refused."""

from datetime import UTC, datetime

from hypothesis import given, strategies as st
import pytest

from aggregator.errors import BadRequestError
from aggregator.series import HOLD_S, Series, parse_csv, parse_line

NOW = datetime(2026, 11, 23, 17, 0, 0, tzinfo=UTC)


def test_a_value_holds_until_the_next_and_the_last_as_long_as_the_one_before() -> None:
    series = Series.of([(0, -1_000), (4, -2_000), (10, 500)])
    moments = [-1, 0, 3.9, 4, 9.9, 10, 15.9, 16]
    assert [series.power_w(at_s) for at_s in moments] == [
        0,
        -1_000,
        -1_000,
        -2_000,
        -2_000,
        500,
        500,
        None,
    ]


def test_a_live_value_is_over_when_nobody_repeats_it() -> None:
    series = Series.of([(0, -1_000)])
    assert series.power_w(HOLD_S - 0.1) == -1_000
    assert series.power_w(HOLD_S) is None
    assert Series.of([(0, 1)], hold_s=5).power_w(5) is None


@pytest.mark.parametrize(
    "text",
    [
        "time,power_w\n0,-100\n\n10,-200\n",
        "0, -100\n10 ,-200.4\n",
        "2026-11-23T17:00:00Z,-100\n2026-11-23T18:00:10+01:00,-200\n",
    ],
    ids=["with a head", "without", "moments"],
)
def test_a_file_may_count_seconds_or_name_moments(text: str) -> None:
    series = parse_csv(text.splitlines(), NOW)
    assert series == Series.of([(0, -100), (10, -200)])


def test_a_file_of_moments_that_began_earlier_is_joined_where_it_is_now() -> None:
    rows = ["2026-11-23T16:59:00Z,-100", "2026-11-23T17:01:00Z,-200"]
    series = parse_csv(rows, NOW)
    assert series.power_w(0) == -100
    assert series.power_w(60) == -200


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no points"),
        ("0,1\n0,2", "Point 2: the times must rise"),
        ("0,1\n5", "Line 2 is not"),
        ("x,1", "Line 1: 'x' is not a time"),
        ("0,much", "Line 1: the power is not a number"),
        ("0,nan", "Line 1: the power is out of bounds"),
        ("inf,1", "Point 1: the time must be within"),
        ("2026-11-23T17:00:00,1", "needs its offset"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, words: str) -> None:
    with pytest.raises(BadRequestError, match=words):
        parse_csv(text.splitlines(), NOW)


def test_a_live_line_is_a_number_of_watts() -> None:
    assert parse_line(" -1500.5\n") == -1500.5
    with pytest.raises(BadRequestError, match="number of watts"):
        parse_line("0,5")


@given(
    st.lists(
        st.tuples(st.floats(-1_000, 1_000), st.integers(-(10**9), 10**9)),
        min_size=1,
        unique_by=lambda point: point[0],
    )
)
def test_a_kept_series_is_read_as_it_was(points: list[tuple[float, int]]) -> None:
    series = Series.of(sorted(points))
    kept = Series.from_document(series.to_document())
    assert (kept.times_s, kept.powers_w) == (series.times_s, series.powers_w)
    assert kept.end_s == pytest.approx(series.end_s)


@pytest.mark.parametrize("document", [{}, {"points": []}, {"points": [1], "end_s": 2}])
def test_a_damaged_series_is_refused(document: dict[str, object]) -> None:
    with pytest.raises(BadRequestError):
        Series.from_document(document)
