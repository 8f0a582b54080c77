"""What flowed and what was asked during an event: each second, then coarser."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from statistics import fmean
from typing import Any

INTERVALS_S = (1, 10, 60, 300, 3600)
MAX_SAMPLES = 1450
"""1 s for 24 min, 10 s for 4 h, the longest command of the contract. Four numbers each
fit into the 64 KiB of one message."""


class SampleQuality(StrEnum):
    """Of what flowed in one interval."""

    GOOD = "good"
    """Measured all the time."""

    ESTIMATED = "estimated"
    """An older reading that still counted, or measured half of the time at least."""

    STALE = "stale"
    """Not measured: there is no number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One interval; W, positive charges; None: not known, or not asked."""

    power_w: float | None = None
    """What flowed, calibrated where the meter is."""

    raw_w: float | None = None
    """What the meter itself showed."""

    requested_w: float | None = None
    """What the aggregator asked."""

    setpoint_w: float | None = None
    """What the home told its chargers."""

    quality: SampleQuality = SampleQuality.STALE


GAP = Sample()
_NUMBERS = ("power_w", "raw_w", "requested_w", "setpoint_w")


class SampleSeries:
    """Samples without a hole: an interval that nobody looked at is one of nothing."""

    def __init__(self) -> None:
        """Begin empty, in seconds."""
        self.interval_s = INTERVALS_S[0]
        self._samples: list[Sample] = []
        self._pending: list[Sample] = []

    @property
    def seconds(self) -> int:
        """How long it is."""
        return len(self._samples) * self.interval_s + len(self._pending)

    @property
    def samples(self) -> Sequence[Sample]:
        """All intervals, the last one as far as it has come."""
        if not self._pending:
            return tuple(self._samples)
        return (*self._samples, _folded(self._pending))

    def add(self, sample: Sample) -> None:
        """Take the next second."""
        self._pending.append(sample)
        if len(self._pending) == self.interval_s:
            self._samples.append(_folded(self._pending))
            self._pending = []
        if len(self._samples) > MAX_SAMPLES:
            self.coarsen()

    def coarsen(self) -> bool:
        """Go to the next longer interval; return False when there is none."""
        place = INTERVALS_S.index(self.interval_s) + 1
        if place == len(INTERVALS_S):
            return False
        factor = INTERVALS_S[place] // self.interval_s
        # Whole intervals of the old length that begin a new one wait for the rest.
        whole = len(self._samples) // factor * factor
        rest = [one for old in self._samples[whole:] for one in [old] * self.interval_s]
        groups = range(0, whole, factor)
        self._samples = [_folded(self._samples[g : g + factor]) for g in groups]
        self._pending = rest + self._pending
        self.interval_s = INTERVALS_S[place]
        return True

    def cut(self, seconds: int) -> None:
        """Keep this many seconds; an interval that reaches beyond them stays."""
        whole = -(-seconds // self.interval_s)
        if whole <= len(self._samples):
            self._samples, self._pending = self._samples[:whole], []

    def every(self, period_s: int) -> tuple[list[float | None], list[float | None]]:
        """Return (requested, flowed) each so many seconds; empty when too coarse."""
        step, rest = divmod(period_s, self.interval_s)
        if step == 0 or rest:
            return [], []
        chosen = self.samples[::step]
        return [s.requested_w for s in chosen], [s.power_w for s in chosen]

    def to_report(self) -> dict[str, Any]:
        """Return the series as the contract has it, whole numbers only."""
        samples = self.samples
        series = {
            name: [_whole(getattr(s, name)) for s in samples] for name in _NUMBERS
        }
        raw = series.pop("raw_w")
        return {
            "interval_s": self.interval_s,
            **series,
            # Where the meter is believed the two are the same numbers.
            "raw_power_w": None if raw == series["power_w"] else raw,
            "quality": [
                [quality.value, sum(1 for _ in run)]
                for quality, run in groupby(s.quality for s in samples)
            ],
        }

    def to_stored(self) -> dict[str, Any]:
        """Return what a restart needs."""
        return {
            "interval_s": self.interval_s,
            "samples": [_row(one) for one in self._samples],
            "pending": [_row(one) for one in self._pending],
        }

    @classmethod
    def restore(cls, data: Mapping[str, Any]) -> SampleSeries:
        """Return the series of what was stored.

        Raises:
            ValueError, KeyError, TypeError: when it is none of ours.
        """
        series = cls()
        series.interval_s = INTERVALS_S[INTERVALS_S.index(data["interval_s"])]
        series._samples = list(_read(data["samples"]))
        series._pending = list(_read(data["pending"]))
        return series


def _folded(samples: Sequence[Sample]) -> Sample:
    """Return one sample for several; a number is made up for less than half of them."""
    if len(samples) == 1:
        return samples[0]
    known = [s for s in samples if s.power_w is not None]
    if 2 * len(known) < len(samples):
        quality = SampleQuality.STALE
    elif all(s.quality is SampleQuality.GOOD for s in samples):
        quality = SampleQuality.GOOD
    else:
        quality = SampleQuality.ESTIMATED
    is_known = quality is not SampleQuality.STALE
    return Sample(
        power_w=_mean(s.power_w for s in known) if is_known else None,
        raw_w=_mean(s.raw_w for s in known) if is_known else None,
        requested_w=_mean(s.requested_w for s in samples),
        setpoint_w=_mean(s.setpoint_w for s in samples),
        quality=quality,
    )


def _mean(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _row(sample: Sample) -> list[Any]:
    return [*(getattr(sample, name) for name in _NUMBERS), sample.quality.value]


def _read(rows: Sequence[Sequence[Any]]) -> Iterator[Sample]:
    for *numbers, quality in rows:
        values = {
            name: None if value is None else float(value)
            for name, value in zip(_NUMBERS, numbers, strict=True)
        }
        yield Sample(**values, quality=SampleQuality(quality))
