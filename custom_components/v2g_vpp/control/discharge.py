"""The discharge coordinator: where limits, leases, shares, trim and ramp meet."""

from collections.abc import Mapping, Sequence
from math import inf

from ..domain.ids import EvseKey
from ..domain.setpoint import ControlOwner
from .evse_case import Case, Track, envelope_for, find_block
from .home_order import share_home_orders
from .inputs import EvseDecision, EvseInputs, SiteInputs
from .lease import hold_lease, running_order
from .limits import minimum_power_w
from .permission import first_stop
from .shaping import keep_export_limit, shape


class DischargeCoordinator:
    """Decide the power of every EVSE of a home, once per tick and on every event."""

    def __init__(self) -> None:
        """Start with no EVSE known; each one starts at 0 W."""
        self._tracks: dict[EvseKey, Track] = {}

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
        share_home_orders(cases, site)
        for case in cases:
            owner = case.lease.owner
            case.envelope = (
                case.offer
                if owner is ControlOwner.VPP
                else envelope_for(case, site, owner, now_mono_s)
            )
            case.setpoint = shape(case, now_mono_s)
        keep_export_limit(cases, site.export_limit_w)
        left_w = inf if site.export_limit_w is None else site.export_limit_w
        decisions: dict[EvseKey, EvseDecision] = {}
        for case in cases:
            _remember(case, now_mono_s)
            decision = _decide(case, site, left_w, now_mono_s)
            left_w -= decision.available_discharge_w
            decisions[case.evse.key] = decision
        return decisions

    def _open_case(self, evse: EvseInputs, site: SiteInputs, now_mono_s: float) -> Case:
        track = self._tracks.setdefault(evse.key, Track())
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
        case = Case(
            evse=evse,
            track=track,
            lease=lease,
            order=running_order(evse, now_mono_s),
            stop=first_stop(evse),
            soc=soc,
        )
        case.offer = envelope_for(case, site, ControlOwner.VPP, now_mono_s)
        return case


def _remember(case: Case, now_mono_s: float) -> None:
    track, power_w = case.track, case.setpoint.power_w
    track.step_mono_s = now_mono_s
    track.power_w = power_w
    track.reference_w = case.reference_w if power_w != 0 else 0.0
    track.limited = case.limited


def _decide(
    case: Case, site: SiteInputs, left_w: float, now_mono_s: float
) -> EvseDecision:
    is_dispatched = case.lease.owner is ControlOwner.VPP
    asker = ControlOwner.VPP if is_dispatched else ControlOwner.MODE
    charge_w = case.offer.highest_w
    discharge_w = min(left_w, -case.offer.lowest_w)
    is_taken = case.lease.owner in (ControlOwner.USER, ControlOwner.SELF_TEST)
    if is_taken or charge_w < minimum_power_w(case.evse, charge_w):
        charge_w = 0.0
    if is_taken or discharge_w < minimum_power_w(case.evse, -discharge_w):
        discharge_w = 0.0
    return EvseDecision(
        setpoint=case.setpoint,
        discharge_blocked_by=find_block(case, site, asker, now_mono_s),
        available_charge_w=charge_w,
        available_discharge_w=discharge_w,
    )
