"""Which transaction events are news, across connections and restarts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from itertools import takewhile
from typing import Any, Final

from ..domain.events import TransactionPhase
from ..domain.ids import TransactionId
from .times import format_time, parse_time

KEPT_ENDED: Final = 16
"""Ended transactions remembered, so that late duplicates are still recognised."""

KEPT_RANGES: Final = 32
"""Gaps remembered per transaction; more of them is a broken counter."""


_PHASES: Final = {phase.capitalize(): phase for phase in TransactionPhase}
"""By their names on the wire."""


class News(StrEnum):
    """What a transaction event is."""

    NEW = "new"
    """It moves the live state."""

    OLD = "old"
    """It fills a gap: its energy counts, the live state stays."""

    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionFrame:
    """The readable parts of a TransactionEvent."""

    transaction_id: TransactionId
    phase: TransactionPhase
    seq_no: int
    at: datetime
    is_offline: bool = False
    evse_id: int | None = None
    trigger: str | None = None
    charging_state: str | None = None
    operation_mode: str | None = None
    stopped_reason: str | None = None
    remote_start_id: int | None = None
    """Of the request that it was started by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRecord:
    """What is remembered of a transaction."""

    transaction_id: TransactionId
    evse_id: int | None = None
    """None until a frame named it: only one of them has to."""

    seen: tuple[tuple[int, int], ...] = ()
    """Sequence numbers received, as inclusive ranges in ascending order."""

    newest_at: datetime | None = None
    charging_state: str | None = None
    operation_mode: str | None = None
    has_been_live: bool = False
    """False while every frame of it was replayed from the time offline."""

    is_ended: bool = False

    @property
    def highest_seq_no(self) -> int:
        """Highest sequence number received, -1 before the first."""
        return self.seen[-1][1] if self.seen else -1

    def gaps(self) -> tuple[tuple[int, int], ...]:
        """Return the ranges of sequence numbers that are missing in between."""
        return tuple(
            (before[1] + 1, after[0] - 1)
            for before, after in zip(self.seen, self.seen[1:], strict=False)
        )


def parse_transaction(payload: Mapping[str, Any], now: datetime) -> TransactionFrame:
    """Return the readable parts of a TransactionEvent whose skeleton is valid."""
    info = payload["transactionInfo"]
    evse = payload.get("evse")
    evse_id = evse.get("id") if isinstance(evse, dict) else None
    start_id = info.get("remoteStartId")
    return TransactionFrame(
        transaction_id=TransactionId(info["transactionId"]),
        phase=_PHASES[payload["eventType"]],
        seq_no=int(payload["seqNo"]),
        at=parse_time(payload["timestamp"]) or now,
        is_offline=payload.get("offline") is True,
        evse_id=int(evse_id) if evse_id else None,
        trigger=payload.get("triggerReason"),
        charging_state=info.get("chargingState"),
        operation_mode=info.get("operationMode"),
        stopped_reason=info.get("stoppedReason"),
        remote_start_id=start_id if isinstance(start_id, int) else None,
    )


class TransactionLedger:
    """The transactions of one station."""

    def __init__(self, records: Iterable[TransactionRecord] = ()) -> None:
        """Take what the store kept, oldest first."""
        self._records = {record.transaction_id: record for record in records}

    @property
    def records(self) -> tuple[TransactionRecord, ...]:
        """All that is remembered, oldest first."""
        return tuple(self._records.values())

    def find(self, transaction_id: TransactionId) -> TransactionRecord | None:
        """Return a transaction, None when it is not known."""
        return self._records.get(transaction_id)

    def open_transactions(self) -> tuple[TransactionRecord, ...]:
        """Return those that have not ended, oldest first."""
        return tuple(r for r in self._records.values() if not r.is_ended)

    def open_on(self, evse_id: int) -> TransactionRecord | None:
        """Return the newest open transaction of an EVSE."""
        for record in reversed(self._records.values()):
            if record.evse_id == evse_id and not record.is_ended:
                return record
        return None

    def apply(self, frame: TransactionFrame) -> News:
        """Note a frame and return what it is."""
        known = self._records.get(frame.transaction_id)
        record = known or TransactionRecord(transaction_id=frame.transaction_id)
        if _contains(record.seen, frame.seq_no):
            return News.DUPLICATE
        is_news = self._is_news(record, frame)
        state, mode = record.charging_state, record.operation_mode
        if is_news:
            state, mode = frame.charging_state or state, frame.operation_mode or mode
        record = replace(
            record,
            charging_state=state,
            operation_mode=mode,
            seen=_with(record.seen, frame.seq_no),
            evse_id=record.evse_id if frame.evse_id is None else frame.evse_id,
            has_been_live=record.has_been_live or (is_news and not frame.is_offline),
            is_ended=record.is_ended or frame.phase is TransactionPhase.ENDED,
            newest_at=max(record.newest_at or frame.at, frame.at),
        )
        if known is None and not is_news:
            # One that we hear of late is older than those we know.
            self._records = {frame.transaction_id: record, **self._records}
        self._records[frame.transaction_id] = record
        if is_news and len(self._records) > 1:
            if frame.phase is TransactionPhase.STARTED:
                self._end_others_on(record, self.open_transactions())
            elif not frame.is_offline:
                self._end_others_on(record, self._older_than(record))
        if len(self._records) > KEPT_ENDED:
            self._forget_oldest_ended()
        return News.NEW if is_news else News.OLD

    def end(self, transaction_id: TransactionId) -> None:
        """Mark a transaction as ended that the station says is not running."""
        record = self._records.get(transaction_id)
        if record is not None:
            self._records[transaction_id] = replace(record, is_ended=True)

    def _is_news(self, record: TransactionRecord, frame: TransactionFrame) -> bool:
        if record.is_ended or frame.seq_no < record.highest_seq_no:
            return False
        if self._is_of_before(frame):
            return False
        if not frame.is_offline:
            # By sequence number alone: a clock that steps back must not hide an end.
            return True
        evse_id = record.evse_id if frame.evse_id is None else frame.evse_id
        newest_at = max(
            (
                other.newest_at
                for other in self._records.values()
                if other.evse_id == evse_id and other.newest_at is not None
            ),
            default=frame.at,
        )
        return frame.at >= newest_at

    def _is_of_before(self, frame: TransactionFrame) -> bool:
        """Return True for a late frame of a transaction that ran before the one now."""
        if frame.phase is TransactionPhase.STARTED:
            return False
        for other in self._records.values():
            if (
                other.transaction_id != frame.transaction_id
                and not other.is_ended
                and other.evse_id == frame.evse_id
                and other.has_been_live
                and other.newest_at is not None
                and frame.at < other.newest_at
            ):
                return True
        return False

    def _older_than(self, record: TransactionRecord) -> Iterable[TransactionRecord]:
        """Return those heard of before a transaction, in the order of first mention."""
        return takewhile(
            lambda other: other.transaction_id != record.transaction_id, self.records
        )

    def _end_others_on(
        self, record: TransactionRecord, others: Iterable[TransactionRecord]
    ) -> None:
        # An EVSE has one transaction: the end of an older one was lost.
        for other in others:
            is_other = other.transaction_id != record.transaction_id
            if is_other and not other.is_ended and other.evse_id == record.evse_id:
                self.end(other.transaction_id)

    def _forget_oldest_ended(self) -> None:
        ended = [r.transaction_id for r in self._records.values() if r.is_ended]
        for transaction_id in ended[:-KEPT_ENDED]:
            del self._records[transaction_id]


def record_to_json(record: TransactionRecord) -> dict[str, Any]:
    """Return what the store keeps of a transaction."""
    return {
        "id": record.transaction_id,
        "evse": record.evse_id,
        "seen": [list(pair) for pair in record.seen],
        "newest_at": format_time(record.newest_at) if record.newest_at else None,
        "charging_state": record.charging_state,
        "operation_mode": record.operation_mode,
        "live": record.has_been_live,
        "ended": record.is_ended,
    }


def record_from_json(data: Mapping[str, Any]) -> TransactionRecord:
    """Return a transaction as the store kept it."""
    return TransactionRecord(
        transaction_id=TransactionId(str(data["id"])),
        evse_id=data["evse"],
        seen=tuple((int(low), int(high)) for low, high in data["seen"]),
        newest_at=parse_time(data["newest_at"]),
        charging_state=data["charging_state"],
        operation_mode=data["operation_mode"],
        has_been_live=bool(data["live"]),
        is_ended=bool(data["ended"]),
    )


def _contains(ranges: tuple[tuple[int, int], ...], number: int) -> bool:
    if not ranges or number > ranges[-1][1]:
        # The usual case: a new one came.
        return False
    return any(low <= number <= high for low, high in ranges)


def _with(
    ranges: tuple[tuple[int, int], ...], number: int
) -> tuple[tuple[int, int], ...]:
    if ranges and number == ranges[-1][1] + 1:
        # The usual case: the next one came.
        return (*ranges[:-1], (ranges[-1][0], number))
    merged: list[tuple[int, int]] = []
    for low, high in sorted((*ranges, (number, number))):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged[-KEPT_RANGES:])
