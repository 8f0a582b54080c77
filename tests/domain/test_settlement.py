"""What was paid beside what was counted."""

from datetime import UTC, datetime
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.settlement import (
    Deduction,
    DeductionCode,
    Outcome,
    ReportedEnergy,
    Settlement,
    amount,
    compare,
)

AT = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)


def settled(accepted_wh: int, *deductions: int) -> Settlement:
    return Settlement(
        settlement_id="s",
        event_id="peak-1",
        accepted_wh=accepted_wh,
        amount_minor=150,
        currency="EUR",
        deductions=tuple(
            Deduction(code=code, energy_wh=wh)
            for code, wh in zip(DeductionCode, deductions, strict=False)
        ),
    )


def reported(*delivered_wh: int, is_test: bool = False) -> Any:
    return [
        ReportedEnergy(delivered_wh=wh, is_test=is_test, started_at=AT)
        for wh in delivered_wh
    ]


@pytest.mark.parametrize(
    ("settlement", "reports", "outcome", "difference_wh"),
    [
        (settled(5000), reported(5000), Outcome.AGREED, 0),
        (settled(4999), reported(5000), Outcome.AGREED, 1),
        (settled(4998), reported(2500, 2500), Outcome.AGREED, 2),
        (settled(4900, 100), reported(5000), Outcome.DEDUCTED, 100),
        (settled(4900, 60, 39), reported(5000), Outcome.DEDUCTED, 100),
        (settled(4900), reported(5000), Outcome.TOO_LITTLE, 100),
        (settled(4900, 50), reported(5000), Outcome.TOO_LITTLE, 100),
        (settled(5100), reported(5000), Outcome.TOO_MUCH, -100),
        (settled(5000), [], Outcome.UNKNOWN_EVENT, -5000),
        (settled(5000), reported(5000, is_test=True), Outcome.ONLY_A_TEST, 0),
    ],
)
def test_a_settlement_is_told_as_what_it_is(
    settlement: Settlement, reports: Any, outcome: Outcome, difference_wh: int
) -> None:
    found = compare(settlement, reports)
    assert found.outcome is outcome
    assert found.difference_wh == difference_wh


def test_the_largest_deduction_is_named() -> None:
    found = compare(settled(4900, 40, 60), reported(5000))
    assert found.main_deduction is DeductionCode.NOT_REQUESTED
    assert compare(settled(4900), reported(5000)).main_deduction is DeductionCode.OTHER


@pytest.mark.parametrize(
    ("minor", "currency", "whole"),
    [(150, "EUR", 1.5), (150, "JPY", 150), (1500, "KWD", 1.5), (-5, "XYZ", -0.05)],
)
def test_an_amount_has_the_digits_of_its_currency(
    minor: int, currency: str, whole: float
) -> None:
    assert amount(minor, currency) == pytest.approx(whole)
