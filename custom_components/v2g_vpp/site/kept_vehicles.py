"""What the site's document keeps of vehicles beside their knobs."""

from dataclasses import asdict
from datetime import datetime, time
import logging
from math import inf
from typing import Any

from ..control.soc_estimator import SocMemory
from ..control.vehicle_watch import VehicleMemory
from ..domain.ids import VehicleId
from ..domain.policy import VehiclePolicy
from ..domain.units import PERCENT, within
from .records import VehicleRecord
from .stored_values import read_dataclass, read_float, read_mapping, read_text

_LOGGER = logging.getLogger(__name__)

PERCENTAGES = (
    "reserve_percent",
    "vpp_reserve_percent",
    "max_soc_percent",
    "cycle_budget_percent",
    "ready_soc_percent",
    "departure_soc_percent",
)


def checked_wishes(policy: VehiclePolicy) -> VehiclePolicy:
    """Return wishes that are percentages and times.

    Raises:
        ValueError: for one that would let a battery run empty, or that is no time.
    """
    for name in PERCENTAGES:
        within(name, getattr(policy, name), 0.0, PERCENT)
    if time.fromisoformat(policy.ready_by).tzinfo is not None:
        raise ValueError(policy.ready_by)
    at = policy.departure_at
    if at is not None and datetime.fromisoformat(at).tzinfo is None:
        raise ValueError(at)
    return policy


def dump_cycled(record: VehicleRecord, now_mono_s: float) -> list[list[float]]:
    """Return what the last day took out of a battery: ages, s, and energies, Wh."""
    return [[age_s, wh] for age_s, wh in record.cycled.dump(now_mono_s)]


def restore_cycled(record: VehicleRecord, stored: object, now_mono_s: float) -> bool:
    """Bring back what the last day took out of a battery; False: it cannot be read.

    What cannot be read counts as spent: it may have been.
    """
    try:
        # Documents of before the budget have none.
        kept = read_mapping(stored).get("cycled", [])
        spans = [(read_float(age_s), read_float(wh)) for age_s, wh in kept]
    except (TypeError, ValueError) as err:
        _LOGGER.warning(
            "%s: what it gave today cannot be read: %r", record.spec.vehicle_id, err
        )
        record.cycled.add(record.spec.capacity_wh, now_mono_s)
        return False
    record.cycled.restore(spans, now_mono_s)
    return True


def dump_memory(memory: VehicleMemory | None) -> dict[str, Any] | None:
    """Return what is known of a plugged vehicle."""
    return None if memory is None else asdict(memory)


def read_memory(stored: object) -> VehicleMemory | None:
    """Return what was known of the plugged vehicle.

    Raises:
        KeyError, TypeError, ValueError: when it cannot be read.
    """
    if stored is None:
        return None
    kept = read_mapping(stored)
    soc = read_dataclass(SocMemory, kept["soc"])
    _known("lower_percent", soc.lower_percent, PERCENT)
    _known("upper_percent", soc.upper_percent, PERCENT)
    _known("charged_wh", soc.charged_wh, inf)
    return VehicleMemory(
        vehicle_id=VehicleId(read_text(kept["vehicle_id"])),
        soc=soc,
        owed_percent=_known("owed_percent", kept["owed_percent"], PERCENT),
        taken_w=_known("taken_w", kept["taken_w"], inf),
    )


def _known(name: str, stored: object, highest: float) -> float | None:
    """Return a number of at least 0, None for what was not known.

    Raises:
        TypeError, ValueError: for anything else.
    """
    return None if stored is None else within(name, read_float(stored), 0.0, highest)
