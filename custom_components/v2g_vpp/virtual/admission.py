"""Who may use the EVSE: reservations, remote starts and its availability."""

from collections.abc import Callable

from .schedule import WireObject
from .transaction import RemoteStart, Reservation


class Admission:
    """What stands between a vehicle and its transaction."""

    def __init__(self, on_change: Callable[[], None]) -> None:
        """Start with everybody admitted.

        Args:
            on_change: called when the CSMS may have to be told something.
        """
        self._on_change = on_change
        self.reservation: Reservation | None = None
        self.remote_start: RemoteStart | None = None
        self.is_operative = True
        """False after ChangeAvailability to Inoperative."""

        self.has_session_ended = False
        """True until the next plug: the CSMS ended or refused this session."""

        self._will_be_operative = True

    def plug_moved(self) -> None:
        """Begin a new session: the plug went in or out."""
        self.has_session_ended = False
        self._on_change()

    def is_open(self) -> bool:
        """Return True when a vehicle that is plugged in may ask to be let in."""
        return self.is_operative and (
            not self.has_session_ended or self.remote_start is not None
        )

    def expect_start(self, remote_start: RemoteStart) -> None:
        """Wait for a vehicle that the CSMS asked to be let in."""
        self.remote_start = remote_start
        self._on_change()

    def expire_start(self, now_mono_s: float) -> bool:
        """Return True when a remote start found no vehicle in time."""
        start = self.remote_start
        if start is None or now_mono_s < start.expires_mono_s:
            return False
        self.remote_start = None
        return True

    def take(self) -> tuple[RemoteStart | None, Reservation | None]:
        """Use up what a transaction begins with."""
        taken = self.remote_start, self.reservation
        self.remote_start = self.reservation = None
        self.has_session_ended = False
        return taken

    def refuse(self) -> None:
        """Let the vehicle wait until it is plugged in again or started remotely."""
        self.has_session_ended = True
        self.remote_start = None

    def transaction_ended(self, *, is_plugged: bool) -> None:
        """Apply what waited for the end of the transaction."""
        self.has_session_ended = is_plugged
        self.is_operative = self._will_be_operative
        self._on_change()

    def set_operative(self, *, is_operative: bool, is_busy: bool) -> bool:
        """Change the availability; return False when a transaction delays it."""
        self._will_be_operative = is_operative
        if is_busy and not is_operative:
            return False
        self.is_operative = is_operative
        self._on_change()
        return True

    def reserve(self, reservation: Reservation | None) -> None:
        """Keep the EVSE for a token, or give it free."""
        self.reservation = reservation
        self._on_change()

    def keep_for(self, reservation: Reservation, connector_status: str) -> str:
        """Reserve unless it is in use; return the status of ReserveNow (H01)."""
        kept = self.reservation
        is_same = kept and kept.reservation_id == reservation.reservation_id
        if connector_status == "Reserved" and not is_same:
            return "Occupied"
        if connector_status not in {"Available", "Reserved"}:
            return connector_status
        self.reserve(reservation)
        return "Accepted"

    def cancel(self, reservation_id: int) -> bool:
        """Give the EVSE free; return False when there is no such reservation."""
        kept = self.reservation
        if kept is None or kept.reservation_id != reservation_id:
            return False
        self.reserve(None)
        return True

    def take_expired_reservation(self, now_mono_s: float) -> Reservation | None:
        """Return the reservation if it ran out, and give the EVSE free."""
        reservation = self.reservation
        if reservation is None or now_mono_s < reservation.expires_mono_s:
            return None
        self.reserve(None)
        return reservation

    def may_use_reservation(self, id_token: WireObject) -> bool:
        """Return True when a token may start here."""
        return (
            self.reservation is None or self.reservation.id_token == id_token["idToken"]
        )
