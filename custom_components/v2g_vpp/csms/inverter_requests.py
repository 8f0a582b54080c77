"""Read and choose whether an inverter follows the grid or forms one."""

from collections.abc import Iterable
from typing import Final

from ..domain.requests import (
    NO_INVERTER_MODE,
    NO_ISLANDING_DEVICE,
    SetInverterMode,
    StationAnswer,
)
from ..domain.setpoint import WriteResult, WriteStatus
from ..domain.state import InverterMode
from .fault_mapping import inverter_mode_of
from .inverter import Inverter
from .link import StationLink
from .station import Station
from .variables import get_variables, set_variables
from .versions import V16

_TAKEN: Final = ("Accepted", "RebootRequired")


async def read_inverters(
    link: StationLink, inverters: Iterable[Inverter]
) -> dict[int, InverterMode | None]:
    """Return the present mode of each EVSE; None for one that is neither of both."""
    modes: dict[int, InverterMode | None] = {}
    for inverter in inverters:
        results = await get_variables(link, [inverter.to_wire()])
        told = results[0] if results else {}
        if told.get("attributeStatus") == "Accepted":
            modes[inverter.evse_id] = inverter_mode_of(
                str(told.get("attributeValue", ""))
            )
    return modes


async def set_inverter_mode(
    station: Station, link: StationLink, request: SetInverterMode
) -> StationAnswer:
    """Choose a mode; forming a grid only where the station notices an island itself."""
    found = [i for i in station.summary.inverters if i.evse_id == request.evse_id]
    word = found[0].word_for(request.mode) if found else ""
    if not word or link.protocol == V16.protocol:
        return _rejected(NO_INVERTER_MODE)
    is_forming = request.mode is InverterMode.GRID_FORMING
    if is_forming and not found[0].detects_islands:
        return _rejected(NO_ISLANDING_DEVICE)
    results = await set_variables(
        link, [{**found[0].to_wire(), "attributeValue": word}]
    )
    status = str(results[0].get("attributeStatus")) if results else "not_answered"
    if status not in _TAKEN:
        return _rejected(status)
    return StationAnswer(
        result=WriteResult(status=WriteStatus.ACCEPTED),
        action="SetVariables",
        data={"status": status},
    )


def _rejected(detail: str) -> StationAnswer:
    result = WriteResult(status=WriteStatus.REJECTED, detail=detail)
    return StationAnswer(result=result, action="SetVariables")
