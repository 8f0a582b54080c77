"""What every message of the VPP contract begins with."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The envelope of every message."""

    TYPE: ClassVar[str]
    version: str
    id: str
    epoch: int
    seq: int
    ts: datetime
