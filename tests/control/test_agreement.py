"""What several sightings agree on."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.agreement import Span, agree

SPANS = st.tuples(st.floats(0, 100), st.floats(0, 100)).map(
    lambda ends: Span(low=min(ends), high=max(ends))
)


def test_nobody_agrees_on_nothing() -> None:
    assert agree([]) is None


def test_the_span_that_most_share_wins_and_a_wrong_one_changes_nothing() -> None:
    # The example of RFC 1305 and of Marzullo's own thesis.
    right = [Span(low=8, high=12), Span(low=11, high=13), Span(low=10, high=12)]
    agreement = agree(right)
    assert agreement is not None
    assert (agreement.span, agreement.share) == (Span(low=11, high=12), 1.0)
    wrong = agree([*right, Span(low=40, high=41)])
    assert wrong is not None
    assert (wrong.span, wrong.share) == (Span(low=11, high=12), 0.75)


@given(st.lists(SPANS, min_size=1, max_size=12))
def test_the_span_is_in_as_many_sightings_as_it_says(sightings: list[Span]) -> None:
    agreement = agree(sightings)
    assert agreement is not None
    span = agreement.span
    assert span.low <= span.middle <= span.high

    def containing(at: float) -> int:
        return sum(one.low <= at <= one.high for one in sightings)

    depth = max(containing(one.low) for one in sightings)
    assert containing(span.middle) == depth
    assert agreement.share == pytest.approx(depth / len(sightings))
