"""Read and write variables of a station, in pieces that it can take."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from .calls import CallEnd
from .device_model import FALLBACK_QUESTIONS
from .link import StationLink

DEFAULT_CHUNK: Final = 4
"""Items per message while the station does not say: small enough for the smallest."""

type Item = Mapping[str, Any]


async def get_variables(
    link: StationLink, items: Sequence[Item], per_message: int | None = None
) -> list[Item]:
    """Return what the station answers to each question that it answers."""
    return await _in_pieces(
        link, "GetVariables", "getVariableData", "getVariableResult", items, per_message
    )


async def ask_fallback_questions(link: StationLink) -> list[Item]:
    """Return what the station answers to what it is decided by, one by one."""
    return await get_variables(
        link,
        [
            {
                "component": {"name": component}
                if evse_id is None
                else {"name": component, "evse": {"id": evse_id}},
                "variable": {"name": variable},
            }
            for component, variable, evse_id in FALLBACK_QUESTIONS
        ],
    )


async def set_variables(
    link: StationLink, items: Sequence[Item], per_message: int | None = None
) -> list[Item]:
    """Return what the station answers to each change that it answers."""
    return await _in_pieces(
        link, "SetVariables", "setVariableData", "setVariableResult", items, per_message
    )


async def _in_pieces(
    link: StationLink,
    action: str,
    request_key: str,
    answer_key: str,
    items: Sequence[Item],
    per_message: int | None,
) -> list[Item]:
    size = max(1, min(per_message or DEFAULT_CHUNK, DEFAULT_CHUNK))
    results: list[Item] = []
    for start in range(0, len(items), size):
        piece = items[start : start + size]
        outcome = await link.call(action, {request_key: list(piece)})
        if outcome.end is CallEnd.ANSWERED:
            results += outcome.payload.get(answer_key, ())
        elif outcome.end is CallEnd.REFUSED and len(piece) > 1:
            # Some stations take one item and do not say so.
            results += await _in_pieces(link, action, request_key, answer_key, piece, 1)
    return results
