"""What every message of the contract begins with."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What every message begins with."""

    version: str
    message_id: str
    epoch: int
    """Fencing number of the sender."""

    seq: int
    """Plus one per epoch and topic."""

    made_at: datetime
    """By the sender's clock."""
