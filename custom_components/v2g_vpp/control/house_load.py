"""What the home uses beside its EVSEs, from meters that report at different times.

While a charger ramps at some kilowatts per second, two readings that are a second apart
differ by kilowatts that nobody uses. So every signal is kept for a few seconds and all
of them are read at the same instant: the newest that each of them has reached.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from ..domain.ids import EvseKey
from ..domain.measurement import Reading
from ..domain.site_meters import Meter, SiteMeters

LONGEST_LAG_S = 3.0
"""A meter that is further behind is taken as it was: it reports too seldom to be waited
for, and what it said last still flows most of the time."""

KEPT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeReadings:
    """What the meters say now; only what still counts."""

    grid: Reading | None
    """Total of the grid, positive = import."""

    phases: tuple[Reading, ...] | None = None
    """Of each phase, L1 first; None: not measured, or one of them is silent."""

    battery: Reading | None = None
    """Of the home battery, positive = it charges."""

    solar: Reading | None = None
    evses: Mapping[EvseKey, Reading] = field(default_factory=dict)
    """An EVSE whose meter is silent is missing: then its power is part of the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePowers:
    """All powers of one instant, W, in the signs of ``domain/site_meters.py``."""

    at_mono_s: float
    grid_w: float
    phases_w: tuple[float, ...] | None
    battery_w: float | None
    solar_w: float | None
    evses_w: Mapping[EvseKey, float]

    @property
    def rest_w(self) -> float:
        """What the grid would show without any EVSE: house + home battery - solar."""
        return self.grid_w - sum(self.evses_w.values())


class _Signal:
    """The last seconds of one meter."""

    def __init__(self) -> None:
        self._times_s: list[float] = []
        self._values: list[float] = []

    def take(self, reading: Reading) -> None:
        """Keep a reading; one that is known or older is nothing new."""
        times_s, at_s = self._times_s, reading.received_mono_s
        if times_s and at_s <= times_s[-1]:
            if at_s == times_s[-1]:
                self._values[-1] = reading.value
            return
        times_s.append(at_s)
        self._values.append(reading.value)
        # One more than the span, so that its beginning lies between two readings.
        while len(times_s) > 2 and times_s[1] < at_s - KEPT_S:
            del times_s[0], self._values[0]

    @property
    def last_s(self) -> float:
        return self._times_s[-1]

    def at(self, mono_s: float) -> float:
        """Return the value at an instant, between two readings in proportion."""
        after = bisect_right(self._times_s, mono_s)
        if after == len(self._times_s):
            return self._values[-1]
        if after == 0:
            return self._values[0]
        begin_s, end_s = self._times_s[after - 1], self._times_s[after]
        begin, end = self._values[after - 1], self._values[after]
        return begin + (end - begin) * (mono_s - begin_s) / (end_s - begin_s)


class HouseLoad:
    """Brings the meters of the home to one instant."""

    def __init__(self) -> None:
        """Start without any reading."""
        self._signals: dict[object, _Signal] = {}

    def step(self, readings: HomeReadings) -> HomePowers | None:
        """Return all powers of the newest instant that every meter has reached.

        Returns:
            None while the grid is not measured or its meter is silent.
        """
        named = _named(readings)
        self._signals = {
            name: self._signals.get(name) or _Signal() for name, _ in named
        }
        for name, reading in named:
            self._signals[name].take(reading)
        if readings.grid is None:
            return None
        newest_s = self._signals["grid"].last_s
        at_s = min(signal.last_s for signal in self._signals.values())
        at_s = max(at_s, newest_s - LONGEST_LAG_S)
        at = {name: signal.at(at_s) for name, signal in self._signals.items()}
        return HomePowers(
            at_mono_s=at_s,
            grid_w=at["grid"],
            phases_w=(
                tuple(at["phase", number] for number in range(len(readings.phases)))
                if readings.phases
                else None
            ),
            battery_w=at.get("battery"),
            solar_w=at.get("solar"),
            evses_w={key: at[key] for key in readings.evses},
        )


def _named(readings: HomeReadings) -> list[tuple[object, Reading]]:
    named: list[tuple[object, Reading | None]] = [
        ("grid", readings.grid),
        ("battery", readings.battery),
        ("solar", readings.solar),
        *((("phase", n), one) for n, one in enumerate(readings.phases or ())),
        *readings.evses.items(),
    ]
    return [(name, reading) for name, reading in named if reading is not None]


def home_readings(
    meters: SiteMeters, evses: Mapping[EvseKey, Reading | None], now_mono_s: float
) -> HomeReadings:
    """Return what the meters say now.

    Args:
        meters: of the home.
        evses: power of each EVSE, None where its meter is silent.
        now_mono_s: the present.
    """
    phases = [_fresh(meter, now_mono_s) for meter in meters.phases]
    known = tuple(reading for reading in phases if reading is not None)
    is_whole = len(known) == len(phases)
    return HomeReadings(
        grid=_grid(meters, known, now_mono_s) if is_whole else None,
        phases=known if known and is_whole else None,
        battery=_fresh(meters.battery, now_mono_s),
        solar=_fresh(meters.solar, now_mono_s),
        evses={key: reading for key, reading in evses.items() if reading is not None},
    )


def _grid(
    meters: SiteMeters, phases: Sequence[Reading], now_mono_s: float
) -> Reading | None:
    """Return the reading of the total, or one that the phases make."""
    if meters.grid is not None:
        return _fresh(meters.grid, now_mono_s)
    if not phases:
        return None
    # As old as the oldest of them: until then all of it is true.
    oldest = min(phases, key=lambda reading: reading.received_mono_s)
    return replace(oldest, value=sum(reading.value for reading in phases))


def _fresh(meter: Meter | None, now_mono_s: float) -> Reading | None:
    is_heard = meter is not None and meter.value(now_mono_s) is not None
    return meter.reading if meter is not None and is_heard else None


class Window:
    """The largest and smallest of a value over the last seconds."""

    def __init__(self, span_s: float) -> None:
        """Remember ``span_s`` seconds."""
        self._span_s = span_s
        self._samples: list[tuple[float, float]] = []
        self._since_s = inf

    def clear(self) -> None:
        """Forget everything."""
        self._samples.clear()
        self._since_s = inf

    def take(self, value: float, now_mono_s: float) -> None:
        """Add a value of this moment; a step back in time begins anew."""
        if self._samples and now_mono_s < self._samples[-1][0]:
            self.clear()
        self._since_s = min(self._since_s, now_mono_s)
        self._samples.append((now_mono_s, value))
        self._samples = [s for s in self._samples if s[0] >= now_mono_s - self._span_s]

    @property
    def is_full(self) -> bool:
        """True once the values span the whole time."""
        return bool(self._samples) and (
            self._samples[-1][0] - self._since_s >= self._span_s
        )

    @property
    def lowest(self) -> float:
        """The smallest value; there must be one."""
        return min(value for _, value in self._samples)

    @property
    def highest(self) -> float:
        """The largest value; there must be one."""
        return max(value for _, value in self._samples)
