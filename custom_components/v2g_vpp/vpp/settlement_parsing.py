"""The settlement of an event, as the aggregator writes it."""

from typing import Any

from ..domain.settlement import Deduction, DeductionCode, Settlement
from .fields import Fields

MAX_ENERGY_WH = 1_000_000_000
MAX_AMOUNT_MINOR = 1_000_000_000
MOST_DEDUCTIONS = 16
_CODE = r"[a-z_]{1,40}"
_CURRENCY = r"[A-Z]{3}"


def parse_settlement(fields: Fields, event_id_pattern: str) -> Settlement:
    """Return the settlement of a message whose envelope was read.

    Raises:
        SchemaError: naming the first field that is wrong.
    """
    return Settlement(
        settlement_id=fields.uuid("settlement_id"),
        event_id=fields.text("event_id", event_id_pattern),
        accepted_wh=fields.integer("accepted_wh", 0, MAX_ENERGY_WH),
        amount_minor=fields.integer(
            "amount_minor", -MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR
        ),
        currency=fields.text("currency", _CURRENCY),
        deductions=tuple(
            _deduction(raw) for raw in fields.array("deductions", 0, MOST_DEDUCTIONS)
        ),
    )


def _deduction(raw: Any) -> Deduction:
    fields = Fields.of(raw, "deductions")
    code = fields.text("code", _CODE)
    known = code in set(DeductionCode)
    return Deduction(
        code=DeductionCode(code) if known else DeductionCode.OTHER,
        energy_wh=fields.integer("energy_wh", 0, MAX_ENERGY_WH),
    )
