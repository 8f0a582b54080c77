"""What the aggregator's clock says, by four timestamps (RFC 5905, section 8)."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_OFFSET = timedelta(seconds=2)
"""Beyond it the clocks are not trusted (contract, rule 4)."""

MAX_ROUND_TRIP_S = 2.0
"""The error of a sample is at most half of this, well inside rule 4."""

MAX_AGE_S = 300.0
"""Five missed checks. Crystals drift 0.0001, so 30 ms in that time."""

AGREEMENT_S = 0.1
"""Beyond their own errors two samples differ by drift (30 ms in five minutes) and by
the rounding of the wire. More means that a clock was stepped: another leader, or a
machine that slept."""

_KEPT_SAMPLES = 8
"""As many as the clock filter of RFC 5905 keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sample:
    aggregator_at: datetime
    """What the aggregator's clock showed at ``mono_s``."""

    mono_s: float
    round_trip_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Now:
    """The present moment, in every clock that a decision needs."""

    mono_s: float
    aggregator_at: datetime | None
    """By the aggregator's clock; None while it was not measured."""

    local_at: datetime

    @property
    def is_trusted(self) -> bool:
        """True when the offset is known and small."""
        if self.aggregator_at is None:
            return False
        return abs(self.aggregator_at - self.local_at) <= MAX_OFFSET

    def mono_of(self, moment: datetime) -> float | None:
        """Return the monotonic time of a moment of the aggregator's clock."""
        if self.aggregator_at is None:
            return None
        return self.mono_s + (moment - self.aggregator_at).total_seconds()


TOLD_AGAIN = timedelta(seconds=1)
"""By how much an offset has to change to be told again."""


class OffsetWatch:
    """Tell when the clocks part, and when they are together again."""

    def __init__(self, tell: Callable[[float | None], None]) -> None:
        """Call ``tell`` with the offset, s; None once it is small again."""
        self._tell = tell
        self._told: timedelta | None = None

    def look(self, now: Now) -> None:
        """Look at a moment; while nothing is measured nothing is known to be wrong."""
        if now.aggregator_at is None:
            return
        if now.is_trusted:
            if self._told is not None:
                self._told = None
                self._tell(None)
            return
        offset = now.aggregator_at - now.local_at
        if self._told is None or abs(offset - self._told) >= TOLD_AGAIN:
            self._told = offset
            self._tell(offset.total_seconds())


class ClockCheck:
    """The aggregator's clock as a function of our monotonic one.

    A step of the wall clock therefore moves no deadline; it only shows up in the
    offset, and a large one ends the trust.
    """

    def __init__(self) -> None:
        """Begin without a measurement."""
        self._samples: deque[_Sample] = deque(maxlen=_KEPT_SAMPLES)

    def add(
        self,
        *,
        asked_mono_s: float,
        received_at: datetime,
        sent_at: datetime,
        answered_mono_s: float,
    ) -> bool:
        """Take one exchange; return False when it says nothing.

        Args:
            asked_mono_s: when the question left.
            received_at: when it arrived, by the aggregator's clock.
            sent_at: when the answer left, by the aggregator's clock.
            answered_mono_s: when the answer arrived.
        """
        held_s = (sent_at - received_at).total_seconds()
        round_trip_s = answered_mono_s - asked_mono_s - held_s
        # Wire times are whole milliseconds: a loopback round trip may come out negative.
        if held_s < 0 or not -0.002 <= round_trip_s <= MAX_ROUND_TRIP_S:
            return False
        sample = _Sample(
            aggregator_at=sent_at + timedelta(seconds=max(0.0, round_trip_s) / 2),
            mono_s=answered_mono_s,
            round_trip_s=max(0.0, round_trip_s),
        )
        best = self._best(answered_mono_s)
        if best is not None and not _agree(best, sample):
            self._samples.clear()
        self._samples.append(sample)
        return True

    def now(self, mono_s: float, local_at: datetime) -> Now:
        """Return the present moment in both clocks."""
        best = self._best(mono_s)
        aggregator_at = (
            best.aggregator_at + timedelta(seconds=mono_s - best.mono_s)
            if best is not None
            else None
        )
        return Now(mono_s=mono_s, aggregator_at=aggregator_at, local_at=local_at)

    def quality_s(self, mono_s: float) -> float | None:
        """Return the largest error of the estimate, None while there is none."""
        best = self._best(mono_s)
        return None if best is None else best.round_trip_s / 2

    def _best(self, mono_s: float) -> _Sample | None:
        young = [s for s in self._samples if mono_s - s.mono_s <= MAX_AGE_S]
        return min(young, key=lambda s: s.round_trip_s, default=None)


def _agree(old: _Sample, new: _Sample) -> bool:
    expected_at = old.aggregator_at + timedelta(seconds=new.mono_s - old.mono_s)
    error_s = (old.round_trip_s + new.round_trip_s) / 2 + AGREEMENT_S
    return abs((new.aggregator_at - expected_at).total_seconds()) <= error_s
