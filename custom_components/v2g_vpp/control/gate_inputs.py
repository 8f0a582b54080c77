"""What the output gate is given of one EVSE, and what it says."""

from dataclasses import dataclass, field

from ..domain.capability import Proof
from ..domain.dispatch import DispatchOrder
from ..domain.policy import (
    Claim,
    Departure,
    EvsePolicy,
    Override,
    StationLimits,
    VehiclePolicy,
    VehicleSpec,
)
from ..domain.session import EvseSession
from ..domain.setpoint import Reason, Setpoint
from ..domain.station_session import StationSession
from .gate_surroundings import GridFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInputs:
    """A setpoint and the raw facts that must justify it."""

    setpoint: Setpoint
    decided_mono_s: float
    """When the coordinator's tick made the setpoint."""

    session: EvseSession
    station: StationSession
    limits: StationLimits
    policy: EvsePolicy
    vehicle: VehicleSpec | None
    vehicle_policy: VehiclePolicy | None
    proof: Proof | None
    override: Override | None
    order: DispatchOrder | None
    is_self_test_running: bool
    is_first_write_pending: bool = False
    is_failsafe: bool = False
    is_store_readable: bool = True
    claim: Claim | None = None
    plan_w: float | None = None
    grid: GridFacts = field(default_factory=GridFacts)
    departures: tuple[Departure, ...] = ()
    cycled_wh: float = 0.0
    """Out of the vehicle's battery in the last 24 h."""

    granted_floor_percent: float = 0.0
    """Below it the programme of the order may not discharge a vehicle."""

    standby_w: float = 0.0
    """What the charger draws or gives at 0 W, as it was measured."""

    is_supporting: bool = False
    """The owner lets what rests follow the frequency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict:
    """What may go to the wire."""

    power_w: float
    reason: Reason | None
    """What the gate took power away for; None when it let the setpoint through."""
