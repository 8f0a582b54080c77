"""Readings: one number, when it was taken and when it reached us."""

from dataclasses import dataclass, fields
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One finite number of one measurand."""

    value: float

    received_mono_s: float
    """Monotonic time of receipt: the age that staleness is judged by."""

    taken_at: datetime
    """UTC time that the meter wrote on it."""

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
    """Signed like power."""

    frequency_hz: Reading | None = None

    def updated_by(self, newer: Measurement) -> Measurement:
        """Return this with each reading of ``newer`` that is not older than ours."""
        chosen: dict[str, Reading | None] = {}
        for field in fields(self):
            ours: Reading | None = getattr(self, field.name)
            theirs: Reading | None = getattr(newer, field.name)
            is_theirs_newer = theirs is not None and (
                ours is None or theirs.taken_at >= ours.taken_at
            )
            chosen[field.name] = theirs if is_theirs_newer else ours
        return Measurement(**chosen)


def fresh_value(
    reading: Reading | None, now_mono_s: float, max_age_s: float
) -> float | None:
    """Return the value of a reading, or None when it is absent or too old."""
    if reading is None or reading.age_s(now_mono_s) > max_age_s:
        return None
    return reading.value
