"""The product's state of one EVSE and how it follows from what is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

FLOW_THRESHOLD_W = 100.0
"""Below it nothing flows: meters of 11 kW chargers show some ten watts of noise."""

FLOW_THRESHOLD_SHARE = 0.02
"""The same as a share of the rating, for larger chargers."""


class EvseState(StrEnum):
    """What a user sees; the meter decides between the middle three."""

    AVAILABLE = "available"
    IDLE = "idle"
    CHARGING = "charging"
    DISCHARGING = "discharging"
    RESERVED = "reserved"
    FAULTED = "faulted"
    EMERGENCY_STOP = "emergency_stop"
    UNAVAILABLE = "unavailable"


class ConnectorStatus(StrEnum):
    """Connector status of OCPP 2.x, also the target of the 1.6 mapping."""

    AVAILABLE = "Available"
    OCCUPIED = "Occupied"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


class ClockState(StrEnum):
    """What is known of the clock of a station."""

    UNKNOWN = "unknown"
    """No live message of the present boot was compared yet."""

    TRUSTED = "trusted"
    WRONG = "wrong"
    """Too far from ours."""

    UNSTEADY = "unsteady"
    """It jumped, or its messages disagree about it."""


LEGAL_TRANSITIONS: Mapping[EvseState, frozenset[EvseState]] = {
    # Power only starts from Idle: a contactor closes before a watt flows.
    EvseState.AVAILABLE: frozenset(EvseState)
    - {EvseState.CHARGING, EvseState.DISCHARGING},
    EvseState.RESERVED: frozenset(EvseState)
    - {EvseState.CHARGING, EvseState.DISCHARGING},
    EvseState.IDLE: frozenset(EvseState),
    EvseState.CHARGING: frozenset(EvseState) - {EvseState.RESERVED},
    EvseState.DISCHARGING: frozenset(EvseState) - {EvseState.RESERVED},
    EvseState.FAULTED: frozenset(EvseState),
    EvseState.EMERGENCY_STOP: frozenset(EvseState),
    EvseState.UNAVAILABLE: frozenset(EvseState),
}
"""Which state may follow which. A skipped Idle is walked through, not refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateInputs:
    """All that decides the state of one EVSE."""

    is_emergency_stopped: bool
    has_fault: bool
    is_reachable: bool
    status: ConnectorStatus | None
    has_transaction: bool
    is_plugged: bool
    power_w: float | None
    """Signed power of the last fresh reading; None when stale or never read."""

    rating_w: float


UNLEARNT_STANDBY_W = 500.0
"""A charger that stands by draws up to this (+420 W was measured at zero); until its own
draw is learnt this is no flow that somebody asked for."""


def flow_threshold_w(rating_w: float) -> float:
    """Return the power below which nothing is said to flow (OCPP brief, part 5)."""
    return max(FLOW_THRESHOLD_W, FLOW_THRESHOLD_SHARE * rating_w)


def derive_state(inputs: StateInputs) -> EvseState:  # noqa: PLR0911
    """Return the state, the first row that applies wins.

    The direction comes from the meter alone: "Charging" on the wire only says that
    energy may flow, either way.
    """
    if inputs.is_emergency_stopped:
        return EvseState.EMERGENCY_STOP
    if inputs.has_fault or inputs.status is ConnectorStatus.FAULTED:
        return EvseState.FAULTED
    if not inputs.is_reachable or inputs.status is ConnectorStatus.UNAVAILABLE:
        return EvseState.UNAVAILABLE
    if inputs.status is ConnectorStatus.RESERVED:
        return EvseState.RESERVED
    if inputs.has_transaction:
        threshold_w = flow_threshold_w(inputs.rating_w)
        if inputs.power_w is not None and inputs.power_w > threshold_w:
            return EvseState.CHARGING
        if inputs.power_w is not None and inputs.power_w < -threshold_w:
            return EvseState.DISCHARGING
        return EvseState.IDLE
    if inputs.is_plugged or inputs.status is ConnectorStatus.OCCUPIED:
        return EvseState.IDLE
    return EvseState.AVAILABLE


class InverterMode(StrEnum):
    """What an inverter does with the grid."""

    GRID_FOLLOWING = "grid_following"
    GRID_FORMING = "grid_forming"
    """It makes voltage and frequency itself, for a home without a grid."""


def path_between(before: EvseState, after: EvseState) -> tuple[EvseState, ...]:
    """Return the states to walk through, ending with ``after``; empty if unchanged."""
    if before is after:
        return ()
    if after in LEGAL_TRANSITIONS[before]:
        return (after,)
    return (EvseState.IDLE, after)
