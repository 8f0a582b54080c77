"""What is known of a charging station, advanced one event at a time."""

from dataclasses import dataclass, replace

from .capability import StationCapability
from .events import (
    GridSettingNoted,
    SecurityReported,
    StationBooted,
    StationClockReported,
    StationConnected,
    StationDisconnected,
    StationEvent,
    StationReady,
)
from .grid_settings import SHOWN_NOTES, GridNote
from .ids import StationId
from .security import SecurityNote, with_note
from .state import ClockState


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

    is_clock_behind: bool = False
    """True while all that its clock stamps on the present link counts as old."""

    grid_notes: tuple[GridNote, ...] = ()
    """The newest lines of the record of grid settings, oldest first."""

    security: tuple[SecurityNote, ...] = ()
    """The newest events of security, oldest first."""

    other_addresses: tuple[str, ...] = ()
    """Servers that it knows beside this home."""

    is_ready: bool = False
    """Device model read on the present link, control may begin."""


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
                session,
                is_connected=False,
                is_ready=False,
                has_floor_profile=False,
                is_clock_behind=False,
            )
        case StationBooted():
            return replace(
                session,
                vendor=event.vendor,
                model=event.model,
                serial_number=event.serial_number,
                firmware=event.firmware,
            )
        case StationClockReported():
            return replace(
                session,
                clock_state=event.state,
                clock_offset_s=event.offset_s,
                is_clock_behind=event.makes_old,
            )
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
