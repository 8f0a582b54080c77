"""A charger under a script of setpoints, seen through a meter as real ones are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from math import copysign
from random import Random

from custom_components.v2g_vpp.control.delivery import Taken
from custom_components.v2g_vpp.control.fingerprint import FingerprintLearner, Traffic
from custom_components.v2g_vpp.domain.measurement import Reading
from custom_components.v2g_vpp.virtual.plant import (
    OPEN_ENVELOPE,
    Plant,
    PlantParameters,
    PowerEnvelope,
)
from tests.control.given import AT, NOW

SUBSTEP_S = 0.05

DAY: Sequence[tuple[float, float]] = (
    (3_000.0, 60.0),
    (6_000.0, 60.0),
    (1_800.0, 60.0),
    (0.0, 40.0),
    (-5_000.0, 60.0),
    (-2_000.0, 60.0),
    (-8_000.0, 60.0),
    (0.0, 40.0),
    (4_400.0, 60.0),
    (0.0, 40.0),
    (-3_500.0, 60.0),
    (0.0, 40.0),
)
"""What a charger is told on a busy day: power and how long, W and s."""


@dataclass(slots=True)
class ScriptedCharger:
    """A plant, its meter and what it was told."""

    parameters: PlantParameters
    period_s: float = 1.0
    jitter_s: float = 0.0
    """Of the moment at which a reading reaches us."""

    step_w: float = 0.0
    """Power is set in steps of this, as with whole amperes."""

    ramp_down_w_per_s: float | None = None
    """Towards 0; None: as away from it."""

    dead_times_s: Sequence[float] = ()
    """One for each change, over and over; empty: always the plant's own."""

    envelope: PowerEnvelope = OPEN_ENVELOPE
    is_bound: bool = False
    visit: int = 0
    late_s: float = 0.0
    """Readings reach us this long after they are marked to have."""

    seed: int = 1
    now_s: float = NOW
    told_w: float = 0.0
    changes: list[Taken] = field(default_factory=list)
    is_in_sight: bool = True
    """False: what the station runs is not known."""

    learner: FingerprintLearner = field(default_factory=FingerprintLearner)
    plant: Plant = field(init=False)
    _random: Random = field(init=False)
    _next_s: float = field(init=False)
    _count: int = 0

    def __post_init__(self) -> None:
        self.changes.append(Taken(power_w=0.0, since_mono_s=NOW))
        self.plant = Plant(replace(self.parameters, seed=self.seed))
        self._random = Random(self.seed)
        self._next_s = self.now_s + self._random.uniform(0.0, self.period_s)

    def follow(self, script: Iterable[tuple[float, float]], times: int = 1) -> None:
        """Tell the charger each power for its time, over and over."""
        script = list(script)
        for power_w, duration_s in script * times:
            # Control is at any moment between two readings.
            self.run(self._random.uniform(0.0, self.period_s))
            self.tell(power_w)
            self.run(duration_s)

    def tell(self, power_w: float) -> None:
        """Write a setpoint."""
        if self.dead_times_s and power_w != self.told_w:
            dead_time_s = self.dead_times_s[self._count % len(self.dead_times_s)]
            self._count += 1
            self.plant.parameters = replace(
                self.plant.parameters, dead_time_s=dead_time_s
            )
        self.told_w = power_w
        self.changes.append(Taken(power_w=power_w, since_mono_s=self.now_s))

    def run(self, duration_s: float) -> None:
        """Let time pass; the meter is looked at when it reports, as the site does."""
        end_s = self.now_s + duration_s
        while self.now_s < end_s:
            self._move(min(SUBSTEP_S, end_s - self.now_s))
            if self.now_s >= self._next_s:
                self._next_s += self.period_s
                self._report()

    def _move(self, duration_s: float) -> None:
        told_w = self.told_w
        if self.step_w:
            told_w = copysign(abs(told_w) // self.step_w * self.step_w, told_w)
        if self.ramp_down_w_per_s is not None:
            power_w, wanted_w = self.plant.power_w, self.plant.effective_w
            is_growing = wanted_w * power_w >= 0 and abs(wanted_w) > abs(power_w)
            self.plant.ramp_limit_w_per_s = (
                None if is_growing else self.ramp_down_w_per_s
            )
        self.plant.step(duration_s, told_w, self.envelope)
        self.now_s += duration_s

    def _report(self) -> None:
        late_s = self.late_s + self._random.uniform(0.0, self.jitter_s)
        reading = Reading(
            value=self.plant.measured_w(),
            received_mono_s=self.now_s - self.late_s,
            taken_at=AT,
        )
        if self.jitter_s:
            reading = replace(
                reading, received_mono_s=self.now_s - self.late_s + late_s
            )
        self.look(reading, self.now_s + late_s)

    def look(self, reading: Reading | None, now_s: float) -> None:
        """Let the learner look."""
        if not self.is_in_sight:
            self.learner.lose_sight()
            return
        changes, self.changes = self.changes, []
        for told in changes or (None,):
            self.learner.step(
                Traffic(
                    told=told,
                    reading=reading,
                    is_bound=self.is_bound,
                    visit=self.visit,
                ),
                now_s,
            )
