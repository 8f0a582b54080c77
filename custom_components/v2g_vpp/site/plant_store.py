"""What a restart must not forget of grid, heat and contactor at an EVSE."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..control.contactor import ContactorCount
from ..control.grid import FREE_FOR_LOADS, GridMemory
from ..control.thermal import (
    COLDEST_C,
    HOTTEST_C,
    LEAST_RISE_K,
    MOST_RISE_K,
    QUICKEST_S,
    SLOWEST_S,
    ThermalNode,
    ThermalWatch,
)
from ..domain.units import within
from .records import EvseRecord
from .stored_values import read_dataclass, read_float, read_mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPlant:
    """What was read."""

    grid: GridMemory | None
    node: ThermalNode | None
    contactor: ContactorCount
    closings: list[tuple[float, int]]
    """Of the last day: ages, s, and how many."""

    opens_at_zero: bool | None

    def give(self, record: EvseRecord) -> None:
        """Bring it back."""
        if self.grid is not None:
            record.grid.restore(self.grid)
        if self.node is not None:
            record.thermal = ThermalWatch(self.node)
        record.contactor.restore(self.contactor, self.closings, self.opens_at_zero)


def dump_plant(record: EvseRecord, now_mono_s: float) -> dict[str, Any]:
    """Return what is kept, as JSON; ages, no times."""
    grid, node = record.grid.dump(), record.heat.node
    return {
        "grid": asdict(grid) if grid else None,
        "thermal": asdict(node) if node.is_learnt else None,
        "contactor": asdict(record.contactor.count),
        "closings": record.contactor.today.dump(now_mono_s),
        "opens_at_zero": record.contactor.opens_at_zero,
    }


def read_plant(kept: Mapping[str, Any]) -> KeptPlant:
    """Return what was kept.

    Raises:
        KeyError, TypeError, ValueError: for what cannot be read; any doubt is an error.
    """
    grid, node = kept.get("grid"), kept.get("thermal")
    return KeptPlant(
        grid=None if grid is None else read_dataclass(GridMemory, grid),
        node=None if node is None else _checked(read_dataclass(ThermalNode, node)),
        contactor=_read_count(kept.get("contactor")),
        closings=[
            (read_float(age_s), int(read_float(count)))
            for age_s, count in kept.get("closings", ())
        ],
        opens_at_zero=_read_seen(kept.get("opens_at_zero")),
    )


def _read_count(kept: object) -> ContactorCount:
    if kept is None:
        return ContactorCount()
    counts = read_mapping(kept)
    return ContactorCount(
        **{
            field.name: int(read_float(counts[field.name]))
            for field in fields(ContactorCount)
        }
    )


def _read_seen(kept: object) -> bool | None:
    if kept is None or isinstance(kept, bool):
        return kept
    raise TypeError(kept)


def trace_outage(record: EvseRecord, now_mono_s: float) -> None:
    """Tell the output gate of an outage before the restart.

    As long ago as it was counted: the time without us counts for nobody.
    """
    memory = record.grid.dump()
    if memory is None:
        return
    out_mono_s = now_mono_s - memory.steady_s - memory.ramped_s
    record.grid_trace.out_mono_s = out_mono_s
    if memory.cause not in FREE_FOR_LOADS:
        record.grid_trace.load_out_mono_s = out_mono_s


def _checked(node: ThermalNode) -> ThermalNode:
    """Return a node that a handle can have.

    Raises:
        NotFiniteError: for another one.
    """
    within("time_constant_s", node.time_constant_s, QUICKEST_S, SLOWEST_S)
    within("rise_k", node.rise_k, LEAST_RISE_K, MOST_RISE_K)
    within("ambient_c", node.ambient_c, COLDEST_C, HOTTEST_C)
    return node
