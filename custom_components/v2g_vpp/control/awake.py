"""How long a vehicle was kept awake for nothing in the last 24 hours of running time.

A closed contactor keeps the electronics of a vehicle running, which takes some hundred
watts out of its battery for as long as nobody wants anything of it.
"""

from dataclasses import dataclass, field
from typing import Final

from .day_sum import DaySum

LONGEST_STEP_S: Final = 60.0
"""Nobody looked for longer than this: what was meanwhile is not known."""


@dataclass(slots=True)
class AwakeTime:
    """Adds up idle time; the memory of one EVSE."""

    _today: DaySum = field(default_factory=DaySum)
    _idle_at_mono_s: float | None = None

    def step(self, now_mono_s: float, *, is_idle: bool) -> None:
        """Take in whether the vehicle is awake for nothing now."""
        last_s = self._idle_at_mono_s
        if is_idle and last_s is not None and 0 < now_mono_s - last_s <= LONGEST_STEP_S:
            self._today.add(now_mono_s - last_s, now_mono_s)
        self._idle_at_mono_s = now_mono_s if is_idle else None

    def total_s(self, now_mono_s: float) -> float:
        """Return the idle time of the last day, s."""
        return self._today.total(now_mono_s)
