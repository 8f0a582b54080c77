"""From a wish to a setpoint: envelope, dead zone, ramp, trim, limits of the home."""

from collections.abc import Sequence
from dataclasses import replace
from math import copysign

from ..domain.setpoint import ControlOwner, Reason, Setpoint
from ..domain.units import clamp
from .contactor import SwitchWish
from .evse_case import Case, Track
from .fuse import Direction, Rooms
from .limits import least_flow_w, minimum_power_w
from .pid import MAX_GAP_S, TrimInputs, corrected
from .ramp import slew

SAME_POWER_W = 1.0
"""Powers closer than this are the same to any charger."""


_WITHOUT_RAMP = frozenset({ControlOwner.SELF_TEST, ControlOwner.EXTERNAL})
"""The test measures the charger, so the owner's ramp must not shape its step; nor is
there a way to go on where somebody else has it."""


def shape(case: Case, now_mono_s: float) -> Setpoint:
    """Return the setpoint inside the envelope, on its ramp and trimmed."""
    evse, track, lease, envelope = case.evse, case.track, case.lease, case.envelope
    goal_w = envelope.clamp(lease.requested_w)
    limit = envelope.reason_against(lease.requested_w)
    minimum_w = minimum_power_w(evse, lease.requested_w)
    least_w = _least_reference_w(case, minimum_w)
    if 0 < abs(goal_w) < least_w:
        goal_w, limit = 0.0, limit or Reason.MINIMUM_POWER
    if lease.is_economic:
        goal_w, limit = _spared(case, goal_w, limit, now_mono_s)
    case.goal_w = goal_w
    if lease.owner in _WITHOUT_RAMP:
        case.reference_w = power_w = wanted_w = goal_w
        track.trim.reset()
    else:
        _bridge_gap(case, now_mono_s)
        change_w = evse.policy.ramp_w_per_s * _elapsed_s(track, now_mono_s)
        case.reference_w = slew(
            _start_w(case, track.reference_w, goal_w),
            goal_w,
            minimum_w=least_w,
            change_w=change_w,
        )
        wanted_w = _trimmed(case, minimum_w, now_mono_s)
        power_w = slew(
            _start_w(case, track.power_w, wanted_w),
            wanted_w,
            minimum_w=minimum_w,
            change_w=change_w,
        )
    is_on_its_way = max(abs(power_w - wanted_w), abs(case.reference_w - goal_w))
    reason = limit or lease.reason
    if reason is Reason.AS_REQUESTED and track.vehicle.self_limit.is_binding:
        reason = Reason.VEHICLE_LIMIT
    if is_on_its_way > SAME_POWER_W:
        reason = Reason.RAMP
    return Setpoint(
        power_w=power_w,
        requested_w=lease.requested_w,
        owner=lease.owner,
        reason=case.stop or reason,
    )


def _least_reference_w(case: Case, minimum_w: float) -> float:
    """Return the least power that can be followed.

    The reference is what shall flow, the setpoint what the charger is told, and that
    must be within the limits as well.
    """
    requested_w = case.lease.requested_w
    bound = case.envelope.discharge if requested_w < 0 else case.envelope.charge
    if not case.lease.is_tracked or bound.power_w < minimum_w:
        return minimum_w
    return min(minimum_w, least_flow_w(case.evse, requested_w))


def _spared(
    case: Case, goal_w: float, limit: Reason | None, now_mono_s: float
) -> tuple[float, Reason | None]:
    """Return the goal that the contactor may go for now, and what binds it.

    What another owner or mode began is not held: it ended with its word.
    """
    evse, track = case.evse, case.track
    if track.power_w != 0 and track.sparing is not evse.policy.mode:
        return goal_w, limit
    held_w = track.dwell.hold(
        SwitchWish(
            goal_w=goal_w,
            before_w=track.power_w,
            minimum_w=minimum_power_w(evse, track.power_w),
            envelope=case.envelope,
            useful_w=case.lease.useful_w,
            is_budget_spent=evse.is_switching_budget_spent,
        ),
        now_mono_s,
    )
    return (goal_w, limit) if held_w == goal_w else (held_w, Reason.CONTACTOR)


def _start_w(case: Case, previous_w: float, goal_w: float) -> float:
    """Return where the way to a goal begins: what a limit took is gone at once.

    So is what the frequency asks for no more. The other direction is kept, so that the
    way still rests at 0 for a step.
    """
    if previous_w * goal_w < 0:
        return previous_w
    start_w = case.envelope.clamp(previous_w)
    if case.lease.is_by_frequency:
        return clamp(start_w, min(0.0, goal_w), max(0.0, goal_w))
    return start_w


def _trimmed(case: Case, minimum_w: float, now_mono_s: float) -> float:
    """Return the reference with its correction, inside the envelope."""
    track, reference_w = case.track, case.reference_w
    if not case.lease.is_tracked:
        track.trim.reset()
        return reference_w
    if reference_w == 0:
        track.trim.rest()
        return reference_w
    limited = track.limited
    if track.vehicle.self_limit.is_binding:
        # More is not to be had: nothing may wind up until the vehicle takes more.
        track.trim.ease()
        limited = int(copysign(1, reference_w))
    correction_w = track.trim.step(
        TrimInputs(
            owner=case.lease.owner,
            reference_w=reference_w,
            reading=case.power,
            fingerprint=case.evse.fingerprint,
            limited=limited,
        ),
        now_mono_s,
    )
    uncut_w = corrected(reference_w, correction_w, minimum_w)
    power_w = case.envelope.clamp(uncut_w)
    case.limited = 0 if uncut_w == power_w else int(copysign(1, uncut_w - power_w))
    return power_w


def _elapsed_s(track: Track, now_mono_s: float) -> float:
    """Return the time that the ramp may use, 0 across a gap."""
    if track.step_mono_s is None:
        return 0.0
    elapsed_s = max(0.0, now_mono_s - track.step_mono_s)
    return elapsed_s if elapsed_s <= MAX_GAP_S else 0.0


def _bridge_gap(case: Case, now_mono_s: float) -> None:
    """Begin again from what flows when the last step is too long ago.

    The charger may have ended the power by itself meanwhile; a jump back to the last
    setpoint would ignore the ramp.
    """
    track = case.track
    if track.step_mono_s is None or now_mono_s - track.step_mono_s <= MAX_GAP_S:
        return
    flowing_w = case.power.value if case.power else 0.0
    lowest_w, highest_w = min(0.0, track.power_w), max(0.0, track.power_w)
    track.power_w = track.reference_w = clamp(flowing_w, lowest_w, highest_w)


def keep_site_limits(cases: Sequence[Case], rooms: Rooms) -> None:
    """Cut powers to what the home leaves; whoever runs keeps its power."""
    if rooms.are_endless:
        return
    for case in sorted(
        cases, key=lambda case: case.track.power_w * case.setpoint.power_w <= 0
    ):
        asked_w = case.setpoint.power_w
        if asked_w == 0:
            continue
        direction = Direction.CHARGE if asked_w > 0 else Direction.DISCHARGE
        allowed_w = abs(asked_w)
        bound = rooms.bound_below(case.evse.key, direction, allowed_w)
        if bound is not None:
            allowed_w = bound.power_w
            if allowed_w < minimum_power_w(case.evse, asked_w):
                allowed_w = 0.0
            case.goal_w = copysign(allowed_w, asked_w) + 0.0
            case.setpoint = replace(
                case.setpoint, power_w=case.goal_w, reason=bound.reason
            )
        rooms.take(case.evse.key, direction, allowed_w)
