"""One port for all charging stations, whichever way each of them is reached."""

from collections.abc import Callable
from typing import override

from ..domain.ids import EvseKey, StationId, TransactionId
from ..domain.ports import StationPort, Unsubscribe
from ..domain.requests import StationAnswer, StationRequest
from ..domain.setpoint import SetpointWrite, WriteResult, WriteStatus
from ..domain.visitor import VisitorReport

OFFLINE = WriteResult(status=WriteStatus.OFFLINE)


class StationRouter(StationPort):
    """Hand each call to the port of its station.

    A station without a port of its own is at the port of all others. While there is
    none, every call ends as with a station that is not connected.
    """

    def __init__(self) -> None:
        """Reach nothing until ports are told."""
        self._common: StationPort | None = None
        self._own: dict[StationId, StationPort] = {}

    def use(self, port: StationPort) -> None:
        """Tell how stations are reached that have no port of their own."""
        self._common = port

    def use_for(self, station_id: StationId, port: StationPort) -> Unsubscribe:
        """Tell how one station is reached, until the returned call.

        The call that an older port returned takes no newer one away.
        """
        self._own[station_id] = port

        def forget() -> None:
            if self._own.get(station_id) is port:
                del self._own[station_id]

        return forget

    @override
    async def write_setpoint(self, write: SetpointWrite) -> WriteResult:
        port = self._port_of(write.key.station_id)
        return OFFLINE if port is None else await port.write_setpoint(write)

    @override
    async def end_transaction(
        self, key: EvseKey, transaction_id: TransactionId
    ) -> WriteResult:
        port = self._port_of(key.station_id)
        if port is None:
            return OFFLINE
        return await port.end_transaction(key, transaction_id)

    @override
    async def start_transaction(self, key: EvseKey) -> WriteResult:
        port = self._port_of(key.station_id)
        return OFFLINE if port is None else await port.start_transaction(key)

    @override
    async def allow_energy_transfer(
        self, key: EvseKey, transaction_id: TransactionId, *, may_discharge: bool
    ) -> WriteResult:
        port = self._port_of(key.station_id)
        if port is None:
            return OFFLINE
        return await port.allow_energy_transfer(
            key, transaction_id, may_discharge=may_discharge
        )

    @override
    async def clear_charging_profile(self, key: EvseKey) -> WriteResult:
        port = self._port_of(key.station_id)
        return OFFLINE if port is None else await port.clear_charging_profile(key)

    @override
    async def change_availability(
        self, key: EvseKey, *, is_operative: bool
    ) -> WriteResult:
        port = self._port_of(key.station_id)
        if port is None:
            return OFFLINE
        return await port.change_availability(key, is_operative=is_operative)

    @override
    async def reset(self, key: EvseKey) -> WriteResult:
        port = self._port_of(key.station_id)
        return OFFLINE if port is None else await port.reset(key)

    @override
    async def read_schedule(self, key: EvseKey) -> float | None:
        port = self._port_of(key.station_id)
        return None if port is None else await port.read_schedule(key)

    @override
    async def ask(
        self, station_id: StationId, request: StationRequest
    ) -> StationAnswer:
        port = self._port_of(station_id)
        if port is None:
            return StationAnswer(result=OFFLINE)
        return await port.ask(station_id, request)

    @override
    async def close_link(self, station_id: StationId) -> None:
        port = self._port_of(station_id)
        if port is not None:
            await port.close_link(station_id)

    @override
    def admit_provisionally(
        self, identity: StationId, secret: str, ttl_s: float
    ) -> None:
        # Who visits is not known yet, so it has no port of its own.
        self._at_common(lambda port: port.admit_provisionally(identity, secret, ttl_s))

    @override
    def end_provisional(self, identity: StationId) -> None:
        self._at_common(lambda port: port.end_provisional(identity))

    @override
    def visitor(self, identity: StationId) -> VisitorReport | None:
        return self._at_common(lambda port: port.visitor(identity))

    def _at_common[T](self, call: Callable[[StationPort], T]) -> T | None:
        return None if self._common is None else call(self._common)

    def _port_of(self, station_id: StationId) -> StationPort | None:
        return self._own.get(station_id, self._common)
