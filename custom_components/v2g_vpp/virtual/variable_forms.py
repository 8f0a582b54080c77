"""How the variables of the station are written down: their components and forms."""

from collections.abc import Callable
from dataclasses import dataclass

from .device_model import DataType, Mutability, Variable, VariableName
from .metering import SUPPORTED_MEASURANDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What the values of a variable look like."""

    data_type: DataType = DataType.STRING
    values: tuple[str, ...] = ()
    unit: str | None = None
    min_limit: float | None = None
    max_limit: float | None = None


TEXT = Form()
FLAG = Form(data_type=DataType.BOOLEAN)
INTEGER = Form(data_type=DataType.INTEGER)
OPTIONS = Form(data_type=DataType.OPTION_LIST)
MEMBERS = Form(data_type=DataType.MEMBER_LIST)
MEASURANDS = Form(data_type=DataType.MEMBER_LIST, values=SUPPORTED_MEASURANDS)
SECONDS = Form(data_type=DataType.INTEGER, unit="s", min_limit=1)
INTERVAL = Form(data_type=DataType.INTEGER, unit="s", min_limit=0)


@dataclass(frozen=True, slots=True)
class Component:
    """A component that the variables below belong to."""

    name: str
    evse_id: int | None = None
    connector_id: int | None = None
    instance: str | None = None

    def read(
        self,
        variable: str,
        value: str | Callable[[], str],
        form: Form = TEXT,
        instance: str | None = None,
        mutability: Mutability = Mutability.READ_ONLY,
    ) -> Variable:
        """Return a variable that the CSMS may only read."""
        return Variable(
            name=VariableName(
                component=self.name,
                component_instance=self.instance,
                variable=variable,
                instance=instance,
                evse_id=self.evse_id,
                connector_id=self.connector_id,
            ),
            value=value,
            mutability=mutability,
            data_type=form.data_type,
            values=form.values,
            unit=form.unit,
            min_limit=form.min_limit,
            max_limit=form.max_limit,
        )

    def write(
        self,
        variable: str,
        value: str,
        form: Form = TEXT,
        instance: str | None = None,
    ) -> Variable:
        """Return a variable that the CSMS may set."""
        return self.read(variable, value, form, instance, Mutability.READ_WRITE)
