"""Carry setpoints to the stations, climb the stop ladder, start and end transactions."""

import asyncio
import logging

from ..control.delivery import DeliveryContext
from ..domain.capability import DischargeDialect, is_persistent
from ..domain.clock import Clock
from ..domain.ids import EvseKey, TransactionId
from ..domain.ports import Spawn, StationPort
from ..domain.setpoint import (
    ControlOwner,
    Reason,
    Setpoint,
    SetpointWrite,
    WriteResult,
)
from .flow_desk import FlowDesk
from .learning_desk import LearningDesk
from .records import EvseRecord
from .registry import Registry
from .rest_desk import RestDesk
from .station_calls import StationCalls
from .stop_desk import StopDesk, measured_w

_LOGGER = logging.getLogger(__name__)

START_RETRY_S = 15.0
"""Vehicles take up to a minute to wake; each start is asked for in its turn."""

START_AGAIN_S = 90.0
"""After its last start a station is asked once more, each time so much later: what kept
it from going on may be over, and nobody need come to plug anew."""

TELL_AGAIN_S = 900.0
"""House rule: who did not tell in one transaction what a discharge waits for hardly does
so in the next one, and each of them moves the contactor."""


class DeliveryDesk:
    """The only caller of the station port."""

    def __init__(
        self, registry: Registry, port: StationPort, clock: Clock, spawn: Spawn
    ) -> None:
        """Work on the records; every CALL runs in a task of its own."""
        self._registry, self._clock, self._spawn = registry, clock, spawn
        self._port = port
        self._calls = StationCalls(port, clock, spawn)
        self._stops = StopDesk(registry, self._calls)
        self._rest = RestDesk(registry, self._calls)
        self._flows = FlowDesk(registry, self._calls, clock)
        self._learning = LearningDesk(registry)
        self.is_standing_down = False

    def deliver(self, record: EvseRecord, now_mono_s: float) -> None:
        """Do what is due for one EVSE after its decision."""
        station = self._registry.station_of(record.key)
        if record.session.transaction_id is None:
            # What ran before the start has ended; no 0 W can reach it any more.
            record.is_first_write_pending = False
        write = record.delivery.plan(
            record.setpoint,
            DeliveryContext(
                timing=self._registry.timing_of(record),
                is_ready=station.session.is_ready,
                is_connected=station.session.is_connected,
                transaction_id=record.session.transaction_id,
                command_id=_command_id(record),
                is_withheld=record.is_withholding,
                is_floor_enough=self._rest.is_floor_enough(record, now_mono_s),
                # Each of our refreshes would put off the dead-man that is left.
                is_silenced=record.is_left_alone or self._stops.is_silenced(record),
            ),
            now_mono_s,
        )
        if write is not None:
            self._spawn(self._write(record, write), f"v2g_vpp write {record.key}")
        self._flows.watch(record, now_mono_s)
        self._learning.watch(record, now_mono_s)
        self._stops.climb(record, now_mono_s)
        self._rest.care(record, now_mono_s)
        self._care_for_transaction(record, now_mono_s)

    def end_transaction(self, record: EvseRecord, now_mono_s: float) -> None:
        """Ask the station to open the contactor, at most once per retry time."""
        self._calls.end_transaction(record, now_mono_s)

    def tell_energy_transfer(self, record: EvseRecord, *, may_discharge: bool) -> None:
        """Tell a running transaction that the owner changed the V2X permission."""
        self._calls.allow_energy_transfer(record, may_discharge=may_discharge)

    async def start_transaction(self, key: EvseKey) -> WriteResult:
        """Ask the station to begin a transaction; it is the owner who wants it."""
        return await self._port.start_transaction(key)

    async def stop_transaction(
        self, key: EvseKey, transaction_id: TransactionId
    ) -> WriteResult:
        """End a transaction; the caller brought power to 0 W first."""
        return await self._port.end_transaction(key, transaction_id)

    async def clear_charging_profile(self, key: EvseKey) -> WriteResult:
        """Remove the product's own profile; the caller brought power to 0 W first."""
        return await self._port.clear_charging_profile(key)

    async def stand_down(self, timeout_s: float) -> None:
        """Bring every EVSE that may discharge to 0 W, then write nothing any more."""
        if self.is_standing_down:
            return
        self.is_standing_down = True
        now = self._clock.monotonic()
        writes = [
            SetpointWrite(
                key=record.key,
                power_w=0.0,
                transaction_id=record.session.transaction_id,
                decided_mono_s=now,
            )
            for record in self._registry.evses.values()
            if record.session.transaction_id is not None
            and _may_be_discharging(
                record, self._registry.station_of(record.key).dialect, now
            )
        ]
        for record in self._registry.evses.values():
            record.setpoint = Setpoint(
                power_w=0.0,
                requested_w=0.0,
                owner=ControlOwner.NONE,
                reason=Reason.STOPPING,
            )
        if not writes:
            return
        try:
            async with asyncio.timeout(timeout_s):
                results = await asyncio.gather(
                    *(self._port.write_setpoint(write) for write in writes)
                )
        except TimeoutError:
            _LOGGER.warning("0 W not confirmed within %.0f s", timeout_s)
            return
        for write, result in zip(writes, results, strict=True):
            if not result.is_accepted:
                _LOGGER.warning("%s: 0 W not accepted: %s", write.key, result.status)

    async def _write(self, record: EvseRecord, write: SetpointWrite) -> None:
        if self.is_standing_down:
            return
        station = self._registry.station_of(record.key)
        result = await self._port.write_setpoint(write)
        now = self._clock.monotonic()
        record.delivery.done(write, result, now)
        if result.on_wire_mono_s is not None and is_persistent(station.dialect):
            station.budget.note(now)
        self._calls.take_result(record, result)
        if not result.is_accepted:
            return
        record.accepted_mono_s = max(record.accepted_mono_s, write.decided_mono_s)
        # A late answer about an older transaction says nothing about the present one.
        is_present = write.transaction_id == record.session.transaction_id
        if write.power_w == 0 and is_present:
            record.is_first_write_pending = False

    async def _start(self, record: EvseRecord, *, is_to_tell: bool) -> None:
        began_mono_s = self._clock.monotonic()
        result = await self._port.start_transaction(record.key)
        if result.is_accepted:
            record.start_accepted_mono_s = began_mono_s
            if is_to_tell:
                record.next_telling_mono_s = began_mono_s + TELL_AGAIN_S
        self._calls.take_result(record, result)

    def _care_for_transaction(self, record: EvseRecord, now_mono_s: float) -> None:
        """End the transaction of a latched stop; start one that somebody waits for."""
        session = record.session
        station = self._registry.station_of(record.key).session
        if not station.is_ready or not session.is_plugged:
            return
        if session.transaction_id is not None:
            if session.is_latched and self._stops.has_stopped(record, now_mono_s):
                self.end_transaction(record, now_mono_s)
            return
        if now_mono_s >= record.next_start_mono_s + START_AGAIN_S:
            record.grant_another_start()
        decision = record.decision
        is_wanted = decision is not None and decision.wants_transaction
        may_tell = now_mono_s >= record.next_telling_mono_s
        is_to_tell = decision is not None and decision.wants_to_be_told and may_tell
        is_wanted |= is_to_tell
        if session.is_latched or not is_wanted or now_mono_s < record.next_start_mono_s:
            return
        record.start_attempts += 1
        record.next_start_mono_s = now_mono_s + START_RETRY_S
        _LOGGER.info("%s: starting a transaction", record.key)
        self._spawn(
            self._start(record, is_to_tell=is_to_tell), f"v2g_vpp start {record.key}"
        )


def _may_be_discharging(
    record: EvseRecord, dialect: DischargeDialect, now_mono_s: float
) -> bool:
    power_w = measured_w(record, now_mono_s)
    if power_w is not None and power_w < 0:
        return True
    if record.external is not None:
        # Charging is theirs, and we told it nothing that could still run.
        return False
    expires = record.delivery.dead_man_expires_mono_s
    is_certain = dialect is not DischargeDialect.ENTITY or (
        record.proof is not None and record.proof.ends_by_itself
    )
    return (
        record.setpoint.power_w < 0
        or (expires is not None and now_mono_s < expires)
        # Nothing but a stop that was heard ends it.
        or not (is_certain or record.delivery.is_stop_acknowledged)
    )


def _command_id(record: EvseRecord) -> str:
    """Return what a new command is told from the old one by."""
    override = record.override
    if override is not None:
        return f"override {override.power_w} {override.ends_mono_s}"
    if record.is_following:
        # The frequency moves the power of one and the same command.
        return f"{record.setpoint.owner} by frequency"
    return f"{record.setpoint.owner} {record.setpoint.requested_w}"
