"""What each EVSE could give an event: its records, as the booking sees them."""

from ..control.cycle_budget import cycle_budget_wh
from ..control.event_plan import Pool
from ..control.inputs import EvseInputs
from ..control.limits import charging_power_w, discharge_bound, minimum_power_w
from ..control.ready_by import ChargePath, charge_path
from ..control.soc_estimator import is_capacity_plausible
from ..control.soc_guard import vehicle_floor_percent
from ..domain.dispatch import BindingClass
from ..domain.setpoint import ControlOwner, Reason
from .order_verdict import REFUSAL
from .records import EvseRecord

PASSING = frozenset(
    {
        Reason.AFTER_START,
        Reason.HOST_LATE,
        Reason.METER_STALE,
        Reason.SITE_METER_STALE,
        Reason.GRID_FREQUENCY,
        Reason.ENTER_SERVICE,
        Reason.RESERVE_FLOOR,
        Reason.TRIP_FLOOR,
        Reason.CYCLE_BUDGET,
        Reason.VPP_FLOOR,
        Reason.EVENT_RESERVE,
    }
)
"""Gates that say nothing about later: what passes, and floors, which are booked by."""


def pool_of(record: EvseRecord, evse: EvseInputs, granted_percent: float = 0.0) -> Pool:
    """Return what an EVSE could give an event.

    Args:
        record: of the EVSE, with its last decision.
        evse: its inputs, with no order.
        granted_percent: floor of the programme that asks, where only one does.
    """
    vehicle, policy = evse.vehicle, evse.vehicle_policy
    charge_w = charging_power_w(evse)
    if vehicle is None or policy is None or record.decision is None:
        known = record.session.is_plugged and record.decision is not None
        return Pool(
            key=record.key,
            charge_w=charge_w if known else 0.0,
            minimum_w=minimum_power_w(evse, 1.0),
            blocked_by=BindingClass.VEHICLE,
        )
    soc = record.decision.soc
    bound = discharge_bound(
        evse,
        None,
        owner=ControlOwner.VPP,
        site_bound=None,
        # Nobody knows how warm the plug will be.
        heat_share=1.0,
    )
    own = vehicle_floor_percent(record.session, vehicle.capacity_wh) or 0.0
    return Pool(
        key=record.key,
        discharge_w=bound.power_w,
        charge_w=charge_w,
        minimum_w=minimum_power_w(evse, -1.0),
        blocked_by=_blocked_by(record),
        held_percent=soc.lowest_percent,
        likely_percent=soc.likely_percent,
        capacity_wh=vehicle.capacity_wh,
        max_soc_percent=policy.max_soc_percent,
        floor_percent=max(
            policy.reserve_percent, policy.vpp_reserve_percent, own, granted_percent
        ),
        budget_wh=cycle_budget_wh(policy.cycle_budget_percent, vehicle.capacity_wh),
        cycled_wh=evse.cycled_wh,
        departures=evse.departures,
        path=_path(evse, vehicle.capacity_wh, charge_w),
    )


def _path(evse: EvseInputs, capacity_wh: float, charge_w: float) -> ChargePath | None:
    if not is_capacity_plausible(capacity_wh):
        return None
    limits = evse.limits
    return charge_path(
        capacity_wh=capacity_wh,
        meter_power_w=charge_w,
        rating_w=max(limits.max_charge_power_w, limits.max_discharge_power_w),
        temperature_c=evse.temperature_c,
    )


def _blocked_by(record: EvseRecord) -> BindingClass | None:
    if record.is_stopped_by_owner:
        return BindingClass.USER
    gate = record.decision.dispatch_blocked_by if record.decision else None
    if gate is None or gate in PASSING:
        return None
    _, binding = REFUSAL[gate]
    return binding
