"""What the owner asks for by hand: powers, stops, resets and the self-test."""

import asyncio
from dataclasses import replace
from datetime import timedelta
import logging
from typing import NoReturn

from ..control.hardware_guard import HeatSource
from ..control.self_test import SelfTest
from ..control.wiring_step import Contradictions
from ..domain.clock import Clock
from ..domain.errors import (
    DischargeNotPermitted,
    DischargeTooLong,
    EmergencyStopActive,
    NothingPlugged,
    PolicyError,
    PowerNotAvailable,
    PowerOutOfRange,
    SocReached,
    StationError,
    StationOffline,
    StationRejected,
    StationTimeout,
    UnknownTarget,
)
from ..domain.faults import FaultCode
from ..domain.ids import EvseKey
from ..domain.policy import Mode, Override
from ..domain.self_test import SelfTestPhase
from ..domain.session import acknowledged, least_discharge_w, with_fault
from ..domain.setpoint import ControlOwner, Reason, WriteResult, WriteStatus
from .control_loop import ControlLoop
from .external import take_back_from_external
from .records import EvseRecord
from .registry import Registry

_LOGGER = logging.getLogger(__name__)

_NOT_FOR_THE_OWNER = (
    None,
    Reason.NO_GUARANTEE,
    Reason.VPP_FLOOR,
    Reason.EVENT_RESERVE,
)
"""What keeps a dispatch from discharging, and not the owner's own power."""

CONFIRM_TIMEOUT_S = 6.0
"""A control CALL is answered within 5 s or fails; one more second to come back."""


class UserCommands:
    """Carry out the owner's commands; each raises what the user must know."""

    def __init__(self, registry: Registry, loop: ControlLoop, clock: Clock) -> None:
        """Work on the records and let ``loop`` bring them to the chargers."""
        self._registry, self._loop, self._clock = registry, loop, clock

    async def set_power(
        self,
        key: EvseKey,
        power_w: float,
        duration_s: float | None,
        until_soc_percent: float | None = None,
    ) -> None:
        """Hold a power for a while, ahead of every other owner."""
        record = self.evse(key)
        self._refuse_unusable(record)
        policy = record.policy
        lowest_w, highest_w = -policy.max_discharge_power_w, policy.max_charge_power_w
        if not lowest_w <= power_w <= highest_w:
            raise PowerOutOfRange(power_w, lowest_w, highest_w)
        longest_s = self._registry.longest_s(record, power_w)
        duration_s = longest_s if duration_s is None else duration_s
        if duration_s > longest_s:
            raise DischargeTooLong(longest_s)
        self._try_again(record)
        self._loop.tick()
        blocked_by = record.decision.dispatch_blocked_by if record.decision else None
        if power_w < 0 and blocked_by not in _NOT_FOR_THE_OWNER:
            raise DischargeNotPermitted(blocked_by or Reason.OUTPUT_GATE)
        before, began_mono_s = record.override, self._clock.monotonic()
        external = record.external
        override = Override(
            key=key,
            power_w=power_w,
            ends_mono_s=began_mono_s + duration_s,
            ends_at=self._clock.utcnow() + timedelta(seconds=duration_s),
            until_soc_percent=until_soc_percent,
        )
        _refuse_target(record, override)
        record.last_result, record.override = None, override
        take_back_from_external(record, began_mono_s)
        self._loop.tick()
        setpoint = record.setpoint
        try:
            if power_w != 0 and setpoint.owner is ControlOwner.TRIP:
                raise PowerNotAvailable(Reason.TRIP_FLOOR)
            if power_w != 0 and setpoint.power_w == 0 and _is_refusal(setpoint.reason):
                raise PowerNotAvailable(setpoint.reason)
            await self._confirm(record, began_mono_s)
        except PolicyError, StationError:
            # The owner is told that it failed, so it must not happen later.
            if record.override is override:
                record.override, record.external = before, external
                self._loop.tick()
            raise

    async def return_to_automatic(self, key: EvseKey) -> None:
        """End the owner's own power or stop; the next owner takes over."""
        record = self.evse(key)
        record.override = None
        take_back_from_external(record, self._clock.monotonic())
        self._loop.tick()

    async def stop(self, key: EvseKey | None) -> None:
        """Bring power to 0 W and keep it there until told otherwise; idempotent."""
        records = self._targets(key)
        for record in records:
            self._abort_self_test(record)
            take_back_from_external(record, self._clock.monotonic())
            record.stop_by_owner()
            record.last_result = None
            record.delivery.force_write()
        began_mono_s = self._clock.monotonic()
        self._loop.tick()
        await self._confirm_all(records, began_mono_s, is_one=key is not None)

    def latch_emergency_stop(self, key: EvseKey | None) -> None:
        """Latch and send 0 W in this very turn; the caller persists the latch."""
        for record in self._targets(key):
            self._abort_self_test(record)
            take_back_from_external(record, self._clock.monotonic())
            record.override = record.claim = None
            record.session = replace(record.session, is_emergency_stopped=True)
            record.delivery.force_write()
            _LOGGER.warning("%s: emergency stop", record.key)
        self._loop.tick()

    def reset(self, key: EvseKey) -> None:
        """Release latches whose cause is gone; after an emergency stop it stays off.

        A reset is no start: whoever ends an emergency stop asks for power by itself
        (ISO 13850). After a fault what was asked before goes on.
        """
        record = self.evse(key)
        was_stopped = record.session.is_emergency_stopped
        record.session = acknowledged(record.session)
        if record.hardware.heat - {HeatSource.REPORT}:
            # Whatever the station says meanwhile: what was hot has to be seen cool.
            record.session = with_fault(
                record.session, FaultCode.HANDLE_OVER_TEMPERATURE, is_active=True
            )
        record.ladder.reset()
        record.contradictions, record.wiring_finding = Contradictions(), None
        if record.session.is_emergency_stopped:
            raise EmergencyStopActive(str(key))
        if was_stopped:
            record.override = record.claim = None
            record.policy = replace(record.policy, mode=Mode.OFF)
            record.has_news_to_save = True
        record.start_attempts = 0
        self._loop.tick()

    def start_self_test(self, key: EvseKey, firmware: str) -> None:
        """Begin the supervised proof of discharge."""
        record = self.evse(key)
        self._refuse_unusable(record)
        self._loop.tick()
        if record.self_test is not None:
            return
        self._try_again(record)
        gate = self._loop.self_test_block(record)
        if gate is not None:
            raise DischargeNotPermitted(gate)
        station = self._registry.station_of(key)
        dialect, capability = station.dialect, station.session.capability
        take_back_from_external(record, self._clock.monotonic())
        record.self_test = SelfTest(
            dialect=dialect,
            timing=self._registry.timing_of(record),
            firmware=firmware,
            wording=station.wording,
            fingerprint=record.fingerprint.with_minimum_w(
                least_discharge_w(record.session)
            ),
            rating_w=station.limits.max_charge_power_w,
            own_watchdog_s=capability.own_watchdog_s if capability else None,
        )
        _LOGGER.info("%s: self-test started", key)
        self._loop.tick()

    @staticmethod
    def _try_again(record: EvseRecord) -> None:
        """Ask a charger that would not start once more, now that it is by hand."""
        if record.session.transaction_id is None:
            record.start_attempts, record.next_start_mono_s = 0, 0.0
            record.next_telling_mono_s = 0.0

    def _abort_self_test(self, record: EvseRecord) -> None:
        if record.self_test is None:
            return
        record.end_self_test()
        record.self_test_status = replace(
            record.self_test_status, phase=SelfTestPhase.FAILED, failure="aborted"
        )

    def evse(self, key: EvseKey) -> EvseRecord:
        """Return the record of an EVSE.

        Raises:
            UnknownTarget: for an EVSE that this home does not have.
        """
        record = self._registry.evses.get(key)
        if record is None:
            raise UnknownTarget(key.station_id, f"EVSE {key.evse_id}")
        return record

    def _targets(self, key: EvseKey | None) -> list[EvseRecord]:
        return list(self._registry.evses.values()) if key is None else [self.evse(key)]

    def check_usable(self, key: EvseKey) -> None:
        """Refuse what needs a vehicle at a charger that answers.

        Raises:
            UnknownTarget, StationOffline, EmergencyStopActive, NothingPlugged.
        """
        self._refuse_unusable(self.evse(key))

    def _refuse_unusable(self, record: EvseRecord) -> None:
        if not self._registry.station_of(record.key).session.is_connected:
            raise StationOffline(record.key.station_id)
        if record.session.is_emergency_stopped:
            raise EmergencyStopActive(str(record.key))
        if not record.session.is_plugged:
            raise NothingPlugged(str(record.key))

    async def _confirm_all(
        self, records: list[EvseRecord], began_mono_s: float, *, is_one: bool
    ) -> None:
        for record in records:
            station = self._registry.station_of(record.key).session
            if not station.is_connected:
                if is_one:
                    raise StationOffline(record.key.station_id)
                continue
            await self._confirm(record, began_mono_s)

    async def _confirm(self, record: EvseRecord, began_mono_s: float) -> None:
        """Return once the station took the setpoint; raise what it said instead."""
        try:
            async with asyncio.timeout(CONFIRM_TIMEOUT_S):
                while not _has_arrived(record, began_mono_s):
                    record.news.clear()
                    await record.news.wait()
        except TimeoutError:
            has_transaction = record.session.transaction_id is not None
            action = "SetChargingProfile" if has_transaction else "StartTransaction"
            raise_for(record.key, action, record.last_result)


def _has_arrived(record: EvseRecord, began_mono_s: float) -> bool:
    if record.session.transaction_id is None and record.setpoint.power_w == 0:
        # Without a transaction nothing can flow that 0 W could stop; a power waits
        # for its transaction, which the station said it will start.
        is_starting = record.start_accepted_mono_s >= began_mono_s
        return record.setpoint.requested_w == 0 or is_starting
    return record.accepted_mono_s >= began_mono_s or record.delivery.is_settled(
        record.setpoint
    )


def _refuse_target(record: EvseRecord, override: Override) -> None:
    """Refuse a power up to a charge that is reached, or that nobody can see."""
    until_percent = override.until_soc_percent
    if until_percent is None:
        return
    if override.power_w == 0:
        # Nothing would ever be reached with it; the owner allows none.
        raise PowerNotAvailable(Reason.OWNER_LIMIT)
    soc_percent = record.decision.soc.likely_percent if record.decision else None
    if soc_percent is None:
        raise PowerNotAvailable(Reason.SOC_UNKNOWN)
    if override.has_reached(soc_percent):
        raise SocReached(soc_percent, until_percent)


def _is_refusal(reason: Reason) -> bool:
    return reason not in (Reason.AS_REQUESTED, Reason.RAMP, Reason.NO_TRANSACTION)


def raise_for(key: EvseKey, action: str, result: WriteResult | None) -> NoReturn:
    """Raise what a command that was not accepted means to the owner."""
    status = result.status if result is not None else WriteStatus.TIMEOUT
    if result is not None and status is WriteStatus.REJECTED:
        raise StationRejected(key.station_id, action, result.detail)
    if status is WriteStatus.OFFLINE:
        raise StationOffline(key.station_id)
    raise StationTimeout(key.station_id, action, CONFIRM_TIMEOUT_S)
