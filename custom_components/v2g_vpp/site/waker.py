"""When control runs next: at once for news, a little later for numbers that flow."""

import asyncio
from contextlib import suppress
from typing import Final

FLOW_INTERVAL_S: Final = 0.1
"""Readings alone make control run at most this often: every station sends some all the
time, and each run looks at every EVSE. Guards compare what flows with what was asked a
moment ago; half a second made one of them see a discharge that nobody had ordered."""


class Waker:
    """Waits for the next run of control."""

    def __init__(self) -> None:
        """Nothing is due yet."""
        self._due = asyncio.Event()
        self._soon: asyncio.TimerHandle | None = None
        self._began_s = float("-inf")
        self._is_waiting = False

    def now(self) -> None:
        """Let control run at once."""
        self._due.set()

    def soon(self) -> None:
        """Let control run, at most once per ``FLOW_INTERVAL_S``."""
        if self._soon is not None or self._due.is_set():
            return
        loop = asyncio.get_running_loop()
        delay_s = self._began_s + FLOW_INTERVAL_S - loop.time()
        if delay_s <= 0 or not self._is_waiting:
            self._due.set()
        else:
            self._soon = loop.call_later(delay_s, self._due.set)

    def began(self) -> None:
        """Note that control runs now: what was due is being done."""
        self._due.clear()
        self._began_s = asyncio.get_running_loop().time()

    async def wait(self, longest_s: float) -> None:
        """Return when control is due, at the latest after ``longest_s``."""
        self._is_waiting = True
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(longest_s):
                    await self._due.wait()
        finally:
            self._is_waiting = False
            if self._soon is not None:
                self._soon.cancel()
                self._soon = None
