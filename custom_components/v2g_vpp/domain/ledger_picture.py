"""What entities may show of a ledger."""

from dataclasses import dataclass
from datetime import datetime

from .settlement import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Earning:
    """What one event was settled with."""

    started_at: datetime
    """UTC start of the event; where the home has no report, when it was settled."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementNote:
    """A settlement that was compared; told once."""

    number: int
    """Sequence of its entry in the ledger."""

    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPicture:
    """The figures of one ledger."""

    score_percent: float | None = None
    """Mean of the reports of the last 30 days; None without one."""

    earnings: tuple[Earning, ...] = ()
    """Of the last two months, one per event."""

    settlements: tuple[SettlementNote, ...] = ()
    """The newest, oldest first."""
