"""Why an EVSE does what it does, and what one changed knob would make of it."""

from dataclasses import dataclass
from enum import StrEnum

from .ids import EvseKey
from .setpoint import Reason, Setpoint


class Knob(StrEnum):
    """What the owner can change, and what ``Counterfactual`` changes to ask."""

    RESERVE = "reserve"
    VPP_RESERVE = "vpp_reserve"
    MAX_SOC = "max_soc"
    CYCLE_BUDGET = "cycle_budget"
    MAX_CHARGE_POWER = "max_charge_power"
    MAX_DISCHARGE_POWER = "max_discharge_power"
    DISCHARGE_ALLOWED = "discharge_allowed"
    VEHICLE_ALLOWED = "vehicle_allowed"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateLine:
    """One gate in front of a discharge."""

    reason: Reason
    """What it says when it is shut."""

    is_open: bool
    value: float | str | None = None
    """What it looked at, None where there is nothing but yes and no."""

    bound: float | None = None
    """What the value must be above, in the same unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterfactual:
    """What would flow with one knob changed and all else as it is."""

    knob: Knob
    value: float | None
    """What the knob would be set to, percent or W; None: switched on."""

    power_w: float
    """Where the power would go, before ramp and correction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why one EVSE does what it does."""

    key: EvseKey
    setpoint: Setpoint
    runner_up: Reason | None
    """What would bind next; None: nothing is known to."""

    gates: tuple[GateLine, ...]
    """In the order in which they are told; the first shut one blocks discharge."""

    counterfactuals: tuple[Counterfactual, ...] = ()
    """Only of knobs that would change something, the largest change first."""
