"""What a fuzz run watches in its own process: errors, memory, branches, turns."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
import logging
from pathlib import Path
import resource
import sys
import time
from types import CodeType
from typing import Any, Final, override

PRODUCT: Final = "custom_components.v2g_vpp"
PRODUCT_FOLDER: Final = str(Path(__file__).parents[2] / "custom_components")

_PAGE_KIB: Final = resource.getpagesize() / 1024
_TOOL: Final = 4
"""Of `sys.monitoring`; coverage and profilers have others."""

_BRANCHES: Final = (
    sys.monitoring.events.BRANCH_LEFT | sys.monitoring.events.BRANCH_RIGHT
)


class ErrorCount(logging.Handler):
    """Counts what the product logs as its own error."""

    def __init__(self) -> None:
        """Start at none."""
        super().__init__(logging.ERROR)
        self.texts: Counter[str] = Counter()

    @override
    def emit(self, record: logging.LogRecord) -> None:
        """Count a record by its text and exception."""
        cause = record.exc_info[1] if record.exc_info else ""
        self.texts[f"{record.getMessage()[:120]} {cause!r:.200}"] += 1


@contextmanager
def counted_errors(*names: str) -> Iterator[ErrorCount]:
    """Count errors of the product, and of the event loop, instead of printing them."""
    errors = ErrorCount()
    loggers = [logging.getLogger(name) for name in (*names, "asyncio")]
    before = [(one.propagate, one.level) for one in loggers]
    for one in loggers:
        one.addHandler(errors)
        one.propagate = False
        one.setLevel(logging.ERROR)
    try:
        yield errors
    finally:
        for one, (propagate, level) in zip(loggers, before, strict=True):
            one.removeHandler(errors)
            one.propagate = propagate
            one.setLevel(level)


class Guide:
    """Tells whether an input took a branch of the product that none took before.

    Each place reports itself once and is silent afterwards, so watching costs next to
    nothing (PEP 669).
    """

    def __init__(self, folder: str = PRODUCT_FOLDER) -> None:
        """Watch the code of a folder from now on, until ``stop``."""
        self.reached = 0
        self._told = 0
        self._folder = folder
        monitoring = sys.monitoring
        monitoring.use_tool_id(_TOOL, "fuzz")
        monitoring.register_callback(_TOOL, monitoring.events.BRANCH_LEFT, self._note)
        monitoring.register_callback(_TOOL, monitoring.events.BRANCH_RIGHT, self._note)
        monitoring.set_events(_TOOL, _BRANCHES)
        monitoring.restart_events()

    def has_news(self) -> bool:
        """Return True when branches were reached since the last time."""
        told, self._told = self._told, self.reached
        return self._told > told

    def stop(self) -> None:
        """Watch no more."""
        sys.monitoring.set_events(_TOOL, 0)
        sys.monitoring.free_tool_id(_TOOL)

    def _note(self, code: CodeType, _offset: int, _to: int) -> Any:
        if code.co_filename.startswith(self._folder):
            self.reached += 1
        return sys.monitoring.DISABLE


class Turns:
    """The longest that one callback of the event loop kept all others waiting."""

    def __init__(self) -> None:
        """Measure from now on, every callback of every loop of this process."""
        self.worst_s = self.worst_busy_s = 0.0
        self.worst_what = ""
        plain = asyncio.Handle._run  # noqa: SLF001 - the one place where all pass

        def run(handle: asyncio.Handle) -> None:
            began_s, began_busy_s = time.perf_counter(), time.thread_time()
            plain(handle)
            busy_s = time.thread_time() - began_busy_s
            self.worst_s = max(self.worst_s, time.perf_counter() - began_s)
            if busy_s > self.worst_busy_s:
                self.worst_busy_s, self.worst_what = busy_s, repr(handle)[:200]

        self._plain = plain
        asyncio.Handle._run = run  # type: ignore[assignment,method-assign]  # noqa: SLF001 - as above

    def stop(self) -> None:
        """Measure no more."""
        asyncio.Handle._run = self._plain  # type: ignore[method-assign]  # noqa: SLF001 - as above


class Memory:
    """What this process holds, against what it held early."""

    def __init__(self) -> None:
        """Take the present as early."""
        self._early_kib = rss_kib()

    def settled(self) -> None:
        """Count from here: caches are as full as they get."""
        self._early_kib = rss_kib()

    @property
    def growth_kib(self) -> float:
        """How much more it is now."""
        return rss_kib() - self._early_kib

    @property
    def growth_percent(self) -> float:
        """The same, of what it was."""
        return 100.0 * self.growth_kib / self._early_kib


def rss_kib() -> float:
    """Return what this process holds in memory now."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * _PAGE_KIB
