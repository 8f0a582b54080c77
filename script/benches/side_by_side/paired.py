"""The processor time of two pieces of work, in turns.

What else runs on a machine makes work slower: it empties caches and shares the core. Two
pieces that follow each other within milliseconds meet the same machine, and if they are
of the same kind it slows both alike. So the ratio of each turn counts, and of many turns
the one in the middle.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import gc
from statistics import median
from time import thread_time

type Work = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What is measured, and what it is measured by."""

    subject: Work
    yardstick: Work
    prepare: Callable[[], None] = lambda: None
    """Before each of the two, not counted."""

    close: Callable[[], None] = lambda: None


async def compare(pair: Pair, turns: int, *, slower_percent: float = 0.0) -> float:
    """Return how many yardsticks the subject takes, the median of some turns.

    Args:
        pair: what to run; each piece a few milliseconds of work.
        turns: how often both are run.
        slower_percent: burn this much more time after the subject, to see whether a
            slower one would be noticed.
    """
    for work in (pair.subject, pair.yardstick):
        pair.prepare()
        await work()
    ratios: list[float] = []
    # A collection in the middle would be counted for whoever runs then.
    gc.collect()
    gc.disable()
    try:
        for _ in range(turns):
            pair.prepare()
            subject_s = await _time(pair.subject, slower_percent)
            pair.prepare()
            ratios.append(subject_s / await _time(pair.yardstick))
    finally:
        gc.enable()
        pair.close()
    return median(ratios)


async def _time(work: Work, slower_percent: float = 0.0) -> float:
    """Return the processor time of this thread for a piece of work, s."""
    begin_s = thread_time()
    await work()
    end_s = begin_s + (thread_time() - begin_s) * (1.0 + slower_percent / 100.0)
    while (now_s := thread_time()) < end_s:
        pass
    return now_s - begin_s
