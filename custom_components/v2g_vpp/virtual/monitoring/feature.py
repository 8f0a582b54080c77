"""Variable monitoring as a part of the station."""

from collections.abc import Iterator

from ..evse import Evse
from ..features import Feature
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
    evse: Evse, jobs: Jobs, changed: Signal, event_ids: Iterator[int]
) -> Feature:
    """Return the feature; its variables join the device model."""
    monitors = Monitors(evse.model, evse.now())
    evse.model.add(monitoring_variables(monitors))
    streams = Streams(changed.notify)
    teller = EventTeller(changed, event_ids)
    stream_teller = StreamTeller(evse, changed, streams)

    def look() -> None:
        if evse.model.text(CONTROLLER, "Enabled") != "true":
            return
        heard = LEAST_SEVERE
        if not evse.log.is_online:
            heard = int(evse.model.text(CONTROLLER, "OfflineQueuingSeverity"))
        transaction = evse.transaction
        outlook = Outlook(
            transaction_id=transaction.transaction_id if transaction else None,
            least_severe_heard=heard,
        )
        found = monitors.look(evse.now(), outlook)
        teller.take(trigger for trigger in found if not streams.takes(trigger))

    return Feature(
        handlers=(MonitoringHandlers(evse, jobs, monitors, streams),),
        loops=(teller.run, stream_teller.settle, stream_teller.feed),
        look=look,
        rebooted=streams.forget_open,
    )
