"""The envelope of an EVSE: the powers that no owner may leave, and what binds them."""

from dataclasses import dataclass
from math import inf

from ..domain.capability import (
    CLOCK_ERROR_S,
    LONGEST_PROMISE_S,
    DischargeDialect,
    EvCapability,
    StationCapability,
    timing_of,
)
from ..domain.setpoint import ControlOwner, Reason
from ..domain.units import clamp
from .failsafe import largest_dispatch_w
from .inputs import EvseInputs
from .pid import CORRECTION_LIMIT_W
from .plant_limits import plant_limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """One side of an envelope."""

    power_w: float
    """Magnitude, >= 0."""

    reason: Reason
    next_reason: Reason | None = None
    """Of the tightest limit but this one; None where nothing may flow at all."""

    next_w: float = inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """The powers that an EVSE may have now; always contains 0."""

    discharge: Bound
    charge: Bound

    @property
    def lowest_w(self) -> float:
        """The largest discharge as a signed power, <= 0."""
        return -self.discharge.power_w

    @property
    def highest_w(self) -> float:
        """The largest charge, >= 0."""
        return self.charge.power_w

    def clamp(self, power_w: float) -> float:
        """Return the power of the envelope that is nearest to ``power_w``."""
        # Adding 0.0 turns the -0.0 of an empty discharge side into 0.0.
        return clamp(power_w, -self.discharge.power_w, self.charge.power_w) + 0.0

    def reason_against(self, power_w: float) -> Reason | None:
        """Return what keeps ``power_w`` out, None when it is inside."""
        if power_w < self.lowest_w:
            return self.discharge.reason
        if power_w > self.highest_w:
            return self.charge.reason
        return None


def charge_bound(
    evse: EvseInputs,
    stop: Reason | None,
    *,
    is_at_maximum: bool,
    unwatched: Reason | None,
    heat_share: float,
    site_bound: Bound | None = None,
) -> Bound:
    """Return how much an EVSE may charge.

    Args:
        evse: the EVSE.
        stop: what forbids power in both directions, None when nothing does.
        is_at_maximum: True when the vehicle is as full as its owner wants.
        unwatched: which meter is silent; then only unattended charging goes on, as
            when nobody watches (control brief, the site). None: all are heard.
        site_bound: what the home leaves, None without a limit.
        heat_share: of the rating that lasts as long as the power is promised, 0..1.
    """
    if stop is not None:
        return Bound(power_w=0.0, reason=stop)
    candidates = _charge_candidates(evse)
    candidates += plant_limits(evse, is_discharge=False, heat_share=heat_share)
    if is_at_maximum:
        candidates.append((Reason.MAX_SOC, 0.0))
    if unwatched is not None:
        candidates.append((unwatched, evse.limits.unattended_charge_w))
    if site_bound is not None:
        candidates.append((site_bound.reason, site_bound.power_w))
    return _tightest(candidates)


def charging_power_w(evse: EvseInputs) -> float:
    """Return what an EVSE may charge with as it is set up, W, whatever holds now."""
    return _tightest(_charge_candidates(evse)).power_w


def discharge_bound(
    evse: EvseInputs,
    block: Reason | None,
    *,
    owner: ControlOwner,
    heat_share: float,
    site_bound: Bound | None,
) -> Bound:
    """Return how much an EVSE may discharge, as a positive magnitude.

    Args:
        evse: the EVSE.
        block: what forbids any discharge, None when nothing does.
        owner: who asks; a dispatch must also be able to end in time without a link.
        site_bound: what the home leaves, None without a limit.
        heat_share: of the rating that lasts as long as the power is promised, 0..1.
    """
    if block is not None:
        return Bound(power_w=0.0, reason=block)
    capability = evse.station.capability or _NOTHING_REPORTED
    needs = evse.session.needs or _NOTHING_SAID
    candidates = [
        (Reason.STATION_LIMIT, evse.limits.max_discharge_power_w),
        (Reason.STATION_LIMIT, _or_unlimited(capability.max_discharge_power_w)),
        (Reason.VEHICLE_LIMIT, _or_unlimited(needs.max_discharge_power_w)),
        (Reason.OWNER_LIMIT, evse.policy.max_discharge_power_w),
    ]
    candidates += plant_limits(evse, is_discharge=True, heat_share=heat_share)
    if site_bound is not None:
        candidates.append((site_bound.reason, site_bound.power_w))
    if owner is not ControlOwner.SELF_TEST:
        # The self-test measures the promise; it cannot depend on it.
        candidates.append((Reason.STATION_LIMIT, _ends_by_itself_in_time_w(evse)))
    if owner is ControlOwner.VPP:
        candidates.append((Reason.STATION_LIMIT, largest_dispatch_w(evse.fingerprint)))
    return _tightest(candidates)


def minimum_power_w(evse: EvseInputs, power_w: float) -> float:
    """Return below what magnitude nothing flows in the direction of ``power_w``, W."""
    needs = evse.session.needs or _NOTHING_SAID
    vehicle_w = needs.min_charge_power_w if power_w > 0 else needs.min_discharge_power_w
    return max(evse.fingerprint.minimum_power_w, vehicle_w or 0.0)


def least_flow_w(evse: EvseInputs, power_w: float) -> float:
    """Return the least that flows in the direction of ``power_w`` at all, W, >= 0.

    A charger that gives less than it is told gives less at its minimum as well: such a
    power can be served, by telling it more.
    """
    needs = evse.session.needs or _NOTHING_SAID
    fingerprint = evse.fingerprint
    if power_w > 0:
        vehicle_w, missing_w = needs.min_charge_power_w, -fingerprint.offset_charge_w
    else:
        vehicle_w = needs.min_discharge_power_w
        missing_w = fingerprint.offset_discharge_w
    # No correction reaches further than this bound.
    missing_w = clamp(missing_w, 0.0, CORRECTION_LIMIT_W)
    return max(fingerprint.minimum_power_w - missing_w, vehicle_w or 0.0)


def _ends_by_itself_in_time_w(evse: EvseInputs) -> float:
    """Return the power whose dead-man promise is still within the longest one.

    Where nothing is promised, no power breaks it: other rules hold for such a charger.
    """
    if evse.proof is not None and not evse.proof.ends_by_itself:
        return inf
    capability = evse.station.capability or _NOTHING_REPORTED
    timing = timing_of(capability, proof=evse.proof)
    left_s = LONGEST_PROMISE_S - (
        timing.validity_s + CLOCK_ERROR_S + evse.fingerprint.dead_time_s
    )
    return left_s * evse.fingerprint.ramp_w_per_s


def _charge_candidates(evse: EvseInputs) -> list[tuple[Reason, float]]:
    capability = evse.station.capability or _NOTHING_REPORTED
    needs = evse.session.needs or _NOTHING_SAID
    return [
        (Reason.STATION_LIMIT, evse.limits.max_charge_power_w),
        (Reason.STATION_LIMIT, _or_unlimited(capability.max_charge_power_w)),
        (Reason.VEHICLE_LIMIT, _or_unlimited(needs.max_charge_power_w)),
        (Reason.OWNER_LIMIT, evse.policy.max_charge_power_w),
    ]


def _tightest(candidates: list[tuple[Reason, float]]) -> Bound:
    """Return the tightest of the limits, and the tightest with another reason."""
    reason, power_w = candidates[0]
    next_reason: Reason | None = None
    next_w = inf
    for other, other_w in candidates:
        if other_w < power_w:
            if other is not reason:
                next_reason, next_w = reason, power_w
            reason, power_w = other, other_w
        elif other_w < next_w and other is not reason:
            next_reason, next_w = other, other_w
    return Bound(
        power_w=max(0.0, power_w),
        reason=reason,
        next_reason=next_reason,
        next_w=next_w,
    )


def _or_unlimited(power_w: float | None) -> float:
    return inf if power_w is None else power_w


_NOTHING_REPORTED = StationCapability(
    protocol="", evse_ids=(), dialect=DischargeDialect.NONE
)
_NOTHING_SAID = EvCapability(is_bidirectional=False)
