"""What an aggregator's link may do to the home."""

from collections.abc import Callable
import logging

from ..domain.clock import Clock
from ..domain.dispatch import DispatchAck, DispatchOrder
from ..domain.ids import ProgrammeId
from .control_loop import ControlLoop
from .orders import OrderDesk
from .programme_record import ProgrammeRecord
from .registry import Registry

_LOGGER = logging.getLogger(__name__)


class DispatchDoor:
    """Implements ``DispatchReceiver``: orders, heartbeats, the state of the link."""

    def __init__(
        self,
        registry: Registry,
        desk: OrderDesk,
        loop: ControlLoop,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        """Judge by ``desk``; ``wake`` lets control look at once."""
        self._programmes = registry.programmes
        self._orders = desk
        self._control, self._door_clock = loop, clock
        self._wake_control = wake

    def receive_order(self, order: DispatchOrder) -> DispatchAck:
        """Judge an order; control follows in this very turn when it is accepted."""
        programme, now = (
            self._programme(order.programme_id),
            self._door_clock.monotonic(),
        )
        if programme is not None and order.sent_mono_s is not None:
            # Its age counts from when it was signed: a late one renews nothing.
            programme.watchdog.seen_command(order.sent_mono_s, now)
        self._control.tick()
        ack = self._orders.receive(order)
        self._wake_control()
        return ack

    def cancel_order(self, programme_id: ProgrammeId, order_id: str) -> DispatchAck:
        """End an order."""
        ack = self._orders.cancel(programme_id, order_id)
        self._wake_control()
        return ack

    def heartbeat_seen(self, programme_id: ProgrammeId, sent_mono_s: float) -> None:
        """Note a valid heartbeat."""
        programme = self._programme(programme_id)
        if programme is not None:
            programme.watchdog.seen_heartbeat(sent_mono_s, self._door_clock.monotonic())

    def link_changed(self, programme_id: ProgrammeId, *, is_connected: bool) -> None:
        """Note that the broker session began or ended."""
        programme = self._programme(programme_id)
        if programme is not None and programme.is_connected != is_connected:
            programme.is_connected = is_connected
            programme.watchdog.link_changed(is_connected=is_connected)
            _LOGGER.info("%s: link %s", programme_id, "up" if is_connected else "down")
            self._wake_control()

    def _programme(self, programme_id: ProgrammeId) -> ProgrammeRecord | None:
        return self._programmes.get(programme_id)
