"""What an operator paid for an event, in one sentence."""

from collections.abc import Mapping
from typing import Final

from .const import DOMAIN
from .domain.settlement import Comparison, DeductionCode, Outcome
from .domain.units import watt_hours_to_kilowatt_hours

SENTENCES: Final[Mapping[Outcome, str]] = {
    Outcome.AGREED: "settled_agreed",
    Outcome.DEDUCTED: "settled_deducted",
    Outcome.TOO_LITTLE: "settled_too_little",
    Outcome.TOO_MUCH: "settled_too_much",
    Outcome.UNKNOWN_EVENT: "settled_unknown_event",
    Outcome.ONLY_A_TEST: "settled_only_a_test",
}
"""Told by the event of a settlement."""

DEDUCTIONS: Final[Mapping[DeductionCode, str]] = {
    DeductionCode.NOT_MEASURED: "deducted_not_measured",
    DeductionCode.NOT_REQUESTED: "deducted_not_requested",
    DeductionCode.OUT_OF_TOLERANCE: "deducted_out_of_tolerance",
    DeductionCode.REPORT_LATE: "deducted_report_late",
    DeductionCode.REPORT_NOT_TRUSTED: "deducted_report_not_trusted",
    DeductionCode.OTHER: "deducted_other",
}
"""Why; part of such a sentence."""


def sentence(comparison: Comparison, texts: Mapping[str, str]) -> str:
    """Return the sentence about a settlement.

    Args:
        comparison: with the own ledger.
        texts: translations of the category "exceptions".
    """
    why = texts[_key(DEDUCTIONS[comparison.main_deduction])]
    return texts[_key(SENTENCES[comparison.outcome])].format(
        paid=_kwh(comparison.settlement.accepted_wh),
        delivered=_kwh(comparison.delivered_wh or 0),
        difference=_kwh(abs(comparison.difference_wh)),
        why=why,
    )


def _key(name: str) -> str:
    return f"component.{DOMAIN}.exceptions.{name}.message"


def _kwh(energy_wh: int) -> str:
    return f"{watt_hours_to_kilowatt_hours(energy_wh):.2f}"
