"""Commands of the site to one station; none of them raises."""

from typing import Final

from ..domain.capability import DischargeDialect
from ..domain.ids import EvseKey, TransactionId
from ..domain.setpoint import SetpointWrite, WriteResult, WriteStatus
from .calls import Lane
from .charging_profile import rate_unit, scheduled_power_w
from .setpoints import NO_TRANSACTION, NOT_READY, SetpointWriter, result_of
from .station import Station
from .vehicles import allowed_transfer_modes
from .versions import V21
from .wording import wording_of

OFFLINE_TRANSACTION: Final = "offline_transaction"
NOT_IN_THIS_VERSION: Final = "not_in_this_version"
COMPOSITE_S: Final = 60
"""Span of the schedule that is asked for; only its beginning is of use."""

_OFFLINE: Final = WriteResult(status=WriteStatus.OFFLINE)
_MAX_REMOTE_START_ID: Final = 2**31 - 1


async def write_setpoint(station: Station, write: SetpointWrite) -> WriteResult:
    """Bring an EVSE to a power; see ``StationPort``."""
    writer = _writer(station)
    if isinstance(writer, WriteResult):
        return writer
    transaction_id = write.transaction_id
    if transaction_id is not None:
        await station.starts.answered(transaction_id)
        writer = _writer(station)
        if isinstance(writer, WriteResult):
            return writer
    record = station.ledger.find(transaction_id) if transaction_id else None
    is_running = (
        record is not None
        and not record.is_ended
        and record.evse_id == write.key.evse_id
    )
    if record is None or not is_running:
        # A transaction profile without its transaction is never sent, and nothing is
        # claimed about a power that nobody controls.
        return _rejected(NO_TRANSACTION)
    if write.power_w < 0 and not record.has_been_live:
        return _rejected(OFFLINE_TRANSACTION)
    capability = station.capability(writer.link.protocol)
    return await writer.write(write, capability.dialect, station.summary)


async def end_transaction(
    station: Station, transaction_id: TransactionId
) -> WriteResult:
    """Ask to end a transaction; see ``StationPort``."""
    writer = _writer(station)
    if isinstance(writer, WriteResult):
        return writer
    request = wording_of(writer.link.protocol).end_transaction(transaction_id)
    station.clocks.asked.end(transaction_id, station.link_age_s())
    outcome = await writer.link.call(*request, lane=Lane.STOP)
    return result_of(outcome)


async def start_transaction(station: Station, key: EvseKey) -> WriteResult:
    """Ask to begin a transaction; see ``StationPort``."""
    writer = _writer(station)
    if isinstance(writer, WriteResult):
        return writer
    remote_start_id = int(station.now().timestamp()) % _MAX_REMOTE_START_ID
    wording = wording_of(writer.link.protocol)
    request = wording.start_transaction(key.evse_id, remote_start_id)
    station.clocks.asked.start(remote_start_id)
    outcome = await writer.link.call(*request)
    return result_of(outcome)


async def clear_charging_profile(station: Station, key: EvseKey) -> WriteResult:
    """Clear our transaction profile; see ``StationPort``."""
    writer = _writer(station)
    if isinstance(writer, WriteResult):
        return writer
    return await writer.clear(key.evse_id, station.summary)


async def change_availability(
    station: Station, key: EvseKey, *, is_operative: bool
) -> WriteResult:
    """Take an EVSE out of operation, or back; see ``StationPort``."""
    writer = _writer(station)
    if isinstance(writer, WriteResult):
        return writer
    wording = wording_of(writer.link.protocol)
    outcome = await writer.link.call(
        *wording.change_availability(key.evse_id, is_operative=is_operative),
        lane=Lane.CONFIGURATION if is_operative else Lane.STOP,
    )
    # Scheduled: once the transaction is over, which is all that can be had.
    return result_of(outcome, accepted=("Accepted", "Scheduled"))


async def reset(station: Station) -> WriteResult:
    """Reset a station at once; see ``StationPort``."""
    writer = _writer(station)
    if isinstance(writer, WriteResult):
        return writer
    request = wording_of(writer.link.protocol).reset()
    outcome = await writer.link.call(*request, lane=Lane.STOP)
    return result_of(outcome, accepted=("Accepted", "Scheduled"))


async def read_schedule(station: Station, key: EvseKey) -> float | None:
    """Ask what a station does now, W; see ``StationPort``."""
    writer = _writer(station)
    if isinstance(writer, WriteResult):
        return None
    wording = wording_of(writer.link.protocol)
    dialect = station.capability(writer.link.protocol).dialect
    if dialect is DischargeDialect.DATA_TRANSFER:
        # Its plan knows profiles alone, and ours is none.
        return None
    action, payload = wording.composite(key.evse_id, COMPOSITE_S)
    outcome = await writer.link.call(
        action, {**payload, "chargingRateUnit": rate_unit(dialect, station.summary)}
    )
    if outcome.payload.get("status") != "Accepted":
        return None
    schedule = wording.composite_in(outcome.payload)
    return scheduled_power_w(schedule, dialect, station.summary)


async def allow_energy_transfer(
    station: Station, transaction_id: TransactionId, *, may_discharge: bool
) -> WriteResult:
    """Tell a running transaction what its vehicle may do (2.1 Q02)."""
    writer = _writer(station)
    if isinstance(writer, WriteResult):
        return writer
    if writer.link.protocol != V21.protocol:
        # Older versions negotiate nothing with the vehicle: there is nobody to tell.
        return WriteResult(status=WriteStatus.ACCEPTED, detail=NOT_IN_THIS_VERSION)
    modes = allowed_transfer_modes(
        station.summary.energy_transfer_modes, may_discharge=may_discharge
    )
    outcome = await writer.link.call(
        "NotifyAllowedEnergyTransfer",
        {
            "transactionId": transaction_id,
            "allowedEnergyTransfer": modes or ["AC_three_phase", "DC"],
        },
    )
    return result_of(outcome)


def _writer(station: Station) -> SetpointWriter | WriteResult:
    if station.writer is None:
        return _OFFLINE
    return station.writer if station.is_registered else _rejected(NOT_READY)


def _rejected(detail: str) -> WriteResult:
    return WriteResult(status=WriteStatus.REJECTED, detail=detail)
