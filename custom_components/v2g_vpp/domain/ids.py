"""Identities: what a thing is called on every side of the product."""

from typing import NamedTuple, NewType, override

StationId = NewType("StationId", str)
"""Identity that a charging station dials in with (the last path segment)."""

VehicleId = NewType("VehicleId", str)
"""Stable id of a vehicle of this home."""

ProgrammeId = NewType("ProgrammeId", str)
"""Stable id of a VPP programme that this home takes part in."""

TransactionId = NewType("TransactionId", str)
"""OCPP transaction id; 1.6 numbers are written as text."""


MOST_EVSES = 32
"""House rule: of one charging station of a home; a larger number is a mistake, or an
attack on what is kept for each."""


def is_evse_id(number: int) -> bool:
    """Return True for the number of an EVSE that a home may have."""
    return 1 <= number <= MOST_EVSES


class EvseKey(NamedTuple):
    """One independently controlled outlet of one charging station.

    A tuple, and not a dataclass as the others: it is hashed and compared thousands of
    times in each step of a large site, and a tuple does that in C.
    """

    station_id: StationId
    evse_id: int
    """OCPP EVSE number, 1 and up."""

    @override
    def __str__(self) -> str:
        """Return the form that logs and the VPP wire use, for example ``CS1/1``."""
        return f"{self.station_id}/{self.evse_id}"
