"""How much a station may send, over all of its links."""

from typing import Final

FRAMES_PER_S: Final = 100.0
BURST_FRAMES: Final = 500.0
"""House rule (OCPP brief, limits): a queue that was kept offline fits the burst."""

BYTES_PER_TOKEN: Final = 8_192
"""House rule: a frame of so much counts as one more. A thousand frames of a meter fit,
and a device model of 4 MiB; one of 1 MiB takes a hundred times as long to read."""

MAX_THROTTLED_S: Final = 10.0
"""Slowed down for longer than this without a pause is a flood."""


class RateLimit:
    """A token bucket that first slows down and then gives up."""

    def __init__(self, now_mono_s: float) -> None:
        """Start full."""
        self._tokens = BURST_FRAMES
        self._filled_mono_s = now_mono_s
        self._throttled_s = 0.0

    def relinked(self) -> None:
        """Begin another link: what was sent over the last one stays counted."""
        self._throttled_s = 0.0

    @property
    def is_abused(self) -> bool:
        """True once the station kept sending at the limit for too long."""
        return self._throttled_s > MAX_THROTTLED_S

    def wait_s(self, now_mono_s: float, size: int = 0) -> float:
        """Take what a frame of a size costs; return how long reading has to pause, s."""
        elapsed_s = now_mono_s - self._filled_mono_s
        self._filled_mono_s = now_mono_s
        self._tokens = min(BURST_FRAMES, self._tokens + elapsed_s * FRAMES_PER_S)
        self._tokens -= 1 + size // BYTES_PER_TOKEN
        if self._tokens >= 0:
            self._throttled_s = 0.0
            return 0.0
        wait_s = -self._tokens / FRAMES_PER_S
        self._throttled_s += wait_s
        return wait_s
