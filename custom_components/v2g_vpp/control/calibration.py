"""Compare the meter of an EVSE with a reference meter, at two powers or more."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean

from ..domain.calibration import (
    HIGHEST_GAIN,
    LARGEST_OFFSET_W,
    LOWEST_GAIN,
    Calibration,
    CalibrationProgress,
    CalibrationStep,
)

SAMPLES_PER_LEVEL = 10
"""The noise of a sample is some 50 W: ten of them know a power to 16 W."""

LEVEL_W = 300.0
"""Samples further apart are of another power."""

LARGEST_SPREAD_W = 400.0
"""Of the difference of the two meters within a level; more is no steady power."""

APART_W = 1_500.0
"""Between the lowest and the highest level; nearer ones say little of the gain."""

LARGEST_RESIDUAL_W = 100.0
MOST_LEVELS = 6
PAIR_AGE_S = 3.0
"""Readings of two meters that are further apart in time are of two moments."""


@dataclass(slots=True)
class Level:
    """One power, as both meters showed it."""

    pairs: list[tuple[float, float]] = field(default_factory=list)
    """Meter and reference, W."""

    @property
    def raw_w(self) -> float:
        """What the meter of the EVSE showed."""
        return fmean(raw_w for raw_w, _ in self.pairs)

    @property
    def reference_w(self) -> float:
        """What the reference showed."""
        return fmean(reference_w for _, reference_w in self.pairs)

    @property
    def is_full(self) -> bool:
        """True with enough samples."""
        return len(self.pairs) >= SAMPLES_PER_LEVEL

    @property
    def is_steady(self) -> bool:
        """True when both meters moved together, if at all."""
        misses = [reference_w - raw_w for raw_w, reference_w in self.pairs]
        return max(misses) - min(misses) <= LARGEST_SPREAD_W


class CalibrationRun:
    """Collects samples of one EVSE until a line is known or refused."""

    def __init__(self) -> None:
        """Begin with no sample."""
        self._levels: list[Level] = []

    def add(
        self, raw_w: float, reference_w: float, now_utc: str
    ) -> CalibrationProgress:
        """Take one sample of both meters; return what is needed next.

        Args:
            raw_w: what the meter of the EVSE shows, signed.
            reference_w: what the reference shows at the same time, same sign.
            now_utc: for the record, RFC 3339.
        """
        level = self._level_at(raw_w)
        if not level.is_full:
            level.pairs.append((raw_w, reference_w))
        if len(self._levels) > MOST_LEVELS:
            return self._end(CalibrationStep.TOO_MANY_POWERS)
        if not level.is_steady:
            return self._end(CalibrationStep.NOT_STEADY)
        if not level.is_full:
            return self._progress(CalibrationStep.HOLD_POWER)
        full = [level for level in self._levels if level.is_full]
        powers = [level.raw_w for level in full]
        if max(powers) - min(powers) < APART_W:
            return self._progress(CalibrationStep.CHANGE_POWER)
        return self._fitted(full, now_utc)

    def _level_at(self, raw_w: float) -> Level:
        for level in self._levels:
            if abs(level.raw_w - raw_w) <= LEVEL_W:
                return level
        level = Level()
        self._levels.append(level)
        return level

    def _fitted(self, levels: Sequence[Level], now_utc: str) -> CalibrationProgress:
        raw = [level.raw_w for level in levels]
        reference = [level.reference_w for level in levels]
        gain, offset_w = _line(raw, reference)
        residual_w = max(
            abs(gain * raw_w + offset_w - reference_w)
            for raw_w, reference_w in zip(raw, reference, strict=True)
        )
        step = CalibrationStep.DONE
        if not LOWEST_GAIN <= gain <= HIGHEST_GAIN:
            step = CalibrationStep.GAIN_OUT_OF_RANGE
        elif abs(offset_w) > LARGEST_OFFSET_W:
            step = CalibrationStep.OFFSET_OUT_OF_RANGE
        elif residual_w > LARGEST_RESIDUAL_W:
            step = CalibrationStep.NOT_STRAIGHT
        line = Calibration(
            gain=gain,
            offset_w=offset_w,
            residual_w=residual_w,
            samples=float(sum(len(level.pairs) for level in levels)),
            made_at=now_utc,
        )
        return self._end(step, line)

    def _end(
        self, step: CalibrationStep, line: Calibration | None = None
    ) -> CalibrationProgress:
        progress = self._progress(step, line)
        self._levels = []
        return progress

    def _progress(
        self, step: CalibrationStep, line: Calibration | None = None
    ) -> CalibrationProgress:
        return CalibrationProgress(
            step=step,
            levels=tuple(
                (level.raw_w, level.reference_w, len(level.pairs))
                for level in self._levels
            ),
            gain=None if line is None else line.gain,
            offset_w=None if line is None else line.offset_w,
            residual_w=None if line is None else line.residual_w,
            calibration=line if step is CalibrationStep.DONE else None,
        )


def _line(raw: Sequence[float], reference: Sequence[float]) -> tuple[float, float]:
    """Return gain and offset of the least squares; the powers are not all one."""
    raw_w, reference_w = fmean(raw), fmean(reference)
    products = sum(
        (one_w - raw_w) * (other_w - reference_w)
        for one_w, other_w in zip(raw, reference, strict=True)
    )
    gain = products / sum((one_w - raw_w) ** 2 for one_w in raw)
    return gain, reference_w - gain * raw_w
