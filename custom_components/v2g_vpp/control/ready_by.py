"""Ready by: how much a vehicle must hold now to hold enough at its departure.

The trip floor is a curve, computed backwards from the departure: what charging at the
limit could still bring by then need not be there yet. Below the curve the vehicle must
charge. It ends a while before the departure, because a charge that ends early costs
nothing and one that ends late costs the trip (control brief, floors and budgets). No
price is known here, so none can tie: who pays by the hour charges earlier by a plan, and
this is what must be left of the time then.
"""

from dataclasses import dataclass
from math import exp, inf, log

from ..domain.policy import Departure
from ..domain.units import SECONDS_PER_HOUR, clamp, percent_of
from .conversion import battery_power_w
from .soc_guard import HYSTERESIS_PERCENT

TAPER_FROM_PERCENT = 80.0
TAPER_END_SHARE = 0.15
"""Above 80 % a vehicle takes less and less, at 100 % this share of its power (house
rule: on the careful side of the curves of AC charging)."""

EARLY_S = 900.0
"""A plan that leaves nothing to spare is late by one delayed start."""

WARM_C = 10.0
COLD_C = -20.0
COLD_SHARE = 0.5
"""A cold battery takes less and heats itself: all of its power at 10 °C, half of it at
-20 °C, in between in proportion (house rule)."""

UNKNOWN_SHARE = 0.85
"""Without a temperature about the freezing point is assumed."""

FULL_PERCENT = 99.0
"""Some vehicles never show 100 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePath:
    """How fast a battery fills; all figures are at its terminals."""

    capacity_wh: float
    power_w: float
    """Below the taper, >= 0."""

    def seconds_between(self, start_percent: float, end_percent: float) -> float:
        """Return how long charging takes, s; inf where nothing flows."""
        if end_percent <= start_percent:
            return 0.0
        if self.power_w <= 0:
            return inf
        return max(0.0, self._effort(end_percent) - self._effort(start_percent))

    def start_percent(self, end_percent: float, duration_s: float) -> float:
        """Return from where charging for a while leads to ``end_percent``, >= 0."""
        if self.power_w <= 0 or duration_s <= 0:
            return end_percent
        effort_s = self._effort(end_percent) - duration_s
        return clamp(self._percent_at(effort_s), 0.0, end_percent)

    @property
    def _percent_per_s(self) -> float:
        return percent_of(self.power_w / SECONDS_PER_HOUR, self.capacity_wh)

    def _effort(self, percent: float) -> float:
        """Return how long charging from empty takes, s."""
        steady_s = min(percent, TAPER_FROM_PERCENT) / self._percent_per_s
        if percent <= TAPER_FROM_PERCENT:
            return steady_s
        share_left = 1.0 - _TAPER_PER_PERCENT * (percent - TAPER_FROM_PERCENT)
        return steady_s - log(share_left) / (_TAPER_PER_PERCENT * self._percent_per_s)

    def _percent_at(self, effort_s: float) -> float:
        """Return what charging from empty for a while leads to; inverts the above."""
        percent = effort_s * self._percent_per_s
        if percent <= TAPER_FROM_PERCENT:
            return percent
        over = percent - TAPER_FROM_PERCENT
        share_left = exp(-_TAPER_PER_PERCENT * over)
        return TAPER_FROM_PERCENT + (1.0 - share_left) / _TAPER_PER_PERCENT


def charge_path(
    *,
    capacity_wh: float,
    meter_power_w: float,
    rating_w: float,
    temperature_c: float | None,
) -> ChargePath:
    """Return how a battery fills at a power at the meter.

    Args:
        capacity_wh: usable, > 0.
        meter_power_w: most that charger and vehicle take, >= 0.
        rating_w: of the charger.
        temperature_c: of the battery, or outside; None takes a careful allowance.
    """
    battery_w = battery_power_w(meter_power_w, rating_w)
    return ChargePath(
        capacity_wh=capacity_wh, power_w=battery_w * cold_share(temperature_c)
    )


def cold_share(temperature_c: float | None) -> float:
    """Return the part of its power that a battery takes when it is cold, 0.5..1."""
    if temperature_c is None:
        return UNKNOWN_SHARE
    warmth = (clamp(temperature_c, COLD_C, WARM_C) - COLD_C) / (WARM_C - COLD_C)
    return COLD_SHARE + (1.0 - COLD_SHARE) * warmth


@dataclass(frozen=True, slots=True, kw_only=True)
class TripInputs:
    """What decides whether a vehicle must charge now."""

    departures: tuple[Departure, ...]
    """Empty: the owner wants nothing for a trip."""

    max_soc_percent: float
    """The owner's ceiling, which a trip does not lift."""

    likely_percent: float | None
    charged_wh: float
    """Since the plug: what is known to be in a battery of unknown charge."""

    path: ChargePath


@dataclass(frozen=True, slots=True, kw_only=True)
class TripVerdict:
    """What the next trip asks for."""

    floor_percent: float = 0.0
    """Below it the vehicle must charge and must not discharge."""

    must_charge: bool = False
    departure: Departure | None = None
    """The one that asks for most now, or comes next; None without any."""

    target_percent: float = 0.0
    """What is aimed at: its target, as far as the owner's ceiling lets it."""


NO_TRIP = TripVerdict()


class TripGuard:
    """Hold the trip floor of the vehicle at one EVSE."""

    def __init__(self, owed_percent: float | None = None) -> None:
        """Begin; ``owed_percent`` is what was being charged for before a restart."""
        self.owed_percent = owed_percent
        """Target of the charging that runs, also after its departure."""

        self._due_mono_s: float | None = None
        self._reached_percent = 0.0

    def forget(self) -> None:
        """Owe nothing any more: the owner wants nothing for a trip."""
        self.owed_percent, self._due_mono_s, self._reached_percent = None, None, 0.0

    def step(self, inputs: TripInputs, now_mono_s: float) -> TripVerdict:
        """Return the floor of now, and whether the vehicle must charge."""
        departures = inputs.departures
        if not departures:
            self.forget()
            return NO_TRIP
        if self._due_mono_s is None and self.owed_percent is None:
            # A vehicle that comes after the departure of today did not miss it.
            departures = tuple(
                one for one in departures if one.due_mono_s >= now_mono_s
            )
            if not departures:
                return NO_TRIP
        departure = max(
            departures,
            key=lambda one: (_floor_percent(inputs, one, now_mono_s), -one.due_mono_s),
        )
        floor = _floor_percent(inputs, departure, now_mono_s)
        wanted = min(departure.target_percent, inputs.max_soc_percent)
        is_same_trip = self._due_mono_s is not None and (
            abs(departure.due_mono_s - self._due_mono_s) < _SAME_TRIP_S
        )
        self._due_mono_s = departure.due_mono_s
        if not is_same_trip:
            # What is owed of the trip before stays owed: better late than never.
            self._reached_percent = 0.0
        elif self.owed_percent is not None:
            self.owed_percent = wanted
        self._settle(held_percent(inputs), floor, wanted)
        return TripVerdict(
            floor_percent=max(floor, self.owed_percent or 0.0),
            must_charge=self.owed_percent is not None,
            departure=departure,
            target_percent=wanted,
        )

    def _settle(self, held: float, floor: float, wanted: float) -> None:
        """Begin or end the charging; what was reached may sag by the hysteresis."""
        target = wanted if self.owed_percent is None else self.owed_percent
        if held >= min(target, FULL_PERCENT):
            self.owed_percent = None
            self._reached_percent = max(self._reached_percent, target)
        is_reached = self._reached_percent >= wanted
        if held < floor - (HYSTERESIS_PERCENT if is_reached else 0.0):
            self.owed_percent = max(wanted, self.owed_percent or 0.0)


def _floor_percent(
    inputs: TripInputs, departure: Departure, now_mono_s: float
) -> float:
    wanted = min(departure.target_percent, inputs.max_soc_percent)
    return inputs.path.start_percent(
        wanted, departure.due_mono_s - EARLY_S - now_mono_s
    )


def held_percent(inputs: TripInputs) -> float:
    """Return what the vehicle holds; where it does not say, it came empty.

    So charging of an unknown vehicle ends by the energy that it got.
    """
    if inputs.likely_percent is not None:
        return inputs.likely_percent
    return percent_of(inputs.charged_wh, inputs.path.capacity_wh)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """When a vehicle will hold what its trip needs."""

    is_in_time: bool
    ready_in_s: float | None
    """None: never, as things are."""


def outlook(
    verdict: TripVerdict,
    inputs: TripInputs,
    *,
    flowing: ChargePath,
    possible: ChargePath,
    now_mono_s: float,
) -> Outlook | None:
    """Return when the vehicle will be ready, None without a departure.

    While it waits for the latest moment, that is the departure. A charge that runs is
    ready when it is, and one that cannot be in time says so.

    Args:
        verdict: of the same step.
        inputs: of the same step.
        flowing: at the power that flows now.
        possible: at the power that every limit of now leaves.
        now_mono_s: the present.
    """
    target, departure = verdict.target_percent, verdict.departure
    if departure is None:
        return None
    if target < departure.target_percent:
        # The owner's own ceiling is below it.
        return Outlook(is_in_time=False, ready_in_s=None)
    held, left_s = held_percent(inputs), departure.due_mono_s - now_mono_s
    target = min(target, FULL_PERCENT)
    fastest_s = possible.seconds_between(held, target)
    is_in_time = fastest_s <= max(0.0, left_s)
    ready_in_s = fastest_s
    if is_in_time and not verdict.must_charge:
        ready_in_s = min(max(0.0, left_s), flowing.seconds_between(held, target))
        if held >= target:
            ready_in_s = max(0.0, left_s)
    return Outlook(
        is_in_time=is_in_time, ready_in_s=None if ready_in_s == inf else ready_in_s
    )


_TAPER_PER_PERCENT = (1.0 - TAPER_END_SHARE) / (100.0 - TAPER_FROM_PERCENT)
_SAME_TRIP_S = 60.0
