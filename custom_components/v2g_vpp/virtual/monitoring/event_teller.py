"""The events of monitors, kept until the CSMS was told."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from ..ocpp_package import call
from ..peer import Peer
from ..schedule import format_time
from ..wakeup import Signal
from .monitor import Trigger

MAX_QUEUED: Final = 500
"""House rule: above it the oldest are lost."""

MAX_PER_MESSAGE: Final = 10


class EventTeller:
    """Sends NotifyEvent for what triggered, in order, on whichever link."""

    def __init__(self, changed: Signal, event_ids: Iterator[int]) -> None:
        """Start with nothing to tell."""
        self._changed = changed
        self._event_ids = event_ids
        self._events: deque[tuple[Trigger, int]] = deque(maxlen=MAX_QUEUED)

    def take(self, triggers: Iterable[Trigger]) -> None:
        """Queue what triggered."""
        for trigger in triggers:
            self._events.append((trigger, next(self._event_ids)))
            self._changed.notify()

    async def run(self, peer: Peer) -> None:
        """Tell until the link is gone; what was not answered by then waits."""
        while True:
            told = list(islice(self._events, MAX_PER_MESSAGE))
            if not told:
                await self._changed.wait()
                continue
            await peer.tell(
                call.NotifyEvent(
                    generated_at=format_time(told[-1][0].at),
                    seq_no=0,
                    event_data=[
                        _wire(trigger, number, with_severity=peer.version == "2.1")
                        for trigger, number in told
                    ],
                )
            )
            last = told[-1][1]
            while self._events and self._events[0][1] <= last:
                self._events.popleft()


def _wire(trigger: Trigger, event_id: int, *, with_severity: bool) -> dict[str, Any]:
    monitor = trigger.monitor
    wire: dict[str, Any] = {
        "eventId": event_id,
        "timestamp": format_time(trigger.at),
        "trigger": trigger.reason,
        "actualValue": trigger.text,
        "eventNotificationType": monitor.kind,
        "variableMonitoringId": monitor.monitor_id,
        "component": monitor.name.component_wire(),
        "variable": monitor.name.variable_wire(),
    }
    if trigger.is_cleared:
        wire["cleared"] = True
    if trigger.transaction_id is not None:
        wire["transactionId"] = trigger.transaction_id
    if with_severity:
        wire["severity"] = monitor.severity
    return wire
