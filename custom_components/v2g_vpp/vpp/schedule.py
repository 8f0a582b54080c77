"""Orders that wait for their start, and the room between them (rule 7)."""

from ..domain.dispatch import CommandKind, DispatchOrder

MAX_WAITING = 16
"""Per resource."""


class WaitingOrders:
    """Accepted orders that have not begun."""

    def __init__(self) -> None:
        """Begin empty: nothing is resumed from disk."""
        self._orders: dict[str, DispatchOrder] = {}

    def has_room_for(self, order: DispatchOrder, now_mono_s: float) -> bool:
        """Return True when an order overlaps none that waits and is not one too many.

        An order for the whole home overlaps with those of every resource.
        """
        return not self.is_full_for(order, now_mono_s) and not any(
            order.start_mono_s < other.ends_mono_s
            and other.start_mono_s < order.ends_mono_s
            for other in self._rivals(order, now_mono_s)
        )

    def is_full_for(self, order: DispatchOrder, now_mono_s: float) -> bool:
        """Return True when an order that has to wait is one too many."""
        is_waiting = order.start_mono_s > now_mono_s
        return is_waiting and len(self._rivals(order, now_mono_s)) >= MAX_WAITING

    def book(self, order: DispatchOrder, now_mono_s: float) -> None:
        """Note an accepted order; those that have begun are forgotten.

        A release ends what waits, too.
        """
        is_release = order.kind is CommandKind.RELEASE
        self._orders = {
            order_id: other
            for order_id, other in self._orders.items()
            if other.start_mono_s > now_mono_s
            and not (is_release and _is_same_ground(order, other))
        }
        if order.start_mono_s > now_mono_s and not is_release:
            self._orders[order.order_id] = order

    def forget(self, order_id: str) -> None:
        """Note that an order will not run."""
        self._orders.pop(order_id, None)

    def _rivals(self, order: DispatchOrder, now_mono_s: float) -> list[DispatchOrder]:
        return [
            other
            for other in self._orders.values()
            if other.start_mono_s > now_mono_s and _is_same_ground(order, other)
        ]


def _is_same_ground(one: DispatchOrder, other: DispatchOrder) -> bool:
    return (
        one.resource is None or other.resource is None or one.resource == other.resource
    )
