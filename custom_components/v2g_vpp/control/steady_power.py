"""What flows once a charger has come to rest: its offsets, dead zone and steps.

A vehicle that limits itself looks like an offset. It is told apart by asking more of
it: an offset follows, a limit stays.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import fmean, median

from ..domain.capability import Fingerprint
from .answered_step import CREEP_W

LARGEST_CREEP_W = 100.0
"""So much in all is still one rest."""

SAME_LEVEL_W = 50.0
"""Two rests at one level count once, so that a long one does not outvote the others."""

KEPT_RESTS = 16
KEPT_CHANGES = 24
FEWEST_SAMPLES = 4
LONGEST_REST_S = 120.0
"""After that a rest counts, and the next begins."""

FEWEST_SECONDS = 3.0
REST_S = 3.0
"""Power stages rest this long when the direction changes (control brief)."""

LARGEST_DEVIATION_W = 130.0
"""Standard deviation; more than twice the noise of the measured charger is a drift."""

LARGEST_ERROR_W = 1_000.0
LARGEST_ERROR_SHARE = 0.15
"""Beyond both it is no offset (the bound of every correction)."""

LARGEST_EXCESS_W = 500.0
"""More than was told is bounded tighter: nothing learnt may blind the guard that
watches for a discharge which nobody asked for."""

LARGEST_STANDBY_W = 500.0
"""A charger at rest draws up to this (+420 W was measured)."""

LARGEST_LEAK_W = 100.0
"""And gives no more than this: anything larger is a discharge, not an offset."""

NOTHING_W = 250.0
DEAD_ZONE_W = 3_000.0
"""No minimum power is higher: 6 A on three phases are 4.1 kW, but told as one limit."""

SPAN_W = 400.0
"""Between the lowest and the highest level that prove an offset."""

LOWEST_GAIN, HIGHEST_GAIN = 0.6, 1.4
"""Of what was told and of what flowed; a vehicle that limits itself shows 0."""

CAPPED_AFTER_W = 800.0
CAPPED_GAIN = 0.5
"""Asked this much more, less than half of it came: a limit."""

FEWEST_CHANGES = 8
SMALLEST_CHANGE_W, LARGEST_CHANGE_W = 60.0, 1_000.0
SMALLEST_STEP_W = 80.0
"""Finer steps are the noise of the meter."""

TRIANGLE = 6.0
"""Variance of the difference of two roundings: step² / 6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rest:
    """One power that was held."""

    told_w: float
    flowed_w: float
    variance_w2: float = 0.0
    """Of the mean, for the noise of the meter."""

    @property
    def error_w(self) -> float:
        """What flowed more than was told, signed."""
        return self.flowed_w - self.told_w


@dataclass(slots=True)
class _Running:
    """A rest that goes on."""

    told_w: float
    """At its begin."""

    begins_mono_s: float
    """Samples count from here: the charger has had its time."""

    last_told_w: float = 0.0
    count: int = 0
    told_sum_w: float = 0.0
    first_mono_s: float = 0.0
    last_mono_s: float = 0.0
    mean_w: float = 0.0
    squares_w2: float = 0.0
    is_spoilt: bool = False

    def add(self, power_w: float, at_mono_s: float) -> None:
        if self.count == 0:
            self.first_mono_s = at_mono_s
        self.last_mono_s = at_mono_s
        self.count += 1
        self.told_sum_w += self.last_told_w
        away_w = power_w - self.mean_w
        self.mean_w += away_w / self.count
        self.squares_w2 += away_w * (power_w - self.mean_w)

    def is_creep(self, power_w: float) -> bool:
        """Return True for a setpoint that is as good as the one before."""
        if power_w == self.last_told_w:
            return True
        return (
            self.told_w * power_w > 0
            and abs(power_w - self.last_told_w) <= CREEP_W
            and abs(power_w - self.told_w) <= LARGEST_CREEP_W
        )

    @property
    def rest(self) -> Rest | None:
        if self.is_spoilt or self.count < FEWEST_SAMPLES:
            return None
        variance_w2 = self.squares_w2 / (self.count - 1)
        is_short = self.last_mono_s - self.first_mono_s < FEWEST_SECONDS
        if is_short or variance_w2 > LARGEST_DEVIATION_W**2:
            return None
        return Rest(
            told_w=self.told_sum_w / self.count,
            flowed_w=self.mean_w,
            variance_w2=variance_w2 / self.count,
        )


class RestWatch:
    """Watch one EVSE for powers that it holds."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self._running: _Running | None = None

    def reset(self) -> None:
        """Forget what runs."""
        self._running = None

    def told(
        self, power_w: float, sent_mono_s: float, fingerprint: Fingerprint
    ) -> Rest | None:
        """Note what the station took; return the rest that ends with it.

        Args:
            power_w: signed.
            sent_mono_s: when it left.
            fingerprint: how long the charger takes for a change.
        """
        running = self._running
        before_w = 0.0 if running is None else running.last_told_w
        change_w = abs(power_w - before_w)
        if running is not None and running.is_creep(power_w):
            running.last_told_w = power_w
            return None
        answer_s = fingerprint.dead_time_s + change_w / fingerprint.ramp_w_per_s
        self._running = _Running(
            told_w=power_w,
            last_told_w=power_w,
            begins_mono_s=sent_mono_s + answer_s + REST_S,
        )
        return running.rest if running is not None else None

    def sample(
        self, power_w: float, at_mono_s: float, *, is_bound: bool
    ) -> Rest | None:
        """Take one reading; return a rest that has lasted long enough.

        Args:
            power_w: measured.
            at_mono_s: when it was received.
            is_bound: a limit decides the power, not the charger.
        """
        running = self._running
        if running is None or at_mono_s < running.begins_mono_s:
            return None
        running.is_spoilt |= is_bound
        running.add(power_w, at_mono_s)
        if at_mono_s - running.first_mono_s < LONGEST_REST_S:
            return None
        self._running = _Running(
            told_w=running.last_told_w,
            last_told_w=running.last_told_w,
            begins_mono_s=at_mono_s,
        )
        return running.rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Offset:
    """An offset that several rests prove."""

    offset_w: float
    agreement: float
    """Share of the rests that are near it, 0..1."""

    count: int


class Rests:
    """The rests of one direction, bounded; the oldest goes first."""

    def __init__(self, kept: Iterable[Rest] = ()) -> None:
        """Begin with what was kept."""
        self._rests = deque(kept, maxlen=KEPT_RESTS)

    @property
    def all(self) -> tuple[Rest, ...]:
        """The rests, the oldest first."""
        return tuple(self._rests)

    def add(self, rest: Rest) -> None:
        """Take a rest; what it shows to be a limit of the vehicle is dropped."""
        kept = [r for r in self._rests if abs(r.told_w - rest.told_w) > SAME_LEVEL_W]
        if is_offset(rest):
            kept.append(rest)
        capped = [
            high
            for low in [*kept, rest]
            for high in [*kept, rest]
            if _is_capped(low, high)
        ]
        self._rests.clear()
        self._rests.extend(r for r in kept if not _is_at_a_cap(r, capped))

    def offset(self) -> Offset | None:
        """Return the offset, None until levels that differ agree on one."""
        if len(self._rests) < 2:
            return None
        told = [rest.told_w for rest in self._rests]
        if max(told) - min(told) < SPAN_W:
            return None
        flowed = [rest.flowed_w for rest in self._rests]
        if not LOWEST_GAIN <= _slope(told, flowed) <= HIGHEST_GAIN:
            return None
        errors = [rest.error_w for rest in self._rests]
        middle_w = median(errors)
        near = sum(abs(error_w - middle_w) <= LARGEST_DEVIATION_W for error_w in errors)
        return Offset(
            offset_w=middle_w, agreement=near / len(errors), count=len(errors)
        )


def is_flow(told_w: float, power_w: float) -> bool:
    """Return True when a power follows what was told, and is not only standby."""
    if told_w > 0:
        return power_w > LARGEST_STANDBY_W
    return told_w < 0 and power_w < -NOTHING_W


def is_offset(rest: Rest) -> bool:
    """Return True when a rest may show an offset, and not another thing."""
    if rest.told_w == 0:
        return -LARGEST_LEAK_W <= rest.flowed_w <= LARGEST_STANDBY_W
    if not is_flow(rest.told_w, rest.flowed_w):
        return False
    excess_w = abs(rest.flowed_w) - abs(rest.told_w)
    largest_w = max(LARGEST_ERROR_W, LARGEST_ERROR_SHARE * abs(rest.told_w))
    return -largest_w <= excess_w <= LARGEST_EXCESS_W


def step_w(changes: Sequence[tuple[float, float]]) -> float | None:
    """Return the size of the steps in which a charger sets its power, W.

    None while too little is known, 0 when it is finer than the meter shows.

    Args:
        changes: what flowed otherwise than told from one rest to the next, W, and the
            variance of it that is noise, W².
    """
    if len(changes) < FEWEST_CHANGES:
        return None
    variance_w2 = fmean(error_w**2 - noise_w2 for error_w, noise_w2 in changes)
    size_w = sqrt(TRIANGLE * max(0.0, variance_w2))
    return size_w if size_w >= SMALLEST_STEP_W else 0.0


def change_between(before: Rest, after: Rest) -> tuple[float, float] | None:
    """Return how a change was not followed, and its noise; None: nothing to learn."""
    told_w = after.told_w - before.told_w
    is_small = SMALLEST_CHANGE_W <= abs(told_w) <= LARGEST_CHANGE_W
    if not is_small or before.told_w * after.told_w <= 0:
        return None
    if not (is_offset(before) and is_offset(after)):
        return None
    error_w = after.flowed_w - before.flowed_w - told_w
    return error_w, before.variance_w2 + after.variance_w2


def _is_capped(low: Rest, high: Rest) -> bool:
    more_w = abs(high.told_w) - abs(low.told_w)
    came_w = abs(high.flowed_w) - abs(low.flowed_w)
    return more_w >= CAPPED_AFTER_W and came_w < CAPPED_GAIN * more_w


def _is_at_a_cap(rest: Rest, capped: Sequence[Rest]) -> bool:
    """Return True for a rest at a limit that another one proves."""
    is_short = abs(rest.flowed_w) < abs(rest.told_w) - SAME_LEVEL_W
    return is_short and any(
        abs(rest.flowed_w - high.flowed_w) <= LARGEST_DEVIATION_W for high in capped
    )


def _slope(told: Sequence[float], flowed: Sequence[float]) -> float:
    told_w, flowed_w = fmean(told), fmean(flowed)
    products = sum(
        (t - told_w) * (f - flowed_w) for t, f in zip(told, flowed, strict=True)
    )
    return products / sum((t - told_w) ** 2 for t in told)
