"""Compare what flows with what was told: guards, and vehicles that do not react."""

from collections.abc import Mapping
import logging

from ..control.guards import FlowObserved, GuardFinding
from ..control.wake import WakeAction
from ..domain.faults import FaultCode
from .records import EvseRecord
from .registry import Registry
from .station_calls import StationCalls
from .stop_desk import latch, measured_w

_LOGGER = logging.getLogger(__name__)

GUARD_FAULTS: Mapping[GuardFinding, FaultCode] = {
    GuardFinding.WRONG_DIRECTION: FaultCode.WRONG_DIRECTION,
    GuardFinding.WRONG_SIZE: FaultCode.WRONG_SIZE,
    GuardFinding.UNCOMMANDED_DISCHARGE: FaultCode.UNCOMMANDED_DISCHARGE,
}


class FlowDesk:
    """Latch what the meter proves, and wake vehicles."""

    def __init__(self, registry: Registry, calls: StationCalls) -> None:
        """Work on the records; ``calls`` reach the stations."""
        self._registry, self._calls = registry, calls

    def watch(self, record: EvseRecord, now_mono_s: float) -> None:
        """Look at one EVSE after its setpoint was delivered."""
        self._watch_flow(record, now_mono_s)
        self._watch_wake(record, now_mono_s)

    def _watch_flow(self, record: EvseRecord, now_mono_s: float) -> None:
        is_unheard = record.delivery.is_unheard(now_mono_s)
        finding = record.guard.step(
            FlowObserved(
                setpoint_w=record.setpoint.power_w,
                # What the station did not take, it cannot disobey; a stop that it
                # does not take is for the ladder.
                measured_w=None if is_unheard else measured_w(record, now_mono_s),
                rating_w=self._rating_w(record),
                fingerprint=record.fingerprint,
            ),
            now_mono_s,
        )
        if finding is None or GUARD_FAULTS[finding] in record.session.faults:
            return
        record.size_hint = record.guard.size_hint
        _LOGGER.error(
            "%s: %s (size: %s): stopping", record.key, finding, record.size_hint
        )
        latch(record, GUARD_FAULTS[finding])

    def _watch_wake(self, record: EvseRecord, now_mono_s: float) -> None:
        # The self-test has its own patience and its own verdict.
        is_told = record.self_test is None and not record.delivery.is_unheard(
            now_mono_s
        )
        action = record.wake.step(
            record.setpoint.power_w if is_told else 0.0,
            measured_w(record, now_mono_s),
            self._rating_w(record),
            record.fingerprint,
            now_mono_s,
        )
        if action is None:
            return
        _LOGGER.warning("%s: nothing flows: %s", record.key, action)
        match action:
            case WakeAction.RENEW:
                record.delivery.renew()
            case WakeAction.RESTART | WakeAction.RESTART_AGAIN:
                record.start_attempts = 0
                self._calls.end_transaction(record, now_mono_s)
            case WakeAction.GIVE_UP:
                record.has_news_to_save = True

    def _rating_w(self, record: EvseRecord) -> float:
        return self._registry.station_of(record.key).limits.max_charge_power_w
