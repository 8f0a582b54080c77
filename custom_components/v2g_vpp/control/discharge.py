"""The discharge coordinator: where limits, leases, shares, trim and ramp meet."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace

from ..domain.dispatch import CommandKind
from ..domain.ids import EvseKey
from ..domain.setpoint import ControlOwner, Reason
from ..domain.state import flow_threshold_w
from .evse_case import (
    Case,
    Track,
    envelope_for,
    find_block,
    hope_for,
    promise_for,
)
from .external import reason_of_external, rooms_beside_external
from .frequency_support import FrequencySupport, followed_w
from .fuse import Direction, Rooms
from .home_balance import HomeBalance
from .home_order import share_home_orders
from .inputs import EvseDecision, EvseInputs, SiteInputs
from .lease import (
    OWNERS_AHEAD_OF_DISPATCH,
    hold_lease,
    local_lease,
    running_order,
)
from .limits import Envelope, minimum_power_w
from .permission import first_stop
from .plant_limits import carried_w
from .runner_up import runner_up
from .self_limit import SelfLimitInputs
from .shaping import keep_site_limits, shape
from .thermal import PROMISE_S
from .vehicle_watch import VehicleMemory, VehicleVerdict, VehicleWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step decided, and from what."""

    cases: Sequence[Case]
    decisions: Mapping[EvseKey, EvseDecision]

    def case(self, key: EvseKey) -> Case:
        """Return the case of an EVSE that was among the inputs."""
        return next(case for case in self.cases if case.evse.key == key)


class DischargeCoordinator:
    """Decide the power of every EVSE of a home, once per tick and on every event."""

    def __init__(self) -> None:
        """Start with no EVSE known; each one starts at 0 W."""
        self._tracks: dict[EvseKey, Track] = {}
        self._home = HomeBalance()
        self._support = FrequencySupport()

    def forget(self, key: EvseKey) -> None:
        """Forget an EVSE that is no more."""
        self._tracks.pop(key, None)
        self._support.forget(key)

    def rehearse(
        self, evses: Sequence[EvseInputs], site: SiteInputs, now_mono_s: float
    ) -> StepResult:
        """Return what a step would decide; nothing is remembered of it."""
        return deepcopy(self).run(evses, site, now_mono_s)

    def memory_of(self, key: EvseKey) -> VehicleMemory | None:
        """Return what must survive a restart of the vehicle at an EVSE."""
        track = self._tracks.get(key)
        return None if track is None else track.vehicle.memory

    def recall(self, key: EvseKey, memory: VehicleMemory | None) -> None:
        """Go on with what was kept of the vehicle that is still plugged."""
        self._tracks[key] = Track(vehicle=VehicleWatch(memory))

    def fork(self, key: EvseKey) -> DischargeCoordinator:
        """Return one that knows the vehicle at an EVSE and nothing else.

        What it is asked leaves no trace here.
        """
        other = DischargeCoordinator()
        if key in self._tracks:
            other._tracks[key] = Track(vehicle=self._tracks[key].vehicle.fork())
        return other

    def step(
        self, evses: Sequence[EvseInputs], site: SiteInputs, now_mono_s: float
    ) -> Mapping[EvseKey, EvseDecision]:
        """Return what each EVSE shall do now.

        Args:
            evses: one item per EVSE, in any order; may be empty.
            site: what holds for the whole home.
            now_mono_s: the present; a step back in time moves no ramp forward.
        """
        return self.run(evses, site, now_mono_s).decisions

    def run(
        self, evses: Sequence[EvseInputs], site: SiteInputs, now_mono_s: float
    ) -> StepResult:
        """Step, and return also from what it was decided.

        One matter at a time for all EVSEs, not one EVSE after the other: the processor
        then keeps the code of each matter at hand. That saves a quarter of a step of a
        large site, and a tenth of a step of a home.
        """
        site = site.at(now_mono_s)
        evses = sorted(evses, key=lambda evse: evse.key)
        evses = self._support.resolve(evses, site, now_mono_s)
        told_w = {key: track.power_w for key, track in self._tracks.items()}
        followed = self._follow_vehicles(evses, site, now_mono_s)
        hurried = {
            evse.key
            for evse, (_, vehicle) in zip(evses, followed, strict=True)
            if vehicle.trip.must_charge
        }
        view = self._home.look(evses, site, now_mono_s, told_w, hurried)
        rooms = rooms_beside_external(view.limits, evses, now_mono_s)
        cases = _open_cases(evses, followed, site, rooms, now_mono_s)
        self._home.ask(cases, site, view, now_mono_s)
        for case in cases:
            _hand_lease(case, site, now_mono_s)
        for case in cases:
            _watch_self_limit(case, now_mono_s)
        share_home_orders(cases, site, view.limits, now_mono_s)
        for case in cases:
            owner = case.lease.owner
            is_offer_true = owner is ControlOwner.VPP and not case.is_startable
            case.envelope = (
                case.offer if is_offer_true else envelope_for(case, site, owner)
            )
        for case in cases:
            case.setpoint = shape(case, now_mono_s)
        keep_site_limits(cases, rooms_beside_external(view.limits, evses, now_mono_s))
        decisions = _conclude(cases, site, rooms, now_mono_s)
        return StepResult(cases=cases, decisions=decisions)

    def _follow_vehicles(
        self, evses: Sequence[EvseInputs], site: SiteInputs, now_mono_s: float
    ) -> list[tuple[Track, VehicleVerdict]]:
        tracks = [self._track(evse, site) for evse in evses]
        return [
            (track, track.vehicle.step(evse, track.power_w, now_mono_s))
            for evse, track in zip(evses, tracks, strict=True)
        ]

    def _track(self, evse: EvseInputs, site: SiteInputs) -> Track:
        track = self._tracks.get(evse.key)
        if track is None:
            track = self._tracks[evse.key] = Track()
        is_lost = site.is_failsafe_for(evse) or evse.is_lost_upon
        track.is_released = is_lost and (track.is_released or track.was_dispatched)
        return track


def _open_cases(
    evses: Sequence[EvseInputs],
    followed: Sequence[tuple[Track, VehicleVerdict]],
    site: SiteInputs,
    rooms: Rooms,
    now_mono_s: float,
) -> list[Case]:
    lost_stop = _lost_stop(site)
    wishes = [local_lease(evse, now_mono_s) for evse in evses]
    cases = [
        Case(
            now_mono_s=now_mono_s,
            evse=evse,
            track=track,
            lease=local,
            local=local,
            power=evse.fresh_power(now_mono_s),
            charge_room=rooms.bound(evse.key, Direction.CHARGE),
            discharge_room=rooms.bound(evse.key, Direction.DISCHARGE),
            order=running_order(evse, now_mono_s),
            stop=first_stop(evse) or lost_stop,
            vehicle=vehicle,
        )
        for evse, (track, vehicle), local in zip(evses, followed, wishes, strict=True)
    ]
    for case in cases:
        threshold_w = flow_threshold_w(case.evse.limits.rating_w)
        threshold_w += abs(case.evse.fingerprint.offset_zero_w)
        case.track.spell.look(case.power, threshold_w, now_mono_s)
        case.offer = promise_for(case, site, ControlOwner.VPP)
    return cases


def _hand_lease(case: Case, site: SiteInputs, now_mono_s: float) -> None:
    case.lease = hold_lease(case.evse, site, now_mono_s, case.local, case.vehicle.trip)
    if case.lease.owner is ControlOwner.EXTERNAL:
        case.lease = replace(case.lease, reason=reason_of_external(case, site))
    case.track.was_dispatched = case.lease.owner is ControlOwner.VPP


def _watch_self_limit(case: Case, now_mono_s: float) -> None:
    track = case.track
    track.vehicle.self_limit.step(
        SelfLimitInputs(
            reference_w=track.reference_w,
            told_w=track.power_w,
            reading=case.power,
            fingerprint=case.evse.fingerprint,
            is_tracked=case.lease.is_tracked,
            is_tapering=case.vehicle.is_tapering,
        ),
        now_mono_s,
    )


def _conclude(
    cases: Sequence[Case], site: SiteInputs, rooms: Rooms, now_mono_s: float
) -> Mapping[EvseKey, EvseDecision]:
    decisions: dict[EvseKey, EvseDecision] = {}
    for case in cases:
        _remember(case, now_mono_s)
    for case in cases:
        decisions[case.evse.key] = _decide(case, site, rooms, now_mono_s)
    return decisions


def _remember(case: Case, now_mono_s: float) -> None:
    track, power_w = case.track, case.setpoint.power_w
    track.dwell.note(power_w, now_mono_s)
    track.spell.note(power_w, now_mono_s)
    track.sparing = case.evse.policy.mode if case.lease.is_economic else None
    track.step_mono_s = now_mono_s
    track.power_w = power_w
    track.reference_w = case.reference_w if power_w != 0 else 0.0
    track.limited = case.limited


def _lost_stop(site: SiteInputs) -> Reason | None:
    """Return what stops an EVSE of which nobody knows whether it was stopped.

    After an emergency stop nothing falls back to charging (control brief).
    """
    return None if site.is_store_readable else Reason.STORE_UNREADABLE


def _decide(
    case: Case, site: SiteInputs, rooms: Rooms, now_mono_s: float
) -> EvseDecision:
    key = case.evse.key
    is_dispatched = case.lease.owner is ControlOwner.VPP
    asker = ControlOwner.VPP if is_dispatched else ControlOwner.MODE
    order = case.lease.order
    is_ordered = order is not None and order.kind is CommandKind.SETPOINT
    # The setpoint still asks for more, so that it is seen when the vehicle takes more.
    own = case.track.vehicle.self_limit
    # Nobody knows yet how long the next order lasts.
    lasting_w = case.evse.heat.lasting_share(PROMISE_S) * carried_w(case.evse)
    charge_w = min(
        lasting_w,
        own.most_w(1),
        case.offer.highest_w,
        rooms.left_w(key, Direction.CHARGE),
    )
    discharge_w = min(
        lasting_w,
        own.most_w(-1),
        -case.offer.lowest_w,
        rooms.left_w(key, Direction.DISCHARGE),
    )
    could_flow = case.is_startable and _could_flow(case, site)
    is_taken = case.lease.owner in OWNERS_AHEAD_OF_DISPATCH
    if is_taken or charge_w < minimum_power_w(case.evse, charge_w):
        charge_w = 0.0
    if is_taken or discharge_w < minimum_power_w(case.evse, -discharge_w):
        discharge_w = 0.0
    rooms.take(key, Direction.CHARGE, charge_w)
    rooms.take(key, Direction.DISCHARGE, discharge_w)
    return EvseDecision(
        setpoint=case.setpoint,
        discharge_blocked_by=find_block(case, site, asker),
        available_charge_w=charge_w,
        available_discharge_w=discharge_w,
        dispatch_blocked_by=find_block(
            case,
            site,
            ControlOwner.VPP,
            is_before_start=case.is_startable,
        ),
        wants_transaction=could_flow,
        wants_to_be_told=not could_flow and case.is_startable and _may_be(case, site),
        runner_up=runner_up(case, site),
        committed_w=case.offer.clamp(case.lease.requested_w) if is_ordered else 0.0,
        followed_w=followed_w(case.order),
        soc=case.vehicle.estimate,
        trip=case.vehicle.trip,
        outlook=case.track.vehicle.outlook(
            case.evse, case.vehicle.trip, case.offer.highest_w, now_mono_s
        ),
    )


def _could_flow(case: Case, site: SiteInputs) -> bool:
    """Return True when a transaction would let the owner of the lease have power."""
    promise = promise_for(case, site, case.lease.owner)
    return _has_wish_in(promise, case)


def _may_be(case: Case, site: SiteInputs) -> bool:
    """Return True when it would, were all well that only a transaction tells."""
    hope = hope_for(case, site, case.lease.owner)
    return hope is not None and _has_wish_in(hope, case)


def _has_wish_in(envelope: Envelope, case: Case) -> bool:
    wanted_w = case.lease.requested_w
    could_w = envelope.clamp(wanted_w)
    return could_w != 0 and abs(could_w) >= minimum_power_w(case.evse, wanted_w)
