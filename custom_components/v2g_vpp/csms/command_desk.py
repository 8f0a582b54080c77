"""What the home may ask of its stations, found by their identity."""

from typing import Final

from ..domain.ids import EvseKey, StationId, TransactionId
from ..domain.messages import Recording
from ..domain.requests import StationAnswer, StationRequest
from ..domain.setpoint import SetpointWrite, WriteResult, WriteStatus
from . import commands, requests
from .station import Station

UNKNOWN_STATION: Final = "unknown_station"

_UNKNOWN: Final = WriteResult(status=WriteStatus.REJECTED, detail=UNKNOWN_STATION)


class CommandDesk:
    """The commands of ``StationPort`` and the recordings of ``MessageLog``."""

    def __init__(self) -> None:
        """Start without stations; the listener adds and removes them."""
        self._stations: dict[StationId, Station] = {}

    async def write_setpoint(self, write: SetpointWrite) -> WriteResult:
        """Bring an EVSE to a power; a newer write supersedes a waiting older one."""
        station = self._stations.get(write.key.station_id)
        if station is None:
            return _UNKNOWN
        return await commands.write_setpoint(station, write)

    async def end_transaction(
        self, key: EvseKey, transaction_id: TransactionId
    ) -> WriteResult:
        """Ask the station to end a transaction, so that the contactor opens."""
        station = self._stations.get(key.station_id)
        if station is None:
            return _UNKNOWN
        return await commands.end_transaction(station, transaction_id)

    async def start_transaction(self, key: EvseKey) -> WriteResult:
        """Ask the station to begin a transaction with the vehicle that is plugged."""
        station = self._stations.get(key.station_id)
        if station is None:
            return _UNKNOWN
        return await commands.start_transaction(station, key)

    async def clear_charging_profile(self, key: EvseKey) -> WriteResult:
        """Clear the product's transaction profile; the floor profile stays."""
        station = self._stations.get(key.station_id)
        if station is None:
            return _UNKNOWN
        return await commands.clear_charging_profile(station, key)

    async def allow_energy_transfer(
        self, key: EvseKey, transaction_id: TransactionId, *, may_discharge: bool
    ) -> WriteResult:
        """Tell a running transaction that its vehicle may discharge, or no more."""
        station = self._stations.get(key.station_id)
        if station is None:
            return _UNKNOWN
        return await commands.allow_energy_transfer(
            station, transaction_id, may_discharge=may_discharge
        )

    async def change_availability(
        self, key: EvseKey, *, is_operative: bool
    ) -> WriteResult:
        """Take an EVSE out of operation, or back."""
        station = self._stations.get(key.station_id)
        if station is None:
            return _UNKNOWN
        return await commands.change_availability(
            station, key, is_operative=is_operative
        )

    async def reset(self, key: EvseKey) -> WriteResult:
        """Reset the station of an EVSE at once, running transactions or not."""
        station = self._stations.get(key.station_id)
        return _UNKNOWN if station is None else await commands.reset(station)

    async def read_schedule(self, key: EvseKey) -> float | None:
        """Return what a station says that it does now, W; None if it does not say."""
        station = self._stations.get(key.station_id)
        return None if station is None else await commands.read_schedule(station, key)

    async def ask(
        self, station_id: StationId, request: StationRequest
    ) -> StationAnswer:
        """Ask a station for a service; see ``StationPort``."""
        station = self._stations.get(station_id)
        if station is None:
            return StationAnswer(result=_UNKNOWN)
        return await requests.ask(station, request)

    def recording(self, station_id: StationId) -> Recording | None:
        """Return what was said on the links of a station; None for a stranger."""
        station = self._stations.get(station_id)
        if station is None:
            return None
        return Recording(
            messages=station.recorder.messages(),
            connections=station.recorder.connections,
            grid_notes=station.record.grid_notes,
        )
