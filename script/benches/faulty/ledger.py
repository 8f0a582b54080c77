"""No entry lost: what the ledger held it holds, and each accepted command gets one."""

import asyncio
from collections.abc import Mapping
import contextlib
import time
from typing import Any, Final

from script.benches.faulty.away import AWAY
from script.benches.faulty.world import FaultyWorld

SETTLED_S: Final = 150.0
"""After a start an event may be taken up for two minutes, then it is told."""

LOOK_S: Final = 5.0


class LedgerWatch:
    """Follows the ledger of one world over all of its cases."""

    def __init__(self, world: FaultyWorld) -> None:
        """Start with a ledger of which nothing is known."""
        self._world = world
        self._hashes: list[str] = []
        self._told: set[str] = set()
        self._owed: dict[str, str] = {}
        """Case by command."""

    def owe(self, case: str, commands: tuple[str, ...]) -> None:
        """Note commands that the home accepted in a case."""
        self._owed.update(dict.fromkeys(commands, case))

    async def look(self) -> tuple[str, ...]:
        """Read the ledger; return what is wrong with it."""
        try:
            entries = await self._world.ledger()
        except AWAY as err:
            return (f"ledger: {str(err) or type(err).__name__}",)
        hashes = [str(entry["hash"]) for entry in entries]
        is_whole = hashes[: len(self._hashes)] == self._hashes
        self._hashes = hashes
        for entry in entries:
            self._told |= _commands(entry)
        return () if is_whole else ("ledger: entries that were there are gone",)

    async def settle(self) -> Mapping[str, str]:
        """End what runs, and return the commands without an entry: command to case."""
        with contextlib.suppress(*AWAY):
            await self._world.aggregator.command("release")
        deadline = time.monotonic() + SETTLED_S
        while True:
            await self.look()
            lost = {k: case for k, case in self._owed.items() if k not in self._told}
            if not lost or time.monotonic() > deadline:
                return lost
            await asyncio.sleep(LOOK_S)


def _commands(entry: Mapping[str, Any]) -> set[str]:
    found = entry["body"].get("commands", ())
    return {str(each["command_id"]) for each in found}
