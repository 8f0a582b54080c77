"""The door for stations that are just being set up."""

from ..domain.ids import StationId
from ..domain.visitor import VisitorReport
from .service_desk import ServiceDesk


class GuestDoor:
    """Pass on who may wait at the listener; the home itself never hears of them."""

    _services: ServiceDesk
    """Knows the way to the stations."""

    def admit_provisionally(
        self, identity: StationId, secret: str, ttl_s: float
    ) -> None:
        """Let a station in that is being set up, to wait (boot Pending), for a while."""
        if self._services.port is not None:
            self._services.port.admit_provisionally(identity, secret, ttl_s)

    def end_provisional(self, identity: StationId) -> None:
        """End what ``admit_provisionally`` began; nothing for a station of the home."""
        if self._services.port is not None:
            self._services.port.end_provisional(identity)

    def visitor(self, identity: StationId) -> VisitorReport | None:
        """Return how far the visit of a station is; None for one not expected."""
        port = self._services.port
        return port.visitor(identity) if port is not None else None
