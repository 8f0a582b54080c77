"""The clocks of the running system."""

from datetime import datetime
from random import SystemRandom
import time
from typing import override

from homeassistant.util import dt as dt_util

from .domain.clock import Clock

_RANDOM = SystemRandom()


class SystemClock(Clock):
    """Monotonic seconds and UTC, as the host tells them."""

    @override
    def monotonic(self) -> float:
        return time.monotonic()

    @override
    def utcnow(self) -> datetime:
        return dt_util.utcnow()


def draw_uniform(lowest: float, highest: float) -> float:
    """Return a random number between two bounds, to spread retries."""
    return _RANDOM.uniform(lowest, highest)
