"""How much later than told this home begins and ends (rule 17 of the contract)."""

from hashlib import sha256

_DRAWN_BYTES = 8
_HIGHEST_DRAWN = 2.0 ** (8 * _DRAWN_BYTES)


def start_delay_s(home: str, event_id: str, spread_s: float) -> float:
    """Return the delay of this home for one event, s, 0 up to the spread.

    The same at every call, also after a restart; uniform over homes, and another one
    for every event, so that no home is always the first.

    Args:
        home: common name of the home.
        event_id: of the event; a command without one stands for itself.
        spread_s: within which all homes begin, >= 0.
    """
    digest = sha256(f"{home}\0{event_id}".encode()).digest()
    drawn = int.from_bytes(digest[:_DRAWN_BYTES]) / _HIGHEST_DRAWN
    return drawn * spread_s
