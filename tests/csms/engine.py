"""An engine with readable ids, and what its actions say."""

from dataclasses import replace
import json
from typing import Any

from custom_components.v2g_vpp.csms.answers import AnswerCache
from custom_components.v2g_vpp.csms.calls import CallEnd, CallRequest, Lane
from custom_components.v2g_vpp.csms.rpc import (
    Action,
    EndCall,
    RpcEngine,
    SendFrame,
    timeout_of,
)
from custom_components.v2g_vpp.csms.versions import V21, RpcVersion


def engine(version: RpcVersion = V21, answers: AnswerCache | None = None) -> RpcEngine:
    numbers = iter(range(10**9))
    return RpcEngine(version, lambda: f"L{next(numbers)}", answers)


def request(token: int, lane: Lane = Lane.CONFIGURATION, **changes: Any) -> CallRequest:
    plain = CallRequest(
        token=token,
        action=f"Action{token}",
        payload={"n": token},
        lane=lane,
        deadline_mono_s=timeout_of(lane),
        slot_s=timeout_of(lane),
    )
    return replace(plain, **changes)


def sent(actions: list[Action]) -> list[Any]:
    return [json.loads(action.text) for action in actions if type(action) is SendFrame]


def ends(actions: list[Action]) -> dict[int, CallEnd]:
    return {a.token: a.outcome.end for a in actions if isinstance(a, EndCall)}
