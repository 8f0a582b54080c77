"""Whether an inverter follows the grid or forms one, where a station lets it be seen.

No version has a variable of its own for it: a station that offers it does so as the
general ``Mode`` of the converter, with the two names among its choices.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..domain.state import InverterMode
from .fault_mapping import INVERTER_MODES, inverter_mode_of
from .model_rows import Row
from .monitors import Subject

_CONTROLLER: Final = "dcderctrlr"
_ISLANDING: Final = "islandingdetectionmethod"
_NO_ISLANDING: Final = frozenset({"", "noantiislandingsupport"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inverter:
    """The converter of one EVSE whose mode can be chosen."""

    component: str
    variable: str
    component_instance: str
    evse_id: int
    following: str
    """How the station spells it; empty where it cannot."""

    forming: str
    detects_islands: bool
    """It has a device of its own that notices when the grid is gone."""

    def to_wire(self) -> dict[str, Any]:
        """Return the ``component`` and ``variable`` of a request."""
        return Subject(
            component=self.component,
            variable=self.variable,
            component_instance=self.component_instance,
            evse_id=self.evse_id,
        ).to_wire()

    def word_for(self, mode: InverterMode) -> str:
        """Return how the station spells a mode; empty where it cannot."""
        return self.forming if mode is InverterMode.GRID_FORMING else self.following


def inverters_of(rows: Iterable[Row]) -> tuple[Inverter, ...]:
    """Return the converters of a device model whose mode can be chosen, one per EVSE."""
    rows = tuple(rows)
    watched = {
        row.evse_id
        for row in rows
        if (row.component, row.variable) == (_CONTROLLER, _ISLANDING)
        and row.value.lower() not in _NO_ISLANDING
    }
    found: dict[int, Inverter] = {}
    for row in rows:
        if (row.component, row.variable) not in INVERTER_MODES or not row.evse_id:
            continue
        words = {inverter_mode_of(choice): choice for choice in row.choices}
        if InverterMode.GRID_FORMING in words or InverterMode.GRID_FOLLOWING in words:
            found.setdefault(
                row.evse_id,
                Inverter(
                    component=row.spelling[0],
                    variable=row.spelling[1],
                    component_instance=row.component_instance,
                    evse_id=row.evse_id,
                    following=words.get(InverterMode.GRID_FOLLOWING, ""),
                    forming=words.get(InverterMode.GRID_FORMING, ""),
                    detects_islands=row.evse_id in watched,
                ),
            )
    return tuple(found.values())


def inverter_to_json(inverter: Inverter) -> dict[str, Any]:
    """Return what the store keeps."""
    return asdict(inverter)


def inverter_from_json(data: Mapping[str, Any]) -> Inverter:
    """Return an inverter as the store kept it.

    Raises:
        TypeError: when it is none.
    """
    return Inverter(**data)
