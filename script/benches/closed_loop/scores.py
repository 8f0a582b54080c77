"""How well a power followed what was asked."""

from collections.abc import Sequence
from math import sqrt
from statistics import fmean

from custom_components.v2g_vpp.domain import regulation
from custom_components.v2g_vpp.domain.regulation import SAMPLE_S, WINDOW_S

WINDOWS = 12
HOUR_S = WINDOW_S * WINDOWS
"""One hour of regulation, and as much more as a delay is searched for."""

RATED_W = 10_000.0
"""What a tracking error is given as a share of."""


def regulation_score(asked: Sequence[float], flowed: Sequence[float]) -> float:
    """Return the mean score of 12 windows of 5 minutes, as the home reports it.

    Args:
        asked: W each second, an hour and 300 s long.
        flowed: the same of what the meter showed, unshifted.
    """
    score = regulation.regulation_score(asked[::SAMPLE_S], flowed[::SAMPLE_S])
    return score.total if score is not None else 0.0


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
