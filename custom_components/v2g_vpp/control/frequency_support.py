"""Orders that follow the frequency become setpoints, anew in each step."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import inf

from ..domain.dispatch import CommandKind, DispatchOrder
from ..domain.ids import EvseKey
from ..domain.policy import Mode
from ..domain.setpoint import Reason
from .droop import (
    SILENT,
    Followed,
    FrequencyFollower,
    is_followable,
    profile_droop,
)
from .inputs import EvseInputs, SiteInputs

FORGOTTEN_AFTER_S = 60.0
"""An order that nobody named for this long is over."""


@dataclass(slots=True)
class _Course:
    """One order between two steps."""

    follower: FrequencyFollower = field(default_factory=FrequencyFollower)
    step_mono_s: float = -inf


class FrequencySupport:
    """Remembers how far each order has followed the frequency."""

    def __init__(self) -> None:
        """Start without orders."""
        self._courses: dict[str, _Course] = {}
        self._resting: dict[EvseKey, FrequencyFollower] = {}

    def forget(self, key: EvseKey) -> None:
        """Forget an EVSE that is no more."""
        self._resting.pop(key, None)

    def resolve(
        self, evses: Sequence[EvseInputs], site: SiteInputs, now_mono_s: float
    ) -> Sequence[EvseInputs]:
        """Return the EVSEs with powers in place of what follows the frequency.

        An order has one power, whatever number of EVSEs serve it: that of the first
        of them with a frequency. An EVSE that cannot follow, or whose own frequency is
        silent, is asked for 0 W.

        Args:
            evses: of one step.
            site: what holds for the whole home.
            now_mono_s: the present.
        """
        evses = [self._at_rest(evse, site, now_mono_s) for evse in evses]
        if all(evse.order is None or evse.order.response is None for evse in evses):
            self._courses.clear()
            return evses
        asked = {
            order.order_id: self._follow(order, evses, site, now_mono_s)
            for order in (evse.order for evse in evses)
            if order is not None and order.response is not None
        }
        self._courses = {
            order_id: course
            for order_id, course in self._courses.items()
            if 0 <= now_mono_s - course.step_mono_s <= FORGOTTEN_AFTER_S
        }
        return [_with_setpoint(evse, asked, now_mono_s) for evse in evses]

    def _at_rest(
        self, evse: EvseInputs, site: SiteInputs, now_mono_s: float
    ) -> EvseInputs:
        """Return an EVSE with what the frequency asks of it while it rests."""
        is_resting = evse.is_supporting and evse.policy.mode is Mode.OFF
        droop = None
        if is_resting and evse.support_refusal is None:
            droop = profile_droop(site.grid_profile, evse.limits.rating_w)
        if droop is None:
            self._resting.pop(evse.key, None)
            return evse
        follower = self._resting.setdefault(evse.key, FrequencyFollower())
        followed = follower.step(
            droop, evse.frequency_hz, site.grid_profile, now_mono_s
        )
        is_known = followed.reason is Reason.AS_REQUESTED
        return replace(evse, support_w=followed.power_w if is_known else None)

    def _follow(
        self,
        order: DispatchOrder,
        evses: Sequence[EvseInputs],
        site: SiteInputs,
        now_mono_s: float,
    ) -> Followed:
        if order.response is None or not order.start_mono_s <= now_mono_s:
            return SILENT
        readings = (
            evse.frequency_hz
            for evse in evses
            if evse.order is not None
            and evse.order.order_id == order.order_id
            and evse.support_refusal is None
            and is_followable(evse.frequency_hz, now_mono_s)
        )
        course = self._courses.setdefault(order.order_id, _Course())
        course.step_mono_s = now_mono_s
        return course.follower.step(
            order.response, next(readings, None), site.grid_profile, now_mono_s
        )


def followed_w(order: DispatchOrder | None) -> float | None:
    """Return what the frequency asks of an order that was resolved, W; None: of none."""
    return None if order is None or order.response is None else order.power_w


def _with_setpoint(
    evse: EvseInputs, asked: dict[str, Followed], now_mono_s: float
) -> EvseInputs:
    order = evse.order
    if order is None or order.response is None:
        return evse
    followed = asked[order.order_id]
    if evse.support_refusal is not None:
        followed = Followed(power_w=0.0, reason=Reason.FREQUENCY_UNFIT)
    elif not is_followable(evse.frequency_hz, now_mono_s):
        followed = SILENT
    return replace(
        evse,
        order=replace(order, kind=CommandKind.SETPOINT, power_w=followed.power_w),
        order_reason=followed.reason,
    )
