"""What the CSMS is told of grid settings: starts, ends and alarms (OCPP 2.1 R04, R05)."""

from collections import deque
import logging
from typing import Any, Final

from ..hardware import Hardware
from ..ocpp_package import call
from ..peer import CallRefused, Peer
from ..schedule import format_time
from ..wakeup import Signal
from .effects import Bend

_LOGGER = logging.getLogger(__name__)

MAX_UNTOLD: Final = 100
"""House rule: above it the oldest are lost."""


class DerTeller:
    """Looks at the settings of a station and tells what changes."""

    def __init__(self, hardware: Hardware, changed: Signal) -> None:
        """Start with nothing to tell."""
        self._hardware = hardware
        self._changed = changed
        self._untold: deque[Any] = deque(maxlen=MAX_UNTOLD)
        self._told_bend: Bend | None = None

    def look(self) -> None:
        """Start and end what is due; note when a setting begins or ends to bend."""
        for change in self._hardware.der.advance(self._hardware.now().at):
            self._tell(
                call.NotifyDERStartStop(
                    control_id=change.control_id,
                    started=change.is_started,
                    timestamp=format_time(change.at),
                    superseded_ids=list(change.superseded_ids) or None,
                )
            )
        bends = (evse.der.bend for evse in self._hardware)
        bend, told = next((b for b in bends if b is not None), None), self._told_bend
        if bend == told:
            return
        self._told_bend = bend
        if bend is not None:
            # Another setting takes over without an end between (R05.FR.04).
            self.alarm(bend.type, bend.fault, is_ended=False)
        elif told is not None:
            self.alarm(told.type, told.fault, is_ended=True)

    def alarm(self, control_type: str, fault: str | None, *, is_ended: bool) -> None:
        """Tell that a setting acts on a grid event, or does no longer."""
        self._tell(
            call.NotifyDERAlarm(
                control_type=control_type,
                timestamp=self._hardware.clock_text(),
                grid_event_fault=fault,
                alarm_ended=is_ended,
            )
        )

    async def run(self, peer: Peer) -> None:
        """Tell until the link is gone; older versions know no grid settings."""
        while True:
            if peer.version != "2.1" or not self._untold:
                await self._changed.wait()
                continue
            try:
                await peer.call(self._untold[0])
            except CallRefused as err:
                _LOGGER.debug("%s: %s", peer.id, err)
            self._untold.popleft()

    def _tell(self, message: Any) -> None:
        self._untold.append(message)
        self._changed.notify()
