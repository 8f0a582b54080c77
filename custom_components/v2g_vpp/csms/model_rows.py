"""Variables of components, as the reports of a 2.x station list them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .fault_mapping import WATCHED_COMPONENTS

MAX_REPORT_ROWS: Final = 20_000
"""House rule: beyond it a report is not read on."""

_COMPONENTS: Final = frozenset(
    {
        "v2xchargingctrlr",
        "smartchargingctrlr",
        "sampleddatactrlr",
        "devicedatactrlr",
        "evse",
        "connector",
        "chargingstation",
        "monitoringctrlr",
        "networkconfiguration",
        "dcderctrlr",
        "acdcconverter",
        "acderctrlr",
        *WATCHED_COMPONENTS,
    }
)
"""The rest of a report is counted and dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One variable of one component; names in lower case."""

    component: str
    variable: str
    instance: str = ""
    """Of the variable, in its original spelling."""

    component_instance: str = ""
    spelling: tuple[str, str] = ("", "")
    """Component and variable as the station writes them."""

    evse_id: int = 0
    connector_id: int = 0
    value: str = ""
    max_limit: float | None = None
    choices: tuple[str, ...] = ()
    can_be_monitored: bool = False


def rows_of_report(report_data: object) -> tuple[Row, ...]:
    """Return the rows of a NotifyReport that matter; unreadable ones are dropped."""
    if not isinstance(report_data, list):
        return ()
    rows = (_row(item, *_report_value(item)) for item in _mappings(report_data))
    return tuple(row for row in rows if row is not None)


def rows_of_variables(results: object) -> tuple[Row, ...]:
    """Return the rows of a GetVariables answer that were accepted."""
    if not isinstance(results, list):
        return ()
    rows = (
        _row(item, str(item.get("attributeValue", "")), {})
        for item in _mappings(results)
        if item.get("attributeStatus") == "Accepted"
    )
    return tuple(row for row in rows if row is not None)


def _row(
    item: Mapping[str, Any], value: str, characteristics: Mapping[str, Any]
) -> Row | None:
    component, variable = item.get("component"), item.get("variable")
    if not isinstance(component, Mapping) or not isinstance(variable, Mapping):
        return None
    spelling = str(component.get("name", "")), str(variable.get("name", ""))
    if spelling[0].lower() not in _COMPONENTS:
        return None
    evse = component.get("evse")
    evse = evse if isinstance(evse, Mapping) else {}
    max_limit = characteristics.get("maxLimit")
    return Row(
        component=spelling[0].lower(),
        variable=spelling[1].lower(),
        instance=str(variable.get("instance", "")),
        component_instance=str(component.get("instance", "")),
        spelling=spelling,
        evse_id=whole_number(evse.get("id")) or 0,
        connector_id=whole_number(evse.get("connectorId")) or 0,
        value=value,
        max_limit=float(max_limit) if isinstance(max_limit, (int, float)) else None,
        choices=split_list(str(characteristics.get("valuesList", ""))),
        can_be_monitored=characteristics.get("supportsMonitoring") is True,
    )


def _report_value(item: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    attributes = item.get("variableAttribute")
    actual = next(
        (
            str(attribute.get("value", ""))
            for attribute in _mappings(
                attributes if isinstance(attributes, list) else []
            )
            if attribute.get("type", "Actual") == "Actual"
        ),
        "",
    )
    characteristics = item.get("variableCharacteristics")
    return actual, characteristics if isinstance(characteristics, Mapping) else {}


def _mappings(items: list[Any]) -> Iterable[Mapping[str, Any]]:
    return (item for item in items if isinstance(item, Mapping))


def split_list(text: str) -> tuple[str, ...]:
    """Return the members of a list in one text."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def whole_number(text: object) -> int | None:
    """Return a number without its fraction, None for what is no number."""
    try:
        return int(float(str(text)))
    except ValueError, OverflowError:
        return None
