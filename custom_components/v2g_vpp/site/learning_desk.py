"""Let each charger's learner look at its traffic."""

import logging

from ..control.fingerprint import Traffic
from ..domain.setpoint import Reason
from .records import EvseRecord, StationRecord
from .registry import Registry

_LOGGER = logging.getLogger(__name__)

FREE_REASONS = frozenset(
    {
        Reason.AS_REQUESTED,
        Reason.NOTHING_REQUESTED,
        Reason.MODE_OFF,
        Reason.OWNER_LIMIT,
        Reason.EXPORT_LIMIT,
        Reason.RAMP,
    }
)
"""With them the charger itself decides what flows of a setpoint. Any other reason may
stand for a limit that it knows too."""

SATURATED_SHARE = 0.97
"""Of a power that station or vehicle name as their largest."""


class LearningDesk:
    """Feeds the learners; decides nothing."""

    def __init__(self, registry: Registry) -> None:
        """Work on the records."""
        self._registry = registry

    def watch(self, record: EvseRecord, now_mono_s: float) -> None:
        """Look at one EVSE after its setpoint was delivered."""
        delivery = record.delivery
        is_waiting = delivery.told_w is not None and delivery.taken_w is None
        if is_waiting and not delivery.is_unheard(now_mono_s):
            # The answer is on its way: what runs is known in a moment.
            return
        before = record.fingerprint
        changes = delivery.take_changes()
        if (
            delivery.taken_w is None
            or delivery.runs_out(now_mono_s)
            or not _is_ours(record)
        ):
            record.learner.lose_sight()
            return
        reading = record.tracked_session.measurement.power_w
        for told in changes or (None,):
            record.learner.step(
                Traffic(
                    told=told,
                    reading=reading,
                    is_bound=self._is_bound(record, delivery.taken_w),
                    visit=record.session.visit,
                ),
                now_mono_s,
            )
        if record.fingerprint is not before:
            _LOGGER.debug("%s: learnt: %s", record.key, record.fingerprint)

    def _is_bound(self, record: EvseRecord, told_w: float) -> bool:
        if record.setpoint.reason not in FREE_REASONS:
            return True
        station = self._registry.station_of(record.key)
        largest_w = _largest_w(record, station, is_charge=told_w > 0)
        return abs(told_w) >= SATURATED_SHARE * largest_w


def _is_ours(record: EvseRecord) -> bool:
    """Return True while the station does what it was told, as far as known.

    What follows the frequency is told another power every second or two: nobody can say
    which of them an answer was to, and a dead time that is too long would end the order.
    """
    session = record.session
    return (
        session.transaction_id is not None
        and not session.is_priority_charging
        and not record.is_withholding
        and not record.is_following
    )


def _largest_w(record: EvseRecord, station: StationRecord, *, is_charge: bool) -> float:
    """Return the smallest of the powers that somebody calls the largest."""
    limits, capability = station.limits, station.session.capability
    needs = record.session.needs
    named = [
        limits.max_charge_power_w if is_charge else limits.max_discharge_power_w,
    ]
    for one in (capability, needs):
        if one is None:
            continue
        power_w = one.max_charge_power_w if is_charge else one.max_discharge_power_w
        if power_w is not None:
            named.append(power_w)
    return min(named)
