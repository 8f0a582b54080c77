"""What several uncertain sightings of one number agree on."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A number is somewhere between two bounds."""

    low: float
    high: float
    """Not below ``low``."""

    @property
    def middle(self) -> float:
        """The number that is wrong by the least, whichever it is."""
        return (self.low + self.high) / 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """The span that most sightings share."""

    span: Span
    share: float
    """Of the sightings that contain it, > 0..1."""


def agree(sightings: Sequence[Span]) -> Agreement | None:
    """Return the narrowest span that the most sightings contain, None without any.

    A few wrong sightings change nothing, and each right one can only narrow the span:
    the clock selection of NTP (RFC 5905, part 11.2.1), after K. Marzullo.

    Args:
        sightings: in any order; may be empty.
    """
    if not sightings:
        return None
    # At the same place an end comes after a begin: touching spans share that place.
    edges = sorted(
        [(sighting.low, 0) for sighting in sightings]
        + [(sighting.high, 1) for sighting in sightings]
    )
    depth = best = 0
    span = sightings[0]
    for number, (at, is_end) in enumerate(edges):
        depth += -1 if is_end else 1
        if depth > best:
            best, span = depth, Span(low=at, high=edges[number + 1][0])
    return Agreement(span=span, share=best / len(sightings))
