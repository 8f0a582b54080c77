"""Services of a station that move no power, and what has to happen before them."""

from collections.abc import Mapping
from contextlib import suppress
import logging
from typing import Any

from ..domain.certificates import RevokeCertificate
from ..domain.errors import (
    OutOfOperation,
    RequestNotSent,
    SettingProtected,
    StationError,
    StationOffline,
    StationRejected,
    StationTimeout,
    UnknownTarget,
)
from ..domain.ids import EvseKey, StationId
from ..domain.ports import StationPort
from ..domain.requests import (
    NOT_SENT,
    WHOLE_STATION,
    CancelReservation,
    ChangeSetting,
    InstallFirmware,
    Restart,
    SetAvailability,
    SetInverterMode,
    StationAnswer,
    StationRequest,
    Unlock,
    is_own_setting,
)
from ..domain.setpoint import WriteStatus
from .records import EvseRecord
from .registry import Registry
from .user_commands import CONFIRM_TIMEOUT_S, UserCommands

_LOGGER = logging.getLogger(__name__)


class ServiceDesk:
    """Check a request, bring power to 0 W where it must be, and ask the station."""

    def __init__(
        self, registry: Registry, port: StationPort, commands: UserCommands
    ) -> None:
        """Work on the records; ``commands`` stop what runs."""
        self._registry, self._port, self._commands = registry, port, commands

    async def ask(
        self, station_id: StationId, request: StationRequest
    ) -> Mapping[str, Any]:
        """Return what the station told.

        Raises:
            UnknownTarget: for a station or EVSE that this home does not have.
            StationOffline, StationRejected, StationTimeout: it was not done.
            RequestNotSent: it cannot be said to this station.
            SettingProtected: this product keeps that setting itself.
            OutOfOperation: the EVSE did not stop; that is looked at first.
        """
        station = self._registry.stations.get(station_id)
        if station is None:
            raise UnknownTarget(station_id, station_id)
        if isinstance(request, ChangeSetting) and is_own_setting(request.name):
            raise SettingProtected(str(request.name))
        targets = self._targets(station_id, request)
        if isinstance(request, RevokeCertificate):
            await self._try_to_rest(targets)
        elif not station.session.is_connected:
            raise StationOffline(station_id)
        self._refuse_early_return(request, targets)
        for record in targets:
            if _needs_rest(request, record.setpoint.power_w):
                await self._bring_to_rest(record)
        answer = await self._port.ask(station_id, request)
        _LOGGER.info(
            "%s: %s: %s", station_id, type(request).__name__, answer.result.status
        )
        if not answer.result.is_accepted:
            _raise_for(station_id, request, answer)
        return answer.data

    def _targets(
        self, station_id: StationId, request: StationRequest
    ) -> list[EvseRecord]:
        """Return the EVSEs that a request is about."""
        evse_id = getattr(request, "evse_id", WHOLE_STATION)
        if evse_id == WHOLE_STATION:
            return list(self._registry.evses_of(station_id))
        key = EvseKey(station_id, evse_id)
        record = self._registry.evses.get(key)
        if record is None:
            raise UnknownTarget(station_id, str(key))
        return [record]

    @staticmethod
    def _refuse_early_return(
        request: StationRequest, targets: list[EvseRecord]
    ) -> None:
        if not isinstance(request, SetAvailability) or not request.is_operative:
            return
        for record in targets:
            if record.is_made_inoperative:
                raise OutOfOperation(str(record.key))

    async def _try_to_rest(self, targets: list[EvseRecord]) -> None:
        """Stop what flows before a link is closed.

        A station that does not obey must not keep its certificate by that.
        """
        for record in targets:
            if record.setpoint.power_w != 0:
                with suppress(StationError):
                    await self._bring_to_rest(record)

    async def _bring_to_rest(self, record: EvseRecord) -> None:
        """Stop what flows, so that no contactor opens under load.

        The owner's stop stays until the return to automatic: after a restart nothing
        begins by itself.
        """
        if record.session.transaction_id is not None:
            await self._commands.stop(record.key)


def _needs_rest(request: StationRequest, power_w: float) -> bool:
    match request:
        case Restart(is_immediate=is_immediate):
            return is_immediate and power_w != 0
        case SetAvailability(is_operative=is_operative):
            return not is_operative and power_w != 0
        case Unlock() | InstallFirmware() | SetInverterMode():
            return power_w != 0
        case CancelReservation():
            # It moves no power, but is taken for a stop by those who send it.
            return power_w < 0
        case _:
            return False


def _raise_for(
    station_id: StationId, request: StationRequest, answer: StationAnswer
) -> None:
    action, result = answer.action or type(request).__name__, answer.result
    if result.detail in NOT_SENT:
        raise RequestNotSent(station_id, result.detail)
    if result.status is WriteStatus.OFFLINE:
        raise StationOffline(station_id)
    if result.status is WriteStatus.TIMEOUT:
        raise StationTimeout(station_id, action, CONFIRM_TIMEOUT_S)
    raise StationRejected(station_id, action, result.detail)
