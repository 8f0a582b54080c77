"""Transactions of the station and the queue of what it must tell about them."""

from collections import deque
from dataclasses import dataclass
import logging
from typing import Any

from .config import CONNECTOR_ID
from .ocpp_package import call
from .plant import PowerEnvelope
from .schedule import OperationMode, WireObject

_LOGGER = logging.getLogger(__name__)

MAX_QUEUED_EVENTS = 5_000
"""Hours of periodic readings at 10 s; above it the oldest of those are dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Why a transaction ends."""

    trigger: str
    reason: str


EMERGENCY_STOP = Stop(trigger="AbnormalCondition", reason="EmergencyStop")
EV_DISCONNECTED = Stop(trigger="EVCommunicationLost", reason="EVDisconnected")
POWER_LOST = Stop(trigger="AbnormalCondition", reason="PowerLoss")
REMOTE_STOP = Stop(trigger="RemoteStop", reason="Remote")
RESET = Stop(trigger="ResetCommand", reason="ImmediateReset")
DEAUTHORIZED = Stop(trigger="Deauthorized", reason="DeAuthorized")
TRANSFER_REJECTED = Stop(
    trigger="AbnormalCondition", reason="ReqEnergyTransferRejected"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteStart:
    """A RequestStartTransaction that waits for its vehicle."""

    remote_start_id: int
    id_token: WireObject
    expires_mono_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """An EVSE that is kept for one token."""

    reservation_id: int
    id_token: str
    expires_mono_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One transaction."""

    transaction_id: str
    evse_id: int
    id_token: WireObject
    remote_start_id: int | None = None
    reservation_id: int | None = None
    next_seq_no: int = 0
    charging_state: str = "EVConnected"
    operation_mode: OperationMode = OperationMode.CHARGING_ONLY
    allowed_transfer: frozenset[str] = frozenset()
    """Energy transfer modes that the CSMS allowed; empty: it did not say."""

    is_start_confirmed: bool = False
    """True when the CSMS answered the Started event."""

    wants_needs: bool = True
    """True when the EV has charging needs to tell (again)."""

    are_needs_known: bool = False
    is_bidirectional: bool = False
    is_ready: bool = False
    """True when EV, station and CSMS agreed and the contactor may close."""

    is_evse_asleep: bool = False
    stop: Stop | None = None
    """Set while the power ramps down to the end."""

    ready_mono_s: float | None = None
    """When the contactor closes although no profile came; None: not agreed yet."""

    last_meter_mono_s: float | None = None


def charging_state(
    *,
    is_ready: bool,
    is_closed: bool,
    command_w: float,
    minimum_power_w: float,
    envelope: PowerEnvelope,
) -> str:
    """Return the charging state of OCPP, which says nothing about the direction.

    Args:
        is_ready: whether EV, station and CSMS agreed on a power schedule.
        is_closed: whether the contactor is closed.
        command_w: what the charger is told.
        minimum_power_w: below it nothing flows.
        envelope: what the vehicle takes and gives.
    """
    if not is_ready:
        return "EVConnected"
    is_asking = command_w != 0 and abs(command_w) >= minimum_power_w
    if not is_asking or not is_closed:
        return "SuspendedEVSE"
    offered_w = envelope.highest_w if command_w > 0 else envelope.lowest_w
    return "SuspendedEV" if offered_w == 0 else "Charging"


def event_of(
    transaction: Transaction,
    event_type: str,
    trigger: str,
    *,
    timestamp: str,
    is_offline: bool,
    has_operation_modes: bool,
    stopped_reason: str | None,
    meter_value: list[dict[str, Any]] | None,
) -> Any:
    """Return the next TransactionEvent of a transaction."""
    info: dict[str, Any] = {
        "transactionId": transaction.transaction_id,
        "chargingState": transaction.charging_state,
    }
    if has_operation_modes:
        info["operationMode"] = transaction.operation_mode
    if transaction.remote_start_id is not None and event_type == "Started":
        info["remoteStartId"] = transaction.remote_start_id
    if stopped_reason is not None:
        info["stoppedReason"] = stopped_reason
    return call.TransactionEvent(
        event_type=event_type,
        timestamp=timestamp,
        trigger_reason=trigger,
        seq_no=transaction.next_seq_no,
        transaction_info=info,
        offline=is_offline,
        evse={"id": transaction.evse_id, "connectorId": CONNECTOR_ID},
        id_token=transaction.id_token if event_type == "Started" else None,
        reservation_id=transaction.reservation_id,
        meter_value=meter_value,
        # Absent is the same as false (Q10.FR.05), and unknown before 2.1.
        evse_sleep=(has_operation_modes and transaction.is_evse_asleep) or None,
    )


class EventQueue:
    """TransactionEvents in order, kept until the CSMS has answered them."""

    def __init__(self) -> None:
        """Start empty."""
        self._events: deque[Any] = deque()

    def __len__(self) -> int:
        """Return how many events wait."""
        return len(self._events)

    @property
    def head(self) -> Any | None:
        """The event to send next, None when all were answered."""
        return self._events[0] if self._events else None

    def append(self, event: Any) -> None:
        """Queue an event of the package; a full queue loses its oldest reading."""
        if len(self._events) >= MAX_QUEUED_EVENTS:
            # The head may be on the wire at this moment.
            oldest = next((e for e in list(self._events)[1:] if _is_reading(e)), None)
            if oldest is not None:
                self._events.remove(oldest)
                _LOGGER.debug("queue full, one reading dropped")
        self._events.append(event)

    def pop(self) -> None:
        """Forget the head: the CSMS has it, or never will."""
        self._events.popleft()

    def holds(self, transaction_id: str) -> bool:
        """Return True when events of a transaction wait."""
        return any(
            event.transaction_info["transactionId"] == transaction_id
            for event in self._events
        )


def _is_reading(event: Any) -> bool:
    return bool(event.trigger_reason == "MeterValuePeriodic")
