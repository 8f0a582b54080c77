"""A charger and a battery, simple enough for a thousand of them in one process."""

from collections import deque
from dataclasses import dataclass
from random import Random

SECONDS_PER_HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantFacts:
    """What a charger and its vehicle are; powers are magnitudes, W."""

    discharge_w: int
    charge_w: int
    minimum_w: int
    """Between 0 and this nothing flows."""

    dead_time_s: float
    ramp_w_per_s: float
    setpoint_interval_s: float
    capacity_wh: float
    floor_wh: float
    """Below this nothing is delivered."""

    gain: float
    """Power over setpoint: what the home's own control could not trim."""

    noise_w: float


class Plant:
    """Power over time; ``step`` moves it on."""

    def __init__(self, facts: PlantFacts, stored_wh: float, random: Random) -> None:
        """Begin at rest with so much energy in the battery."""
        self.facts = facts
        self.stored_wh = stored_wh
        self.power_w = 0.0
        """What flows; positive = charging."""

        self.charged_wh = 0.0
        self.discharged_wh = 0.0
        self._random = random
        self._setpoint_w = 0.0
        self._coming: deque[tuple[float, float]] = deque()
        self._stepped_mono_s: float | None = None

    @property
    def lowest_w(self) -> int:
        """Return the strongest discharge that it would do now, at most 0."""
        return -self.facts.discharge_w if self.deliverable_wh > 0 else 0

    @property
    def highest_w(self) -> int:
        """Return the strongest charge that it would do now, at least 0."""
        return self.facts.charge_w if self.absorbable_wh > 0 else 0

    @property
    def deliverable_wh(self) -> int:
        """Return the energy above the floor."""
        return max(0, int(self.stored_wh - self.facts.floor_wh))

    @property
    def absorbable_wh(self) -> int:
        """Return the room in the battery."""
        return max(0, int(self.facts.capacity_wh - self.stored_wh))

    def ask(self, power_w: float, now_mono_s: float) -> None:
        """Set a setpoint; it acts after the dead time."""
        self._coming.append((now_mono_s + self.facts.dead_time_s, power_w))

    def step(self, now_mono_s: float) -> None:
        """Let time pass up to now."""
        before_mono_s, self._stepped_mono_s = self._stepped_mono_s, now_mono_s
        if before_mono_s is None or now_mono_s <= before_mono_s:
            return
        dt_s = now_mono_s - before_mono_s
        while self._coming and self._coming[0][0] <= now_mono_s:
            self._setpoint_w = self._coming.popleft()[1]
        wanted_w = self._wanted_w()
        most_w = self.facts.ramp_w_per_s * dt_s
        ramped_w = self.power_w + min(max(wanted_w - self.power_w, -most_w), most_w)
        energy_wh = (self.power_w + ramped_w) / 2 * dt_s / SECONDS_PER_HOUR
        self.power_w = ramped_w
        self.stored_wh += energy_wh
        if energy_wh > 0:
            self.charged_wh += energy_wh
        else:
            self.discharged_wh -= energy_wh

    def measured_w(self) -> int:
        """Return what the meter says, with its noise while something flows."""
        if self.power_w == 0.0:
            return 0
        return round(self.power_w + self._random.gauss(0.0, self.facts.noise_w))

    def _wanted_w(self) -> float:
        setpoint_w = min(max(self._setpoint_w, self.lowest_w), self.highest_w)
        if abs(setpoint_w) < self.facts.minimum_w:
            return 0.0
        return setpoint_w * self.facts.gain
