"""What it costs that a follower takes a share: wear, urgency, and switching it."""

from dataclasses import dataclass

from ..domain.policy import VehicleSpec
from ..domain.units import PERCENT, SECONDS_PER_HOUR, clamp
from .allocation import START_CENTS, STOP_CENTS
from .wear import marginal_cost_per_kwh

SETTLED_AFTER_S = 300.0
"""Least time on and off for economic reasons (control brief). A limit never waits."""

UNSETTLED_FACTOR = 2.0
"""Before that a switch costs this much more: only a real need is worth it."""

STEADY_BAND = 0.05
"""What moved by less is the same: two vehicles that wear alike would otherwise swap
their powers with every percent of charge."""

URGENT_CENTS_PER_KWH = 20.0
"""For a vehicle that has to charge all the time until it leaves: more than any
difference in wear."""

CENTS_PER_UNIT = 100.0
"""Of the home's currency."""

ONE_WAY_EFFICIENCY = 0.95
"""Between the battery and the meter, at half power (control brief)."""

LEAST_WINDOW_S = 60.0
"""The bound of what lasts is not asked for shorter: a percent of charge would move it
by more than any charger has."""


@dataclass(slots=True)
class ShareMemory:
    """What is remembered of the shares of one EVSE."""

    is_on: bool = False
    switched_mono_s: float | None = None
    """None: not yet."""

    cents_per_kwh: float | None = None
    urgent_cents: float | None = None
    lasting_w: float | None = None
    _asked: tuple[VehicleSpec | None, int | None] | None = None

    def note(self, *, is_on: bool, now_mono_s: float) -> None:
        """Remember whether it has a share now."""
        if is_on is not self.is_on:
            self.is_on, self.switched_mono_s = is_on, now_mono_s

    def switch_cents(self, *, is_running: bool, now_mono_s: float) -> float:
        """Return what it costs to change its state now, cents."""
        usual = STOP_CENTS if is_running else START_CENTS
        since = self.switched_mono_s
        is_settled = since is None or not 0 <= now_mono_s - since < SETTLED_AFTER_S
        return usual if is_settled else usual * UNSETTLED_FACTOR

    def discharge_cents(
        self, vehicle: VehicleSpec | None, held_percent: float | None
    ) -> float:
        """Return what a kWh out of the battery costs, the cost before where it is near.

        Args:
            vehicle: None is a guest.
            held_percent: state of charge, None when it is not known.
        """
        asked = vehicle, None if held_percent is None else round(held_percent)
        if asked != self._asked:
            self._asked = asked
            cents = discharge_cents_per_kwh(*asked)
            self.cents_per_kwh = _steady(self.cents_per_kwh, cents)
        return self.cents_per_kwh or 0.0

    def steady_urgency(self, cents_per_kwh: float) -> float:
        """Return how urgent its charging is, what it was before where it hardly moved.

        It changes with every second; two vehicles must not take turns by it.
        """
        self.urgent_cents = _steady(self.urgent_cents, cents_per_kwh)
        return self.urgent_cents

    def steady_lasting_w(self, lasting_w: float) -> float:
        """Return the power that lasts, the one before where it hardly moved.

        The state of charge comes in steps and grows older between them; the floor
        itself is held elsewhere.
        """
        self.lasting_w = _steady(self.lasting_w, lasting_w)
        return self.lasting_w


def _steady(held: float | None, now: float) -> float:
    if held is None or abs(now - held) > STEADY_BAND * max(1.0, abs(held)):
        return now
    return held


def discharge_cents_per_kwh(
    vehicle: VehicleSpec | None, held_percent: float | None
) -> float:
    """Return what a kWh out of a battery costs, cents.

    Args:
        vehicle: None is a guest.
        held_percent: state of charge; deeper wears more. None: as deep as it gets.
    """
    if vehicle is None:
        return 0.0
    held = 0.0 if held_percent is None else held_percent / PERCENT
    wear = marginal_cost_per_kwh(vehicle, clamp(1.0 - held, 0.0, 1.0))
    return CENTS_PER_UNIT * wear / ONE_WAY_EFFICIENCY


def urgency_cents_per_kwh(missing_wh: float, power_w: float, left_s: float) -> float:
    """Return what a kWh now is worth more to a vehicle that leaves, cents.

    Args:
        missing_wh: until it may leave, >= 0.
        power_w: with which it could charge, >= 0.
        left_s: until it leaves.
    """
    if missing_wh <= 0:
        return 0.0
    if power_w <= 0 or left_s <= 0:
        return URGENT_CENTS_PER_KWH
    needed_s = missing_wh / power_w * SECONDS_PER_HOUR
    return URGENT_CENTS_PER_KWH * min(1.0, needed_s / left_s)


def lasting_power_w(energy_wh: float, left_s: float) -> float:
    """Return the discharge at the meter that lasts until the end, W, a magnitude.

    Args:
        energy_wh: in the battery above its floor.
        left_s: until the end.
    """
    usable_wh = max(0.0, energy_wh) * ONE_WAY_EFFICIENCY
    return usable_wh * SECONDS_PER_HOUR / max(LEAST_WINDOW_S, left_s)
