"""An event loop whose time is a fake clock: waiting costs nothing and is exact."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
import selectors
from typing import Any, override

from tests.fakes import FakeClock


class DeadlockError(Exception):
    """Raised when everything waits and nothing will ever happen."""


class _InstantSelector(selectors.SelectSelector):
    """Instead of sleeping, let the clock pass."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    @override
    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise DeadlockError
        if timeout > 0:
            self._clock.advance(timeout)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that sleeps by moving its clock."""

    def __init__(self, clock: FakeClock) -> None:
        """Take the clock that also the code under test reads."""
        self.clock = clock
        super().__init__(_InstantSelector(clock))

    @override
    def time(self) -> float:
        return self.clock.monotonic()


def running_clock() -> FakeClock:
    """Return the clock of the running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return loop.clock


def in_virtual_time[**P](
    test: Callable[P, Coroutine[Any, Any, None]],
) -> Callable[P, None]:
    """Run a coroutine function as a test on a loop of its own."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(
            loop_factory=lambda: VirtualTimeLoop(FakeClock())
        ) as runner:
            runner.run(test(*args, **kwargs))

    return run
