"""The output gate's own look at who asks for a power: is it still asked for?"""

from ..domain.dispatch import CommandKind
from ..domain.faults import FaultCode
from ..domain.measurement import SOC_STALE_AFTER_S, is_fresh
from ..domain.policy import Mode
from ..domain.setpoint import ControlOwner
from .gate_inputs import GateInputs
from .gate_past import PastInputs

_BY_METER = (Mode.SELF_CONSUMPTION, Mode.PEAK_SHAVING)
_CHARGING = (Mode.CHARGE_NOW, Mode.SOLAR, *_BY_METER)
_BY_FREQUENCY = (CommandKind.DROOP, CommandKind.CURVE)
_DISCHARGING = (Mode.DISCHARGE_NOW, *_BY_METER)


def is_asked_for(inputs: GateInputs, now_mono_s: float) -> bool:
    """Return True when the named owner asks for power in this direction now."""
    owner, power_w = inputs.setpoint.owner, inputs.setpoint.power_w
    match owner:
        case ControlOwner.USER:
            is_by_button = inputs.session.is_priority_charging and power_w > 0
            return is_by_button or _is_override_for(inputs, now_mono_s)
        case ControlOwner.TRIP:
            return bool(inputs.departures) and power_w > 0
        case ControlOwner.SELF_TEST:
            return inputs.is_self_test_running and power_w < 0
        case ControlOwner.VPP:
            return not inputs.is_failsafe and _is_order_for(inputs, now_mono_s)
        case _:
            return _is_asked_by_home(inputs, now_mono_s)


def _is_asked_by_home(inputs: GateInputs, now_mono_s: float) -> bool:
    """Return True when the named owner is of the home and wants this direction."""
    power_w = inputs.setpoint.power_w
    match inputs.setpoint.owner:
        case ControlOwner.MODE:
            mode = inputs.policy.mode
            if FaultCode.METERS_CONTRADICT in inputs.session.faults:
                return mode is Mode.CHARGE_NOW and power_w > 0
            return mode in (_CHARGING if power_w > 0 else _DISCHARGING)
        case ControlOwner.PLAN:
            planned_w = inputs.plan_w or 0.0
            return inputs.policy.mode is Mode.PLAN and planned_w * power_w > 0
        case ControlOwner.AUTOMATION:
            return _is_claim_for(inputs, now_mono_s)
        case ControlOwner.GRID:
            # Whether the frequency asks for it is judged among the doubts.
            return inputs.is_supporting and inputs.policy.mode is Mode.OFF
        case _:
            return False


def _is_override_for(inputs: GateInputs, now_mono_s: float) -> bool:
    override = inputs.override
    return (
        override is not None
        and override.key == inputs.session.key
        and now_mono_s < override.ends_mono_s
        and override.power_w * inputs.setpoint.power_w > 0
    )


def _is_claim_for(inputs: GateInputs, now_mono_s: float) -> bool:
    claim = inputs.claim
    return (
        claim is not None
        and claim.key == inputs.session.key
        and now_mono_s < claim.ends_mono_s
        and claim.power_w * inputs.setpoint.power_w > 0
    )


def _is_order_for(inputs: GateInputs, now_mono_s: float) -> bool:
    order = inputs.order
    if order is None or order.resource not in (None, inputs.session.key):
        return False
    if not order.start_mono_s <= now_mono_s < order.ends_mono_s:
        return False
    if order.response is not None:
        # Whether the frequency asks for it is judged among the doubts.
        return order.kind in _BY_FREQUENCY
    is_same_direction = order.power_w * inputs.setpoint.power_w > 0
    if order.kind is CommandKind.LIMIT:
        return is_same_direction and inputs.setpoint.power_w > 0
    return order.kind is CommandKind.SETPOINT and is_same_direction


def past_inputs(inputs: GateInputs, now_mono_s: float) -> PastInputs:
    """Return what the gate remembers this moment by."""
    session, order = inputs.session, inputs.order
    soc = session.measurement.soc_percent
    is_known = is_fresh(soc, now_mono_s, SOC_STALE_AFTER_S)
    override = inputs.override
    is_taken = inputs.is_self_test_running or (
        override is not None and now_mono_s < override.ends_mono_s
    )
    is_ordered = (
        order is not None
        and order.kind in (CommandKind.SETPOINT, *_BY_FREQUENCY)
        and order.resource in (None, session.key)
        and order.start_mono_s <= now_mono_s < order.ends_mono_s
    )
    policy = inputs.vehicle_policy
    return PastInputs(
        visit=session.visit,
        vehicle_id=inputs.vehicle.vehicle_id if inputs.vehicle else None,
        is_failsafe=inputs.is_failsafe,
        is_ordered=is_ordered and not is_taken,
        departures=inputs.departures,
        ceiling_percent=policy.max_soc_percent if policy else 0.0,
        soc_percent=soc.value if is_known and soc is not None else None,
    )
