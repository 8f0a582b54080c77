"""What the CSMS is told of grid settings: starts, ends and alarms (OCPP 2.1 R04, R05)."""

from ..hardware import Hardware
from ..ocpp_package import call
from ..outbox import Outbox
from ..schedule import format_time
from ..wakeup import Signal
from .effects import Bend


class DerTeller:
    """Looks at the settings of a station and tells what changes."""

    def __init__(self, hardware: Hardware, changed: Signal) -> None:
        """Start with nothing to tell."""
        self._hardware = hardware
        self.outbox = Outbox(changed)
        self._told_bend: Bend | None = None

    def look(self) -> None:
        """Start and end what is due; note when a setting begins or ends to bend."""
        for change in self._hardware.der.advance(self._hardware.now().at):
            self.outbox.put(
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
        self.outbox.put(
            call.NotifyDERAlarm(
                control_type=control_type,
                timestamp=self._hardware.clock_text(),
                grid_event_fault=fault,
                alarm_ended=is_ended,
            )
        )
