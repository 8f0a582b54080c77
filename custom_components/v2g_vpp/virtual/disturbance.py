"""A bad line: what is lost, late, twice or silent between the station and its CSMS."""

from collections.abc import Awaitable, Callable, Set as AbstractSet

from .config import Fault

LOSE_ONE_IN = 3
"""Of the station's frames, while they get lost."""

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
        self._sent = 0

    @property
    def is_silent(self) -> bool:
        """True while nothing gets through in either direction."""
        return Fault.HALF_OPEN in self._faults

    async def copies_of(self, frame: str) -> int:
        """Return how often a frame of the station arrives; waits if it is late."""
        self._sent += 1
        text = frame.replace(" ", "")
        if Fault.LATE_ANSWERS in self._faults and text.startswith(ANSWER_PREFIX):
            await self._sleep(LATE_S)
        if self.is_silent:
            return 0
        is_lossy = Fault.LOSE_FRAMES in self._faults
        if is_lossy and self._sent % LOSE_ONE_IN == 0:
            return 0
        is_repeated = Fault.REPEAT_FRAMES in self._faults
        return 2 if is_repeated and text.startswith(REQUEST_PREFIX) else 1
