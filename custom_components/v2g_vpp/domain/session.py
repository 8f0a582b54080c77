"""What is known of a station and of an EVSE, advanced one event at a time."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from .capability import EvCapability, StationCapability, VehicleLink
from .events import (
    ChargingNeedsReported,
    ConnectorReported,
    ContactorReported,
    EmergencyStopReported,
    FaultReported,
    GridSettingNoted,
    MeasurementReported,
    SecurityReported,
    StationBooted,
    StationClockReported,
    StationConnected,
    StationDisconnected,
    StationEvent,
    StationReady,
    TransactionPhase,
    TransactionReported,
    VehicleIdentified,
    VehicleLinkReported,
)
from .faults import FAULT_BEHAVIOUR, FaultCode
from .grid_settings import SHOWN_NOTES, GridNote
from .ids import EvseKey, StationId, TransactionId
from .measurement import SOC_STALE_AFTER_S, Measurement
from .security import SecurityNote, with_note
from .state import ClockState, ConnectorStatus


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

    clock_state: ClockState = ClockState.UNKNOWN
    clock_offset_s: float | None = None
    """Its clock minus ours, as far as known."""

    grid_notes: tuple[GridNote, ...] = ()
    """The newest lines of the record of grid settings, oldest first."""

    security: tuple[SecurityNote, ...] = ()
    """The newest events of security, oldest first."""

    other_addresses: tuple[str, ...] = ()
    """Servers that it knows beside this home."""

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
    vehicle_link: VehicleLink | None = None
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


def advance_station(  # noqa: PLR0911 - one for each kind of event
    session: StationSession, event: StationEvent
) -> StationSession:
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
        case StationClockReported(state=state, offset_s=offset_s):
            return replace(session, clock_state=state, clock_offset_s=offset_s)
        case SecurityReported():
            notes = with_note(
                session.security, event.kind, event.occurred_at, event.detail
            )
            return replace(session, security=notes)
        case GridSettingNoted(note=note):
            newest = (*session.grid_notes, note)[-SHOWN_NOTES:]
            return replace(session, grid_notes=newest)
        case StationReady():
            return replace(
                session,
                capability=event.capability,
                has_floor_profile=event.has_floor_profile,
                other_addresses=event.other_addresses,
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
            return _with_measurement(session, newer)
        case VehicleIdentified(evcc_id=evcc_id):
            return _with_vehicle(session, evcc_id)
        case ChargingNeedsReported(needs=needs):
            heard = None if session.is_plug_confirmed else needs
            return replace(session, needs=needs, heard_needs=heard)
        case VehicleLinkReported(vehicle_link=vehicle_link):
            return replace(session, vehicle_link=vehicle_link)
        case ContactorReported(is_closed=is_closed):
            return replace(session, is_contactor_closed=is_closed)
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
    return replace(
        session,
        measurement=measurement,
        soc_heard_at=soc.taken_at if soc is not None and is_news else heard_at,
    )


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
            session, transaction_id=None, charging_state=None, operation_mode=None
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
        vehicle_link=None,
        measurement=replace(session.measurement, soc_percent=None),
        soc_heard_at=None,
    )
