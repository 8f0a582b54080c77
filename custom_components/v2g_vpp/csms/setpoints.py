"""Bring an EVSE to a power, in the dialect of its station."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
import logging
from math import isfinite
from typing import Any, Final

from ..domain.capability import DIALECT_TIMING, LIMIT_DIALECTS, DischargeDialect
from ..domain.clock import Clock
from ..domain.ids import TransactionId
from ..domain.setpoint import MAX_WRITE_AGE_S, SetpointWrite, WriteResult, WriteStatus
from ..domain.vendor_setpoint import VendorPower, VendorSetpoint
from .calls import CallEnd, CallOutcome, Lane
from .charging_profile import (
    ASSUMED_PHASES,
    be_idle,
    begin_earlier,
    profile_id,
    set_profile_request,
    update_request,
)
from .device_model import ModelSummary
from .link import StationLink
from .times import StationClock
from .vendor_request import vendor_request
from .wording import Wording, wording_of

_LOGGER = logging.getLogger(__name__)

NO_TRANSACTION: Final = "no_transaction"
NO_DIALECT: Final = "no_dialect"
CLOCK_NOT_TRUSTED: Final = "station_clock"
NOT_READY: Final = "not_ready"
NOT_FINITE: Final = "not_finite"

_WITHOUT_CLOCK: Final = frozenset(
    {DischargeDialect.V21_DYNAMIC, DischargeDialect.DATA_TRANSFER}
)
"""Dialects whose end counts from when they were told."""

_UPDATES_UNKNOWN: Final = frozenset({"NotImplemented", "NotSupported"})
_ACCEPTED: Final = "Accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Installed:
    """A profile that the station accepted on the present link."""

    transaction_id: TransactionId
    accepted_mono_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Latest:
    """What a station is told that asks for the setpoint itself."""

    power_w: float
    decided_mono_s: float


@dataclass(slots=True)
class SetpointWriter:
    """The setpoints of one station on one link."""

    name: str
    link: StationLink
    clock: Clock
    station_clock: StationClock
    has_updates: bool
    """False once the station said that it does not know UpdateDynamicSchedule."""

    is_zero_idle: bool = False
    """True once the station refused a setpoint of 0 W and took Idle."""

    vendor: VendorSetpoint | None = None
    """The message of the dialect that has one."""

    _installed: dict[int, _Installed] = field(default_factory=dict)
    _newest: dict[int, SetpointWrite] = field(default_factory=dict)
    _latest: dict[int, _Latest] = field(default_factory=dict)
    _discharging: dict[int, TransactionId] = field(default_factory=dict)
    """Which may discharge, as long as none took a stop or another power."""

    @property
    def _wording(self) -> Wording:
        return wording_of(self.link.protocol)

    def expect_discharge(self, transactions: Mapping[int, TransactionId]) -> None:
        """Take that transactions of before this link may discharge.

        Until each took a power on this link, no other request may hold up a stop.
        """
        self._discharging.update(transactions)
        self._arm()

    async def write(
        self, write: SetpointWrite, dialect: DischargeDialect, summary: ModelSummary
    ) -> WriteResult:
        """Send a setpoint in the shortest form that the station can take now.

        Args:
            write: with the transaction that runs.
            dialect: of the station.
            summary: of its device model.
        """
        transaction_id = write.transaction_id
        if transaction_id is None:
            return _rejected(NO_TRANSACTION)
        refusal = self._refusal(write, dialect)
        if refusal is not None:
            return refusal
        refusal = self._clock_refusal(write, dialect)
        if refusal is None:
            return await self._deliver(write, transaction_id, dialect, summary)
        if write.key.evse_id not in self._discharging:
            return refusal
        # What it was told before ends by a clock that is wrong, perhaps by hours.
        _LOGGER.warning("%s: its clock cannot be trusted, stopping", self.name)
        stop = replace(write, power_w=0.0, is_renewal=True)
        stopped = await self._deliver(stop, transaction_id, dialect, summary)
        return replace(refusal, on_wire_mono_s=stopped.on_wire_mono_s)

    async def _deliver(
        self,
        write: SetpointWrite,
        transaction_id: TransactionId,
        dialect: DischargeDialect,
        summary: ModelSummary,
    ) -> WriteResult:
        evse_id = write.key.evse_id
        self._newest[evse_id] = write
        if write.power_w >= 0:
            # A stop counts from the moment it was decided, answered or not.
            self._note(write)
        outcome: CallOutcome | None = None
        if dialect is DischargeDialect.DATA_TRANSFER:
            outcome = await self._transfer(write, transaction_id, summary)
        elif self._can_update(write, transaction_id, dialect):
            request = update_request(evse_id, write.power_w, summary)
            outcome = await self._send(write, "UpdateDynamicSchedule", request)
            if _is_refused(outcome):
                self._on_update_refused(evse_id, outcome)
                if self._newest.get(evse_id) is not write:
                    return WriteResult(status=WriteStatus.SUPERSEDED)
                outcome = None
        if outcome is None:
            request = set_profile_request(
                evse_id=evse_id,
                transaction_id=transaction_id,
                power_w=write.power_w,
                dialect=dialect,
                summary=summary,
                station_time=self.station_clock.station_time(self.clock.utcnow()),
            )
            is_stop = write.power_w == 0
            if is_stop and self._needs_clock(dialect) and not self._is_clock_trusted:
                begin_earlier(request)
            outcome = await self._install(write, request, dialect)
        return self._conclude(write, transaction_id, outcome)

    async def _transfer(
        self,
        write: SetpointWrite,
        transaction_id: TransactionId,
        summary: ModelSummary,
    ) -> CallOutcome:
        """Send the message of the maker; it carries every power, 0 W included."""
        if self.vendor is None:
            return CallOutcome(end=CallEnd.REFUSED, code=NO_DIALECT)
        power = VendorPower(
            power_w=write.power_w,
            duration_s=DIALECT_TIMING[DischargeDialect.DATA_TRANSFER].validity_s,
            evse_id=write.key.evse_id,
            transaction_id=transaction_id,
            phases=summary.supply_phases or ASSUMED_PHASES,
        )
        request = vendor_request(self.link.protocol, self.vendor, power)
        return await self._send(write, *request)

    async def _install(
        self, write: SetpointWrite, request: dict[str, Any], dialect: DischargeDialect
    ) -> CallOutcome:
        """Send a whole profile; a station that forbids 0 W is told to be idle.

        Some chargers refuse a setpoint of 0 W. Where the version has a word for rest it
        says the same, and what helped once is said at once from then on.
        """
        has_idle = write.power_w == 0 and dialect not in LIMIT_DIALECTS
        if has_idle and self.is_zero_idle:
            be_idle(request)
        outcome = await self._send(write, *self._wording.set_profile(request))
        is_refused = outcome.end is CallEnd.ANSWERED and _is_refused(outcome)
        is_newest = self._newest.get(write.key.evse_id) is write
        if not (has_idle and is_refused and is_newest) or self.is_zero_idle:
            return outcome
        be_idle(request)
        outcome = await self._send(write, *self._wording.set_profile(request))
        if not _is_refused(outcome) and outcome.end is CallEnd.ANSWERED:
            _LOGGER.info("%s: refuses 0 W, told to be idle instead", self.name)
            self.is_zero_idle = True
        return outcome

    async def clear(self, evse_id: int, summary: ModelSummary) -> WriteResult:
        """Clear our transaction profile of an EVSE; the floor profile stays."""
        self._installed.pop(evse_id, None)
        self._latest.pop(evse_id, None)
        request = self._wording.clear_profile(profile_id(evse_id, summary))
        outcome = await self.link.call(*request, lane=Lane.STOP)
        # Unknown: nothing of ours is there, which is what was wanted.
        return result_of(outcome, accepted=(_ACCEPTED, "Unknown"))

    def forget_transaction(self, transaction_id: TransactionId) -> None:
        """Drop what belonged to a transaction that ended: its profile ended with it."""
        for evse_id, installed in tuple(self._installed.items()):
            if installed.transaction_id == transaction_id:
                del self._installed[evse_id]
                self._latest.pop(evse_id, None)
        for evse_id, discharging in tuple(self._discharging.items()):
            if discharging == transaction_id:
                del self._discharging[evse_id]
        self._arm()

    def forget_profiles(self) -> None:
        """Send every profile anew: the station may have lost them."""
        self._installed.clear()

    def pulled_power_w(self, evse_id: int, dialect: DischargeDialect) -> float | None:
        """Return the setpoint for a station that asks, W; None: it gets none.

        An answer starts the station's dead-man anew, so it is a write like any other:
        a discharge that no tick has just decided is not repeated. What runs then ends
        by itself unless the next tick renews it.
        """
        latest = self._latest.get(evse_id)
        if latest is None:
            return 0.0
        age_s = self.clock.monotonic() - latest.decided_mono_s
        if latest.power_w < 0:
            return latest.power_w if age_s <= MAX_WRITE_AGE_S else None
        return latest.power_w if age_s < DIALECT_TIMING[dialect].validity_s else 0.0

    def _refusal(
        self, write: SetpointWrite, dialect: DischargeDialect
    ) -> WriteResult | None:
        if not isfinite(write.power_w):
            return _rejected(NOT_FINITE)
        if write.power_w >= 0:
            return None
        if dialect is DischargeDialect.NONE:
            return _rejected(NO_DIALECT)
        if self.clock.monotonic() > write.decided_mono_s + MAX_WRITE_AGE_S:
            return WriteResult(status=WriteStatus.STALE)
        return None

    def _clock_refusal(
        self, write: SetpointWrite, dialect: DischargeDialect
    ) -> WriteResult | None:
        if write.power_w >= 0 or not self._needs_clock(dialect):
            return None
        return None if self._is_clock_trusted else _rejected(CLOCK_NOT_TRUSTED)

    @property
    def _is_clock_trusted(self) -> bool:
        return self.station_clock.is_trusted

    @staticmethod
    def _needs_clock(dialect: DischargeDialect) -> bool:
        # Of a charge-only station the schedules run on its clock, too.
        return dialect not in _WITHOUT_CLOCK

    def _can_update(
        self,
        write: SetpointWrite,
        transaction_id: TransactionId,
        dialect: DischargeDialect,
    ) -> bool:
        if dialect is not DischargeDialect.V21_DYNAMIC or write.is_renewal:
            return False
        if write.power_w == 0 and self.is_zero_idle:
            return False
        installed = self._installed.get(write.key.evse_id)
        if installed is None or installed.transaction_id != transaction_id:
            return False
        # Past its end a profile may be gone for good: only a whole one is sure.
        age_s = self.clock.monotonic() - installed.accepted_mono_s
        return self.has_updates and age_s < DIALECT_TIMING[dialect].validity_s

    async def _send(
        self, write: SetpointWrite, action: str, payload: dict[str, Any]
    ) -> CallOutcome:
        is_discharge = write.power_w < 0
        return await self.link.call(
            action,
            payload,
            lane=Lane.STOP if write.power_w == 0 else Lane.SETPOINT,
            coalesce_key=f"setpoint {write.key.evse_id}",
            not_after_mono_s=write.decided_mono_s + MAX_WRITE_AGE_S
            if is_discharge
            else None,
        )

    def _on_update_refused(self, evse_id: int, outcome: CallOutcome) -> None:
        self._installed.pop(evse_id, None)
        if outcome.code in _UPDATES_UNKNOWN:
            _LOGGER.info(
                "%s: does not know UpdateDynamicSchedule, sending whole profiles",
                self.name,
            )
            self.has_updates = False

    def _conclude(
        self, write: SetpointWrite, transaction_id: TransactionId, outcome: CallOutcome
    ) -> WriteResult:
        evse_id = write.key.evse_id
        result = result_of(outcome)
        if result.is_accepted:
            self._installed[evse_id] = _Installed(
                transaction_id=transaction_id,
                accepted_mono_s=self.clock.monotonic(),
            )
            self._note(write)
            if write.power_w < 0:
                self._discharging[evse_id] = transaction_id
            else:
                self._discharging.pop(evse_id, None)
            self._arm()
        elif outcome.end not in {CallEnd.SUPERSEDED, CallEnd.STALE}:
            # Unanswered or refused: what the station holds now is not known.
            self._installed.pop(evse_id, None)
        return result

    def _note(self, write: SetpointWrite) -> None:
        known = self._latest.get(write.key.evse_id)
        if known is None or known.decided_mono_s <= write.decided_mono_s:
            self._latest[write.key.evse_id] = _Latest(
                power_w=write.power_w, decided_mono_s=write.decided_mono_s
            )

    def _arm(self) -> None:
        self.link.set_armed(is_armed=bool(self._discharging))


def result_of(
    outcome: CallOutcome, accepted: tuple[str, ...] = (_ACCEPTED,)
) -> WriteResult:
    """Return the typed end of a command from the end of its CALL."""
    match outcome.end:
        case CallEnd.ANSWERED:
            return _judge_answer(outcome, accepted)
        case CallEnd.TIMEOUT:
            status = WriteStatus.TIMEOUT
        case CallEnd.LINK_LOST:
            status = WriteStatus.OFFLINE
        case CallEnd.SUPERSEDED:
            status = WriteStatus.SUPERSEDED
        case CallEnd.STALE:
            status = WriteStatus.STALE
        case _:
            status = WriteStatus.REJECTED
    return WriteResult(
        status=status,
        detail=outcome.code or ("" if outcome.sent_mono_s else outcome.end),
        on_wire_mono_s=outcome.sent_mono_s,
    )


def _judge_answer(outcome: CallOutcome, accepted: tuple[str, ...]) -> WriteResult:
    status = str(outcome.payload.get("status", ""))
    if status in accepted:
        return WriteResult(
            status=WriteStatus.ACCEPTED, on_wire_mono_s=outcome.sent_mono_s
        )
    info = outcome.payload.get("statusInfo") or {}
    return WriteResult(
        status=WriteStatus.REJECTED,
        detail=str(info.get("reasonCode") or status),
        on_wire_mono_s=outcome.sent_mono_s,
    )


def _is_refused(outcome: CallOutcome) -> bool:
    """Return True when the station answered, and not with Accepted."""
    if outcome.end is CallEnd.ANSWERED:
        return outcome.payload.get("status") != _ACCEPTED
    return outcome.end in {CallEnd.REFUSED, CallEnd.INVALID}


def _rejected(detail: str) -> WriteResult:
    return WriteResult(status=WriteStatus.REJECTED, detail=detail)
