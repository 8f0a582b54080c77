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

CONTROLLER = "MonitoringCtrlr"


def monitoring(
    evse: Evse, jobs: Jobs, changed: Signal, event_ids: Iterator[int]
) -> Feature:
    """Return the feature; its variables join the device model."""
    monitors = Monitors(evse.model, evse.now())
    evse.model.add(monitoring_variables(monitors))
    teller = EventTeller(changed, event_ids)

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
        teller.take(monitors.look(evse.now(), outlook))

    return Feature(
        handlers=(MonitoringHandlers(evse, jobs, monitors),),
        loops=(teller.run,),
        look=look,
    )
