"""Readings: one number, when it was taken and when it reached us."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import TypeGuard

from .units import clamp

SHORTEST_STALE_AFTER_S = 10.0
"""A reading younger than this counts, however often the meter reports."""

LONGEST_STALE_AFTER_S = 30.0
"""A reading older than this never counts (control brief, the site)."""

PERIODS_UNTIL_STALE = 3.0
"""Two reports may be lost in a row before a meter counts as silent."""

TEMPERATURE_STALE_AFTER_S = 10_800.0
"""House rule: by then the air outside, or a battery, may be some degrees colder."""

LOWEST_PERIOD_S = 0.1
PERIOD_SHARE = 0.25
"""How much one gap between two reports moves the period that was learnt so far."""

PHASES = (1, 2, 3)
"""Of a meter that tells them one by one."""

SOC_STALE_AFTER_S = 900.0
"""A state of charge older than this is unknown: vehicles report every few minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One finite number of one measurand."""

    value: float

    received_mono_s: float
    """Monotonic time of receipt: the age that staleness is judged by."""

    taken_at: datetime
    """UTC time that the meter wrote on it."""

    @property
    def order(self) -> tuple[float, datetime]:
        """What tells an older reading from a newer one."""
        return self.received_mono_s, self.taken_at

    def age_s(self, now_mono_s: float) -> float:
        """Return how long ago the reading reached us, s."""
        return now_mono_s - self.received_mono_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The last reading of each measurand of one EVSE; None was never read."""

    power_w: Reading | None = None
    """Signed: positive flows into the vehicle."""

    soc_percent: Reading | None = None
    energy_charged_wh: Reading | None = None
    """Lifetime import register."""

    energy_discharged_wh: Reading | None = None
    """Lifetime export register."""

    voltage_v: Reading | None = None
    current_a: Reading | None = None
    """Of the most loaded phase, signed like power."""

    current_l1_a: Reading | None = None
    current_l2_a: Reading | None = None
    current_l3_a: Reading | None = None
    """Of the station's own phases, signed like power."""

    voltage_l1_v: Reading | None = None
    voltage_l2_v: Reading | None = None
    voltage_l3_v: Reading | None = None
    frequency_hz: Reading | None = None
    vehicle_floor_percent: Reading | None = None
    """State of charge that the vehicle itself does not go below."""

    handle_temperature_c: Reading | None = None
    """Of the plug that a person touches."""

    inlet_hot: Reading | None = None
    """1 while the vehicle calls its inlet too hot, 0 while it does not."""

    def updated_by(self, newer: Measurement) -> Measurement:
        """Return this with each reading of ``newer`` that is not older than ours.

        Order is by the monotonic time of receipt, from which a replay is set back by
        its age: a clock of the station or of the host that steps back must not freeze
        the readings. Within one report the meter's own time decides.
        """
        return Measurement(
            **{
                name: _newest(getattr(self, name), getattr(newer, name))
                for name in _MEASURANDS
            }
        )


def _newest(ours: Reading | None, theirs: Reading | None) -> Reading | None:
    if theirs is None:
        return ours
    if ours is None or theirs.received_mono_s > ours.received_mono_s:
        return theirs
    return theirs if theirs.order >= ours.order else ours


_MEASURANDS = tuple(field.name for field in fields(Measurement))


def fresh_value(
    reading: Reading | None, now_mono_s: float, max_age_s: float
) -> float | None:
    """Return the value of a reading, or None when it is absent or too old."""
    if reading is None or reading.age_s(now_mono_s) > max_age_s:
        return None
    return reading.value


def stale_after_s(period_s: float) -> float:
    """Return the age at which a reading stops counting, s.

    Args:
        period_s: how often the meter reports, s.
    """
    longest_s = min(LONGEST_STALE_AFTER_S, PERIODS_UNTIL_STALE * period_s)
    return max(SHORTEST_STALE_AFTER_S, longest_s)


def learnt_period_s(period_s: float, gap_s: float) -> float:
    """Return how often a meter reports after one more gap between two reports, s.

    Args:
        period_s: learnt so far.
        gap_s: > 0; a pause longer than any meter may be silent says no more than that.
    """
    gap_s = clamp(gap_s, LOWEST_PERIOD_S, LONGEST_STALE_AFTER_S)
    return period_s + PERIOD_SHARE * (gap_s - period_s)


def is_fresh(
    reading: Reading | None, now_mono_s: float, max_age_s: float
) -> TypeGuard[Reading]:
    """Return True when a reading exists, is not from the future and not too old."""
    return reading is not None and 0.0 <= reading.age_s(now_mono_s) <= max_age_s
