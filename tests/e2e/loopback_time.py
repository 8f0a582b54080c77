"""Virtual time with real sockets: the clock moves only while nothing is on the wire.

Both ends live in one loop on the loopback interface, where what was sent can be read
at once. So whatever is ready is dealt with first, and only then time passes.
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from functools import wraps
import selectors
from typing import Any, override

from tests.fakes import FakeClock

ON_THE_WIRE_S = 0.0002
"""Real time that a frame may need from one socket to the other."""

A_BIT_S = 1e-6
"""So that rounding leaves no timer at a moment that never comes."""


class _WireFirstSelector(selectors.SelectSelector):
    """Let the clock pass once the wire is silent.

    By select(): the others wait a whole millisecond where less is asked for.
    """

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock

    @override
    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout is None or timeout <= 0:
            return ready or super().select(timeout)
        ready = super().select(ON_THE_WIRE_S)
        if not ready:
            self._clock.advance(timeout + A_BIT_S)
        return ready


class LoopbackTimeLoop(asyncio.SelectorEventLoop):
    """An event loop that waits by moving its clock."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        super().__init__(_WireFirstSelector(clock))

    @override
    def time(self) -> float:
        return self.clock.monotonic()

    @override
    def run_in_executor[*Ts, R](
        self, executor: Executor | None, func: Callable[[*Ts], R], *args: *Ts
    ) -> asyncio.Future[R]:
        """Run it here and now: a thread would let time pass meanwhile."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as err:  # noqa: BLE001 - handed to who waits
            future.set_exception(err)
        return future


def loopback_clock() -> FakeClock:
    """Return the clock of the running loop."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LoopbackTimeLoop)
    return loop.clock


def in_loopback_time[**P](
    test: Callable[P, Coroutine[Any, Any, None]],
) -> Callable[P, None]:
    """Run a coroutine function as a test on a loop of its own."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        with asyncio.Runner(
            loop_factory=lambda: LoopbackTimeLoop(FakeClock())
        ) as runner:
            runner.run(test(*args, **kwargs))

    return run
