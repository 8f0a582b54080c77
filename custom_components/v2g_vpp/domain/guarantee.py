"""What is certain of the end of a discharge that nobody asks for any more."""

from enum import StrEnum


class GuaranteeClass(StrEnum):
    """Whether a charger ends a discharge by itself; found by the self-test."""

    A = "a"
    """It returns to 0 W by itself, soon after nobody writes to it any more."""

    B = "b"
    """It does not: it goes on until it is told to stop."""


LONGEST_WATCHDOG_S = 60.0
"""A charger that waits longer than this for the next write counts as one that never
ends by itself (house rule: no worse than a profile of OCPP)."""

LONGEST_UNGUARDED_S = 900.0
"""A discharge that does not end by itself is given this long, then 0 W (house rule: what
a home could lose while nobody watches stays below 3 kWh)."""
