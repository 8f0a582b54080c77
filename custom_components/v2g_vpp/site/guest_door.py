"""The door for stations that are just being set up."""

from ..domain.ids import StationId
from ..domain.visitor import VisitorReport
from .station_router import StationRouter


class GuestDoor:
    """Pass on who may wait at the listener; the home itself never hears of them."""

    _router: StationRouter

    def admit_provisionally(
        self, identity: StationId, secret: str, ttl_s: float
    ) -> None:
        """Let a station in that is being set up, to wait (boot Pending), for a while."""
        self._router.admit_provisionally(identity, secret, ttl_s)

    def end_provisional(self, identity: StationId) -> None:
        """End what ``admit_provisionally`` began; nothing for a station of the home."""
        self._router.end_provisional(identity)

    def visitor(self, identity: StationId) -> VisitorReport | None:
        """Return how far the visit of a station is; None for one not expected."""
        return self._router.visitor(identity)
