"""The device model of a station: components, variables and who may change them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from .schedule import WireObject


class Mutability(StrEnum):
    """Who may read and write a variable."""

    READ_ONLY = "ReadOnly"
    WRITE_ONLY = "WriteOnly"
    READ_WRITE = "ReadWrite"


class DataType(StrEnum):
    """How the text of a value is meant."""

    STRING = "string"
    DECIMAL = "decimal"
    INTEGER = "integer"
    DATE_TIME = "dateTime"
    BOOLEAN = "boolean"
    OPTION_LIST = "OptionList"
    MEMBER_LIST = "MemberList"


@dataclass(frozen=True, slots=True, kw_only=True)
class VariableName:
    """Where a variable is; names compare without case (OCPP 2.x part 1)."""

    component: str
    variable: str
    component_instance: str | None = None
    instance: str | None = None
    """Of the variable."""

    evse_id: int | None = None
    connector_id: int | None = None

    def key(self) -> tuple[object, ...]:
        """Return what two names of the same variable have in common."""
        return (
            *self.component_key(),
            self.variable.casefold(),
            (self.instance or "").casefold(),
        )

    def component_key(self) -> tuple[object, ...]:
        """Return what all variables of one component have in common."""
        return (
            self.component.casefold(),
            (self.component_instance or "").casefold(),
            self.evse_id,
            self.connector_id,
        )

    def is_meant_by(self, wire: WireObject) -> bool:
        """Return True when a ``componentVariable`` of the wire means this.

        What it leaves out means every value (B08.FR.20 ff., N02.FR.16 ff.).
        """
        component, wanted = wire["component"], wire.get("variable", {})
        evse = component.get("evse", {})
        pairs: tuple[tuple[object, object], ...] = (
            (component["name"].casefold(), self.component.casefold()),
            (component.get("instance"), self.component_instance),
            (evse.get("id"), self.evse_id),
            (evse.get("connectorId"), self.connector_id),
            (wanted.get("name", "").casefold() or None, self.variable.casefold()),
            (wanted.get("instance"), self.instance),
        )
        return all(asked is None or asked == own for asked, own in pairs)

    def component_wire(self) -> dict[str, Any]:
        """Return the component as OCPP writes it."""
        wire: dict[str, Any] = {"name": self.component}
        if self.component_instance is not None:
            wire["instance"] = self.component_instance
        if self.evse_id is not None:
            wire["evse"] = {"id": self.evse_id}
            if self.connector_id is not None:
                wire["evse"]["connectorId"] = self.connector_id
        return wire

    def variable_wire(self) -> dict[str, Any]:
        """Return the variable as OCPP writes it."""
        wire: dict[str, Any] = {"name": self.variable}
        if self.instance is not None:
            wire["instance"] = self.instance
        return wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One variable with its actual value."""

    name: VariableName
    value: str | Callable[[], str]
    """Text of OCPP; a callable is asked each time."""

    data_type: DataType = DataType.STRING
    mutability: Mutability = Mutability.READ_ONLY
    values: tuple[str, ...] = ()
    """What a list may hold; empty: anything."""

    unit: str | None = None
    min_limit: float | None = None
    max_limit: float | None = None

    @property
    def supports_monitoring(self) -> bool:
        """True for what the station itself changes while it runs."""
        return not isinstance(self.value, str)

    @property
    def is_numeric(self) -> bool:
        """True when a threshold on it means something."""
        return self.data_type in {DataType.INTEGER, DataType.DECIMAL}

    def text(self) -> str:
        """Return the actual value."""
        return self.value if isinstance(self.value, str) else self.value()

    def report(self) -> dict[str, Any]:
        """Return the variable as NotifyReport sends it."""
        attribute: dict[str, Any] = {"mutability": self.mutability}
        if self.mutability is not Mutability.WRITE_ONLY:
            attribute["value"] = self.text()
        characteristics: dict[str, Any] = {
            "dataType": self.data_type,
            "supportsMonitoring": self.supports_monitoring,
        }
        if self.values:
            characteristics["valuesList"] = ",".join(self.values)
        numbers = {
            "unit": self.unit,
            "minLimit": self.min_limit,
            "maxLimit": self.max_limit,
        }
        characteristics |= {k: v for k, v in numbers.items() if v is not None}
        return {
            "component": self.name.component_wire(),
            "variable": self.name.variable_wire(),
            "variableAttribute": [attribute],
            "variableCharacteristics": characteristics,
        }

    def accepts(self, text: str) -> bool:
        """Return True when a text is a value of this variable."""
        match self.data_type:
            case DataType.BOOLEAN:
                return text in {"true", "false"}
            case DataType.INTEGER | DataType.DECIMAL:
                return self._is_number_in_range(text)
            case DataType.OPTION_LIST:
                return not self.values or text in self.values
            case DataType.MEMBER_LIST:
                parts = [part for part in text.split(",") if part]
                return not self.values or set(parts) <= set(self.values)
            case _:
                return True

    def _is_number_in_range(self, text: str) -> bool:
        try:
            number = int(text) if self.data_type is DataType.INTEGER else float(text)
        except ValueError:
            return False
        return (self.min_limit is None or number >= self.min_limit) and (
            self.max_limit is None or number <= self.max_limit
        )


class DeviceModel:
    """All variables of one station, in the order of their report."""

    def __init__(self, variables: Iterable[Variable]) -> None:
        """Keep the variables under their names."""
        self._variables: dict[tuple[object, ...], Variable] = {}
        self.add(variables)

    def add(self, variables: Iterable[Variable]) -> None:
        """Take in more variables, or other ones of the same names."""
        self._variables |= {variable.name.key(): variable for variable in variables}

    def __iter__(self) -> Iterator[Variable]:
        """Iterate over the variables."""
        return iter(self._variables.values())

    def find(self, name: VariableName) -> Variable | None:
        """Return a variable by name, None when there is none."""
        return self._variables.get(name.key())

    def has_component(self, name: VariableName) -> bool:
        """Return True when the component of a name exists there."""
        return any(
            variable.name.component_key() == name.component_key()
            for variable in self._variables.values()
        )

    def text(self, component: str, variable: str, **where: Any) -> str:
        """Return the value of a variable that is known to exist."""
        name = VariableName(component=component, variable=variable, **where)
        return self._variables[name.key()].text()

    def store(self, name: VariableName, text: str) -> None:
        """Write a value, whoever may."""
        self._variables[name.key()] = replace(self._variables[name.key()], value=text)

    def get(self, wire: WireObject) -> dict[str, Any]:
        """Return one result of GetVariables for one of its entries."""
        name = name_of(wire)
        result: dict[str, Any] = _echo(wire)
        status, variable = self._look_up(name, wire)
        if variable is None:
            return {**result, "attributeStatus": status}
        if variable.mutability is Mutability.WRITE_ONLY:
            return {**result, "attributeStatus": "Rejected"}
        return {
            **result,
            "attributeStatus": "Accepted",
            "attributeValue": variable.text(),
        }

    def set(self, wire: WireObject) -> dict[str, Any]:
        """Write one entry of SetVariables and return its result."""
        name, text = name_of(wire), wire["attributeValue"]
        result: dict[str, Any] = _echo(wire)
        status, variable = self._look_up(name, wire)
        if variable is None:
            return {**result, "attributeStatus": status}
        reason = None
        if variable.mutability is Mutability.READ_ONLY:
            reason = "ReadOnly"
        elif not variable.accepts(text):
            reason = "InvalidValue"
        if reason is not None:
            return {
                **result,
                "attributeStatus": "Rejected",
                "attributeStatusInfo": {"reasonCode": reason},
            }
        self.store(name, text)
        return {**result, "attributeStatus": "Accepted"}

    def _look_up(
        self, name: VariableName, wire: WireObject
    ) -> tuple[str, Variable | None]:
        if not self.has_component(name):
            return "UnknownComponent", None
        variable = self.find(name)
        if variable is None:
            return "UnknownVariable", None
        if wire.get("attributeType", "Actual") != "Actual":
            return "NotSupportedAttributeType", None
        return "Accepted", variable


def name_of(wire: WireObject) -> VariableName:
    """Return the name that a ``component`` and ``variable`` of the wire have."""
    component, variable = wire["component"], wire["variable"]
    evse = component.get("evse", {})
    return VariableName(
        component=component["name"],
        component_instance=component.get("instance"),
        variable=variable["name"],
        instance=variable.get("instance"),
        evse_id=evse.get("id"),
        connector_id=evse.get("connectorId"),
    )


def _echo(wire: WireObject) -> dict[str, Any]:
    return {
        name: wire[name]
        for name in ("attributeType", "component", "variable")
        if name in wire
    }
