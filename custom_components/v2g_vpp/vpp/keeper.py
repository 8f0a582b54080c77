"""Bring the memory of a gate to its store: soon, in order, never in the way."""

from ..domain.ports import Spawn, Store
from .memory import GateMemory

HEARTBEAT_MARK_PERIOD_S = 600.0
"""Marks of heartbeats are written this seldom: a replayed heartbeat is refused by its
age after 12 s anyway, and each write wears the memory card of the home."""


class MemoryKeeper:
    """Write one memory.

    Marks and verdicts are written at once *after* an order was passed on, not before:
    a command that is lost from the memory by a crash within these milliseconds could
    only be obeyed again within the 12 s of rule 4 and inside its own window, and
    after a start the home obeys nothing before three good heartbeats. Waiting for the
    disk would delay every stop.
    """

    def __init__(self, memory: GateMemory, store: Store, spawn: Spawn) -> None:
        """Write ``memory`` to ``store`` by tasks of ``spawn``."""
        self._memory = memory
        self._store = store
        self._spawn = spawn
        self._is_saving = self._is_dirty = False
        self._beat_mono_s: float | None = None

    def write_soon(self) -> None:
        """Write now, in the background; calls during a write cause one more."""
        self._is_dirty = True
        if not self._is_saving:
            self._is_saving = True
            self._spawn(self._save(), "vpp memory")

    def write_later(self, now_mono_s: float) -> None:
        """Note that only the mark of a heartbeat moved."""
        last = self._beat_mono_s
        if last is None or now_mono_s - last > HEARTBEAT_MARK_PERIOD_S:
            self._beat_mono_s = now_mono_s
            self._store.save_later(self._memory.to_stored)

    async def write(self) -> None:
        """Write and return when it is on disk."""
        await self._store.save(self._memory.to_stored())

    async def _save(self) -> None:
        try:
            while self._is_dirty:
                self._is_dirty = False
                await self._store.save(self._memory.to_stored())
        finally:
            self._is_saving = False
