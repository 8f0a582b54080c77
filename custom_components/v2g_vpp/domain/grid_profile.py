"""What a region asks of a generator at its grid, as data.

The profile supervises what the certified inverter does by itself: tripping and
anti-islanding are the inverter's, and nothing here is quick enough to replace them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Final

PLAUSIBLE_LOW_HZ: Final = 47.0
PLAUSIBLE_HIGH_HZ: Final = 63.0
"""Outside no frequency of a grid is plausible: the sensor or the grid is broken."""

VOLTAGE_PRESENT_SHARE: Final = 0.5
"""Below this share of the nominal voltage there is no grid (IEEE 1547-2018, UV2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TripPoint:
    """Beyond this frequency for this long a generator ceases to energize."""

    frequency_hz: float
    after_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GridProfile:
    """Thresholds and times of one region.

    Raises:
        ValueError: for numbers that contradict each other.
    """

    profile_id: str
    nominal_hz: float | None
    """None: no region was chosen; only what is implausible anywhere is acted on."""

    nominal_voltages_v: tuple[float, ...]
    """Between the conductors that a meter reads; the nearest one counts."""

    under: tuple[TripPoint, ...] = ()
    """From the one that waits longest to the lowest frequency."""

    over: tuple[TripPoint, ...] = ()
    """From the one that waits longest to the highest frequency."""

    charge_cut_hz: float = PLAUSIBLE_LOW_HZ
    """Below it a load helps the grid by leaving it; generation stays."""

    enter_low_hz: float = PLAUSIBLE_LOW_HZ
    enter_high_hz: float = PLAUSIBLE_HIGH_HZ
    enter_low_pu: float = 0.85
    enter_high_pu: float = 1.10
    enter_delay_s: float = 300.0
    """Frequency and voltage are inside for this long before power may flow again."""

    enter_ramp_s: float = 300.0
    """Then power rises to the rating over this time."""

    deadband_hz: float = 0.036
    droop: float = 0.05
    """Share of the nominal frequency that moves power by the whole rating."""

    response_s: float = 5.0
    """90 % of a change of power is reached by then."""

    def __post_init__(self) -> None:
        """Refuse what no grid has."""
        edges = [
            PLAUSIBLE_LOW_HZ,
            *(point.frequency_hz for point in reversed(self.under)),
            *((self.nominal_hz,) if self.nominal_hz is not None else ()),
            *(point.frequency_hz for point in self.over),
            PLAUSIBLE_HIGH_HZ,
        ]
        numbers = (
            *self.nominal_voltages_v,
            *(point.after_s for point in (*self.under, *self.over)),
            self.enter_delay_s,
            self.enter_ramp_s,
            self.deadband_hz,
            self.response_s,
        )
        is_ordered = all(low <= high for low, high in pairwise(edges))
        if not is_ordered or self.enter_low_hz >= self.enter_high_hz:
            raise ValueError(f"{self.profile_id}: frequencies are out of order")
        if not all(isfinite(number) and number >= 0 for number in numbers):
            raise ValueError(f"{self.profile_id}: a time or voltage is no number >= 0")
        if not 0.0 < self.droop <= 1.0:
            raise ValueError(f"{self.profile_id}: droop {self.droop} is not 0..1")

    def is_in_window(
        self, frequency_hz: float | None, voltage_pu: float | None
    ) -> bool:
        """Return True when a generator may enter service; what is not told is fine.

        Args:
            frequency_hz: measured, None when not told.
            voltage_pu: share of the nominal voltage, None when not told.
        """
        is_frequency_in = frequency_hz is None or (
            self.enter_low_hz <= frequency_hz <= self.enter_high_hz
        )
        is_voltage_in = voltage_pu is None or (
            self.enter_low_pu <= voltage_pu <= self.enter_high_pu
        )
        return is_frequency_in and is_voltage_in


def is_plausible_hz(frequency_hz: float) -> bool:
    """Return True for a frequency that a grid can have; NaN is none."""
    return PLAUSIBLE_LOW_HZ <= frequency_hz <= PLAUSIBLE_HIGH_HZ


UNSPECIFIED: Final = GridProfile(
    profile_id="unspecified",
    nominal_hz=None,
    nominal_voltages_v=(120.0, 208.0, 230.0, 240.0, 277.0),
)
"""No region chosen. Enter service as cautiously as the slower of the two below."""

IEEE1547_CAT3_60HZ: Final = GridProfile(
    profile_id="ieee1547_cat3_60hz",
    nominal_hz=60.0,
    nominal_voltages_v=(120.0, 208.0, 240.0, 277.0),
    # IEEE 1547-2018, table 18: default must-trip settings.
    under=(
        TripPoint(frequency_hz=58.5, after_s=300.0),
        TripPoint(frequency_hz=56.5, after_s=0.16),
    ),
    over=(
        TripPoint(frequency_hz=61.2, after_s=300.0),
        TripPoint(frequency_hz=62.0, after_s=0.16),
    ),
    # Below it mandatory operation begins (table 19).
    charge_cut_hz=58.8,
    # Table 4.
    enter_low_hz=59.5,
    enter_high_hz=60.1,
    enter_low_pu=0.917,
    enter_high_pu=1.05,
    enter_delay_s=300.0,
    enter_ramp_s=300.0,
    # Table 24.
    deadband_hz=0.036,
    droop=0.05,
    response_s=5.0,
)

EN50549_50HZ: Final = GridProfile(
    profile_id="en50549_50hz",
    nominal_hz=50.0,
    nominal_voltages_v=(230.0,),
    # EN 50549-1, interface protection: stage 1 of both with its default delay.
    under=(TripPoint(frequency_hz=47.5, after_s=0.5),),
    over=(TripPoint(frequency_hz=51.5, after_s=0.5),),
    # Below it no operation without a limit in time is asked for (4.4.2).
    charge_cut_hz=49.0,
    # Automatic reconnection after a trip (4.10.2): 60 s, then 10 % per minute.
    enter_low_hz=49.5,
    enter_high_hz=50.2,
    enter_low_pu=0.85,
    enter_high_pu=1.10,
    enter_delay_s=60.0,
    enter_ramp_s=600.0,
    # LFSM-O from 50.2 Hz, LFSM-U from 49.8 Hz (4.6.1, 4.6.2).
    deadband_hz=0.2,
    droop=0.05,
    response_s=5.0,
)

GRID_PROFILES: Final[Mapping[str, GridProfile]] = {
    profile.profile_id: profile
    for profile in (UNSPECIFIED, IEEE1547_CAT3_60HZ, EN50549_50HZ)
}
