"""What of a ledger is asked for again and again, kept at hand."""

from collections import Counter, deque
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from ..domain.ledger import EntryKind, LedgerEntry
from ..domain.ledger_picture import Earning, LedgerPicture, SettlementNote
from ..domain.settlement import (
    Comparison,
    Deduction,
    DeductionCode,
    ReportedEnergy,
    Settlement,
    compare,
)
from ..domain.units import percent_of
from ..domain.wall_time import format_moment

SCORED = timedelta(days=30)
SHOWN_EARNINGS = timedelta(days=62)
"""Two whole months: which one is the present one is for the wall of the home to say."""

SHOWN_NOTES = 16
KEPT_EVENTS = 5_000
"""House rule: twelve a day for 400 days; of more the newest are at hand."""

MOST_SETTLEMENTS = 8
"""Of one event; each new one replaces the earlier."""

MOST_UNKNOWN = 64
"""Of events that the home has no report of."""

PERMILLE = 1000.0


class LedgerFigures:
    """Sums and scores of a ledger, entry by entry."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._reports: dict[str, list[ReportedEnergy]] = {}
        self._scores: deque[tuple[datetime, float]] = deque(maxlen=KEPT_EVENTS)
        self._earnings: dict[str, Earning] = {}
        self._settlement_ids: dict[str, str] = {}
        """Of which event each is."""

        self._notes: deque[SettlementNote] = deque(maxlen=SHOWN_NOTES)

    def take(self, entry: LedgerEntry) -> None:
        """Count one more entry."""
        match entry.kind:
            case EntryKind.EVENT_REPORT:
                self._take_report(entry.body)
            case EntryKind.SETTLEMENT:
                self._take_settlement(entry)
            case _:
                return

    def picture(self, now: datetime) -> LedgerPicture:
        """Return the figures as they are now."""
        scores = [score for at, score in self._scores if now - at <= SCORED]
        return LedgerPicture(
            score_percent=percent_of(fmean(scores), PERMILLE) if scores else None,
            earnings=tuple(
                one
                for one in self._earnings.values()
                if now - one.started_at <= SHOWN_EARNINGS
            ),
            settlements=tuple(self._notes),
        )

    def compare(self, settlement: Settlement) -> Comparison:
        """Return how a settlement compares with the reports of its event."""
        return compare(settlement, self._reports.get(settlement.event_id, ()))

    def knows(self, settlement: Settlement) -> bool:
        """Return True for a settlement that came before."""
        return settlement.settlement_id in self._settlement_ids

    def has_enough_of(self, settlement: Settlement, coming: Collection[str]) -> bool:
        """Return True when no more settlements like this one are kept.

        Args:
            settlement: that is new.
            coming: the events of those that are not in the ledger yet.
        """
        told = Counter((*self._settlement_ids.values(), *coming))
        if settlement.event_id in self._reports:
            return told[settlement.event_id] >= MOST_SETTLEMENTS
        unknown = sum(n for one, n in told.items() if one not in self._reports)
        return unknown >= MOST_UNKNOWN

    def has_entry(self, kind: EntryKind, body: Mapping[str, Any]) -> bool:
        """Return True when the ledger has this already."""
        if kind is EntryKind.SETTLEMENT:
            return body["settlement_id"] in self._settlement_ids
        return self._has_report(str(body["event_id"]), str(body["start"]))

    def has_draft(self, draft: Mapping[str, Any]) -> bool:
        """Return True when the record of an event became a report already."""
        start = format_moment(datetime.fromisoformat(draft["started_at"]))
        return self._has_report(str(draft["key"]), start)

    def _has_report(self, event_id: str, start: str) -> bool:
        return any(
            format_moment(one.started_at) == start
            for one in self._reports.get(event_id, ())
        )

    def _take_report(self, body: Mapping[str, Any]) -> None:
        started_at = datetime.fromisoformat(body["start"])
        reported = ReportedEnergy(
            delivered_wh=int(body["delivered_wh"]),
            is_test=bool(body["test"]),
            started_at=started_at,
        )
        self._reports.setdefault(str(body["event_id"]), []).append(reported)
        _drop_oldest(self._reports)
        score = body["score_permille"]
        if score is not None and not reported.is_test:
            self._scores.append((started_at, float(score)))

    def _take_settlement(self, entry: LedgerEntry) -> None:
        settlement = read_settlement(entry.body)
        self._settlement_ids[settlement.settlement_id] = settlement.event_id
        _drop_oldest(self._settlement_ids)
        reports = self._reports.get(settlement.event_id)
        at = reports[0].started_at if reports else None
        # A later word about the same event takes the place of the earlier one.
        self._earnings[settlement.event_id] = Earning(
            started_at=at or datetime.fromisoformat(entry.made_at),
            amount_minor=settlement.amount_minor,
            currency=settlement.currency,
        )
        _drop_oldest(self._earnings)
        note = SettlementNote(
            number=entry.sequence, comparison=self.compare(settlement)
        )
        self._notes.append(note)


def _drop_oldest(known: dict[str, Any]) -> None:
    while len(known) > KEPT_EVENTS:
        del known[next(iter(known))]


def read_settlement(body: Mapping[str, Any]) -> Settlement:
    """Return the settlement that an entry keeps."""
    return Settlement(
        settlement_id=str(body["settlement_id"]),
        event_id=str(body["event_id"]),
        accepted_wh=int(body["accepted_wh"]),
        amount_minor=int(body["amount_minor"]),
        currency=str(body["currency"]),
        deductions=tuple(
            Deduction(code=DeductionCode(one["code"]), energy_wh=int(one["energy_wh"]))
            for one in body["deductions"]
        ),
    )
