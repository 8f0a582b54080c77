"""Variable monitoring as a part of the station."""

from collections.abc import Iterator

from ..features import Feature
from ..hardware import Hardware
from ..jobs import Jobs
from ..wakeup import Signal
from .event_teller import EventTeller
from .factory import LEAST_SEVERE, monitoring_variables
from .handlers import MonitoringHandlers
from .monitors import Monitors, Outlook
from .stream_teller import StreamTeller
from .streams import Streams

CONTROLLER = "MonitoringCtrlr"


def monitoring(
    hardware: Hardware, jobs: Jobs, changed: Signal, event_ids: Iterator[int]
) -> Feature:
    """Return the feature; its variables join the device model."""
    monitors = Monitors(hardware.model, hardware.now())
    hardware.model.add(monitoring_variables(monitors))
    streams = Streams(changed.notify)
    teller = EventTeller(changed, event_ids)
    stream_teller = StreamTeller(hardware, changed, streams)

    def look() -> None:
        if hardware.model.text(CONTROLLER, "Enabled") != "true":
            return
        if hardware.first.log.is_mute:
            # What tells no readings does not stream them either.
            return
        heard = LEAST_SEVERE
        if not hardware.first.log.is_online:
            heard = int(hardware.model.text(CONTROLLER, "OfflineQueuingSeverity"))
        outlook = Outlook(
            transaction_ids={
                evse.evse_id: evse.transaction.transaction_id
                for evse in hardware
                if evse.transaction is not None
            },
            least_severe_heard=heard,
        )
        found = monitors.look(hardware.now(), outlook)
        teller.take(trigger for trigger in found if not streams.takes(trigger))

    return Feature(
        handlers=(MonitoringHandlers(hardware, jobs, monitors, streams),),
        loops=(teller.run, stream_teller.settle, stream_teller.feed),
        look=look,
        rebooted=streams.forget_open,
    )
