"""When a discharge that nobody refreshes has to end, and whether it has to at all."""

from dataclasses import dataclass, replace

from ..domain.capability import DialectTiming, DischargeDialect
from ..domain.guarantee import LONGEST_WATCHDOG_S

EARLIEST_END_SHARE = 0.5
"""A discharge that ends before half of its validity did not end for the dead-man."""

SHORTEST_VALIDITY_S = 1.0
"""No charger is written to more often than once in a tick."""


@dataclass(frozen=True, slots=True)
class OwnEnd:
    """What a self-test expects of the end of a discharge that is withheld from it."""

    dialect: DischargeDialect
    told: DialectTiming
    """Of the station."""

    watchdog_s: float | None
    """That the charger was told; None: nobody knows of one, or it is of OCPP."""

    @property
    def may_be_missing(self) -> bool:
        """True for a charger that need not end by itself: then it is known as such.

        What is written over OCPP has an end in every write.
        """
        return self.dialect is DischargeDialect.ENTITY

    @property
    def timing(self) -> DialectTiming:
        """The timing by which the end is awaited: no longer than a guarantee allows."""
        if not self.may_be_missing:
            return self.told
        validity_s = min(LONGEST_WATCHDOG_S, self.told.validity_s)
        return replace(self.told, validity_s=validity_s)

    @property
    def earliest_s(self) -> float:
        """Before this the end has another cause; of an unknown one nothing is said."""
        if self.may_be_missing and self.watchdog_s is None:
            return 0.0
        return EARLIEST_END_SHARE * self.told.validity_s

    def validity_s(self, ends_s: float) -> float | None:
        """Return how long the charger waits for a write, None for OCPP.

        Args:
            ends_s: how long it waited in the test, without its own dead time and ramp.
        """
        if not self.may_be_missing:
            return None
        if self.watchdog_s is not None:
            return self.told.validity_s
        return max(SHORTEST_VALIDITY_S, ends_s)
