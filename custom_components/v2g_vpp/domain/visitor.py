"""What is known of a charging station that waits while its owner sets it up."""

from dataclasses import dataclass
from enum import StrEnum


class VisitPhase(StrEnum):
    """How far a visit has come, in this order."""

    WAITING = "waiting"
    """It has not connected, or not yet said what it is."""

    CONNECTED = "connected"
    """It said what it is, and is asked for its meter."""

    MEASURED = "measured"
    """Meter values came, and it is asked whether it can discharge."""

    READ = "read"
    """Everything that can be asked of it was asked."""


class DischargeClaim(StrEnum):
    """What a station says of itself; only the self-test proves anything."""

    CAN = "can"
    CANNOT = "cannot"
    NOT_TOLD = "not_told"


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorRefusal:
    """Why somebody who may be this station was turned away."""

    identity: str
    """That it dialled with; legal, or empty where it said none."""

    address: str
    """Of the peer; empty where it is not known."""

    cause: str
    """As the listener names it."""

    detail: str = ""
    """What belongs to the cause, as the listener tells it."""

    is_stranger: bool = False
    """True when it may as well be somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorReport:
    """One picture of a visit."""

    is_connected: bool = False
    protocol: str = ""
    """OCPP sub-protocol of the link, empty before it connected."""

    has_booted: bool = False
    vendor: str = ""
    model: str = ""
    firmware: str = ""
    has_meter_values: bool = False
    power_w: float | None = None
    """Of all its EVSEs together, W, signed; None when its meter told none."""

    is_read: bool = False
    claim: DischargeClaim = DischargeClaim.NOT_TOLD
    refusal: VisitorRefusal | None = None
    """The newest since it last connected, or since it is expected."""

    @property
    def phase(self) -> VisitPhase:
        """How far the visit has come; what was read stays so when the link is lost."""
        if self.is_read:
            return VisitPhase.READ
        if not (self.is_connected and self.has_booted):
            return VisitPhase.WAITING
        return VisitPhase.MEASURED if self.has_meter_values else VisitPhase.CONNECTED
