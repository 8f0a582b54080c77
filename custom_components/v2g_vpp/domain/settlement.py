"""What an aggregator paid for an event, beside what the home itself counted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

ROUNDING_WH = 1
"""Both sides round to whole Wh."""

_MINOR_DIGITS: Mapping[str, int] = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW"), 0),
    **dict.fromkeys(("PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
}
"""Where it is not two (ISO 4217)."""


class DeductionCode(StrEnum):
    """Why an aggregator pays for less than was delivered."""

    NOT_MEASURED = "not_measured"
    NOT_REQUESTED = "not_requested"
    OUT_OF_TOLERANCE = "out_of_tolerance"
    REPORT_LATE = "report_late"
    REPORT_NOT_TRUSTED = "report_not_trusted"
    OTHER = "other"
    """Also every code that this version does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """One part that is not paid for."""

    code: DeductionCode
    energy_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The aggregator's word about one event."""

    settlement_id: str
    """The same when it is sent again."""

    event_id: str
    """That of the event, or of its only command."""

    accepted_wh: int
    amount_minor: int
    """In the smallest unit of the currency; negative when the home has to pay."""

    currency: str
    deductions: tuple[Deduction, ...] = ()

    def to_body(self) -> dict[str, Any]:
        """Return what the ledger keeps of it."""
        return {
            "settlement_id": self.settlement_id,
            "event_id": self.event_id,
            "accepted_wh": self.accepted_wh,
            "amount_minor": self.amount_minor,
            "currency": self.currency,
            "deductions": [
                {"code": one.code.value, "energy_wh": one.energy_wh}
                for one in self.deductions
            ],
        }


class Outcome(StrEnum):
    """How a settlement compares with the own ledger."""

    AGREED = "agreed"
    DEDUCTED = "deducted"
    """Less, and the deductions say why."""

    TOO_LITTLE = "too_little"
    """Less than the deductions explain."""

    TOO_MUCH = "too_much"
    UNKNOWN_EVENT = "unknown_event"
    """The home has no report of it."""

    ONLY_A_TEST = "only_a_test"
    """Paid although it was marked as a test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedEnergy:
    """What the own reports say of one event."""

    delivered_wh: int
    is_test: bool
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A settlement beside the ledger."""

    settlement: Settlement
    outcome: Outcome
    delivered_wh: int | None
    """None: no report."""

    @property
    def difference_wh(self) -> int:
        """Return what was delivered and is not paid for; below 0: the other way."""
        return (self.delivered_wh or 0) - self.settlement.accepted_wh

    @property
    def main_deduction(self) -> DeductionCode:
        """Return the reason for most of the difference."""
        return max(
            self.settlement.deductions,
            key=lambda one: one.energy_wh,
            default=Deduction(code=DeductionCode.OTHER, energy_wh=0),
        ).code


def compare(settlement: Settlement, reports: Iterable[ReportedEnergy]) -> Comparison:
    """Return how a settlement compares with the home's reports of the event."""
    known = tuple(reports)
    delivered_wh = sum(one.delivered_wh for one in known) if known else None
    return Comparison(
        settlement=settlement,
        outcome=_outcome(settlement, known),
        delivered_wh=delivered_wh,
    )


def amount(amount_minor: int, currency: str) -> float:
    """Return an amount in whole units of its currency."""
    return float(amount_minor / 10 ** _MINOR_DIGITS.get(currency, 2))


def _outcome(settlement: Settlement, known: tuple[ReportedEnergy, ...]) -> Outcome:
    if not known:
        return Outcome.UNKNOWN_EVENT
    if any(one.is_test for one in known):
        return Outcome.ONLY_A_TEST
    missing_wh = sum(one.delivered_wh for one in known) - settlement.accepted_wh
    rounding_wh = ROUNDING_WH * len(known)
    if abs(missing_wh) <= rounding_wh:
        return Outcome.AGREED
    if missing_wh < 0:
        return Outcome.TOO_MUCH
    explained_wh = sum(one.energy_wh for one in settlement.deductions)
    is_explained = missing_wh - explained_wh <= rounding_wh
    return Outcome.DEDUCTED if is_explained else Outcome.TOO_LITTLE
