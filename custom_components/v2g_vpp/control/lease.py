"""Who holds the control lease of an EVSE, and what it asks for."""

from dataclasses import dataclass, replace

from ..domain.dispatch import CommandKind, DispatchOrder
from ..domain.policy import METER_MODES, Mode
from ..domain.setpoint import ControlOwner, Reason
from .inputs import EvseInputs, SiteInputs
from .ready_by import NO_TRIP, TripVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The strongest owner and its wish."""

    owner: ControlOwner
    requested_w: float
    reason: Reason = Reason.AS_REQUESTED
    """What to say when nothing else binds."""

    order: DispatchOrder | None = None
    """The order that is followed, when the owner is the aggregator."""

    is_by_meter: bool = False
    """True: the power follows the meter of the grid."""

    is_economic: bool = False
    """Only money is at stake: the contactor need not switch for it at once."""

    useful_w: float = 0.0
    """What of a power that is too small to be asked for would be of use, signed."""

    @property
    def is_by_frequency(self) -> bool:
        """True when the frequency of the grid moves the power."""
        is_ordered = self.order is not None and self.order.response is not None
        return is_ordered or self.owner is ControlOwner.GRID

    @property
    def is_tracked(self) -> bool:
        """True when the power itself was asked for, not "as much as there is"."""
        return (
            self.owner in _EXACT_OWNERS
            or self.is_by_meter
            or (self.order is not None and self.order.kind is CommandKind.SETPOINT)
        )


_EXACT_OWNERS = frozenset(
    {
        ControlOwner.USER,
        ControlOwner.AUTOMATION,
        ControlOwner.PLAN,
        ControlOwner.GRID,
    }
)

OWNERS_AHEAD_OF_DISPATCH = frozenset(
    {
        ControlOwner.USER,
        ControlOwner.EXTERNAL,
        ControlOwner.TRIP,
        ControlOwner.SELF_TEST,
    }
)
"""While one of them holds the lease, a dispatch can get nothing."""


def hold_lease(
    evse: EvseInputs,
    site: SiteInputs,
    now_mono_s: float,
    local: Lease,
    trip: TripVerdict = NO_TRIP,
) -> Lease:
    """Return the lease of an EVSE: user, self-test, dispatch, home, in this order.

    What a trip needs comes before all of them but the user's stop (control brief), and
    somebody who changed the charger beside this home comes before that.

    Args:
        evse: the EVSE.
        site: what holds for the whole home.
        now_mono_s: the present.
        local: of the home itself, which it has when nobody stronger asks.
        trip: of the vehicle.
    """
    user = _user_lease(evse, now_mono_s)
    is_stopped = user is not None and user.requested_w == 0
    held = user if is_stopped else _ahead_of_user(evse, trip) or user
    if held is not None:
        return held
    if evse.self_test_w is not None:
        return Lease(owner=ControlOwner.SELF_TEST, requested_w=evse.self_test_w)
    order, is_failsafe = running_order(evse, now_mono_s), site.is_failsafe_for(evse)
    if order is not None and order.kind is CommandKind.SETPOINT:
        return _follow(order, evse.order_reason, is_failsafe=is_failsafe)
    if order is None or order.kind is not CommandKind.LIMIT or is_failsafe:
        return local
    return _limit(local, order)


def _ahead_of_user(evse: EvseInputs, trip: TripVerdict) -> Lease | None:
    """Return the lease of whoever goes ahead of a power of the user."""
    if evse.is_external:
        # Not even for a trip: what somebody else set is not fought.
        return Lease(
            owner=ControlOwner.EXTERNAL, requested_w=0.0, reason=Reason.EXTERNAL
        )
    if trip.must_charge:
        return Lease(
            owner=ControlOwner.TRIP,
            requested_w=evse.policy.max_charge_power_w,
            reason=Reason.TRIP_FLOOR,
        )
    return None


def _user_lease(evse: EvseInputs, now_mono_s: float) -> Lease | None:
    override = evse.override
    if (
        override is not None
        and override.key == evse.key
        and now_mono_s < override.ends_mono_s
    ):
        if not (evse.session.is_priority_charging and override.power_w < 0):
            return Lease(owner=ControlOwner.USER, requested_w=override.power_w)
    if evse.session.is_priority_charging:
        # The button at the charger is the newest word of a person there.
        return Lease(
            owner=ControlOwner.USER,
            requested_w=evse.policy.max_charge_power_w,
            reason=Reason.PRIORITY_CHARGING,
        )
    return None


def running_order(evse: EvseInputs, now_mono_s: float) -> DispatchOrder | None:
    """Return the order when it is for this EVSE or the whole home and runs now."""
    order = evse.order
    if order is None or order.resource not in (None, evse.key):
        return None
    return order if order.start_mono_s <= now_mono_s < order.ends_mono_s else None


def local_lease(evse: EvseInputs, now_mono_s: float) -> Lease:
    """Return what the home itself wants: another automation, the plan or the mode.

    What a mode wants that follows the meter is not known here: 0 W until it is.
    """
    claim = evse.claim
    if claim is not None and claim.key == evse.key and now_mono_s < claim.ends_mono_s:
        return Lease(owner=ControlOwner.AUTOMATION, requested_w=claim.power_w)
    policy = evse.policy
    if policy.mode in METER_MODES and evse.is_meter_contradicted:
        return Lease(owner=ControlOwner.MODE, requested_w=0.0, reason=Reason.FAULT)
    match policy.mode:
        case Mode.PLAN if evse.plan_w is not None:
            return Lease(
                owner=ControlOwner.PLAN,
                requested_w=evse.plan_w,
                # A plan that says 0 W ends what flows: the output gate asks it too.
                is_economic=evse.opens_at_zero and evse.plan_w != 0,
            )
        case Mode.PLAN:
            wish_w, reason = 0.0, Reason.NO_PLAN
        case Mode.CHARGE_NOW:
            wish_w, reason = policy.max_charge_power_w, Reason.AS_REQUESTED
        case Mode.DISCHARGE_NOW:
            wish_w, reason = -policy.max_discharge_power_w, Reason.AS_REQUESTED
        case Mode.SOLAR | Mode.SELF_CONSUMPTION | Mode.PEAK_SHAVING:
            wish_w, reason = 0.0, Reason.NOTHING_TO_BALANCE
        case Mode.OFF if evse.support_w is not None:
            return Lease(owner=ControlOwner.GRID, requested_w=evse.support_w)
        case _:
            wish_w, reason = 0.0, Reason.MODE_OFF
    return Lease(owner=ControlOwner.MODE, requested_w=wish_w, reason=reason)


def _follow(order: DispatchOrder, reason: Reason, *, is_failsafe: bool) -> Lease:
    if is_failsafe:
        return Lease(
            owner=ControlOwner.VPP,
            requested_w=0.0,
            reason=Reason.FAILSAFE,
            order=order,
        )
    return Lease(
        owner=ControlOwner.VPP, requested_w=order.power_w, reason=reason, order=order
    )


def under_limit(local: Lease) -> Lease:
    """Return what the home wants beside a limit: no contactor holds a power up then."""
    return replace(local, is_economic=False) if local.is_economic else local


def _limit(local: Lease, order: DispatchOrder) -> Lease:
    """Return the home's wish under a limit: it caps charging and forces nothing."""
    highest_w = max(0.0, order.power_w)
    if local.requested_w <= highest_w:
        return under_limit(local)
    return Lease(owner=ControlOwner.VPP, requested_w=highest_w, order=order)
