"""What is asked of a charger, by the second; the same seed asks the same."""

from collections.abc import Sequence
from math import exp, sqrt
from random import Random

from custom_components.v2g_vpp.domain.units import clamp

REGULATION_W = 7_000.0
REGULATION_DEVIATION_W = REGULATION_W / 2.0
REGULATION_CORRELATION_S = 60.0
REGULATION_HOLD_S = 2


def regulation(seed: int, seconds: int) -> Sequence[float]:
    """Return a signal like PJM's RegD: an Ornstein-Uhlenbeck process, W each second.

    A new value each 2 s, a correlation time of 60 s, clipped to 7 kW.
    """
    random = Random(seed)  # noqa: S311 - a test signal
    kept = exp(-REGULATION_HOLD_S / REGULATION_CORRELATION_S)
    fresh = sqrt(1.0 - kept * kept)
    state, signal = random.gauss(0.0, 1.0), list[float]()
    while len(signal) < seconds:
        power_w = clamp(REGULATION_DEVIATION_W * state, -REGULATION_W, REGULATION_W)
        signal += [power_w] * REGULATION_HOLD_S
        state = kept * state + fresh * random.gauss(0.0, 1.0)
    return signal[:seconds]


def events(seed: int, count: int, duration_s: int) -> Sequence[tuple[float, int]]:
    """Return dispatches, one after another: power, W, and duration, s."""
    random = Random(seed)  # noqa: S311 - a test signal
    return [
        (random.choice((-1.0, 1.0)) * random.uniform(2_000.0, 10_500.0), duration_s)
        for _ in range(count)
    ]


def held(pieces: Sequence[tuple[float, int]]) -> Sequence[float]:
    """Return dispatches by the second."""
    return [power_w for power_w, duration_s in pieces for _ in range(duration_s)]
