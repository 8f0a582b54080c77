"""Draw who holds an EVSE and until when, and what its plan says next."""

from datetime import datetime

from ..domain.policy import PlanSlot, next_slot
from ..domain.setpoint import ControlOwner
from ..domain.snapshot import LeaseSnapshot
from .records import EvseRecord
from .registry import Registry

NO_END = LeaseSnapshot()


def draw_lease(registry: Registry, record: EvseRecord) -> LeaseSnapshot:
    """Return the lease of whoever controls an EVSE now."""
    match record.setpoint.owner:
        case ControlOwner.AUTOMATION if record.claim is not None:
            claim = record.claim
            return LeaseSnapshot(holder=claim.holder, ends_at=claim.ends_at)
        case ControlOwner.EXTERNAL if record.external is not None:
            return LeaseSnapshot(ends_at=record.external.ends_at)
        case ControlOwner.USER if record.override is not None:
            return LeaseSnapshot(ends_at=record.override.ends_at)
        case ControlOwner.VPP:
            orders = (p.order_for(record.key) for p in registry.programmes.values())
            order = next((one for one in orders if one is not None), None)
            return NO_END if order is None else LeaseSnapshot(ends_at=order.end_at)
        case _:
            return NO_END


def draw_next_slot(record: EvseRecord, now_at: datetime) -> PlanSlot | None:
    """Return the next span of the plan; the same object until it begins."""
    return next_slot(record.plan, now_at) if record.plan else None
