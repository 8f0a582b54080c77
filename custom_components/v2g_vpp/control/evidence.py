"""What was seen of a charger, bounded, and the numbers that it amounts to."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from math import ceil
from typing import Any

from ..domain.capability import Confidence, Fingerprint
from ..domain.units import clamp, within
from .agreement import Span, agree
from .answered_step import AnsweredStep
from .steady_power import KEPT_CHANGES, Offset, Rest, Rests, step_w

KEPT_ANSWERS = 40
KEPT_RAMPS = 16
KEPT_ZEROS = 8

FEWEST_ANSWERS = 5
"""Before that the assumed dead time holds, unless an answer took longer."""

FEWEST_RAMPS = 3
FEWEST_ZEROS = 2
ENOUGH_ANSWERS = 10
ENOUGH_RAMPS = 6
ENOUGH_OFFSETS = 4
ENOUGH_CHANGES = 16
"""With so many a number is as sure as it gets."""

QUANTILE = 0.95

FASTEST_PACE_S_PER_W = 1e-5
SLOWEST_PACE_S_PER_W = 1.0
"""100 kW/s and 1 W/s: beyond both a number is torn."""

PACE_MARGIN = 1.1
"""For what the moments of the samples leave open; simulated chargers were up to 6 %
slower than most of their answers said."""

LARGEST_W = 1e6


class Evidence:
    """Answers, ramps and rests of one charger; the oldest of each goes first."""

    def __init__(self, known: Fingerprint | None = None) -> None:
        """Begin with what is known before; nothing: what must be assumed."""
        self.known = known or Fingerprint()
        self.answers: deque[Span] = deque(maxlen=KEPT_ANSWERS)
        self.growing: deque[AnsweredStep] = deque(maxlen=KEPT_RAMPS)
        self.shrinking: deque[AnsweredStep] = deque(maxlen=KEPT_RAMPS)
        self.charging, self.discharging = Rests(), Rests()
        self.zeros: deque[float] = deque(maxlen=KEPT_ZEROS)
        self.changes: deque[tuple[float, float]] = deque(maxlen=KEPT_CHANGES)
        self.minimum_w: float | None = None

    def add(self, answered: AnsweredStep) -> None:
        """Take an answer, with its ramp when that was seen."""
        self.answers.append(answered.dead_time)
        if answered.change_w:
            ramps = self.growing if answered.is_growing else self.shrinking
            ramps.append(answered)

    def without_dialect(self) -> Evidence:
        """Return what holds in other words too: ramps and dead zone."""
        kept = Evidence(
            replace(
                Fingerprint(),
                ramp_w_per_s=self.known.ramp_w_per_s,
                minimum_power_w=self.known.minimum_power_w,
            )
        )
        kept.growing, kept.shrinking = self.growing, self.shrinking
        kept.minimum_w = self.minimum_w
        return kept

    def without_offsets(self) -> Evidence:
        """Return what holds when the meter is read in another way: all but powers."""
        kept = Evidence(
            replace(
                self.known,
                offset_discharge_w=0.0,
                offset_charge_w=0.0,
                offset_zero_w=0.0,
            )
        )
        kept.answers, kept.minimum_w = self.answers, self.minimum_w
        kept.growing, kept.shrinking = self.growing, self.shrinking
        return kept

    def fingerprint(self) -> Fingerprint:
        """Return the numbers, each as it was known where too little was seen."""
        known = self.known
        is_learnt = len(self.answers) >= FEWEST_ANSWERS
        up, down = self._pace(self.growing), self._pace(self.shrinking)
        slowest = max(
            self._slowest_pace(self.growing, up),
            self._slowest_pace(self.shrinking, down),
        )
        charge, discharge = self.charging.offset(), self.discharging.offset()
        size_w = step_w(self.changes)
        return Fingerprint(
            dead_time_s=self._dead_time_s(),
            ramp_w_per_s=1.0 / slowest,
            offset_discharge_w=_or_known(discharge, known.offset_discharge_w),
            offset_charge_w=_or_known(charge, known.offset_charge_w),
            # The most that it draws: less is what it draws when it sleeps.
            offset_zero_w=(
                max(self.zeros)
                if len(self.zeros) >= FEWEST_ZEROS
                else known.offset_zero_w
            ),
            minimum_power_w=self.minimum_w or known.minimum_power_w,
            is_learnt=known.is_learnt or is_learnt,
            typical_dead_time_s=self._typical_dead_time_s(),
            ramp_up_w_per_s=_ramp(up) or known.ramp_up_w_per_s,
            ramp_down_w_per_s=_ramp(down) or known.ramp_down_w_per_s,
            step_w=known.step_w if size_w is None else size_w,
        )

    def confidence(self) -> Confidence:
        """Return how much is behind each number."""
        agreement = agree(self.answers)
        dead_time = 0.0 if agreement is None else agreement.share
        return Confidence(
            dead_time=dead_time * _share(len(self.answers), ENOUGH_ANSWERS),
            ramp_up=self._ramp_confidence(self.growing),
            ramp_down=self._ramp_confidence(self.shrinking),
            offset_discharge=_offset_confidence(self.discharging.offset()),
            offset_charge=_offset_confidence(self.charging.offset()),
            offset_zero=_share(len(self.zeros), ENOUGH_OFFSETS),
            minimum_power=0.0 if self.minimum_w is None else 1.0,
            step=(
                0.0
                if step_w(self.changes) is None
                else _share(len(self.changes), ENOUGH_CHANGES)
            ),
        )

    def _dead_time_s(self) -> float:
        """Return what 95 of 100 answers kept, as the meter showed them."""
        seen = sorted(answer.high for answer in self.answers)
        if len(seen) < FEWEST_ANSWERS:
            return max([self.known.dead_time_s, *seen])
        return seen[ceil(QUANTILE * len(seen)) - 1]

    def _typical_dead_time_s(self) -> float | None:
        agreement = agree(self.answers)
        if agreement is None or len(self.answers) < FEWEST_ANSWERS:
            return self.known.typical_dead_time_s
        return agreement.span.middle

    def _pace(self, ramps: Sequence[AnsweredStep]) -> Span | None:
        """Return the seconds per watt that most ramps agree on, None: too few."""
        if len(ramps) < FEWEST_RAMPS:
            return None
        agreement = agree(self._paces(ramps))
        return None if agreement is None else agreement.span

    def _paces(self, ramps: Iterable[AnsweredStep]) -> list[Span]:
        agreement = agree(self.answers)
        return [
            ramp.pace(_narrowed(ramp.dead_time, agreement.span if agreement else None))
            for ramp in ramps
        ]

    def _slowest_pace(self, ramps: Sequence[AnsweredStep], pace: Span | None) -> float:
        """Return seconds per watt that no ramp exceeded.

        Each one must have arrived within the longest dead time and this pace. What
        most agree on may be slower still, as far as the meter can tell.
        """
        longest_s = max((answer.high for answer in self.answers), default=0.0)
        seen = [(ramp.arrived_s - longest_s) / ramp.change_w for ramp in ramps]
        own = [ramp.pace(ramp.dead_time) for ramp in ramps]
        seen += [span.low for span in own]
        if pace is not None:
            seen.append(pace.high)
        else:
            seen.append(1.0 / self.known.ramp_w_per_s)
            seen += [
                span.high
                for ramp, span in zip(ramps, own, strict=True)
                if len(ramp.ways) > 1
            ]
        slowest = max(seen) if pace is None else PACE_MARGIN * max(seen)
        return clamp(slowest, FASTEST_PACE_S_PER_W, SLOWEST_PACE_S_PER_W)

    def _ramp_confidence(self, ramps: Sequence[AnsweredStep]) -> float:
        agreement = agree(self._paces(ramps))
        if agreement is None or len(ramps) < FEWEST_RAMPS:
            return 0.0
        return agreement.share * _share(len(ramps), ENOUGH_RAMPS)

    def dump(self) -> dict[str, Any]:
        """Return this as JSON."""
        return {
            "known": asdict(self.known),
            "answers": [[answer.low, answer.high] for answer in self.answers],
            "growing": [_dump_step(step) for step in self.growing],
            "shrinking": [_dump_step(step) for step in self.shrinking],
            "charging": [_dump_rest(rest) for rest in self.charging.all],
            "discharging": [_dump_rest(rest) for rest in self.discharging.all],
            "zeros": list(self.zeros),
            "changes": [list(change) for change in self.changes],
            "minimum_w": self.minimum_w,
        }

    @classmethod
    def restored(cls, known: Fingerprint, kept: Mapping[str, Any]) -> Evidence:
        """Return the evidence that ``dump`` wrote.

        Args:
            known: the part ``known``, read and checked by the caller.
            kept: the rest of it.

        Raises:
            KeyError, TypeError, ValueError: for anything torn.
        """
        evidence = cls(known)
        for low, high in kept["answers"]:
            answer = Span(low=_number(low, 0.0, high), high=_number(high, 0.0))
            evidence.answers.append(answer)
        evidence.growing.extend(map(_restored_step, kept["growing"]))
        evidence.shrinking.extend(map(_restored_step, kept["shrinking"]))
        evidence.charging = Rests(map(_restored_rest, kept["charging"]))
        evidence.discharging = Rests(map(_restored_rest, kept["discharging"]))
        evidence.zeros.extend(_number(zero_w, -LARGEST_W) for zero_w in kept["zeros"])
        evidence.changes.extend(
            (_number(error_w, -LARGEST_W), _number(noise_w2, 0.0))
            for error_w, noise_w2 in kept["changes"]
        )
        minimum_w = kept["minimum_w"]
        evidence.minimum_w = None if minimum_w is None else _number(minimum_w, 0.0)
        return evidence


def _narrowed(own: Span, agreed: Span | None) -> Span:
    """Return when one ramp began, with the help of what all answers agree on."""
    if agreed is None:
        return own
    low, high = max(own.low, agreed.low), min(own.high, agreed.high)
    return Span(low=low, high=high) if low <= high else own


def _ramp(pace: Span | None) -> float | None:
    return None if pace is None else 1.0 / max(FASTEST_PACE_S_PER_W, pace.middle)


def _share(count: int, enough: int) -> float:
    return min(1.0, count / enough)


def _or_known(offset: Offset | None, known_w: float) -> float:
    return known_w if offset is None else offset.offset_w


def _offset_confidence(offset: Offset | None) -> float:
    if offset is None:
        return 0.0
    return offset.agreement * _share(offset.count, ENOUGH_OFFSETS)


def _dump_step(step: AnsweredStep) -> dict[str, Any]:
    return {**asdict(step), "ways": [list(way) for way in step.ways]}


def _restored_step(kept: Mapping[str, Any]) -> AnsweredStep:
    moved_s = _number(kept["moved_s"], 0.0)
    ways = tuple((_number(at_s, moved_s), _number(w, 1.0)) for at_s, w in kept["ways"])
    return AnsweredStep(
        quiet_s=_number(kept["quiet_s"], 0.0, moved_s),
        moved_s=moved_s,
        is_growing=kept["is_growing"] is True,
        change_w=_number(kept["change_w"], 1.0),
        arrived_s=_number(kept["arrived_s"], moved_s),
        ways=ways,
    )


def _dump_rest(rest: Rest) -> list[float]:
    return [rest.told_w, rest.flowed_w, rest.variance_w2]


def _restored_rest(kept: Sequence[float]) -> Rest:
    told_w, flowed_w, variance_w2 = kept
    return Rest(
        told_w=_number(told_w, -LARGEST_W),
        flowed_w=_number(flowed_w, -LARGEST_W),
        variance_w2=_number(variance_w2, 0.0),
    )


def _number(value: object, lowest: float, highest: float = LARGEST_W) -> float:
    """Return a JSON number inside its bounds.

    Raises:
        TypeError: for anything else.
        ValueError: for one outside them, or not finite.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(type(value))
    return within("learnt", float(value), lowest, highest)
