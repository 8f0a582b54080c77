"""The power electronics of a bidirectional charger: how power follows a command.

Numbers: a commercial 10 kW charger measured in 2019 (World Electric Vehicle Journal
10(2), 21) had a dead time of 4 to 7 s, a ramp of 3.3 kW/s and steady offsets of several
hundred watts; chargers with ISO 15118-20 answer below one second.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf
from random import Random

from ..domain.units import clamp, within

SHORTEST_RAMP_W_PER_S = 1.0
"""A slower ramp is a typing error, and 0 would never arrive."""

LARGEST_PARAMETER = 1e7
"""Far above every charger; keeps NaN and infinities out of the arithmetic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantParameters:
    """What makes one charger behave unlike another."""

    dead_time_s: float = 4.0
    """Command to first watt, a pure delay."""

    ramp_w_per_s: float = 3300.0
    rest_s: float = 2.0
    """Pause at zero when the direction changes."""

    offset_discharge_w: float = 150.0
    """Actual minus commanded power in steady discharge; +150 discharges 150 W less."""

    offset_charge_w: float = -100.0
    offset_zero_w: float = 0.0
    """Power that flows at a commanded 0 while the contactor is closed."""

    minimum_power_w: float = 1380.0
    """6 A at 230 V: a smaller command makes nothing flow."""

    max_charge_power_w: float = 11_000.0
    max_discharge_power_w: float = 11_000.0
    """Positive magnitude."""

    noise_w: float = 15.0
    """Standard deviation of one meter reading."""

    seed: int = 1
    """Of the meter noise: the same seed gives the same readings."""

    def __post_init__(self) -> None:
        """Refuse what no charger can be.

        Raises:
            NotFiniteError: naming the first field that is out of its bounds.
        """
        within(
            "ramp_w_per_s", self.ramp_w_per_s, SHORTEST_RAMP_W_PER_S, LARGEST_PARAMETER
        )
        for field in (
            "dead_time_s",
            "rest_s",
            "minimum_power_w",
            "max_charge_power_w",
            "max_discharge_power_w",
            "noise_w",
        ):
            within(field, getattr(self, field), 0.0, LARGEST_PARAMETER)
        for field in ("offset_discharge_w", "offset_charge_w", "offset_zero_w"):
            within(field, getattr(self, field), -LARGEST_PARAMETER, LARGEST_PARAMETER)


TYPICAL = PlantParameters()
FAST = replace(TYPICAL, dead_time_s=0.5, rest_s=1.0)
SLOW = replace(TYPICAL, dead_time_s=7.0, rest_s=3.0)
IDEAL = replace(
    FAST,
    dead_time_s=0.0,
    rest_s=0.0,
    offset_discharge_w=0.0,
    offset_charge_w=0.0,
    noise_w=0.0,
)
"""For tests of everything but the plant."""

MEASURED_2019 = replace(
    TYPICAL,
    offset_discharge_w=740.0,
    offset_charge_w=-440.0,
    offset_zero_w=420.0,
    noise_w=50.0,
)
"""The charger of the 2019 measurement, offsets and noise included."""

PLANT_PRESETS: Mapping[str, PlantParameters] = {
    "fast": FAST,
    "typical": TYPICAL,
    "slow": SLOW,
    "ideal": IDEAL,
    "measured_2019": MEASURED_2019,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerEnvelope:
    """What the vehicle takes and gives now, W; always contains 0."""

    highest_w: float
    lowest_w: float
    """Not above 0."""


OPEN_ENVELOPE = PowerEnvelope(highest_w=inf, lowest_w=-inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantStep:
    """What one step of time did."""

    power_w: float
    """True power at the end of the step."""

    charged_ws: float
    """Energy into the vehicle during the step, W s, >= 0."""

    discharged_ws: float
    """Energy out of the vehicle during the step, W s, >= 0."""


class Plant:
    """True power over time; stepped by dt, it reads no clock.

    The command takes effect after the dead time, is clipped to the nameplate and to what
    the vehicle allows, then the power ramps to it. A change of direction stops at zero
    and rests there.
    """

    def __init__(self, parameters: PlantParameters) -> None:
        """Start at rest with nothing commanded."""
        self.parameters = parameters
        self.ramp_limit_w_per_s: float | None = None
        """A setting of the grid may be slower than the plant."""

        self._noise = Random(parameters.seed)  # noqa: S311 - a meter, not a secret
        self._now_s = 0.0
        self._pending: deque[tuple[float, float]] = deque()
        self._last_command_w = 0.0
        self._effective_w = 0.0
        self._power_w = 0.0
        self._direction = 0
        self._last_direction = 0
        self._zero_since_s = -inf

    @property
    def power_w(self) -> float:
        """True power now, W, positive into the vehicle."""
        return self._power_w

    @property
    def effective_w(self) -> float:
        """The command that has come through the dead time, W."""
        return self._effective_w

    def step(
        self, dt_s: float, command_w: float, envelope: PowerEnvelope = OPEN_ENVELOPE
    ) -> PlantStep:
        """Advance by ``dt_s`` with a command that holds from the step's beginning.

        Args:
            dt_s: seconds, >= 0; 0 only notes the command.
            command_w: what the charger is told, W.
            envelope: what the vehicle allows during this step.
        """
        self._note(command_w)
        end_s = self._now_s + max(dt_s, 0.0)
        charged_ws = discharged_ws = 0.0
        while True:
            self._take_due()
            until_s = min(end_s, self._pending[0][0] if self._pending else inf)
            moved_ws = self._move_until(until_s, envelope)
            charged_ws += moved_ws[0]
            discharged_ws += moved_ws[1]
            if until_s >= end_s:
                break
        self._take_due()
        return PlantStep(
            power_w=self._power_w, charged_ws=charged_ws, discharged_ws=discharged_ws
        )

    def measured_w(self) -> float:
        """Return one meter reading of the power now, with its noise."""
        return self._power_w + self._noise.gauss(0.0, self.parameters.noise_w)

    def cut(self) -> None:
        """Drop to 0 W at once, as an opening contactor does, and forget all commands."""
        self._pending.clear()
        self._last_command_w = self._effective_w = self._power_w = 0.0
        self._direction = self._last_direction = 0
        self._zero_since_s = -inf

    def skip_dead_time(self) -> None:
        """Let the last command act now: the charger's own stop has no way to go."""
        if self._pending:
            self._effective_w = self._pending[-1][1]
            self._pending.clear()

    @property
    def _ramp_w_per_s(self) -> float:
        own_w_per_s, limit_w_per_s = (
            self.parameters.ramp_w_per_s,
            self.ramp_limit_w_per_s,
        )
        return own_w_per_s if limit_w_per_s is None else min(own_w_per_s, limit_w_per_s)

    def _note(self, command_w: float) -> None:
        if command_w == self._last_command_w:
            return
        self._last_command_w = command_w
        self._pending.append((self._now_s + self.parameters.dead_time_s, command_w))

    def _take_due(self) -> None:
        while self._pending and self._pending[0][0] <= self._now_s:
            self._effective_w = self._pending.popleft()[1]

    def _wanted_w(self, envelope: PowerEnvelope) -> tuple[int, float]:
        """Return (direction, steady power) that the effective command asks for."""
        spec = self.parameters
        clipped_w = clamp(
            self._effective_w,
            max(-spec.max_discharge_power_w, min(envelope.lowest_w, 0.0)),
            min(spec.max_charge_power_w, max(envelope.highest_w, 0.0)),
        )
        if clipped_w == 0 or abs(clipped_w) < spec.minimum_power_w:
            return 0, spec.offset_zero_w
        if clipped_w > 0:
            return 1, max(clipped_w + spec.offset_charge_w, 0.0)
        return -1, min(clipped_w + spec.offset_discharge_w, 0.0)

    def _move_until(self, end_s: float, envelope: PowerEnvelope) -> tuple[float, float]:
        """Follow one constant command to ``end_s``; return (charged, discharged) W s."""
        charged_ws = discharged_ws = 0.0
        while self._now_s < end_s:
            direction, steady_w = self._wanted_w(envelope)
            target_w, limit_s = self._waypoint(direction, steady_w, end_s)
            piece = self._ramp_piece(target_w, limit_s)
            charged_ws += piece[0]
            discharged_ws += piece[1]
        return charged_ws, discharged_ws

    def _waypoint(
        self, direction: int, steady_w: float, end_s: float
    ) -> tuple[float, float]:
        """Return where to go next and until when that holds."""
        zero_w = self.parameters.offset_zero_w
        if direction == self._direction:
            return steady_w, end_s
        if self._direction != 0:
            if self._power_w != zero_w:
                return zero_w, end_s
            self._last_direction, self._direction = self._direction, 0
            self._zero_since_s = self._now_s
            if direction == 0:
                return steady_w, end_s
        rested_s = self._zero_since_s + self.parameters.rest_s
        if direction == -self._last_direction and self._now_s < rested_s:
            return zero_w, min(end_s, rested_s)
        self._direction = direction
        return steady_w, end_s

    def _ramp_piece(self, target_w: float, limit_s: float) -> tuple[float, float]:
        """Move on one straight line; return its (charged, discharged) energy."""
        start_w, start_s = self._power_w, self._now_s
        gap_w = target_w - start_w
        if gap_w == 0:
            self._now_s = limit_s
        else:
            arrival_s = start_s + abs(gap_w) / self._ramp_w_per_s
            if arrival_s <= limit_s:
                self._now_s, self._power_w = max(arrival_s, start_s), target_w
            else:
                share = (limit_s - start_s) / (arrival_s - start_s)
                self._now_s, self._power_w = limit_s, start_w + share * gap_w
        return _line_energy_ws(start_w, self._power_w, self._now_s - start_s)


def _line_energy_ws(
    start_w: float, end_w: float, duration_s: float
) -> tuple[float, float]:
    """Return the areas above and below zero of a straight line of power."""
    if start_w >= 0 and end_w >= 0:
        return (start_w + end_w) / 2 * duration_s, 0.0
    if start_w <= 0 and end_w <= 0:
        return 0.0, -(start_w + end_w) / 2 * duration_s
    crossing_s = duration_s * abs(start_w) / (abs(start_w) + abs(end_w))
    first_ws = abs(start_w) / 2 * crossing_s
    second_ws = abs(end_w) / 2 * (duration_s - crossing_s)
    return (first_ws, second_ws) if start_w > 0 else (second_ws, first_ws)
