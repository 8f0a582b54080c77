"""The chargers of the control benchmarks, and what one of them can do at all."""

from collections.abc import Mapping
from dataclasses import replace
from math import copysign, floor
from typing import override

from custom_components.v2g_vpp.domain.units import clamp
from custom_components.v2g_vpp.virtual.plant import (
    FAST,
    MEASURED_2019,
    OPEN_ENVELOPE,
    SLOW,
    TYPICAL,
    Plant,
    PlantParameters,
    PlantStep,
    PowerEnvelope,
)

PLANTS: Mapping[str, PlantParameters] = {
    "fast": replace(MEASURED_2019, dead_time_s=0.5, rest_s=1.0),
    "typical": MEASURED_2019,
    "slow": replace(MEASURED_2019, dead_time_s=7.0, rest_s=3.0),
    "very_slow": replace(MEASURED_2019, dead_time_s=15.0, rest_s=3.0),
}
"""The offsets, the dead zone and the noise of a charger that was measured in 2019, with
four dead times."""

HOUSE_PLANTS: Mapping[str, PlantParameters] = {
    "fast": FAST,
    "typical": TYPICAL,
    "slow": SLOW,
}
"""For an evening at home: a charger that draws 420 W at rest would buy more than the
household, whatever its control does."""

AMPERE_W = 230.0
"""A charger that is told whole amperes on one phase."""


class SteppedPlant(Plant):
    """A plant whose power is set in whole amperes."""

    @override
    def step(
        self, dt_s: float, command_w: float, envelope: PowerEnvelope = OPEN_ENVELOPE
    ) -> PlantStep:
        """Advance by a time with a command, rounded to an ampere."""
        return super().step(dt_s, whole_amperes(command_w), envelope)


def whole_amperes(power_w: float) -> float:
    """Return the nearest power of whole amperes."""
    return copysign(AMPERE_W * floor(abs(power_w) / AMPERE_W + 0.5), power_w)


def offset_w(parameters: PlantParameters, power_w: float) -> float:
    """Return what flows less what is told, in the direction of a power."""
    if power_w == 0:
        return parameters.offset_zero_w
    return parameters.offset_charge_w if power_w > 0 else parameters.offset_discharge_w


def least_flow_w(parameters: PlantParameters, power_w: float) -> float:
    """Return the least that the plant gives in the direction of a power, W, >= 0."""
    lacking_w = -copysign(1.0, power_w) * offset_w(parameters, power_w)
    return parameters.minimum_power_w - max(0.0, lacking_w)


def within_envelope_w(parameters: PlantParameters, power_w: float) -> float:
    """Return what of a demand the plant can do: its limits and its dead zone."""
    clipped_w = clamp(
        power_w, -parameters.max_discharge_power_w, parameters.max_charge_power_w
    )
    return clipped_w if abs(clipped_w) >= least_flow_w(parameters, clipped_w) else 0.0
