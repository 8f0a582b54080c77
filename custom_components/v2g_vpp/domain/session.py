"""What is known of a station and of an EVSE, advanced one event at a time."""

from dataclasses import dataclass, field, replace

from .capability import EvCapability, StationCapability
from .events import (
    ChargingNeedsReported,
    ConnectorReported,
    EmergencyStopReported,
    FaultReported,
    MeasurementReported,
    StationBooted,
    StationConnected,
    StationDisconnected,
    StationEvent,
    StationReady,
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
)
from .faults import FAULT_BEHAVIOUR, FaultCode
from .ids import EvseKey, StationId, TransactionId
from .measurement import Measurement
from .state import ConnectorStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StationSession:
    """One charging station, across its connections."""

    station_id: StationId
    is_connected: bool = False
    protocol: str | None = None
    vendor: str = ""
    model: str = ""
    serial_number: str | None = None
    firmware: str = ""
    capability: StationCapability | None = None
    has_floor_profile: bool = False
    """Confirmed on the present link; a new link starts unconfirmed."""

    is_ready: bool = False
    """Device model read on the present link, control may begin."""


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
    evcc_id: str | None = None
    measurement: Measurement = field(default_factory=Measurement)
    faults: frozenset[FaultCode] = frozenset()
    """Active or latched."""

    active_faults: frozenset[FaultCode] = frozenset()
    """Cause still present; a latched fault clears only without its cause."""

    is_emergency_stopped: bool = False
    """Latched, from the user or from the station."""

    is_emergency_input_active: bool = False
    """The station's own button is still pressed."""


def advance_station(session: StationSession, event: StationEvent) -> StationSession:
    """Return the station after an event; events of other kinds change nothing."""
    match event:
        case StationConnected(protocol=protocol):
            return replace(
                session,
                is_connected=True,
                protocol=protocol,
                is_ready=False,
                has_floor_profile=False,
            )
        case StationDisconnected():
            return replace(
                session, is_connected=False, is_ready=False, has_floor_profile=False
            )
        case StationBooted():
            return replace(
                session,
                vendor=event.vendor,
                model=event.model,
                serial_number=event.serial_number,
                firmware=event.firmware,
            )
        case StationReady():
            return replace(
                session,
                capability=event.capability,
                has_floor_profile=event.has_floor_profile,
                is_ready=True,
            )
        case _:
            return session


def advance_evse(session: EvseSession, event: StationEvent) -> EvseSession:  # noqa: PLR0911
    """Return the EVSE after an event about it; other events change nothing."""
    match event:
        case ConnectorReported(status=status):
            return _with_status(session, status)
        case TransactionReported():
            return _with_transaction(session, event)
        case MeasurementReported(measurement=newer):
            return replace(session, measurement=session.measurement.updated_by(newer))
        case VehicleIdentified(evcc_id=evcc_id):
            return replace(session, evcc_id=evcc_id)
        case ChargingNeedsReported(needs=needs):
            return replace(session, needs=needs)
        case FaultReported(code=code, is_active=is_active):
            return with_fault(session, code, is_active=is_active)
        case EmergencyStopReported(is_active=is_active):
            return replace(
                session,
                is_emergency_stopped=session.is_emergency_stopped or is_active,
                is_emergency_input_active=is_active,
            )
        case _:
            return session


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


def _with_status(session: EvseSession, status: ConnectorStatus) -> EvseSession:
    if status is ConnectorStatus.AVAILABLE:
        return _unplugged_or_same(replace(session, status=status, is_plugged=False))
    if status is ConnectorStatus.OCCUPIED:
        return replace(session, status=status, is_plugged=True)
    return replace(session, status=status)


def _with_transaction(session: EvseSession, event: TransactionReported) -> EvseSession:
    if event.phase is TransactionPhase.ENDED:
        is_ours = session.transaction_id in (None, event.transaction_id)
        if not is_ours:
            return session
        return _unplugged_or_same(
            replace(
                session,
                transaction_id=None,
                charging_state=None,
                operation_mode=None,
                is_plugged=event.is_plugged,
            )
        )
    if event.is_offline_replay and session.transaction_id is not None:
        return session
    return _unplugged_or_same(
        replace(
            session,
            transaction_id=event.transaction_id,
            is_plugged=event.is_plugged,
            charging_state=event.charging_state or session.charging_state,
            operation_mode=event.operation_mode or session.operation_mode,
        )
    )


def _unplugged_or_same(session: EvseSession) -> EvseSession:
    """Forget the vehicle once it is gone: the next one may be a guest.

    Its state of charge goes too, or the next vehicle would be discharged by it.
    """
    if session.is_plugged:
        return session
    return replace(
        session,
        evcc_id=None,
        needs=None,
        measurement=replace(session.measurement, soc_percent=None),
    )
