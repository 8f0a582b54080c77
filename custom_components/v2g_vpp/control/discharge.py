"""The discharge coordinator: where limits, leases, shares, trim and ramp meet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import copysign, inf

from ..domain.dispatch import CommandKind
from ..domain.ids import EvseKey
from ..domain.setpoint import ControlOwner, Reason, Setpoint
from ..domain.units import clamp
from .allocation import Follower, allocate
from .inputs import EvseDecision, EvseInputs, SiteInputs
from .lease import Lease, hold_lease, mode_lease, running_order
from .limits import Bound, Envelope, charge_bound, discharge_bound, minimum_power_w
from .permission import DischargeQuestion, first_block, first_stop
from .pid import MAX_GAP_S, Trim, TrimInputs, corrected
from .ramp import slew
from .soc_guard import SocGuard, SocVerdict

__all__ = ["DischargeCoordinator", "EvseDecision", "EvseInputs", "SiteInputs"]

SAME_POWER_W = 1.0
"""Powers closer than this are the same to any charger."""


@dataclass(slots=True)
class _Track:
    """What is remembered of one EVSE between two steps."""

    soc: SocGuard = field(default_factory=SocGuard)
    trim: Trim = field(default_factory=Trim)
    step_mono_s: float | None = None
    reference_w: float = 0.0
    power_w: float = 0.0
    limited: int = 0
    was_dispatched: bool = False
    is_released: bool = False
    """A lost link ended its dispatch: no discharge of its own until the link is back."""


@dataclass(slots=True)
class _Case:
    """One EVSE within one step."""

    evse: EvseInputs
    track: _Track
    lease: Lease
    stop: Reason | None
    soc: SocVerdict
    envelope: Envelope
    setpoint: Setpoint
    reference_w: float = 0.0
    limited: int = 0


class DischargeCoordinator:
    """Decide the power of every EVSE of a home, once per tick and on every event."""

    def __init__(self) -> None:
        """Start with no EVSE known; each one starts at 0 W."""
        self._tracks: dict[EvseKey, _Track] = {}

    def forget(self, key: EvseKey) -> None:
        """Forget an EVSE that is no more."""
        self._tracks.pop(key, None)

    def step(
        self, evses: Sequence[EvseInputs], site: SiteInputs, now_mono_s: float
    ) -> Mapping[EvseKey, EvseDecision]:
        """Return what each EVSE shall do now.

        Args:
            evses: one item per EVSE, in any order; may be empty.
            site: what holds for the whole home.
            now_mono_s: the present; a step back in time moves no ramp forward.
        """
        cases = [
            self._open_case(evse, site, now_mono_s)
            for evse in sorted(evses, key=lambda evse: evse.key)
        ]
        _share_home_orders(cases, site, now_mono_s)
        for case in cases:
            case.envelope = _envelope(case, site, case.lease.owner, now_mono_s)
            case.setpoint = _shape(case, now_mono_s)
        _keep_export_limit(cases, site.export_limit_w)
        left_w = inf if site.export_limit_w is None else site.export_limit_w
        decisions: dict[EvseKey, EvseDecision] = {}
        for case in cases:
            _remember(case, now_mono_s)
            decision = _decide(case, site, left_w, now_mono_s)
            left_w -= decision.available_discharge_w
            decisions[case.evse.key] = decision
        return decisions

    def _open_case(
        self, evse: EvseInputs, site: SiteInputs, now_mono_s: float
    ) -> _Case:
        track = self._tracks.setdefault(evse.key, _Track())
        lease = hold_lease(evse, site, now_mono_s)
        track.is_released = site.is_failsafe and (
            track.is_released or track.was_dispatched
        )
        track.was_dispatched = lease.owner is ControlOwner.VPP
        soc = track.soc.step(
            evse.session.measurement.soc_percent,
            evse.vehicle,
            evse.vehicle_policy,
            max_power_w=evse.limits.max_discharge_power_w,
            now_mono_s=now_mono_s,
        )
        return _Case(
            evse=evse,
            track=track,
            lease=lease,
            stop=first_stop(evse),
            soc=soc,
            envelope=_EMPTY,
            setpoint=_AT_REST,
        )


def _block(
    case: _Case, site: SiteInputs, owner: ControlOwner, now_mono_s: float
) -> Reason | None:
    return first_block(
        DischargeQuestion(
            evse=case.evse, site=site, owner=owner, soc=case.soc, now_mono_s=now_mono_s
        )
    )


def _envelope(
    case: _Case, site: SiteInputs, owner: ControlOwner, now_mono_s: float
) -> Envelope:
    """Return the envelope of an EVSE for an owner, whoever holds the lease."""
    block = _block(case, site, owner, now_mono_s)
    if block is None and case.track.is_released and owner is ControlOwner.MODE:
        block = Reason.FAILSAFE
    return Envelope(
        discharge=discharge_bound(
            case.evse, block, owner=owner, export_limit_w=site.export_limit_w
        ),
        charge=charge_bound(
            case.evse,
            case.stop,
            is_at_maximum=case.soc.is_at_maximum,
            is_meter_fresh=case.evse.fresh_power(now_mono_s) is not None,
        ),
    )


def _share_home_orders(
    cases: Sequence[_Case], site: SiteInputs, now_mono_s: float
) -> None:
    """Share what is asked of the whole home among the EVSEs that can serve it."""
    groups: dict[str, list[_Case]] = {}
    for case in cases:
        order = running_order(case.evse, now_mono_s)
        is_owner = case.lease.owner in (ControlOwner.VPP, ControlOwner.MODE)
        if order is not None and order.resource is None and is_owner:
            groups.setdefault(order.order_id, []).append(case)
    for group in groups.values():
        # One EVSE takes the order whole: what it cannot serve is then named by its
        # own limits.
        if len(group) > 1 and not site.is_failsafe:
            _share_home_order(group, site, now_mono_s)


def _share_home_order(
    group: Sequence[_Case], site: SiteInputs, now_mono_s: float
) -> None:
    order = running_order(group[0].evse, now_mono_s)
    if order is None or order.kind is CommandKind.RELEASE:
        return
    is_limit = order.kind is CommandKind.LIMIT
    power_w = max(0.0, order.power_w) if is_limit else order.power_w
    if power_w < 0 and site.export_limit_w is not None:
        power_w = max(power_w, -site.export_limit_w)
    followers: list[Follower] = []
    for case in group:
        envelope = _envelope(case, site, ControlOwner.VPP, now_mono_s)
        wish_w = mode_lease(case.evse).requested_w if is_limit else power_w
        maximum_w = abs(envelope.clamp(wish_w)) if wish_w * power_w > 0 else 0.0
        followers.append(
            Follower(
                key=case.evse.key,
                minimum_w=minimum_power_w(case.evse, power_w),
                maximum_w=maximum_w,
                is_running=case.track.power_w * power_w > 0,
            )
        )
    shares = allocate(power_w, followers)
    for case in group:
        share_w = shares[case.evse.key]
        wish_w = mode_lease(case.evse).requested_w
        if is_limit and wish_w <= share_w:
            case.lease = mode_lease(case.evse)
            continue
        envelope = _envelope(case, site, ControlOwner.VPP, now_mono_s)
        refused = envelope.reason_against(power_w) if share_w == 0 else None
        case.lease = Lease(
            owner=ControlOwner.VPP,
            requested_w=share_w,
            reason=refused or Reason.AS_REQUESTED,
            order=order,
        )


def _shape(case: _Case, now_mono_s: float) -> Setpoint:
    """Return the setpoint inside the envelope, on its ramp and trimmed."""
    evse, track, lease, envelope = case.evse, case.track, case.lease, case.envelope
    goal_w = envelope.clamp(lease.requested_w)
    limit = envelope.reason_against(lease.requested_w)
    minimum_w = minimum_power_w(evse, lease.requested_w)
    if 0 < abs(goal_w) < minimum_w:
        goal_w, limit = 0.0, limit or Reason.MINIMUM_POWER
    if lease.owner is ControlOwner.SELF_TEST:
        # The test measures the charger, so the owner's ramp must not shape its step.
        case.reference_w = power_w = wanted_w = goal_w
        track.trim.reset()
    else:
        _bridge_gap(case, now_mono_s)
        change_w = evse.policy.ramp_w_per_s * _elapsed_s(track, now_mono_s)
        case.reference_w = slew(
            envelope.clamp(track.reference_w),
            goal_w,
            minimum_w=minimum_w,
            change_w=change_w,
        )
        wanted_w = _trimmed(case, minimum_w, now_mono_s)
        power_w = slew(
            envelope.clamp(track.power_w),
            wanted_w,
            minimum_w=minimum_w,
            change_w=change_w,
        )
    is_on_its_way = max(abs(power_w - wanted_w), abs(case.reference_w - goal_w))
    reason = limit or lease.reason
    if is_on_its_way > SAME_POWER_W:
        reason = Reason.RAMP
    return Setpoint(
        power_w=power_w,
        requested_w=lease.requested_w,
        owner=lease.owner,
        reason=case.stop or reason,
    )


def _trimmed(case: _Case, minimum_w: float, now_mono_s: float) -> float:
    """Return the reference with its correction, inside the envelope."""
    track, reference_w = case.track, case.reference_w
    if reference_w == 0 or not case.lease.is_tracked:
        track.trim.reset()
        return reference_w
    correction_w = track.trim.step(
        TrimInputs(
            owner=case.lease.owner,
            reference_w=reference_w,
            reading=case.evse.fresh_power(now_mono_s),
            fingerprint=case.evse.fingerprint,
            limited=track.limited,
        ),
        now_mono_s,
    )
    uncut_w = corrected(reference_w, correction_w, minimum_w)
    power_w = case.envelope.clamp(uncut_w)
    case.limited = 0 if uncut_w == power_w else int(copysign(1, uncut_w - power_w))
    return power_w


def _elapsed_s(track: _Track, now_mono_s: float) -> float:
    if track.step_mono_s is None:
        return 0.0
    return clamp(now_mono_s - track.step_mono_s, 0.0, MAX_GAP_S)


def _bridge_gap(case: _Case, now_mono_s: float) -> None:
    """Begin again from what flows when the last step is too long ago.

    The charger may have ended the power by itself meanwhile; a jump back to the last
    setpoint would ignore the ramp.
    """
    track = case.track
    if track.step_mono_s is None or now_mono_s - track.step_mono_s <= MAX_GAP_S:
        return
    reading = case.evse.fresh_power(now_mono_s)
    flowing_w = reading.value if reading else 0.0
    lowest_w, highest_w = min(0.0, track.power_w), max(0.0, track.power_w)
    track.power_w = track.reference_w = clamp(flowing_w, lowest_w, highest_w)


def _keep_export_limit(cases: Sequence[_Case], export_limit_w: float | None) -> None:
    """Cut discharge to what the home may feed in; whoever runs keeps its power."""
    if export_limit_w is None:
        return
    left_w = export_limit_w
    for case in sorted(cases, key=lambda case: case.track.power_w >= 0):
        asked_w = -case.setpoint.power_w
        if asked_w <= 0:
            continue
        allowed_w = min(asked_w, left_w)
        if allowed_w < minimum_power_w(case.evse, -asked_w):
            allowed_w = 0.0
        left_w -= allowed_w
        if allowed_w < asked_w:
            case.setpoint = replace(
                case.setpoint, power_w=0.0 - allowed_w, reason=Reason.EXPORT_LIMIT
            )


def _remember(case: _Case, now_mono_s: float) -> None:
    track, power_w = case.track, case.setpoint.power_w
    track.step_mono_s = now_mono_s
    track.power_w = power_w
    track.reference_w = case.reference_w if power_w != 0 else 0.0
    track.limited = case.limited


def _decide(
    case: _Case, site: SiteInputs, left_w: float, now_mono_s: float
) -> EvseDecision:
    is_dispatched = case.lease.owner is ControlOwner.VPP
    asker = ControlOwner.VPP if is_dispatched else ControlOwner.MODE
    offer = _envelope(case, site, ControlOwner.VPP, now_mono_s)
    charge_w, discharge_w = offer.highest_w, min(left_w, -offer.lowest_w)
    is_taken = case.lease.owner in (ControlOwner.USER, ControlOwner.SELF_TEST)
    if is_taken or charge_w < minimum_power_w(case.evse, charge_w):
        charge_w = 0.0
    if is_taken or discharge_w < minimum_power_w(case.evse, -discharge_w):
        discharge_w = 0.0
    return EvseDecision(
        setpoint=case.setpoint,
        discharge_blocked_by=_block(case, site, asker, now_mono_s),
        available_charge_w=charge_w,
        available_discharge_w=discharge_w,
    )


_EMPTY = Envelope(
    discharge=Bound(power_w=0.0, reason=Reason.NOTHING_REQUESTED),
    charge=Bound(power_w=0.0, reason=Reason.NOTHING_REQUESTED),
)
_AT_REST = Setpoint(
    power_w=0.0,
    requested_w=0.0,
    owner=ControlOwner.NONE,
    reason=Reason.NOTHING_REQUESTED,
)
