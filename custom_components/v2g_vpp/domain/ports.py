"""What the running site needs of the outside, and offers to it."""

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, Protocol

from .certificates import CertificateId, IssuedCertificate
from .dispatch import AckStatus, DispatchAck, DispatchOrder
from .events import StationEvent
from .ids import EvseKey, ProgrammeId, StationId, TransactionId
from .messages import Recording
from .programme_events import ProgrammeEvent
from .requests import StationAnswer, StationRequest
from .security import LoginState
from .setpoint import SetpointWrite, WriteResult
from .snapshot import SiteSnapshot
from .visitor import VisitorReport

type Spawn = Callable[[Coroutine[Any, Any, None], str], object]
"""Start a background task with a name; its owner cancels it at shutdown."""


class RunBlocking(Protocol):
    """Run work that blocks where it holds up nothing."""

    def __call__[T](self, work: Callable[[], T], /) -> Awaitable[T]:
        """Return what the work returns, or raise what it raises."""
        ...


type Unsubscribe = Callable[[], None]

type StoredData = Mapping[str, Any]
"""JSON-ready, what a store keeps."""


class StationPort(Protocol):
    """Commands to the charging stations of this home; none of them raises."""

    async def write_setpoint(self, write: SetpointWrite) -> WriteResult:
        """Bring an EVSE to a power; a newer write supersedes a waiting older one."""
        ...

    async def end_transaction(
        self, key: EvseKey, transaction_id: TransactionId
    ) -> WriteResult:
        """Ask the station to end a transaction, so that the contactor opens."""
        ...

    async def start_transaction(self, key: EvseKey) -> WriteResult:
        """Ask the station to begin a transaction with the vehicle that is plugged."""
        ...

    async def allow_energy_transfer(
        self, key: EvseKey, transaction_id: TransactionId, *, may_discharge: bool
    ) -> WriteResult:
        """Tell a running transaction that the owner allowed or withdrew V2X."""
        ...

    async def clear_charging_profile(self, key: EvseKey) -> WriteResult:
        """Clear the product's transaction profile; the floor profile stays."""
        ...

    async def change_availability(
        self, key: EvseKey, *, is_operative: bool
    ) -> WriteResult:
        """Take an EVSE out of operation, or back; "scheduled" counts as accepted."""
        ...

    async def reset(self, key: EvseKey) -> WriteResult:
        """Reset the station of an EVSE at once, running transactions or not."""
        ...

    async def read_schedule(self, key: EvseKey) -> float | None:
        """Return what the station says that it does now, W, signed.

        None when it does not say, or not in a way that tells charge from discharge.
        """
        ...

    async def ask(
        self, station_id: StationId, request: StationRequest
    ) -> StationAnswer:
        """Ask a station for a service that moves no power.

        Raises:
            AuthorityInvalid, CertificateInUse, UnknownTarget: about certificates;
                nothing was changed.
        """
        ...

    async def close_link(self, station_id: StationId) -> None:
        """Close the connection of a station; it may dial in again."""
        ...

    def admit_provisionally(
        self, identity: StationId, secret: str, ttl_s: float
    ) -> None:
        """Let a station in that is being set up; it waits and can do nothing."""
        ...

    def end_provisional(self, identity: StationId) -> None:
        """Let a station in no more that only waits, and close its link."""
        ...

    def visitor(self, identity: StationId) -> VisitorReport | None:
        """Return how far the visit of a station is; None for one not expected."""
        ...


class MessageLog(Protocol):
    """What was said on the links of this home's stations."""

    def recording(self, station_id: StationId) -> Recording | None:
        """Return it without secrets; None for a station that is not known."""
        ...

    def login_state(self, station_id: StationId) -> LoginState | None:
        """Return how a station logs in; None for a station that is not known."""
        ...


class CertificateIssuer(Protocol):
    """The authority of the home, for certificates of stations."""

    def is_acceptable(self, csr_pem: str, name: str) -> bool:
        """Return True for a sound request with a strong key for just that name."""
        ...

    async def issue(self, csr_pem: str) -> IssuedCertificate | None:
        """Return a certificate, None when it could not be made."""
        ...


class HomeCertificates(Protocol):
    """What the home knows of certificates that stations are given."""

    async def authority(self, pem: str | None) -> str:
        """Return an authority that can be used now, as PEM; None: the home's own root.

        Raises:
            AuthorityInvalid: with the reason why it cannot be used.
        """
        ...

    async def is_in_use(self, certificate: CertificateId) -> bool:
        """Return True for one that stations need to trust the listener."""
        ...


class StationEventSink(Protocol):
    """Where an adapter posts what stations report."""

    def post(self, event: StationEvent) -> None:
        """Apply one event; never blocks, never raises."""
        ...


class VehicleAuthority(Protocol):
    """Who may discharge, asked while a station authorises a vehicle."""

    def may_vehicle_discharge(self, station_id: StationId, evcc_id: str | None) -> bool:
        """Return True when the owner allowed V2X for the vehicle of this id.

        None: the vehicle did not identify itself; then the answer is for the vehicle
        that the owner assigned to the station, or False.
        """
        ...


class Store(Protocol):
    """One persisted document."""

    async def load(self) -> StoredData | None:
        """Return the document, None when there is none yet.

        Raises:
            StoreUnreadable: when it exists and cannot be read.
        """
        ...

    async def save(self, data: StoredData) -> None:
        """Write the document now; returns when it is on disk."""
        ...

    def save_later(self, read: Callable[[], StoredData]) -> None:
        """Write what ``read`` returns, soon; later calls replace earlier ones."""
        ...


class Signer(Protocol):
    """The home's own key for signatures; it never leaves the object."""

    @property
    def public_key(self) -> bytes:
        """Return the raw Ed25519 public key, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of a message, 64 bytes."""
        ...


class Verify(Protocol):
    """Check signatures of others."""

    def __call__(self, public_key: bytes, signature: bytes, message: bytes) -> bool:
        """Return True when the Ed25519 signature is good; never raises."""
        ...


class DispatchReceiver(Protocol):
    """What the VPP link may ask of the home."""

    def receive_order(self, order: DispatchOrder) -> DispatchAck:
        """Judge an order and, when accepted, follow it from its start."""
        ...

    def cancel_order(self, programme_id: ProgrammeId, order_id: str) -> DispatchAck:
        """End an order; one that is unknown is acknowledged all the same (rule 8)."""
        ...

    def announce_event(self, event: ProgrammeEvent) -> None:
        """Take an event as it is now: a new one, or a known one that changed."""
        ...

    def withdraw_event(self, programme_id: ProgrammeId, event_id: str) -> None:
        """Forget an event: nothing of it runs any more, also when it was unknown."""
        ...

    def heartbeat_seen(self, programme_id: ProgrammeId, sent_mono_s: float) -> None:
        """Note a valid heartbeat; its age counts from when it was signed."""
        ...

    def link_changed(self, programme_id: ProgrammeId, *, is_connected: bool) -> None:
        """Note that the broker session began or ended."""
        ...


class ProgrammePort(Protocol):
    """What the home may ask of a VPP link; neither call blocks or raises."""

    def send_ack(self, ack: DispatchAck) -> None:
        """Send one answer; kept until the broker has it."""
        ...

    def publish(self, snapshot: SiteSnapshot) -> None:
        """Tell the aggregator what changed: availability, telemetry."""
        ...


FINAL_ACKS = frozenset(
    {
        AckStatus.DONE,
        AckStatus.PARTIAL,
        AckStatus.SUPERSEDED,
        AckStatus.CANCELLED,
        AckStatus.REJECTED,
        AckStatus.FAILED,
        AckStatus.OPTED_OUT,
    }
)
"""No further answer about an order follows one of these."""
