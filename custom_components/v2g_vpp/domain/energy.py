"""Energy that only grows, from registers of meters that do not."""

from dataclasses import dataclass
from datetime import datetime
from math import inf

from .measurement import Reading
from .units import energy_wh

PLAUSIBLE_SHARE = 1.5
PLAUSIBLE_WH = 100.0
"""A register may advance by this much more than the rating makes of the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptEnergy:
    """What is kept in a battery for events that are booked."""

    percent: float = 0.0
    """State of charge that nobody else goes below; 0: nothing is kept."""

    wh: float = 0.0
    """Of the day's budget, at the battery."""


NOTHING_KEPT = KeptEnergy()


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyTotal:
    """The energy of one direction at one EVSE."""

    total_wh: float | None = None
    """Begins with the register and never falls; None before the first reading."""

    register_wh: float = 0.0
    received_mono_s: float = -inf
    taken_at: datetime | None = None
    """UTC time of the reading that was counted last."""

    def advanced(self, reading: Reading | None, rating_w: float) -> EnergyTotal:
        """Return the total after a reading of the register.

        A register that falls was reset or replaced: it counts on from where it is. One
        that leaps further than the charger can deliver was misread: it is not counted.

        Args:
            reading: the newest, None without one; one that was counted changes nothing,
                a larger one of the same second counts.
            rating_w: of the station.
        """
        if reading is None:
            return self
        if self.total_wh is None:
            return _counted(reading, reading.value)
        if reading.taken_at == self.taken_at and reading.value <= self.register_wh:
            # The same one, or the same moment rounded: stations write whole seconds.
            return self
        gained_wh = reading.value - self.register_wh
        elapsed_s = reading.received_mono_s - self.received_mono_s
        most_wh = energy_wh(PLAUSIBLE_SHARE * rating_w, elapsed_s) + PLAUSIBLE_WH
        if not 0.0 <= gained_wh <= most_wh:
            gained_wh = 0.0
        return _counted(reading, self.total_wh + gained_wh)

    def gained_wh(self, before: EnergyTotal) -> float:
        """Return what this total has more than an earlier one of its own, Wh."""
        if self.total_wh is None or before.total_wh is None:
            return 0.0
        return self.total_wh - before.total_wh


def _counted(reading: Reading, total_wh: float) -> EnergyTotal:
    return EnergyTotal(
        total_wh=total_wh,
        register_wh=reading.value,
        received_mono_s=reading.received_mono_s,
        taken_at=reading.taken_at,
    )
