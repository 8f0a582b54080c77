"""How well a power followed what was asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean

SAMPLE_S = 10
WINDOW_S = 300
WINDOWS = 12
HOUR_S = WINDOW_S * WINDOWS
"""One hour of regulation, and as much more as a delay is searched for."""

RATED_W = 10_000.0
"""What a tracking error is given as a share of."""

FLAT_W = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class RegulationScore:
    """The three parts of PJM Manual 12, 4.5.6, each at most 1.

    The precision of a window may be below 0; that of an hour of nothing is 0.
    """

    correlation: float
    delay: float
    precision: float

    @property
    def total(self) -> float:
        """Their mean."""
        return fmean((self.correlation, self.delay, self.precision))


def regulation_score(asked: Sequence[float], flowed: Sequence[float]) -> float:
    """Return the mean score of 12 windows of 5 minutes.

    Args:
        asked: W each second, an hour and 300 s long.
        flowed: the same of what the meter showed, unshifted.
    """
    signal, response = asked[::SAMPLE_S], flowed[::SAMPLE_S]
    hourly_w = fmean(abs(power_w) for power_w in signal[: HOUR_S // SAMPLE_S])
    size = WINDOW_S // SAMPLE_S
    return fmean(
        _window(
            signal[begin : begin + size], response[begin : begin + 2 * size], hourly_w
        ).total
        for begin in range(0, size * WINDOWS, size)
    )


def _window(
    signal: Sequence[float], response: Sequence[float], hourly_w: float
) -> RegulationScore:
    """Return the score of a window; the response is as long again as the signal."""
    size = len(signal)
    best = (0.0, 1.0)
    for shift in range(len(response) - size + 1):
        correlation = max(0.0, _correlation(signal, response[shift : shift + size]))
        delay = 1.0 - shift * SAMPLE_S / WINDOW_S
        if correlation + delay > sum(best):
            best = (correlation, delay)
    errors = (abs(a - b) for a, b in zip(signal, response[:size], strict=True))
    precision = 1.0 - fmean(errors) / hourly_w if hourly_w > FLAT_W else 0.0
    return RegulationScore(correlation=best[0], delay=best[1], precision=precision)


def _correlation(one: Sequence[float], other: Sequence[float]) -> float:
    one_mean, other_mean = fmean(one), fmean(other)
    one_moved = [value - one_mean for value in one]
    other_moved = [value - other_mean for value in other]
    size = sqrt(sum(v * v for v in one_moved) * sum(v * v for v in other_moved))
    if size <= FLAT_W:
        return 0.0
    return sum(a * b for a, b in zip(one_moved, other_moved, strict=True)) / size


def tracking_error(
    reference: Sequence[float],
    flowed: Sequence[float],
    dead_time_s: float,
    begin_s: int,
) -> float:
    """Return the rms of measured less reference, as a share of 10 kW.

    Args:
        reference: W each second, within what the plant can do.
        flowed: what the meter showed each second.
        dead_time_s: the true one, by which the reference is shifted.
        begin_s: from when on it counts.
    """
    errors = (
        flowed[second] - reference[max(0, int(second - dead_time_s))]
        for second in range(begin_s, min(len(reference), len(flowed)))
    )
    return sqrt(fmean(error * error for error in errors)) / RATED_W
