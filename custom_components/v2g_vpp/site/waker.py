"""When control runs next, and for whom: at once for news, a little later for readings."""

import asyncio
from collections.abc import Collection
from typing import Final

from ..domain.ids import EvseKey

FLOW_INTERVAL_S: Final = 0.1
"""Readings alone make control run at most this often: every station sends some all the
time. Guards compare what flows with what was asked a moment ago; half a second made one
of them see a discharge that nobody had ordered."""


class Waker:
    """Waits for the next run of control."""

    def __init__(self) -> None:
        """Nothing is due yet; the first run is for all."""
        self._due = asyncio.Event()
        self._soon: asyncio.TimerHandle | None = None
        self._began_s = float("-inf")
        self._began_for_all_s = float("-inf")
        self._is_for_all = True
        self._changed: set[EvseKey] = set()
        self._is_waiting = False

    def now(self) -> None:
        """Let control run for all at once."""
        self._is_for_all = True
        self._due.set()

    def soon(self, key: EvseKey) -> None:
        """Let control run for an EVSE, at most once per ``FLOW_INTERVAL_S``."""
        self._changed.add(key)
        self._set_due_soon()

    def soon_for_all(self) -> None:
        """Let control run for all, at most once per ``FLOW_INTERVAL_S``."""
        self._is_for_all = True
        self._set_due_soon()

    def _set_due_soon(self) -> None:
        if self._soon is not None or self._due.is_set():
            return
        loop = asyncio.get_running_loop()
        delay_s = self._began_s + FLOW_INTERVAL_S - loop.time()
        if delay_s <= 0 or not self._is_waiting:
            self._due.set()
        else:
            self._soon = loop.call_later(delay_s, self._due.set)

    def began(self) -> Collection[EvseKey] | None:
        """Note that control runs now; return for which EVSEs, None: for all."""
        changed, is_for_all = self._changed, self._is_for_all
        self._due.clear()
        self._changed, self._is_for_all = set(), False
        self._began_s = asyncio.get_running_loop().time()
        if not is_for_all:
            return changed
        self._began_for_all_s = self._began_s
        return None

    async def wait(self, longest_s: float) -> None:
        """Return when control is due.

        Args:
            longest_s: after the last run for all it is due for all again.
        """
        self._is_waiting = True
        left_s = self._began_for_all_s + longest_s - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(left_s):
                await self._due.wait()
        except TimeoutError:
            self._is_for_all = True
        finally:
            self._is_waiting = False
            if self._soon is not None:
                self._soon.cancel()
                self._soon = None
