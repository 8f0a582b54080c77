"""How warm the handle of the charging cable gets."""

from math import exp

from .conditions import Condition, Conditions

HANDLE = "plug"
"""Instance of the temperature sensor in the handle."""

AMBIENT_C = 20.0
RISE_K_PER_W = 40.0 / 11_000.0
"""A sound handle reaches 60 °C at 11 kW, well below the 90 °C of IEC 62196."""

TIME_CONSTANT_S = 600.0
HOT_C = 95.0
"""What the sensor shows while the handle is broken."""


class Handle:
    """Temperature of the handle: a first order lag behind the power's losses."""

    def __init__(self) -> None:
        """Start at the temperature of the air."""
        self._warm_c = AMBIENT_C
        self._shown_c: float | None = None

    def step(self, dt_s: float, power_w: float) -> None:
        """Advance by ``dt_s`` at a constant power, W of either sign."""
        target_c = AMBIENT_C + RISE_K_PER_W * abs(power_w)
        self._warm_c = target_c + (self._warm_c - target_c) * exp(
            -max(dt_s, 0.0) / TIME_CONSTANT_S
        )

    def show(self, temperature_c: float | None) -> None:
        """Let the sensor show this instead of the truth; None: the truth again."""
        self._shown_c = temperature_c

    def temperature_c(self, conditions: Conditions) -> float:
        """Return what the sensor shows, °C."""
        if self._shown_c is not None:
            return self._shown_c
        is_hot = Condition.HANDLE_HOT in conditions.active
        return max(self._warm_c, HOT_C) if is_hot else self._warm_c
