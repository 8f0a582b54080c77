"""Tell a 2.x station another address to dial, with the old one kept behind it."""

from typing import Any, Final

from ..domain.requests import (
    NO_SLOT,
    NOT_OFFERED,
    PROFILE_DOWNGRADE,
    PROFILE_MISMATCH,
    MoveStation,
    StationAnswer,
)
from ..domain.setpoint import WriteResult, WriteStatus
from .link import StationLink
from .setpoints import result_of
from .station import Station
from .variables import get_variables, set_variables
from .versions import V16, V21

MESSAGE_TIMEOUT_S: Final = 30
LARGEST_SLOT: Final = 9
"""House rule: more than any station keeps."""

_PRIORITY: Final[dict[str, Any]] = {
    "component": {"name": "OCPPCommCtrlr"},
    "variable": {"name": "NetworkConfigurationPriority"},
}
_TAKEN: Final = ("Accepted", "RebootRequired")


async def move_station(
    station: Station, link: StationLink, request: MoveStation
) -> StationAnswer:
    """Write a network profile and put it first; it counts from the next restart.

    The profiles before it stay behind it, so that a station that cannot reach the new
    address comes back by itself (B10).
    """
    if link.protocol == V16.protocol:
        return _rejected("SetNetworkProfile", NOT_OFFERED)
    # A security profile never goes down (A05.FR.07).
    if request.security_profile < station.record.security_profile:
        return _rejected("SetNetworkProfile", PROFILE_DOWNGRADE)
    # A station cannot dial an address with a profile of the other kind (A00).
    if request.url.startswith("wss:") != (request.security_profile > 1):
        return _rejected("SetNetworkProfile", PROFILE_MISMATCH)
    before = await _priority(link)
    slot = _free_slot(before) if request.slot is None else request.slot
    if slot is None:
        return _rejected("SetNetworkProfile", NO_SLOT)
    outcome = await link.call(
        "SetNetworkProfile",
        {
            "configurationSlot": slot,
            "connectionData": {
                **_version(link.protocol),
                "ocppTransport": "JSON",
                "ocppCsmsUrl": request.url,
                "messageTimeout": MESSAGE_TIMEOUT_S,
                "securityProfile": request.security_profile,
            },
        },
    )
    if not outcome.has_status("Accepted"):
        return StationAnswer(result=result_of(outcome), action="SetNetworkProfile")
    return await _put_first(link, slot, before)


async def _put_first(
    link: StationLink, slot: int, before: tuple[int, ...]
) -> StationAnswer:
    after = (slot, *(other for other in before if other != slot))
    results = await set_variables(
        link, [{**_PRIORITY, "attributeValue": ",".join(map(str, after))}]
    )
    status = str(results[0].get("attributeStatus")) if results else "not_answered"
    if status not in _TAKEN:
        return _rejected("SetVariables", status)
    return StationAnswer(
        result=WriteResult(status=WriteStatus.ACCEPTED),
        action="SetNetworkProfile",
        data={"slot": slot, "priority": list(after), "priority_before": list(before)},
    )


async def _priority(link: StationLink) -> tuple[int, ...]:
    """Return the slots that a station tries, in its order."""
    results = await get_variables(link, [_PRIORITY])
    told = str(results[0].get("attributeValue", "")) if results else ""
    parts = (part.strip() for part in told.split(","))
    return tuple(int(part) for part in parts if part.isdecimal())


def _free_slot(taken: tuple[int, ...]) -> int | None:
    free = (slot for slot in range(1, LARGEST_SLOT + 1) if slot not in taken)
    return next(free, None)


def _version(protocol: str) -> dict[str, str]:
    if protocol == V21.protocol:
        # The version is agreed on while dialling.
        return {"ocppInterface": "Any"}
    return {"ocppInterface": "Wired0", "ocppVersion": "OCPP20"}


def _rejected(action: str, detail: str) -> StationAnswer:
    result = WriteResult(status=WriteStatus.REJECTED, detail=detail)
    return StationAnswer(result=result, action=action)
