"""One change of what a charger was told, and when its meter showed the answer.

Meters report every 1 to 10 s, so each moment is only known to be between two samples.
A step keeps those bounds; what many steps agree on is for ``fingerprint``.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import copysign
from statistics import fmean

from .agreement import Span

CREEP_W = 30.0
"""Each refresh writes what the correction makes of the setpoint by now. So little at a
time is no step: what the charger has not heard yet is less than the noise of its
meter."""

SMALLEST_STEP_W = 600.0
"""A smaller change is trim: noise and steps of one ampere would hide its answer."""

SMALLEST_RAMP_W = 1_000.0
"""A shorter way says little of the ramp."""

QUIET_W = 120.0
"""Closer to the power of before nothing has moved: twice the noise and some drift."""

MOVED_W = 200.0
"""Further away it has: four times the noise of the measured charger."""

STEADY_S = 8.0
STEADY_DRIFT_W = 75.0
"""At rest is what moves by less than this in half of that time: 20 W/s."""

STEADY_SPREAD_W = 300.0
"""Six times the noise of the measured charger, over some ten samples."""

STEADY_SAMPLES = 3
BASE_SAMPLES = 2
KEPT_SAMPLES = 8
"""Of the power before a step."""

LARGEST_ERROR_W = 1_000.0
LARGEST_ERROR_SHARE = 0.15
"""A charger that is further from what it was told follows something else."""

UNANSWERED_AFTER_S = 60.0
"""An answer that takes longer is no dead time: a vehicle that slept, or a fault."""

LONGEST_STEP_S = 120.0
CLEAR_AFTER_S = 30.0
"""A change that follows another one sooner may still see the answer to that one: twice
the dead time of a charger that nothing is known of."""

AWAKE_S = 120.0
"""A vehicle that gave or took power this long ago answers without waking first."""

FLOWING_W = 800.0
"""Well above what chargers draw at rest (+420 W was measured)."""

MOMENT_ERROR_S = 0.25
"""How far off the moment of a sample may be: the way of the message, and what moved
before it was beyond the noise."""

CLEAR_RAMP_S = 1.5
"""Two samples this far apart on a ramp show its slope by themselves."""

MOST_SAMPLES = 130
"""One per second of the longest step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredStep:
    """When the answer to one change was seen; times are after the write left, s."""

    quiet_s: float
    """The last sample that still showed the power of before; 0: none did."""

    moved_s: float
    """The first sample that showed another one."""

    is_growing: bool = False
    """Away from 0; False: towards it."""

    change_w: float = 0.0
    """How far the power went, >= 0; 0: not known, only its begin was seen."""

    arrived_s: float = 0.0
    """The first sample at the new power."""

    ways: tuple[tuple[float, float], ...] = ()
    """Up to two samples on the way: time and distance from the power of before, W."""

    @property
    def dead_time(self) -> Span:
        """Bounds of the dead time, s."""
        return Span(low=self.quiet_s, high=self.moved_s)

    def pace(self, dead_time: Span) -> Span:
        """Return bounds of the seconds per watt of the ramp.

        Args:
            dead_time: when the ramp began.
        """
        if len(self.ways) > 1:
            (begin_s, begin_w), (end_s, end_w) = self.ways
            took_s, way_w = end_s - begin_s, end_w - begin_w
            if took_s >= CLEAR_RAMP_S and way_w >= SMALLEST_RAMP_W:
                error = MOMENT_ERROR_S / took_s + QUIET_W / way_w
                pace = took_s / way_w
                return Span(low=pace * (1.0 - error), high=pace * (1.0 + error))
        begins_s = dead_time.low - MOMENT_ERROR_S
        latest_s = dead_time.high + MOMENT_ERROR_S
        points = [*self.ways, (self.arrived_s, self.change_w)]
        high = min((at_s - begins_s) / way_w for at_s, way_w in points)
        # On its way it had not arrived, so the ramp took longer than that.
        low = max(
            [0.0]
            + [(at_s - latest_s) / way_w for at_s, way_w in self.ways]
            + [(at_s - latest_s) / self.change_w for at_s, _ in self.ways]
        )
        high = max(high, 0.0)
        return Span(low=min(low, high), high=high)


@dataclass(slots=True)
class _Step:
    """A step that waits for its answer."""

    sent_mono_s: float
    base_w: float
    told_w: float
    is_single: bool = True
    """False: told in several writes, so that its ramp is not the charger's own."""

    quiet_s: float = 0.0
    moved_s: float | None = None
    is_confirmed: bool = False
    samples: list[tuple[float, float]] = field(default_factory=list)
    """Time and distance from the base in the direction of the step."""

    @property
    def sign(self) -> float:
        return copysign(1.0, self.told_w - self.base_w)


class StepWatch:
    """Watch the answers of one EVSE, one step at a time."""

    def __init__(self) -> None:
        """Start with nothing known."""
        self.reset()

    def reset(self) -> None:
        """Forget what runs: the link, the vehicle or the readings are not the same."""
        self._told_w: float | None = None
        self._changed_mono_s = float("-inf")
        self._step: _Step | None = None
        self._flowing_mono_s = float("-inf")
        self._before: deque[tuple[float, float]] = deque(maxlen=KEPT_SAMPLES)

    def told(self, power_w: float, sent_mono_s: float) -> AnsweredStep | None:
        """Note what the station took and when it was sent; the same again is nothing.

        Returns the step before that ends here with a begin that was seen, else None.
        """
        before_w, self._told_w = self._told_w, power_w
        if before_w is None or abs(power_w - before_w) <= CREEP_W:
            return None
        is_alone = sent_mono_s - self._changed_mono_s >= CLEAR_AFTER_S
        self._changed_mono_s = sent_mono_s
        if self._step is not None:
            return self._continue(self._step, power_w)
        base_w = self._base_w(before_w, sent_mono_s)
        self._before.clear()
        if (
            is_alone
            and base_w is not None
            and self._is_clear(before_w, base_w, power_w, sent_mono_s)
        ):
            self._step = _Step(sent_mono_s=sent_mono_s, base_w=base_w, told_w=power_w)
        return None

    def sample(self, power_w: float, at_mono_s: float) -> AnsweredStep | None:
        """Take one reading; return the step that it completes, else None."""
        if abs(power_w) >= FLOWING_W:
            self._flowing_mono_s = at_mono_s
        step = self._step
        if step is None:
            self._before.append((at_mono_s, power_w))
            return None
        elapsed_s = at_mono_s - step.sent_mono_s
        if elapsed_s < 0:
            return None
        way_w = (power_w - step.base_w) * step.sign
        if step.moved_s is None:
            self._wait(step, elapsed_s, way_w)
            return None
        if not step.is_confirmed:
            if way_w < MOVED_W:
                # One sample alone was a glitch of the meter.
                step.moved_s = None
                step.samples.clear()
                return None
            step.is_confirmed = True
        step.samples.append((elapsed_s, way_w))
        return self._finished(step, elapsed_s)

    def _continue(self, step: _Step, power_w: float) -> AnsweredStep | None:
        """Take a further change of what was told while a step is watched."""
        step.is_single = False
        is_onward = (power_w - step.told_w) * step.sign > 0
        is_trim = abs(power_w - step.told_w) <= QUIET_W
        if is_onward or is_trim:
            return None
        self._drop()
        if not step.is_confirmed or step.moved_s is None:
            return None
        return AnsweredStep(quiet_s=step.quiet_s, moved_s=step.moved_s)

    def _base_w(self, told_w: float, sent_mono_s: float) -> float | None:
        """Return the steady power before a step, None when there was none."""
        powers = [power_w for at_s, power_w in self._before if at_s <= sent_mono_s]
        if len(powers) < BASE_SAMPLES:
            return None
        if max(powers) - min(powers) > STEADY_SPREAD_W:
            return None
        base_w = fmean(powers)
        largest_w = max(LARGEST_ERROR_W, LARGEST_ERROR_SHARE * abs(told_w))
        # Below what it was told a vehicle limits itself; that still ends like another.
        return base_w if abs(base_w) <= abs(told_w) + largest_w else None

    def _is_clear(
        self, before_w: float, base_w: float, power_w: float, sent_mono_s: float
    ) -> bool:
        """Return True when an answer must be visible, if there is one at all."""
        change_w, way_w = power_w - before_w, power_w - base_w
        if abs(change_w) < SMALLEST_STEP_W or abs(way_w) < SMALLEST_STEP_W:
            return False
        if change_w * way_w < 0:
            return False
        is_growing = abs(power_w) > abs(before_w) and power_w * before_w >= 0
        if not is_growing:
            return True
        # A vehicle that sleeps or limits itself need not follow upwards.
        is_awake = sent_mono_s - self._flowing_mono_s <= AWAKE_S
        return is_awake and abs(base_w - before_w) <= LARGEST_ERROR_W

    def _wait(self, step: _Step, elapsed_s: float, way_w: float) -> None:
        if way_w >= MOVED_W:
            step.moved_s = elapsed_s
            step.samples.append((elapsed_s, way_w))
        elif abs(way_w) <= QUIET_W:
            step.quiet_s = elapsed_s
        if elapsed_s > UNANSWERED_AFTER_S:
            self._drop()

    def _finished(self, step: _Step, elapsed_s: float) -> AnsweredStep | None:
        rest_w = _rest_w(step.samples, elapsed_s)
        is_over = elapsed_s > LONGEST_STEP_S or len(step.samples) >= MOST_SAMPLES
        if rest_w is None and not is_over:
            return None
        self._drop()
        return _answered(step, step.samples[-1][1] if rest_w is None else rest_w)

    def _drop(self) -> None:
        self._step = None
        self._before.clear()


def _answered(step: _Step, change_w: float) -> AnsweredStep:
    """Return what a step that came to rest says."""
    quiet_s, moved_s = step.quiet_s, step.moved_s or 0.0
    end_w = step.base_w + step.sign * change_w
    is_reversal = end_w * step.base_w < 0 and min(abs(end_w), abs(step.base_w)) > (
        FLOWING_W
    )
    if not step.is_single or is_reversal or change_w < SMALLEST_RAMP_W:
        # Told bit by bit, or with a rest on its way: only the begin is the charger's.
        return AnsweredStep(quiet_s=quiet_s, moved_s=moved_s)
    arrived_s = next(
        at_s for at_s, way_w in step.samples if way_w >= change_w - MOVED_W
    )
    ways = [
        (at_s, way_w)
        for at_s, way_w in step.samples
        if at_s < arrived_s and way_w >= MOVED_W
    ]
    return AnsweredStep(
        quiet_s=quiet_s,
        moved_s=moved_s,
        is_growing=abs(end_w) > abs(step.base_w),
        change_w=change_w,
        arrived_s=arrived_s,
        ways=_ends(ways),
    )


def _rest_w(samples: Sequence[tuple[float, float]], now_s: float) -> float | None:
    """Return where the last samples rest, None while they still move."""
    if now_s - samples[0][0] < STEADY_S:
        return None
    ways = [way_w for at_s, way_w in samples if now_s - at_s <= STEADY_S]
    if len(ways) < STEADY_SAMPLES:
        ways = [way_w for _, way_w in samples[-STEADY_SAMPLES:]]
    half = len(ways) // 2
    is_steady = (
        len(ways) >= STEADY_SAMPLES
        and max(ways) - min(ways) <= STEADY_SPREAD_W
        and abs(fmean(ways[-half:]) - fmean(ways[:half])) <= STEADY_DRIFT_W
    )
    return fmean(ways) if is_steady else None


def _ends(ways: Sequence[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    return tuple(ways[:1]) + tuple(ways[-1:] if len(ways) > 1 else ())
