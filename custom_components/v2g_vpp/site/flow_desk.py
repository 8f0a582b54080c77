"""Compare what flows, and what the station plans, with what it was told."""

from collections.abc import Mapping
import logging

from ..control.guards import FlowObserved, GuardFinding, size_hint
from ..control.hardware_guard import HardwareFinding, HardwareObserved
from ..control.schedule_check import ScheduleVerdict
from ..control.wake import WakeAction
from ..domain.capability import DischargeDialect
from ..domain.clock import Clock
from ..domain.faults import FaultCode
from ..domain.heat import HANDLE_FRESH_S
from ..domain.measurement import fresh_value
from ..domain.session import with_fault
from .records import EvseRecord
from .registry import Registry
from .station_calls import StationCalls
from .stop_desk import latch, measured_w

_LOGGER = logging.getLogger(__name__)

CENTRAL_SETPOINT = "CentralSetpoint"
TELLS_ITS_MODE = frozenset(
    {DischargeDialect.V21_DYNAMIC, DischargeDialect.V21_SCHEDULE}
)
"""Dialects in which a setpoint has an operation mode of its own."""

GUARD_FAULTS: Mapping[GuardFinding, FaultCode] = {
    GuardFinding.WRONG_DIRECTION: FaultCode.WRONG_DIRECTION,
    GuardFinding.WRONG_SIZE: FaultCode.WRONG_SIZE,
    GuardFinding.UNCOMMANDED_DISCHARGE: FaultCode.UNCOMMANDED_DISCHARGE,
}


SCHEDULE_FAULTS: Mapping[ScheduleVerdict, FaultCode] = {
    ScheduleVerdict.WRONG_SIGN: FaultCode.WRONG_DIRECTION,
    ScheduleVerdict.WRONG_SIZE: FaultCode.WRONG_SIZE,
}


class FlowDesk:
    """Latch what the meter proves, and wake vehicles."""

    def __init__(self, registry: Registry, calls: StationCalls, clock: Clock) -> None:
        """Work on the records; ``calls`` reach the stations."""
        self._registry, self._calls, self._clock = registry, calls, clock

    def watch(self, record: EvseRecord, now_mono_s: float) -> None:
        """Look at one EVSE after its setpoint was delivered."""
        self._watch_flow(record, now_mono_s)
        self._watch_wake(record, now_mono_s)
        self._watch_schedule(record, now_mono_s)
        self._watch_hardware(record, now_mono_s)
        self._watch_mode(record)

    def _watch_flow(self, record: EvseRecord, now_mono_s: float) -> None:
        is_unheard = record.delivery.is_unheard(now_mono_s)
        # The write budget may hold a setpoint back: what was told counts.
        told_w = record.delivery.told_w
        if told_w is None and record.session.transaction_id is not None:
            # A charger may be metered while it cannot be told to stop: what it was told
            # before runs until its dead-man. Without a transaction nothing may run.
            told_w = record.delivery.left_running_w(now_mono_s)
        # A stop that it does not take is for the ladder, which is climbed by then.
        is_for_ladder = is_unheard and record.setpoint.power_w == 0
        finding = record.guard.step(
            FlowObserved(
                setpoint_w=record.setpoint.power_w if told_w is None else told_w,
                # Nor is it ours what it does while it backs the home up.
                measured_w=(
                    None
                    if is_for_ladder
                    or record.is_left_alone
                    or record.external is not None
                    else measured_w(record, now_mono_s)
                ),
                rating_w=self._rating_w(record),
                fingerprint=record.fingerprint,
                meter_period_s=record.meter_period.period_s,
                # What the station did not take, it cannot disobey.
                # While somebody at the charger wants to charge, it charges as it can.
                is_excused=is_unheard or record.session.is_priority_charging,
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

    def _watch_schedule(self, record: EvseRecord, now_mono_s: float) -> None:
        station = self._registry.station_of(record.key)
        told_w = record.delivery.taken_w
        can_discharge = station.dialect is not DischargeDialect.NONE
        if can_discharge and record.schedule.is_due(told_w, now_mono_s):
            self._calls.check_schedule(record, told_w or 0.0, self._take_schedule)

    def _take_schedule(
        self, record: EvseRecord, scheduled_w: float | None, asked_w: float
    ) -> None:
        before = record.schedule.verdict
        verdict = record.schedule.take(
            scheduled_w, asked_w, record.delivery.taken_w, self._clock.monotonic()
        )
        if verdict is before:
            return
        _LOGGER.info(
            "%s: told %.0f W, its schedule says %s W: %s",
            record.key,
            asked_w,
            scheduled_w,
            verdict,
        )
        fault = SCHEDULE_FAULTS.get(verdict)
        if fault is not None and fault not in record.session.faults:
            record.size_hint = size_hint(asked_w, scheduled_w or 0.0)
            _LOGGER.error("%s: its schedule is another one: stopping", record.key)
            latch(record, fault)

    def _watch_mode(self, record: EvseRecord) -> None:
        """Send the whole profile anew when the station fell back from it.

        It tells which operation mode is in force (2.1 K01.FR.110): any other than the
        one of a setpoint means that ours is not. Once per change: what really flows is
        for the guards.
        """
        mode, before = record.session.operation_mode, record.watched_mode
        record.watched_mode = mode
        told_w = record.delivery.taken_w
        is_ours = mode in (None, CENTRAL_SETPOINT)
        if is_ours or mode == before or told_w is None or told_w >= 0:
            return
        if self._registry.station_of(record.key).dialect in TELLS_ITS_MODE:
            # The self-test waits for just this: the charger ends a discharge by itself.
            level = logging.INFO if record.is_withholding else logging.WARNING
            _LOGGER.log(level, "%s: fell back to %s, told anew", record.key, mode)
            record.delivery.renew()

    def _watch_hardware(self, record: EvseRecord, now_mono_s: float) -> None:
        session = record.session
        measurement = session.measurement
        inlet_hot = fresh_value(measurement.inlet_hot, now_mono_s, HANDLE_FRESH_S)
        finding = record.hardware.step(
            HardwareObserved(
                handle_c=fresh_value(
                    measurement.handle_temperature_c, now_mono_s, HANDLE_FRESH_S
                ),
                is_inlet_hot=None if inlet_hot is None else inlet_hot > 0,
                is_contactor_closed=session.is_contactor_closed,
                has_transaction=session.transaction_id is not None,
                is_heat_reported=(
                    FaultCode.HANDLE_OVER_TEMPERATURE in session.active_faults
                ),
            ),
            now_mono_s,
        )
        match finding:
            case HardwareFinding.HANDLE_HOT | HardwareFinding.HANDLE_COOL:
                is_hot = finding is HardwareFinding.HANDLE_HOT
                _LOGGER.warning("%s: %s", record.key, finding)
                record.session = with_fault(
                    session, FaultCode.HANDLE_OVER_TEMPERATURE, is_active=is_hot
                )
                record.has_news_to_save = True
            case HardwareFinding.CONTACTOR_WELDED:
                _LOGGER.error("%s: contactor closed without a transaction", record.key)
                latch(record, FaultCode.CONTACTOR_WELDED)

    def _rating_w(self, record: EvseRecord) -> float:
        return self._registry.station_of(record.key).limits.max_charge_power_w
