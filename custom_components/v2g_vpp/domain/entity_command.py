"""What a charger that is known through entities is told: a power becomes its writes.

Nothing is written between 0 W and the least power that it can, never 0 where that is
forbidden, nothing more often than it bears but what moves towards 0, and the way to the
other direction rests at 0 W.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from math import ceil, inf, isfinite, trunc
from typing import Final, assert_never

from .entity_station import (
    EntitySpecification,
    StopWay,
    Writes,
    WriteUnit,
    WriteWay,
    contradicts,
    timing_of_entity,
    unit_watts,
)
from .units import clamp, watts_to_kilowatts

_FUZZ: Final = 1e-6
"""Steps of 0.1 are no exact numbers: what is this close to a step is that step."""

_SAME_W: Final = 1.0
"""Powers closer than this are the same to any charger."""


class WriteTarget(StrEnum):
    """What of a charger is written to."""

    SETPOINT = "setpoint"
    CHARGE = "charge"
    DISCHARGE = "discharge"
    DIRECTION = "direction"
    STOP = "stop"
    START = "start"
    SCRIPT = "script"


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRange:
    """What a number can be set to."""

    lowest: float = -inf
    highest: float = inf
    step: float = 0.0
    """0: as fine as a number is."""

    unit: str | None = None
    """That it shows now; None: it shows none."""


NO_RANGE: Final = NumberRange()


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteStep:
    """One action on one entity."""

    target: WriteTarget
    value: float | str | bool | None = None
    """A number, an option, on or off; None: pressed or called."""

    power_w: float = 0.0
    """For a script, in the sign that it wants."""

    duration_s: float = 0.0
    """For a script: it may end the power by itself after this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteIntent:
    """What brings a charger to a power, in this order."""

    power_w: float
    """That it will have, W; 0 for every way to stop."""

    steps: tuple[WriteStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWrite:
    """What the charger was told last."""

    power_w: float | None = None
    """None: not known, so it may be any."""

    written_mono_s: float = -inf
    direction: int | None = 0
    """Sign of the last power that was not 0; 0: none was told; None: somebody else may
    have told another one, so every power may be a turn."""

    rested_mono_s: float = -inf
    """Since when it was told 0 W; it counts while ``power_w`` is 0."""


UNTOLD: Final = LastWrite()


class NotWritableError(ValueError):
    """The entities of a charger cannot be set to what they would have to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What the numbers of a charger can be set to now, by what is written to."""

    ranges: Mapping[WriteTarget, NumberRange] = field(default_factory=dict)

    def of(self, target: WriteTarget) -> NumberRange:
        """Return the range of one number."""
        return self.ranges.get(target, NO_RANGE)


ANY_REACH: Final = Reach()


def command(
    specification: EntitySpecification,
    setpoint_w: float,
    last: LastWrite,
    now_mono_s: float,
    reach: Reach = ANY_REACH,
) -> WriteIntent | None:
    """Return what to write now for a power; None: not yet, ask again.

    The power of the intent may be 0 where another was asked for: on the way to the
    other direction, and between 0 and the least that the charger can.

    Args:
        specification: of the charger.
        setpoint_w: positive flows into the vehicle.
        last: what it was told before.
        now_mono_s: of the decision.
        reach: of its numbers.

    Raises:
        NotWritableError: no finite power, or its numbers cannot be set to it.
    """
    if not isfinite(setpoint_w):
        raise NotWritableError("no finite power")
    quirks = specification.quirks
    intent = _intent(specification, setpoint_w, reach)
    if last.power_w:
        intent = _without_start(intent)
    if is_turn(intent.power_w, last):
        if last.power_w != 0:
            return stop(specification, reach)
        if now_mono_s - last.rested_mono_s < quirks.reversal_rest_s:
            return None
    is_early = now_mono_s - last.written_mono_s < quirks.min_write_interval_s
    return None if is_early and not _is_towards_zero(intent.power_w, last) else intent


def stop(specification: EntitySpecification, reach: Reach = ANY_REACH) -> WriteIntent:
    """Return what ends every power; never bounded by time.

    Raises:
        NotWritableError: a number cannot be set to 0.
    """
    writes = specification.writes
    steps: tuple[WriteStep, ...]
    match writes.stop:
        case StopWay.ZERO:
            steps = _zero_steps(specification, reach)
        case StopWay.MINIMUM_POWER:
            least_w = _least_charge_w(specification, reach)
            least = _steps(specification, least_w, reach)
            # Nothing is started for it: nobody asked for power.
            return _without_start(WriteIntent(power_w=0.0, steps=least))
        case StopWay.SWITCH:
            steps = (WriteStep(target=WriteTarget.STOP, value=False),)
        case StopWay.BUTTON:
            steps = (WriteStep(target=WriteTarget.STOP),)
        case StopWay.SCRIPT:
            steps = (_script_step(specification, WriteTarget.STOP, 0.0),)
        case _:
            assert_never(writes.stop)
    if writes.rest_option is not None:
        rest = WriteStep(target=WriteTarget.DIRECTION, value=writes.rest_option)
        steps = (rest, *steps)
    return WriteIntent(power_w=0.0, steps=steps)


def told(last: LastWrite, intent: WriteIntent, now_mono_s: float) -> LastWrite:
    """Return what the charger was told last, after an intent was carried out."""
    if intent.power_w == 0:
        is_new_rest = last.power_w != 0
        return replace(
            last,
            power_w=0.0,
            written_mono_s=now_mono_s,
            rested_mono_s=now_mono_s if is_new_rest else last.rested_mono_s,
        )
    return replace(
        last,
        power_w=intent.power_w,
        written_mono_s=now_mono_s,
        direction=1 if intent.power_w > 0 else -1,
    )


def is_turn(power_w: float, last: LastWrite) -> bool:
    """Return True when a power is, or may be, the other direction than before."""
    if last.direction is None:
        return power_w != 0
    return power_w * last.direction < 0


def perhaps_told(last: LastWrite, intent: WriteIntent, now_mono_s: float) -> LastWrite:
    """Return what is known after an intent that nobody confirmed: it may have worked."""
    return replace(told(last, intent, now_mono_s), power_w=None)


def power_of_value(writes: Writes, value: float) -> float:
    """Return the power that a signed number stands for, W, positive into the vehicle."""
    power_w = unit_watts(writes) * value
    return -power_w if writes.is_inverted else power_w


def value_of_power(writes: Writes, power_w: float) -> float:
    """Return the signed number that stands for a power, not rounded."""
    if writes.unit is WriteUnit.KILOWATT:
        value = watts_to_kilowatts(power_w)
    else:
        value = power_w / unit_watts(writes)
    return -value if writes.is_inverted else value


def largest_powers_w(
    specification: EntitySpecification, reach: Reach
) -> tuple[float, float]:
    """Return how much a charger can be told to take and to give, W, >= 0."""
    writes = specification.writes
    match writes.way:
        case WriteWay.SIGNED_NUMBER:
            both = reach.of(WriteTarget.SETPOINT)
            powers = [power_of_value(writes, v) for v in (both.lowest, both.highest)]
            return max(0.0, *powers), max(0.0, *(-power_w for power_w in powers))
        case WriteWay.TWO_NUMBERS:
            unit_w = unit_watts(writes)
            return (
                max(0.0, unit_w * reach.of(WriteTarget.CHARGE).highest),
                max(0.0, unit_w * reach.of(WriteTarget.DISCHARGE).highest),
            )
        case WriteWay.SCRIPT:
            return inf, inf


def _intent(
    specification: EntitySpecification, setpoint_w: float, reach: Reach
) -> WriteIntent:
    quirks = specification.quirks
    power_w = _writable_w(specification, setpoint_w, reach)
    least_w = quirks.min_charge_w if setpoint_w > 0 else quirks.min_discharge_w
    is_forbidden = power_w < 0 and not specification.can_discharge
    if power_w == 0 or is_forbidden or abs(power_w) < least_w - _FUZZ:
        return stop(specification, reach)
    return WriteIntent(power_w=power_w, steps=_steps(specification, power_w, reach))


def _writable_w(
    specification: EntitySpecification, power_w: float, reach: Reach
) -> float:
    """Return the power of the number nearest to 0 that the charger can be set to."""
    writes = specification.writes
    if writes.way is WriteWay.SCRIPT:
        return float(trunc(power_w))
    target, magnitude_only = _number_of(writes, power_w)
    value = value_of_power(writes, abs(power_w) if magnitude_only else power_w)
    value = abs(value) if magnitude_only else value
    bounds = reach.of(target)
    if contradicts(writes, bounds.unit):
        raise NotWritableError(f"{target} is in {bounds.unit}, not {writes.unit}")
    bounded = clamp(value, bounds.lowest, bounds.highest)
    if abs(bounded) > abs(value) + _FUZZ or bounded * value < 0:
        # It cannot be set so low: what would be more than was asked for is none.
        return 0.0
    rounded = _rounded(bounded, bounds)
    signed_w = unit_watts(writes) * abs(rounded)
    return signed_w if power_w > 0 else -signed_w


def _number_of(writes: Writes, power_w: float) -> tuple[WriteTarget, bool]:
    """Return which number carries a power, and whether it knows no sign."""
    if writes.way is WriteWay.SIGNED_NUMBER:
        return WriteTarget.SETPOINT, False
    return (WriteTarget.CHARGE if power_w > 0 else WriteTarget.DISCHARGE), True


def _rounded(value: float, bounds: NumberRange) -> float:
    """Return the step that is nearest to 0 from a value."""
    if bounds.step <= 0:
        return value
    steps = value / bounds.step
    whole = round(steps) if abs(steps - round(steps)) < _FUZZ else trunc(steps)
    return round(whole * bounds.step, 6)


def _steps(
    specification: EntitySpecification, power_w: float, reach: Reach
) -> tuple[WriteStep, ...]:
    """Return the steps to a power that is not 0 and can be written."""
    writes = specification.writes
    steps: list[WriteStep] = []
    if writes.way is WriteWay.SCRIPT:
        steps.append(_script_step(specification, WriteTarget.SCRIPT, power_w))
    else:
        target, magnitude_only = _number_of(writes, power_w)
        if magnitude_only and writes.charge_option is None:
            # Nothing chooses between the two numbers: only one of them may be set.
            steps += (
                WriteStep(target=one, value=0.0)
                for one in _pair(specification)
                if one is not target
            )
        value = value_of_power(writes, power_w)
        value = _rounded(abs(value) if magnitude_only else value, reach.of(target))
        steps.append(WriteStep(target=target, value=value))
    option = writes.charge_option if power_w > 0 else writes.discharge_option
    if option is not None:
        # After the number: a direction must not meet the number of another day.
        steps.append(WriteStep(target=WriteTarget.DIRECTION, value=option))
    if writes.stop is StopWay.SWITCH:
        steps.append(WriteStep(target=WriteTarget.STOP, value=True))
    if writes.has_start:
        steps.append(WriteStep(target=WriteTarget.START))
    return tuple(steps)


def _zero_steps(
    specification: EntitySpecification, reach: Reach
) -> tuple[WriteStep, ...]:
    writes = specification.writes
    if specification.quirks.zero_forbidden:
        raise NotWritableError("a setpoint of 0 is forbidden")
    if writes.way is WriteWay.SCRIPT:
        return (_script_step(specification, WriteTarget.SCRIPT, 0.0),)
    is_signed = writes.way is WriteWay.SIGNED_NUMBER
    targets = (WriteTarget.SETPOINT,) if is_signed else _pair(specification)
    for target in targets:
        bounds = reach.of(target)
        if not bounds.lowest <= 0.0 <= bounds.highest:
            raise NotWritableError(f"{target} cannot be 0")
    return tuple(WriteStep(target=target, value=0.0) for target in targets)


def _pair(specification: EntitySpecification) -> tuple[WriteTarget, ...]:
    """Return the numbers of a charger that has one for each direction."""
    if specification.can_discharge:
        return WriteTarget.DISCHARGE, WriteTarget.CHARGE
    return (WriteTarget.CHARGE,)


def _without_start(intent: WriteIntent) -> WriteIntent:
    """Return the intent for a charger that runs already."""
    kept = (step for step in intent.steps if step.target is not WriteTarget.START)
    return replace(intent, steps=tuple(kept))


def _least_charge_w(specification: EntitySpecification, reach: Reach) -> float:
    """Return the least power that the charger can be told, rounded up, W."""
    writes = specification.writes
    least_w = specification.quirks.min_charge_w
    if writes.way is WriteWay.SCRIPT:
        return float(ceil(least_w))
    target, magnitude_only = _number_of(writes, least_w)
    bounds = reach.of(target)
    step, lowest = bounds.step, bounds.lowest
    if writes.is_inverted and not magnitude_only:
        lowest = -bounds.highest
    value = max(lowest, abs(value_of_power(writes, least_w)))
    if step > 0:
        value = round(ceil(value / step - _FUZZ) * step, 6)
    return unit_watts(writes) * value


def _script_step(
    specification: EntitySpecification, target: WriteTarget, power_w: float
) -> WriteStep:
    signed_w = -power_w if specification.writes.is_inverted else power_w
    return WriteStep(
        target=target,
        power_w=signed_w or 0.0,
        duration_s=timing_of_entity(specification.quirks).validity_s,
    )


def _is_towards_zero(power_w: float, last: LastWrite) -> bool:
    if power_w == 0:
        return True
    before_w = last.power_w
    if before_w is None or power_w * before_w <= 0:
        return False
    return abs(power_w) < abs(before_w) - _SAME_W
