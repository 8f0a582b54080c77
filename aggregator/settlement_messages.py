"""The messages about events that are over: what flowed, and what is paid for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .envelope import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Report(Message):
    """The report of one event, as an entry of the home's ledger."""

    TYPE: ClassVar[str] = "report"
    links: tuple[Mapping[str, Any], ...]
    entry: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deduction:
    """Energy that is not paid for, and why."""

    code: str
    energy_wh: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement(Message):
    """What is paid for one event."""

    TYPE: ClassVar[str] = "settlement"
    settlement_id: str
    event_id: str
    accepted_wh: int
    amount_minor: int
    currency: str
    deductions: tuple[Deduction, ...]
