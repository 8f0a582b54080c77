"""How the homes of one programme differ from one another."""

from hashlib import sha256

from ..domain.ids import ProgrammeId


def spread_of(programme_id: ProgrammeId) -> float:
    """Return this home's share of T_stop, 0.6..1, the same at every start.

    Homes of one programme carry different ids, so that a lost broker is no step.
    """
    drawn = int.from_bytes(sha256(programme_id.encode()).digest()[:4]) / 0xFFFFFFFF
    return 0.6 + 0.4 * drawn
