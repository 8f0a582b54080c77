"""Leave an EVSE to somebody who changed its charger beside this home, and back."""

from datetime import timedelta
import logging

from ..domain.clock import Clock
from ..domain.policy import EXTERNAL_LASTS_S, External
from .records import EvseRecord
from .stop_desk import does_not_stop

_LOGGER = logging.getLogger(__name__)


def leave_to_external(record: EvseRecord, clock: Clock) -> None:
    """Leave an EVSE alone for a while; what is stopped stays so and is told it again."""
    if does_not_stop(record):
        # What shows another value is the charger: it is told 0 W all the time, or is
        # left alone for its own end.
        return
    # Whatever it was told, somebody else told it another thing since.
    record.delivery.link_lost()
    if record.session.is_latched or record.is_stopped_by_owner:
        return
    record.override = None
    record.external = External(
        ends_mono_s=clock.monotonic() + EXTERNAL_LASTS_S,
        ends_at=clock.utcnow() + timedelta(seconds=EXTERNAL_LASTS_S),
    )
    _LOGGER.info("%s: changed by somebody else, left alone", record.key)


def take_back_from_external(record: EvseRecord, now_mono_s: float) -> None:
    """Let nobody else have it any more; what they left is not ours to answer for."""
    if record.external is not None:
        record.external = None
        record.delivery.link_lost()
        record.begin_guard_anew(now_mono_s)
