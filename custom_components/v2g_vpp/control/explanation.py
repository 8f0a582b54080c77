"""Why an EVSE does what it does, and what one changed knob would make of it.

Nothing is decided here. Gates are those of ``permission``; a counterfactual is a step
of the coordinator itself with one of its inputs changed, which it then forgets.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import floor

from ..domain.explanation import Counterfactual, Explanation, GateLine, Knob
from ..domain.ids import EvseKey
from ..domain.setpoint import ControlOwner, Reason
from ..domain.units import percent_of
from .allocation import SAME_POWER_W
from .discharge import DischargeCoordinator
from .evse_case import ask
from .inputs import EvseInputs, SiteInputs
from .permission import GATES, DischargeQuestion
from .soc_guard import HYSTERESIS_PERCENT

FLOOR_STEP_PERCENT = 5.0
"""A floor is proposed in steps of this size: nobody sets 43.7 %."""

LOWER_BY_PERCENT = 10.0
"""How much lower a floor is asked for that is not reached yet."""


MORE_BUDGET_PERCENT = 5.0
"""How much more of its capacity a day is asked for."""


def explain(
    coordinator: DischargeCoordinator,
    evses: Sequence[EvseInputs],
    site: SiteInputs,
    key: EvseKey,
    now_mono_s: float,
) -> Explanation:
    """Return why an EVSE does what it does; nothing is remembered of the question.

    Args:
        coordinator: that decides for the home.
        evses: all EVSEs of the home, as for a step.
        site: what holds for the whole home.
        key: of the EVSE that is asked about, one of ``evses``.
        now_mono_s: the present.
    """
    site = site.at(now_mono_s)
    rehearsal = coordinator.rehearse(evses, site, now_mono_s)
    case, decision = rehearsal.case(key), rehearsal.decisions[key]
    is_dispatched = case.lease.owner is ControlOwner.VPP
    asker = ControlOwner.VPP if is_dispatched else ControlOwner.MODE
    question = ask(case, site, asker)
    counterfactuals: list[Counterfactual] = []
    for knob, value, turned in _turned(case.evse, case.soc.lowest_percent):
        others = [turned if evse.key == key else evse for evse in evses]
        changed = coordinator.rehearse(others, site, now_mono_s).case(key)
        if abs(changed.goal_w - case.goal_w) >= SAME_POWER_W:
            counterfactuals.append(
                Counterfactual(knob=knob, value=value, power_w=changed.goal_w)
            )
    counterfactuals.sort(key=lambda one: -abs(one.power_w - case.goal_w))
    return Explanation(
        key=key,
        setpoint=case.setpoint,
        runner_up=decision.runner_up,
        gates=gate_lines(question),
        counterfactuals=tuple(counterfactuals),
    )


def gate_lines(question: DischargeQuestion) -> tuple[GateLine, ...]:
    """Return each gate of a discharge, open or shut, in the order of telling."""
    return tuple(
        GateLine(
            reason=reason,
            is_open=not is_shut(question),
            value=_VALUES[reason](question) if reason in _VALUES else None,
            bound=_BOUNDS[reason](question) if reason in _BOUNDS else None,
        )
        for reason, is_shut in GATES
    )


def _soc(question: DischargeQuestion) -> float | None:
    return question.soc.lowest_percent


def _reserve(question: DischargeQuestion) -> float | None:
    policy = question.evse.vehicle_policy
    return policy.reserve_percent if policy is not None else None


def _vpp_floor(question: DischargeQuestion) -> float | None:
    policy, granted = question.evse.vehicle_policy, question.evse.grant
    if policy is None:
        return None
    dispatch = max(policy.vpp_reserve_percent, granted.reserve_percent)
    return max(policy.reserve_percent, dispatch)


def _cycled(question: DischargeQuestion) -> float | None:
    vehicle = question.evse.vehicle
    if vehicle is None or vehicle.capacity_wh <= 0:
        return None
    return percent_of(question.evse.cycled_wh, vehicle.capacity_wh)


def _cycle_budget(question: DischargeQuestion) -> float | None:
    policy = question.evse.vehicle_policy
    return policy.cycle_budget_percent if policy is not None else None


def _meter_age_s(question: DischargeQuestion) -> float | None:
    reading = question.evse.session.measurement.power_w
    return None if reading is None else reading.age_s(question.now_mono_s)


def _dialect(question: DischargeQuestion) -> str | None:
    capability = question.evse.station.capability
    return None if capability is None else capability.dialect.value


def _guarantee(question: DischargeQuestion) -> str | None:
    proof = question.evse.proof
    return None if proof is None else proof.guarantee.value


def _faults(question: DischargeQuestion) -> str | None:
    faults = sorted(fault.value for fault in question.evse.session.faults)
    return ", ".join(faults) or None


_VALUES: Mapping[Reason, Callable[[DischargeQuestion], float | str | None]] = {
    Reason.FAULT: _faults,
    Reason.NO_DIALECT: _dialect,
    Reason.STATION_CLOCK: lambda q: q.evse.station.clock_state.value,
    Reason.METER_STALE: _meter_age_s,
    Reason.SOC_UNKNOWN: _soc,
    Reason.RESERVE_FLOOR: _soc,
    Reason.TRIP_FLOOR: _soc,
    Reason.CYCLE_BUDGET: _cycled,
    Reason.NO_GUARANTEE: _guarantee,
    Reason.VPP_FLOOR: _soc,
    Reason.EVENT_RESERVE: _soc,
}
"""What a gate looks at: percent for charge, floors and budget, seconds for the meter."""

_BOUNDS: Mapping[Reason, Callable[[DischargeQuestion], float | None]] = {
    Reason.RESERVE_FLOOR: _reserve,
    Reason.TRIP_FLOOR: lambda q: q.vehicle.trip.floor_percent,
    Reason.CYCLE_BUDGET: _cycle_budget,
    Reason.VPP_FLOOR: _vpp_floor,
    Reason.EVENT_RESERVE: lambda q: q.evse.kept.percent or None,
}


type Turned = tuple[Knob, float | None, EvseInputs]


def _turned(evse: EvseInputs, held_percent: float | None) -> Iterator[Turned]:
    """Yield each knob with another value, and the inputs that it makes."""
    yield from _turned_outlet(evse)
    if evse.vehicle_policy is not None:
        yield from _turned_vehicle(evse, held_percent)


def _turned_outlet(evse: EvseInputs) -> Iterator[Turned]:
    policy, limits = evse.policy, evse.limits
    if not policy.is_discharge_allowed:
        allowed = replace(policy, is_discharge_allowed=True)
        yield Knob.DISCHARGE_ALLOWED, None, replace(evse, policy=allowed)
    if policy.max_discharge_power_w < limits.max_discharge_power_w:
        most_w = limits.max_discharge_power_w
        more = replace(policy, max_discharge_power_w=most_w)
        yield Knob.MAX_DISCHARGE_POWER, most_w, replace(evse, policy=more)
    if policy.max_charge_power_w < limits.max_charge_power_w:
        most_w = limits.max_charge_power_w
        more = replace(policy, max_charge_power_w=most_w)
        yield Knob.MAX_CHARGE_POWER, most_w, replace(evse, policy=more)


def _turned_vehicle(evse: EvseInputs, held_percent: float | None) -> Iterator[Turned]:
    policy = evse.vehicle_policy
    if policy is None:
        return
    if not policy.is_discharge_allowed:
        allowed = replace(policy, is_discharge_allowed=True)
        yield Knob.VEHICLE_ALLOWED, None, replace(evse, vehicle_policy=allowed)
    if policy.max_soc_percent < _FULL_PERCENT:
        full = replace(policy, max_soc_percent=_FULL_PERCENT)
        yield Knob.MAX_SOC, _FULL_PERCENT, replace(evse, vehicle_policy=full)
    budget = policy.cycle_budget_percent + MORE_BUDGET_PERCENT
    if budget <= _FULL_PERCENT:
        wider = replace(policy, cycle_budget_percent=budget)
        yield Knob.CYCLE_BUDGET, budget, replace(evse, vehicle_policy=wider)
    reserve = _lower_floor(policy.reserve_percent, held_percent)
    if reserve is not None:
        lower = replace(policy, reserve_percent=reserve)
        yield Knob.RESERVE, reserve, replace(evse, vehicle_policy=lower)
    vpp_reserve = _lower_floor(policy.vpp_reserve_percent, held_percent)
    if vpp_reserve is not None:
        lower = replace(policy, vpp_reserve_percent=vpp_reserve)
        yield Knob.VPP_RESERVE, vpp_reserve, replace(evse, vehicle_policy=lower)


def _lower_floor(percent: float, held_percent: float | None) -> float | None:
    """Return a lower floor that leaves something to discharge, None when none does."""
    lower = percent - LOWER_BY_PERCENT
    if held_percent is not None:
        # Discharge that ended at a floor begins again this far above it.
        lower = min(lower, held_percent - HYSTERESIS_PERCENT)
    lower = FLOOR_STEP_PERCENT * floor(lower / FLOOR_STEP_PERCENT)
    return lower if lower >= 0 else None


_FULL_PERCENT = 100.0
