"""Plans and limits of the operator in the site's document."""

from collections.abc import Mapping
from datetime import datetime
import logging
from typing import Any

from ..domain.policy import Plan, PlanSlot, checked_plan
from ..domain.ports import StoredData
from ..domain.site_meters import OperatorLimit
from .registry import Registry
from .stored_values import read_float, read_mapping, read_text

_LOGGER = logging.getLogger(__name__)

NOTHING = OperatorLimit(import_w=0.0, export_w=0.0)
"""What an unreadable limit may have been: nothing flows until it is set anew."""


def dump_plan(plan: Plan) -> list[dict[str, Any]]:
    """Return a plan as JSON."""
    return [
        {
            "start_at": slot.start_at.isoformat(),
            "end_at": slot.end_at.isoformat(),
            "power_w": slot.power_w,
        }
        for slot in plan
    ]


def restore_plan(stored: object) -> Plan:
    """Return a plan.

    Raises:
        KeyError, TypeError, ValueError: for what is none.
    """
    if not isinstance(stored, list):
        raise TypeError(type(stored))
    return checked_plan(_restore_slot(read_mapping(slot)) for slot in stored)


def dump_site(registry: Registry) -> dict[str, Any]:
    """Return what is kept of the home itself, as JSON."""
    limit = registry.operator_limit
    if limit is None:
        return {"operator_limit": None}
    return {
        "operator_limit": {
            "import_w": limit.import_w,
            "export_w": limit.export_w,
            "import_until_at": _dump_moment(limit.import_until_at),
            "export_until_at": _dump_moment(limit.export_until_at),
        }
    }


def restore_site(registry: Registry, document: StoredData) -> None:
    """Bring the limit of the operator back; in doubt nothing may flow."""
    stored = document.get("site")
    if stored is None:
        return
    try:
        kept = read_mapping(stored)["operator_limit"]
        if kept is not None:
            registry.operator_limit = _restore_limit(read_mapping(kept))
    except (KeyError, TypeError, ValueError) as err:
        _LOGGER.warning("stored limit of the operator cannot be read: %r", err)
        registry.operator_limit = NOTHING


def _restore_limit(kept: Mapping[str, Any]) -> OperatorLimit:
    # Both directions had one end once.
    ends = {
        way: kept["until_at" if "until_at" in kept else f"{way}_until_at"]
        for way in ("import", "export")
    }
    return OperatorLimit(
        import_w=None if kept["import_w"] is None else read_float(kept["import_w"]),
        export_w=None if kept["export_w"] is None else read_float(kept["export_w"]),
        import_until_at=None if ends["import"] is None else _moment(ends["import"]),
        export_until_at=None if ends["export"] is None else _moment(ends["export"]),
    )


def _dump_moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _restore_slot(kept: Mapping[str, Any]) -> PlanSlot:
    return PlanSlot(
        start_at=_moment(kept["start_at"]),
        end_at=_moment(kept["end_at"]),
        power_w=read_float(kept["power_w"]),
    )


def _moment(stored: object) -> datetime:
    """Return a moment that can be compared with the present."""
    moment = datetime.fromisoformat(read_text(stored))
    if moment.tzinfo is None:
        raise ValueError(stored)
    return moment
