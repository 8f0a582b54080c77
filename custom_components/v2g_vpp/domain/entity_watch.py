"""Who set an entity of a charger: we, the charger itself, or somebody else."""

from dataclasses import dataclass
from math import isfinite

from .entity_observation import SILENT_WORDS
from .entity_station import Quirks, timing_of_entity
from .state import UNLEARNT_STANDBY_W, flow_threshold_w

ROUNDING_SHARE = 0.02
"""Chargers round what they are told by as much as this."""

STEP_FUZZ = 1.01

OWN_END_SHARE = 0.5
"""Of its watchdog: while we control a charger it is written to more often than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What an entity was set to by us."""

    value: float | str | bool
    written_mono_s: float
    step: float = 0.0
    """Of a number: it may have been rounded by it."""


def is_foreign(
    shown: str,
    expected: Expected,
    quirks: Quirks,
    now_mono_s: float,
    *,
    has_user: bool,
) -> bool:
    """Return True when somebody else changed what we had set.

    Args:
        shown: what the entity shows now, by an event that is not of our own action.
        expected: what we set it to.
        quirks: of the charger: how long it may show another value by itself, and
            whether it returns to a setpoint of its own.
        now_mono_s: of the event.
        has_user: a person is behind the event.
    """
    if shown.casefold() in SILENT_WORDS or _is_same(shown, expected):
        return False
    if has_user:
        return True
    silent_s = now_mono_s - expected.written_mono_s
    if silent_s < quirks.settle_s or quirks.reverts:
        return False
    ends_after_s = OWN_END_SHARE * timing_of_entity(quirks).validity_s
    return not (silent_s >= ends_after_s and _is_rest(shown, expected))


def may_flow(power_w: float | None, rating_w: float, rests_at_w: float = 0.0) -> bool:
    """Return True unless a charger is seen at rest: what nobody knows may flow.

    Args:
        power_w: that its meter shows, W; None when that is not known.
        rating_w: of the charger.
        rests_at_w: that it takes after a stop, W, >= 0; some know no 0 W.
    """
    if power_w is None:
        return True
    most_w = rests_at_w + UNLEARNT_STANDBY_W
    return not -flow_threshold_w(rating_w) <= power_w <= most_w


def _is_rest(shown: str, expected: Expected) -> bool:
    """Return True for a 0 W to which a charger returned that nobody wrote to."""
    if isinstance(expected.value, bool | str):
        return False
    return _is_near(shown, 0.0, 0.0)


def _is_same(shown: str, expected: Expected) -> bool:
    match expected.value:
        case bool():
            return shown == ("on" if expected.value else "off")
        case str():
            return shown == expected.value
        case _:
            return _is_near(shown, float(expected.value), expected.step)


def _is_near(shown: str, value: float, step: float) -> bool:
    try:
        number = float(shown)
    except ValueError:
        return False
    if not isfinite(number):
        return False
    return abs(number - value) <= max(step * STEP_FUZZ, ROUNDING_SHARE * abs(value))
