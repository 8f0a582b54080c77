"""Look at the clock now and then, to see how late the loop of the home is."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
import logging

from ..control.loop_lag import LoopLag
from ..domain.loop_lag import LagFigures, LagRule, LoopLook
from ..domain.units import seconds_to_milliseconds

_LOGGER = logging.getLogger(__name__)

_STEP = 0.618
"""Of the golden ratio: its multiples fall everywhere between two whole numbers."""


class HostWatch:
    """Tells control when the loop in which it runs is late.

    A timer of its own: control runs for news as well, and what comes in while the loop
    is blocked does not tell that it waited. The looks are no equal times apart: what
    holds the loop every second would never be seen by one that looks every second.
    """

    def __init__(self, rule: LagRule, wake: Callable[[], None]) -> None:
        """Prepare to ``wake`` control for a late look."""
        self.rule, self._wake = rule, wake
        self._lag = LoopLag(rule)
        self._timer: asyncio.TimerHandle | None = None
        self._share = 0.0
        self.last: LoopLook | None = None
        """The newest look, None before the first."""

    @property
    def is_late(self) -> bool:
        """True: the loop is late again and again, so nothing may discharge."""
        return self._lag.is_late

    def figures(self) -> LagFigures | None:
        """Return how late the loop was in the last minutes, None when not known."""
        return self._lag.figures()

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look until the end of the block."""
        self._look_later()
        try:
            yield
        finally:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def _look_later(self) -> None:
        self._share = (self._share + _STEP) % 1.0
        wait_s = self.rule.period_s * (1.0 + self._share)
        # By the loop's own clock, which is also that of its timers.
        loop = asyncio.get_running_loop()
        due_mono_s = loop.time() + wait_s
        self._timer = loop.call_at(due_mono_s, self._look, due_mono_s)

    def _look(self, due_mono_s: float) -> None:
        ran_mono_s = asyncio.get_running_loop().time()
        look = LoopLook(due_mono_s=due_mono_s, ran_mono_s=ran_mono_s)
        was_late = self.is_late
        self.last = look
        self._lag.note(look)
        self._look_later()
        if self.is_late is not was_late:
            if self.is_late:
                _LOGGER.warning(
                    "the event loop is late again and again, now by %.0f ms:"
                    " no discharge",
                    seconds_to_milliseconds(look.late_s),
                )
            else:
                _LOGGER.info("the event loop is in time again")
        if look.late_s > self.rule.late_s or self.is_late is not was_late:
            self._wake()
