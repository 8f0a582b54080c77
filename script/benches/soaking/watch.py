"""What the processes and files of a soak become over time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
import json
from pathlib import Path
from time import monotonic
from typing import Any

from script.benches.csms_hass import cpu_s, rss_kib

from .figures import quantile, slope_per_h
from .probe import FILE as PROBE_FILE

STEADY_SHARE = 0.35
"""Of the run, until caches are full: slopes count from there."""


@dataclass(slots=True, kw_only=True)
class Watched:
    """One Home Assistant with its folder, sampled from outside."""

    pid: int
    folder: Path
    points: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """By figure: (monotonic seconds, value)."""

    cpu_begin_s: float = 0.0
    cpu_end_s: float = 0.0

    def begin(self) -> None:
        """Count from here."""
        self.points.clear()
        self.cpu_begin_s = cpu_s(self.pid)

    def sample(self) -> None:
        """Look at the process and its files."""
        now_mono_s = monotonic()
        storage = self.folder / ".storage"
        values = {
            "rss_kib": rss_kib(self.pid),
            "fds": _count(Path(f"/proc/{self.pid}/fd")),
            "database_bytes": _size(self.folder.glob("home-assistant_v2.db*")),
            "store_bytes": _size(
                path for path in storage.glob("v2g_vpp*") if ".jsonl" not in path.name
            ),
            "ledger_bytes": _size(storage.glob("v2g_vpp*.jsonl*")),
            "log_bytes": _size(self.folder.glob("home-assistant.log*")),
        }
        for name, value in values.items():
            self.points.setdefault(name, []).append((now_mono_s, value))
        self.cpu_end_s = cpu_s(self.pid)

    def slope_per_h(self, name: str) -> float:
        """Return how a figure grows once the run is steady."""
        return slope_per_h(steady(self.points[name]))

    def last(self, name: str) -> float:
        """Return the newest value of a figure."""
        return self.points[name][-1][1]

    def span(self, name: str) -> tuple[float, float]:
        """Return the least and the most of a figure once the run is steady."""
        values = [value for _, value in steady(self.points[name])]
        return min(values), max(values)

    def cpu_percent(self) -> float:
        """Return the processor time of the run, percent of one core."""
        points = self.points["rss_kib"]
        return (
            100 * (self.cpu_end_s - self.cpu_begin_s) / (points[-1][0] - points[0][0])
        )

    def read_probe(self) -> Probed:
        """Return what the probe inside wrote since the counting began."""
        begin_mono_s = self.points["rss_kib"][0][0]
        lines = [
            line
            for line in _lines(self.folder / PROBE_FILE)
            if line["at_mono_s"] >= begin_mono_s
        ]
        return Probed(lines)


class Probed:
    """The lines of a probe."""

    def __init__(self, lines: list[dict[str, Any]]) -> None:
        """Take lines, by time."""
        self._timed = [line for line in lines if "late_ms" in line]
        self._census = [line["objects"] for line in lines if "objects" in line]

    def late_ms(self, share: float) -> float:
        """Return how late the loop was at most in this share of all looks."""
        every = [late for line in self._timed for late in line["late_ms"]]
        return quantile(every, share)

    def slope_per_h(self, name: str) -> float:
        """Return how tasks, threads or blocks grow once the run is steady."""
        return slope_per_h(steady(self._points(name)))

    def difference_per_h(self, name: str, less: str) -> float:
        """Return how one figure grows without another that is a part of it."""
        points = [(line["at_mono_s"], line[name] - line[less]) for line in self._timed]
        return slope_per_h(steady(points))

    def span(self, name: str) -> tuple[float, float]:
        """Return the least and the most once the run is steady."""
        values = [value for _, value in steady(self._points(name))]
        return min(values), max(values)

    def grown_objects(self, most: int) -> list[tuple[str, int]]:
        """Return the types of which there are most more, and how many more."""
        if len(self._census) < 2:
            return []
        first, last = self._census[0], self._census[-1]
        grown = {name: count - first.get(name, 0) for name, count in last.items()}
        return sorted(grown.items(), key=lambda item: -item[1])[:most]

    def _points(self, name: str) -> list[tuple[float, float]]:
        return [(line["at_mono_s"], line[name]) for line in self._timed]


def steady[T](points: list[T]) -> list[T]:
    """Return what is left of a run once it has warmed up."""
    return points[int(STEADY_SHARE * len(points)) :]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="ascii") as file:
        for line in file:
            # The last one may be half written.
            if line.endswith("\n"):
                yield json.loads(line)


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())


def _size(paths: Iterator[Path]) -> int:
    return sum(_bytes(path) for path in paths)


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        # A document is replaced by renaming a new one.
        return 0
