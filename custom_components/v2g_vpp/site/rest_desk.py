"""An EVSE at rest: let the floor profile hold it, and spare the station's memory."""

import logging

from ..domain.capability import is_persistent
from .order_verdict import is_awaited
from .records import EvseRecord
from .registry import Registry
from .station_calls import StationCalls

_LOGGER = logging.getLogger(__name__)

CLEAR_AFTER_S = 30.0
"""House rule: longer than the pauses between two orders, so that a profile is not
cleared to be written again at once."""

SLEEP_AFTER_S = 1800.0
"""Then a vehicle may sleep, whatever its dialect (control brief): a 0 W that is
refreshed keeps its contactor closed and its electronics awake."""


class RestDesk:
    """Clear by id what ended in 0 W, where the floor says the same without an end.

    An expired profile may come back with a step of the station's clock, a cleared one
    does not (OCPP brief 2.2). After an emergency stop or a latched fault nothing is
    cleared: 0 W stays until the transaction is ended (1.4.3).
    """

    def __init__(self, registry: Registry, calls: StationCalls) -> None:
        """Work on the records; ``calls`` reach the stations."""
        self._registry, self._calls = registry, calls

    def is_floor_enough(self, record: EvseRecord, now_mono_s: float) -> bool:
        """Return True when 0 W need not be written again to last."""
        station = self._registry.station_of(record.key)
        session = record.session
        return (
            (is_persistent(station.dialect) or self._may_sleep(record, now_mono_s))
            and station.session.has_floor_profile
            and station.limits.unattended_charge_w == 0
            and not session.is_latched
            and record.self_test is None
        )

    def _may_sleep(self, record: EvseRecord, now_mono_s: float) -> bool:
        """Return True when nobody needs the vehicle awake."""
        rested_s = now_mono_s - record.idle_since_mono_s
        return rested_s >= SLEEP_AFTER_S and not is_awaited(self._registry, record.key)

    def care(self, record: EvseRecord, now_mono_s: float) -> None:
        """Clear the profile of an EVSE that rests, once."""
        is_idle = (
            record.setpoint.power_w == 0 and record.session.transaction_id is not None
        )
        record.idle_since_mono_s = (
            min(record.idle_since_mono_s, now_mono_s) if is_idle else now_mono_s
        )
        is_resting = (
            record.setpoint.power_w == 0
            and record.delivery.is_stop_acknowledged
            and not record.is_left_alone
        )
        if not is_resting or not self.is_floor_enough(record, now_mono_s):
            record.rests_since_mono_s, record.is_profile_cleared = None, False
            return
        if record.rests_since_mono_s is None:
            record.rests_since_mono_s = now_mono_s
        rested_s = now_mono_s - record.rests_since_mono_s
        if rested_s >= CLEAR_AFTER_S and not record.is_profile_cleared:
            record.is_profile_cleared = True
            _LOGGER.info("%s: at rest, the floor profile holds it", record.key)
            self._calls.clear_profile(record)
