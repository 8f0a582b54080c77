"""One piece of work at a time, which a newer one takes the place of."""

import asyncio
from collections.abc import Coroutine


class Work:
    """Runs a piece of work that others may abort."""

    def __init__(self) -> None:
        """Start idle."""
        self._task: asyncio.Task[None] | None = None
        self._is_aborted = False

    @property
    def is_running(self) -> bool:
        """True while something is under way."""
        return self._task is not None

    async def run(self, piece: Coroutine[None, None, None]) -> bool:
        """Do a piece of work; return False when it was aborted."""
        self._is_aborted = False
        self._task = asyncio.get_running_loop().create_task(piece)
        try:
            await self._task
        except asyncio.CancelledError:
            # The end of the link also ends what runs on it, and is passed on.
            if not self._is_aborted:
                raise
        finally:
            self._task = None
        return not self._is_aborted

    def abort(self) -> None:
        """End what is under way, if anything is."""
        if self._task is not None:
            self._is_aborted = True
            self._task.cancel()
