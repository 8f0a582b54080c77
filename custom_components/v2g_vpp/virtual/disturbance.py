"""A bad line: what is lost, late, twice or silent between the station and its CSMS."""

from collections.abc import Awaitable, Callable, Set as AbstractSet

from ..domain.units import within
from .config import Fault

LOSS_PERCENT = 100 / 3
"""Of the station's frames, while they get lost: every third one."""

LATE_S = 1.0
"""How late an answer leaves: two of them stay within what a control CALL may take."""

ANSWER_PREFIX = "[3,"
REQUEST_PREFIX = "[2,"


class Disturbance:
    """What a line does to the frames that pass it."""

    def __init__(
        self, faults: AbstractSet[Fault], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        """Follow the faults of a station.

        Args:
            faults: those that are on; looked at for every frame.
            sleep: how time passes.
        """
        self._faults = faults
        self._sleep = sleep
        self._loss_percent = LOSS_PERCENT
        self._late_s = LATE_S
        self._lost_share = 0.0

    def lose(self, share_percent: float) -> None:
        """Lose this share of the frames, spread evenly, while frames get lost.

        Raises:
            NotFiniteError: for a share outside of 0..100.
        """
        self._loss_percent = within("share_percent", share_percent, 0.0, 100.0)
        self._lost_share = 0.0

    def delay(self, delay_s: float) -> None:
        """Let answers leave this late, s, while they are late.

        Raises:
            NotFiniteError: for a delay outside of 0 s..1 h.
        """
        self._late_s = within("delay_s", delay_s, 0.0, 3_600.0)

    @property
    def is_silent(self) -> bool:
        """True while nothing gets through in either direction."""
        return Fault.HALF_OPEN in self._faults

    async def copies_of(self, frame: str) -> int:
        """Return how often a frame of the station arrives; waits if it is late."""
        text = frame.replace(" ", "")
        if Fault.LATE_ANSWERS in self._faults and text.startswith(ANSWER_PREFIX):
            await self._sleep(self._late_s)
        if self.is_silent:
            return 0
        if Fault.LOSE_FRAMES in self._faults and self._is_next_lost():
            return 0
        is_repeated = Fault.REPEAT_FRAMES in self._faults
        return 2 if is_repeated and text.startswith(REQUEST_PREFIX) else 1

    def _is_next_lost(self) -> bool:
        """Return True when the next frame is one of those that get lost."""
        # A thousandth of a percent keeps a third times three from missing 100.
        self._lost_share += self._loss_percent
        is_lost = self._lost_share >= 100.0 - 1e-3
        if is_lost:
            self._lost_share -= 100.0
        return is_lost
