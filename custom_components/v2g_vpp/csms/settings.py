"""Settings of a station by name: variables of 2.x, configuration keys of 1.6."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ..domain.requests import SettingName, StationAnswer
from ..domain.setpoint import WriteResult, WriteStatus
from .calls import CallEnd
from .link import StationLink
from .redaction import is_secret_setting
from .setpoints import result_of
from .variables import get_variables, set_variables
from .versions import V16

_TAKEN: Final = ("Accepted", "RebootRequired")
_HIDDEN: Final = "***"
_ACCEPTED: Final = WriteResult(status=WriteStatus.ACCEPTED)


async def read_settings(
    link: StationLink, names: Sequence[SettingName]
) -> StationAnswer:
    """Return values by the written name; None where the station has none."""
    if link.protocol == V16.protocol:
        return await _read_keys(link, names)
    items = [_item(name) for name in names]
    answers = await get_variables(link, items)
    if len(answers) < len(items):
        result = WriteResult(status=WriteStatus.REJECTED, detail="not_answered")
        return StationAnswer(result=result, action="GetVariables")
    told = {_identity(answer): answer.get("attributeValue") for answer in answers}
    values = {
        str(name): _shown(name.variable, told.get(_identity(item)))
        for name, item in zip(names, items, strict=True)
    }
    return StationAnswer(result=_ACCEPTED, action="GetVariables", data=values)


async def change_setting(
    link: StationLink, name: SettingName, value: str
) -> StationAnswer:
    """Change one; a station that has to restart first says so in ``status``."""
    if link.protocol == V16.protocol:
        outcome = await link.call(
            "ChangeConfiguration", {"key": name.variable, "value": value}
        )
        return StationAnswer(
            result=result_of(outcome, _TAKEN),
            action="ChangeConfiguration",
            data={"status": outcome.payload.get("status", "")},
        )
    answers = await set_variables(link, [{**_item(name), "attributeValue": value}])
    answer: Mapping[str, Any] = answers[0] if answers else {}
    status = str(answer.get("attributeStatus", "not_answered"))
    is_taken = status in _TAKEN
    return StationAnswer(
        result=_ACCEPTED
        if is_taken
        else WriteResult(status=WriteStatus.REJECTED, detail=status),
        action="SetVariables",
        data={"status": status},
    )


async def _read_keys(link: StationLink, names: Sequence[SettingName]) -> StationAnswer:
    asked = {"key": [name.variable for name in names]} if names else {}
    outcome = await link.call("GetConfiguration", asked)
    if outcome.end is not CallEnd.ANSWERED:
        return StationAnswer(result=result_of(outcome), action="GetConfiguration")
    values: dict[str, str | None] = {name.variable: None for name in names}
    for item in outcome.payload.get("configurationKey") or ():
        values[item["key"]] = _shown(item["key"], item.get("value"))
    return StationAnswer(result=_ACCEPTED, action="GetConfiguration", data=values)


def _item(name: SettingName) -> dict[str, Any]:
    component: dict[str, Any] = {"name": name.component}
    if name.component_instance is not None:
        component["instance"] = name.component_instance
    if name.evse_id:
        component["evse"] = {"id": name.evse_id}
    variable = {"name": name.variable}
    if name.variable_instance is not None:
        variable["instance"] = name.variable_instance
    return {"component": component, "variable": variable}


def _identity(item: Mapping[str, Any]) -> str:
    """Return what an answer and its question have in common; names have no case."""
    component, variable = item.get("component") or {}, item.get("variable") or {}
    evse = component.get("evse") or {}
    parts = (
        component.get("name"),
        component.get("instance"),
        evse.get("id"),
        variable.get("name"),
        variable.get("instance"),
    )
    return "/".join(str(part).lower() for part in parts)


def _shown(variable: str, value: Any) -> str | None:
    if value is None:
        return None
    return _HIDDEN if is_secret_setting(variable) else str(value)
