"""The clocks of the running system."""

import datetime as dt
from random import SystemRandom
import time
from typing import override

from homeassistant.util import dt as dt_util

from .domain.clock import HomeClock
from .domain.wall_time import next_wall_time

_RANDOM = SystemRandom()


class SystemClock(HomeClock):
    """Monotonic seconds and UTC as the host tells them, the zone as the owner set it."""

    @override
    def monotonic(self) -> float:
        return time.monotonic()

    @override
    def utcnow(self) -> dt.datetime:
        return dt_util.utcnow()

    @override
    def next_wall_time(self, wall: dt.time, after: dt.datetime) -> dt.datetime:
        return next_wall_time(wall, after, dt_util.get_default_time_zone())


def draw_uniform(lowest: float, highest: float) -> float:
    """Return a random number between two bounds, to spread retries."""
    return _RANDOM.uniform(lowest, highest)
