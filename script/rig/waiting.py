"""Waiting for conditions, and the record of what was waited for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
import time

POLL_S = 0.05


class NotSeenError(Exception):
    """Carry what was expected and what was seen instead."""


async def until_async[T](
    probe: Callable[[], Awaitable[T | None]],
    timeout_s: float,
    expected: str,
    seen: Callable[[], object] = lambda: "nothing of it",
) -> T:
    """Return the first result of ``probe`` that is true.

    Raises:
        NotSeenError: when there is none in time; says what was seen at the end.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        result = await probe()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise NotSeenError(
                f"expected {expected} within {timeout_s:g} s, saw {seen()}"
            )
        await asyncio.sleep(POLL_S)


async def until[T](
    probe: Callable[[], T | None],
    timeout_s: float,
    expected: str,
    seen: Callable[[], object] = lambda: "nothing of it",
) -> T:
    """Return the first result of ``probe`` that is true; see ``until_async``."""

    async def look() -> T | None:
        return probe()

    return await until_async(look, timeout_s, expected, seen)


def expect(holds: object, expected: str, seen: object) -> None:
    """Do nothing when the first argument is true.

    Raises:
        NotSeenError: with what was expected and what was seen.
    """
    if not holds:
        raise NotSeenError(f"expected {expected}, saw {seen}")


class Waits:
    """How long each named wait between the measurements took, in the order of them."""

    def __init__(self) -> None:
        """Start with no wait."""
        self.seconds: dict[str, float] = {}

    @asynccontextmanager
    async def named(self, name: str) -> AsyncIterator[None]:
        """Record how long the body took; a name used again adds up."""
        began = time.monotonic()
        try:
            yield
        finally:
            took = self.seconds.get(name, 0.0) + time.monotonic() - began
            self.seconds[name] = round(took, 2)
