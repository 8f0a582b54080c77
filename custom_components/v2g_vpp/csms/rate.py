"""How many frames a station may send."""

from typing import Final

FRAMES_PER_S: Final = 100.0
BURST_FRAMES: Final = 500.0
"""House rule (OCPP brief, limits): a queue that was kept offline fits the burst."""

MAX_THROTTLED_S: Final = 10.0
"""Slowed down for longer than this without a pause is a flood."""


class RateLimit:
    """A token bucket that first slows down and then gives up."""

    def __init__(self, now_mono_s: float) -> None:
        """Start full."""
        self._tokens = BURST_FRAMES
        self._filled_mono_s = now_mono_s
        self._throttled_s = 0.0

    @property
    def is_abused(self) -> bool:
        """True once the station kept sending at the limit for too long."""
        return self._throttled_s > MAX_THROTTLED_S

    def wait_s(self, now_mono_s: float) -> float:
        """Take one token; return how long reading has to pause for it, s."""
        elapsed_s = now_mono_s - self._filled_mono_s
        self._filled_mono_s = now_mono_s
        self._tokens = min(BURST_FRAMES, self._tokens + elapsed_s * FRAMES_PER_S) - 1
        if self._tokens >= 0:
            self._throttled_s = 0.0
            return 0.0
        wait_s = -self._tokens / FRAMES_PER_S
        self._throttled_s += wait_s
        return wait_s
