"""Who holds the control lease of an EVSE, and what it asks for."""

from dataclasses import dataclass

from ..domain.dispatch import CommandKind, DispatchOrder
from ..domain.policy import Mode
from ..domain.setpoint import ControlOwner, Reason
from .inputs import EvseInputs, SiteInputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The strongest owner and its wish."""

    owner: ControlOwner
    requested_w: float
    reason: Reason = Reason.AS_REQUESTED
    """What to say when nothing else binds."""

    order: DispatchOrder | None = None
    """The order that is followed, when the owner is the aggregator."""

    @property
    def is_tracked(self) -> bool:
        """True when the power itself was asked for, not "as much as there is"."""
        return self.owner is ControlOwner.USER or (
            self.order is not None and self.order.kind is CommandKind.SETPOINT
        )


def hold_lease(evse: EvseInputs, site: SiteInputs, now_mono_s: float) -> Lease:
    """Return the lease of an EVSE: user, self-test, dispatch, mode, in this order."""
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
    if evse.self_test_w is not None:
        return Lease(owner=ControlOwner.SELF_TEST, requested_w=evse.self_test_w)
    order = running_order(evse, now_mono_s)
    if order is not None and order.kind is CommandKind.SETPOINT:
        return _follow(order, site)
    mode = mode_lease(evse)
    if order is None or order.kind is CommandKind.RELEASE or site.is_failsafe:
        return mode
    return _limit(mode, order)


def running_order(evse: EvseInputs, now_mono_s: float) -> DispatchOrder | None:
    """Return the order when it is for this EVSE or the whole home and runs now."""
    order = evse.order
    if order is None or order.resource not in (None, evse.key):
        return None
    return order if order.start_mono_s <= now_mono_s < order.ends_mono_s else None


def mode_lease(evse: EvseInputs) -> Lease:
    """Return what the EVSE does when nobody else holds the lease."""
    policy = evse.policy
    wish_w = {
        Mode.OFF: 0.0,
        Mode.CHARGE_NOW: policy.max_charge_power_w,
        Mode.DISCHARGE_NOW: -policy.max_discharge_power_w,
    }[policy.mode]
    is_off = policy.mode is Mode.OFF
    return Lease(
        owner=ControlOwner.MODE,
        requested_w=wish_w,
        reason=Reason.MODE_OFF if is_off else Reason.AS_REQUESTED,
    )


def _follow(order: DispatchOrder, site: SiteInputs) -> Lease:
    if site.is_failsafe:
        return Lease(
            owner=ControlOwner.VPP,
            requested_w=0.0,
            reason=Reason.FAILSAFE,
            order=order,
        )
    return Lease(owner=ControlOwner.VPP, requested_w=order.power_w, order=order)


def _limit(mode: Lease, order: DispatchOrder) -> Lease:
    """Return the mode's wish under a limit: it caps charging and forces nothing."""
    highest_w = max(0.0, order.power_w)
    if mode.requested_w <= highest_w:
        return mode
    return Lease(owner=ControlOwner.VPP, requested_w=highest_w, order=order)
