"""What is known of an EVSE and the vehicle at it, advanced one event at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from .capability import (
    EvCapability,
    PlannedPower,
)
from .events import (
    ChargingNeedsReported,
    ConnectorReported,
    ContactorReported,
    EmergencyStopReported,
    FaultReported,
    InverterReported,
    MeasurementReported,
    PriorityChargingReported,
    StationEvent,
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
    VehicleLinkReported,
    VehicleScheduleReported,
)
from .faults import FAULT_BEHAVIOUR, FaultCode
from .ids import EvseKey, TransactionId
from .measurement import SOC_STALE_AFTER_S, Measurement, Reading
from .state import ConnectorStatus, InverterMode
from .vehicle_link import VehicleLink

NEEDS_SOC_WITHIN_S = 60.0
"""A state of charge this long before its needs is what the vehicle held then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvseSession:
    """One EVSE and the vehicle at it."""

    key: EvseKey
    status: ConnectorStatus | None = None
    is_plugged: bool = False
    transaction_id: TransactionId | None = None
    charging_state: str | None = None
    operation_mode: str | None = None
    needs: EvCapability | None = None
    needs_soc_percent: float | None = None
    """State of charge when the vehicle told its needs; None: not known yet."""

    needs_heard_mono_s: float = float("-inf")
    vehicle_plan: tuple[PlannedPower, ...] = ()
    is_priority_charging: bool = False
    """Somebody at the charger wants to charge now: what we say does not count."""

    evcc_id: str | None = None
    vehicle_link: VehicleLink | None = None
    inverter_mode: InverterMode | None = None
    """None: the station did not tell."""

    is_contactor_closed: bool | None = None
    """None: the station did not tell on the present link."""

    measurement: Measurement = field(default_factory=Measurement)
    faults: frozenset[FaultCode] = frozenset()
    """Active or latched."""

    active_faults: frozenset[FaultCode] = frozenset()
    """Cause still present; a latched fault clears only without its cause."""

    is_emergency_stopped: bool = False
    """Latched, from the user or from the station."""

    is_emergency_input_active: bool = False
    """The station's own button is still pressed."""

    visit: int = 0
    """Counts vehicles: with a new number it may be another one."""

    is_plug_confirmed: bool = False
    """Heard on the present link: the vehicle has been plugged all the time since."""

    heard_evcc_id: str | None = None
    heard_needs: EvCapability | None = None
    """Heard on the present link while the plug is not confirmed yet."""

    soc_heard_at: datetime | None = None
    """When the newest state of charge of the present link was taken."""

    @property
    def is_latched(self) -> bool:
        """True after an emergency stop or a fault that forbids all power."""
        return self.is_emergency_stopped or any(
            FAULT_BEHAVIOUR[fault].stops_charging for fault in self.faults
        )


def least_discharge_w(session: EvseSession) -> float:
    """Return below what power nothing is given, as far as it was told, W, >= 0."""
    needs = session.needs
    return 0.0 if needs is None else needs.min_discharge_power_w or 0.0


def advance_evse(session: EvseSession, event: StationEvent) -> EvseSession:
    """Return the EVSE after an event about it; other events change nothing."""
    step = _STEPS.get(type(event))
    return session if step is None else step(session, event)


def with_fault(
    session: EvseSession, code: FaultCode, *, is_active: bool
) -> EvseSession:
    """Return the session with a fault begun or ended; latched ones stay listed."""
    if is_active:
        return replace(
            session,
            faults=session.faults | {code},
            active_faults=session.active_faults | {code},
        )
    active = session.active_faults - {code}
    keeps = FAULT_BEHAVIOUR[code].is_latched and code in session.faults
    return replace(
        session,
        active_faults=active,
        faults=session.faults if keeps else session.faults - {code},
    )


def acknowledged(session: EvseSession) -> EvseSession:
    """Return the session after the user's reset: latches without a cause end."""
    return replace(
        session,
        is_emergency_stopped=session.is_emergency_input_active,
        faults=session.active_faults,
    )


def unconfirmed(session: EvseSession) -> EvseSession:
    """Return the session at a change of the link: the plug is not watched any more.

    The vehicle is still the same when the same transaction goes on.
    """
    return replace(
        session,
        is_plug_confirmed=False,
        heard_evcc_id=None,
        heard_needs=None,
        soc_heard_at=None,
        is_contactor_closed=None,
    )


def _with_measurement(session: EvseSession, newer: Measurement) -> EvseSession:
    ours, theirs = session.measurement.soc_percent, newer.soc_percent
    heard_at = session.soc_heard_at
    if (
        ours is not None
        and theirs is not None
        and heard_at is not None
        and theirs.taken_at < heard_at
        and theirs.value > ours.value
        and theirs.received_mono_s - ours.received_mono_s <= SOC_STALE_AFTER_S
    ):
        # A late sample must not lift the vehicle over its floor. A clock that was set
        # back ends this once the reading that we hold does not count any more.
        newer = replace(newer, soc_percent=None)
    measurement = session.measurement.updated_by(newer)
    soc = measurement.soc_percent
    is_news = soc is not None and soc is newer.soc_percent
    session = _with_needs_soc(session, soc if is_news else None)
    return replace(
        session,
        measurement=measurement,
        soc_heard_at=soc.taken_at if soc is not None and is_news else heard_at,
    )


def _with_needs(session: EvseSession, event: ChargingNeedsReported) -> EvseSession:
    heard = None if session.is_plug_confirmed else event.needs
    session = replace(
        session,
        needs=event.needs,
        heard_needs=heard,
        needs_soc_percent=None,
        needs_heard_mono_s=(
            float("-inf") if event.heard_mono_s is None else event.heard_mono_s
        ),
    )
    return _with_needs_soc(session, session.measurement.soc_percent)


def _with_needs_soc(session: EvseSession, soc: Reading | None) -> EvseSession:
    """Return the session with what the vehicle held when it told its needs.

    A reading of long before is none of then. One that comes later is: until it is
    there nothing is discharged, so the vehicle holds as much or more.
    """
    if soc is None or session.needs is None or session.needs_soc_percent is not None:
        return session
    if soc.received_mono_s < session.needs_heard_mono_s - NEEDS_SOC_WITHIN_S:
        return session
    return replace(session, needs_soc_percent=soc.value)


def _with_vehicle(session: EvseSession, evcc_id: str) -> EvseSession:
    if session.is_plug_confirmed:
        return replace(session, evcc_id=evcc_id)
    if session.evcc_id not in (None, evcc_id):
        session = _other_vehicle(session)
    return replace(session, evcc_id=evcc_id, heard_evcc_id=evcc_id)


def _with_status(session: EvseSession, status: ConnectorStatus) -> EvseSession:
    if status is ConnectorStatus.AVAILABLE:
        return _plugged(replace(session, status=status), is_plugged=False)
    if status is ConnectorStatus.OCCUPIED:
        # Occupied as before proves nothing: the vehicle may have been swapped.
        is_seen = not session.is_plugged
        session = replace(session, status=status)
        return _plugged(session, is_plugged=True, is_confirmed=is_seen)
    return replace(session, status=status)


def _with_transaction(session: EvseSession, event: TransactionReported) -> EvseSession:
    is_live = not (event.is_offline_replay or event.is_recalled)
    is_same = session.transaction_id == event.transaction_id
    if event.phase is TransactionPhase.ENDED:
        if not (is_same or session.transaction_id is None):
            return session
        session = replace(
            session,
            transaction_id=None,
            charging_state=None,
            operation_mode=None,
            vehicle_plan=(),
            is_priority_charging=False,
        )
        if event.is_plugged is None:
            return _other_vehicle(session)
        return _plugged(
            session, is_plugged=event.is_plugged, is_confirmed=is_live and is_same
        )
    if event.is_offline_replay and session.transaction_id is not None:
        return session
    if not is_same and not _is_same_plug(session, event):
        session = _other_vehicle(session)
    session = replace(
        session,
        transaction_id=event.transaction_id,
        charging_state=event.charging_state or session.charging_state,
        operation_mode=event.operation_mode or session.operation_mode,
    )
    is_plugged = session.is_plugged if event.is_plugged is None else event.is_plugged
    return _plugged(session, is_plugged=is_plugged, is_confirmed=is_live)


def _is_same_plug(session: EvseSession, event: TransactionReported) -> bool:
    """Return True when a transaction that is new begins with the vehicle we know.

    One that takes the place of another without a start that we heard may be of
    another vehicle.
    """
    if not session.is_plugged:
        return True
    is_start = event.phase is TransactionPhase.STARTED or session.transaction_id is None
    return session.is_plug_confirmed and is_start and not event.is_recalled


def _plugged(
    session: EvseSession, *, is_plugged: bool, is_confirmed: bool = False
) -> EvseSession:
    """Return the session with or without a vehicle; one that is gone is forgotten."""
    if is_plugged:
        session = replace(session, is_plugged=True)
        if not is_confirmed:
            return session
        return replace(
            session, is_plug_confirmed=True, heard_evcc_id=None, heard_needs=None
        )
    if session.is_plugged:
        session = replace(session, visit=session.visit + 1)
    return _without_vehicle(unconfirmed(replace(session, is_plugged=False)))


def _other_vehicle(session: EvseSession) -> EvseSession:
    """Return the session with what the vehicle said on the present link, no more."""
    return replace(
        _without_vehicle(session),
        evcc_id=session.heard_evcc_id,
        needs=session.heard_needs,
        visit=session.visit + 1,
        is_plug_confirmed=False,
    )


def _without_vehicle(session: EvseSession) -> EvseSession:
    """Forget the vehicle: the next one may be a guest.

    Its state of charge goes too, or the next vehicle would be discharged by it.
    """
    return replace(
        session,
        evcc_id=None,
        needs=None,
        needs_soc_percent=None,
        vehicle_plan=(),
        is_priority_charging=False,
        vehicle_link=None,
        measurement=replace(
            session.measurement, soc_percent=None, vehicle_floor_percent=None
        ),
        soc_heard_at=None,
    )


def _with_emergency(session: EvseSession, event: EmergencyStopReported) -> EvseSession:
    return replace(
        session,
        is_emergency_stopped=session.is_emergency_stopped or event.is_active,
        is_emergency_input_active=event.is_active,
    )


_STEPS: Mapping[type, Callable[[EvseSession, Any], EvseSession]] = {
    ConnectorReported: lambda session, event: _with_status(session, event.status),
    TransactionReported: _with_transaction,
    MeasurementReported: lambda session, event: _with_measurement(
        session, event.measurement
    ),
    VehicleIdentified: lambda session, event: _with_vehicle(session, event.evcc_id),
    ChargingNeedsReported: _with_needs,
    VehicleScheduleReported: lambda session, event: replace(
        session, vehicle_plan=event.periods
    ),
    PriorityChargingReported: lambda session, event: replace(
        session, is_priority_charging=event.is_active
    ),
    VehicleLinkReported: lambda session, event: replace(
        session, vehicle_link=event.vehicle_link
    ),
    ContactorReported: lambda session, event: replace(
        session, is_contactor_closed=event.is_closed
    ),
    InverterReported: lambda session, event: replace(session, inverter_mode=event.mode),
    FaultReported: lambda session, event: with_fault(
        session, event.code, is_active=event.is_active
    ),
    EmergencyStopReported: _with_emergency,
}
