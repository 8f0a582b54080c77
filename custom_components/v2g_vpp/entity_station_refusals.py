"""What a charger that is known through entities has not, answered as it is."""

from typing import Final, override

from .domain.ids import EvseKey, StationId, TransactionId
from .domain.ports import StationPort
from .domain.requests import NOT_OFFERED, StationAnswer, StationRequest
from .domain.setpoint import WriteResult, WriteStatus
from .domain.visitor import VisitorReport

ACCEPTED: Final = WriteResult(status=WriteStatus.ACCEPTED)
REFUSED: Final = WriteResult(status=WriteStatus.REJECTED, detail=NOT_OFFERED)


def rejected(detail: str) -> WriteResult:
    """Return a no with its reason."""
    return WriteResult(status=WriteStatus.REJECTED, detail=detail)


class WithoutServices(StationPort):
    """The part of a station port that there are no entities for."""

    @override
    async def allow_energy_transfer(
        self, key: EvseKey, transaction_id: TransactionId, *, may_discharge: bool
    ) -> WriteResult:
        # It has no permission of its own that would have to change.
        return ACCEPTED

    @override
    async def change_availability(
        self, key: EvseKey, *, is_operative: bool
    ) -> WriteResult:
        return ACCEPTED if is_operative else REFUSED

    @override
    async def reset(self, key: EvseKey) -> WriteResult:
        return REFUSED

    @override
    async def read_schedule(self, key: EvseKey) -> float | None:
        return None

    @override
    async def ask(
        self, station_id: StationId, request: StationRequest
    ) -> StationAnswer:
        return StationAnswer(result=REFUSED)

    @override
    def admit_provisionally(
        self, identity: StationId, secret: str, ttl_s: float
    ) -> None:
        """Nobody dials in."""

    @override
    def end_provisional(self, identity: StationId) -> None:
        """Nobody dials in."""

    @override
    def visitor(self, identity: StationId) -> VisitorReport | None:
        return None
