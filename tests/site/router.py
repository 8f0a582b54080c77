"""The port of all stations of a home."""

from collections.abc import Callable, Sequence
from typing import override

from custom_components.v2g_vpp.domain.ids import EvseKey, StationId, TransactionId
from custom_components.v2g_vpp.domain.ports import StationPort
from custom_components.v2g_vpp.domain.requests import StationAnswer, StationRequest
from custom_components.v2g_vpp.domain.setpoint import SetpointWrite, WriteResult
from custom_components.v2g_vpp.domain.visitor import VisitorReport
from tests.site.station import SimulatedStation


class Router(StationPort):
    """Bring each command to its station."""

    def __init__(
        self,
        stations: Sequence[SimulatedStation],
        judge: Callable[[SetpointWrite], None],
    ) -> None:
        """Show every write to ``judge`` before it leaves."""
        self._stations, self._judge = stations, judge

    @override
    async def write_setpoint(self, write: SetpointWrite) -> WriteResult:
        self._judge(write)
        return await self._at(write.key).write_setpoint(write)

    @override
    async def end_transaction(
        self, key: EvseKey, transaction_id: TransactionId
    ) -> WriteResult:
        return await self._at(key).end_transaction(transaction_id)

    @override
    async def start_transaction(self, key: EvseKey) -> WriteResult:
        return await self._at(key).start_transaction()

    @override
    async def allow_energy_transfer(
        self, key: EvseKey, transaction_id: TransactionId, *, may_discharge: bool
    ) -> WriteResult:
        return await self._at(key).allow_energy_transfer(may_discharge=may_discharge)

    @override
    async def clear_charging_profile(self, key: EvseKey) -> WriteResult:
        return await self._at(key).clear_charging_profile()

    @override
    async def change_availability(
        self, key: EvseKey, *, is_operative: bool
    ) -> WriteResult:
        return await self._at(key).change_availability(is_operative=is_operative)

    @override
    async def reset(self, key: EvseKey) -> WriteResult:
        return await self._at(key).reset()

    @override
    async def read_schedule(self, key: EvseKey) -> float | None:
        return await self._at(key).read_schedule()

    @override
    async def ask(
        self, station_id: StationId, request: StationRequest
    ) -> StationAnswer:
        station = next(s for s in self._stations if s.key.station_id == station_id)
        return await station.ask(request)

    @override
    async def close_link(self, station_id: StationId) -> None:
        for station in self._stations:
            if station.key.station_id == station_id:
                station.closed.append(station.clock.monotonic())
                station.disconnect()

    @override
    def admit_provisionally(
        self, identity: StationId, secret: str, ttl_s: float
    ) -> None:
        raise NotImplementedError

    @override
    def end_provisional(self, identity: StationId) -> None:
        raise NotImplementedError

    @override
    def visitor(self, identity: StationId) -> VisitorReport | None:
        raise NotImplementedError

    def _at(self, key: EvseKey) -> SimulatedStation:
        return next(station for station in self._stations if station.key == key)
