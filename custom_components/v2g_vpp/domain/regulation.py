"""How well a power followed a signal, in the three parts of PJM Manual 12, 4.5.6."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

SAMPLE_S = 10
WINDOW_S = 300
"""Length of a window, and the longest delay that is searched for."""

WINDOW_SAMPLES = WINDOW_S // SAMPLE_S
FLAT_W = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class RegulationScore:
    """The three parts, each at most 1.

    The precision of a window may be below 0; that of a signal of nothing is 0.
    """

    correlation: float
    delay: float
    precision: float

    @property
    def total(self) -> float:
        """Their mean."""
        return fmean((self.correlation, self.delay, self.precision))


def regulation_score(
    signal: Sequence[float | None], response: Sequence[float | None]
) -> RegulationScore | None:
    """Return the mean of the windows of 5 minutes, None when there is no whole one.

    A window in which a sample is missing does not count: nothing is made up.

    Args:
        signal: W asked, one per 10 s.
        response: W that flowed, of the same moments, unshifted. The last 5 minutes
            only serve the search for the delay.
    """
    size = WINDOW_SAMPLES
    last = min(len(signal), len(response)) - 2 * size
    begins = range(0, last + 1, size)
    windows = [
        (asked, flowed)
        for begin in begins
        if (asked := _whole(signal[begin : begin + size])) is not None
        and (flowed := _whole(response[begin : begin + 2 * size])) is not None
    ]
    if not windows:
        return None
    mean_w = fmean(abs(power_w) for asked, _ in windows for power_w in asked)
    parts = [_window(asked, flowed, mean_w) for asked, flowed in windows]
    return RegulationScore(
        correlation=fmean(part.correlation for part in parts),
        delay=fmean(part.delay for part in parts),
        precision=fmean(part.precision for part in parts),
    )


def is_flat(signal: Sequence[float | None]) -> bool:
    """Return True for a signal that never moves: nothing can be correlated with it."""
    known = [power_w for power_w in signal if power_w is not None]
    return not known or max(known) - min(known) <= FLAT_W


def _whole(samples: Sequence[float | None]) -> list[float] | None:
    known = [sample for sample in samples if sample is not None]
    return known if len(known) == len(samples) else None


def _window(
    signal: Sequence[float], response: Sequence[float], mean_w: float
) -> RegulationScore:
    """Return the score of a window; the response is twice as long as the signal."""
    size = len(signal)
    best = (0.0, 1.0)
    for shift in range(len(response) - size + 1):
        correlation = max(0.0, _correlation(signal, response[shift : shift + size]))
        delay = 1.0 - shift * SAMPLE_S / WINDOW_S
        if correlation + delay > sum(best):
            best = (correlation, delay)
    errors = (abs(a - b) for a, b in zip(signal, response[:size], strict=True))
    precision = 1.0 - fmean(errors) / mean_w if mean_w > FLAT_W else 0.0
    return RegulationScore(correlation=best[0], delay=best[1], precision=precision)


def _correlation(one: Sequence[float], other: Sequence[float]) -> float:
    one_mean, other_mean = fmean(one), fmean(other)
    one_moved = [value - one_mean for value in one]
    other_moved = [value - other_mean for value in other]
    size = sqrt(sum(v * v for v in one_moved) * sum(v * v for v in other_moved))
    if size <= FLAT_W:
        return 0.0
    return sum(a * b for a, b in zip(one_moved, other_moved, strict=True)) / size
