"""Watches the event loop of a Home Assistant from inside; copied into its folder.

A line of JSON each ten seconds: how late the loop was, how many tasks and threads there
are, how many blocks of memory Python holds, and what is in use of the memory that the C
library gives out: how much of it is the page cache of the recorder's database, which fills
up to a bound of its own, is told beside it. The action `soak_probe.census` also counts
all objects by type, which stops the loop for a moment that is not counted as late.
"""

import _sqlite3
import asyncio
from collections import Counter
from collections.abc import Callable
import ctypes
import gc
import json
from pathlib import Path
import sys
import threading
from typing import Any, cast

from homeassistant.core import HomeAssistant, ServiceCall

DOMAIN = "soak_probe"
FILE = "soak_probe.jsonl"
PERIOD_S = 0.05
LINE_S = 10.0
BYTES_PER_KIB = 1024


class Probe:
    """One loop that is looked at."""

    def __init__(self, hass: HomeAssistant, path: Path) -> None:
        """Write to a file."""
        self._hass = hass
        self._path = path
        self._late_ms: list[float] = []
        self._due_s = 0.0
        self._database_bytes = database_bytes()

    async def run(self) -> None:
        """Look until the loop ends."""
        loop = asyncio.get_running_loop()
        self._due_s = told_s = loop.time()
        while True:
            self._due_s += PERIOD_S
            await asyncio.sleep(max(0.0, self._due_s - loop.time()))
            now_s = loop.time()
            self._late_ms.append(round(1e3 * (now_s - self._due_s), 2))
            self._due_s = max(self._due_s, now_s - PERIOD_S)
            if now_s - told_s >= LINE_S:
                told_s = now_s
                self.tell({"late_ms": self._late_ms})
                self._late_ms = []

    async def census(self, _call: ServiceCall) -> None:
        """Count all objects by type."""
        gc.collect()
        found = Counter(
            f"{type(one).__module__}.{type(one).__qualname__}"
            for one in gc.get_objects()
        )
        self._due_s = asyncio.get_running_loop().time()
        self.tell({"objects": dict(found.most_common(400))})

    def tell(self, more: dict[str, Any]) -> None:
        """Write a line."""
        line = {
            "at_mono_s": asyncio.get_running_loop().time(),
            "tasks": len(asyncio.all_tasks()),
            "threads": threading.active_count(),
            "blocks": sys.getallocatedblocks(),
            "malloc_kib": malloc_kib(),
            "database_kib": self._database_bytes() // BYTES_PER_KIB,
            **more,
        }
        text = json.dumps(line, separators=(",", ":")) + "\n"
        self._hass.async_add_executor_job(self._append, text)

    def _append(self, text: str) -> None:
        with self._path.open("a", encoding="ascii") as file:
            file.write(text)


class _Allocated(ctypes.Structure):
    """What ``mallinfo2`` of glibc returns."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def malloc_kib() -> int:
    """Return what is in use of what the C library gave out; 0 where it does not tell.

    Free memory that it keeps, and Python's own blocks, are not in it.
    """
    try:
        ask = ctypes.CDLL(None).mallinfo2
    except AttributeError, OSError:
        return 0
    ask.restype = _Allocated
    found = ask()
    return int(found.uordblks + found.hblkhd) // BYTES_PER_KIB


def database_bytes() -> Callable[[], int]:
    """Return what tells the memory that SQLite holds; nothing where it cannot be asked."""
    try:
        # The same library that Python's own module has loaded.
        ask = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used
    except AttributeError, OSError:
        return int
    ask.restype = ctypes.c_int64
    return cast("Callable[[], int]", ask)


async def async_setup(hass: HomeAssistant, config: dict[str, Any]) -> bool:
    """Begin to look."""
    probe = Probe(hass, Path(hass.config.path(FILE)))
    hass.async_create_background_task(probe.run(), DOMAIN)
    hass.services.async_register(DOMAIN, "census", probe.census)
    return True
