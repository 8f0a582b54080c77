"""What the home could do in the next day, as far as it is known now."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastRoom:
    """What could be given and taken; magnitudes."""

    deliverable_w: float = 0.0
    absorbable_w: float = 0.0
    deliverable_wh: float = 0.0
    """From then on, in total."""

    absorbable_wh: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastSlot:
    """Half an hour."""

    start_at: datetime
    p10: ForecastRoom
    """At least this in nine of ten cases."""

    p50: ForecastRoom
