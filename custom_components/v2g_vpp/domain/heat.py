"""How hot the handle of a charging cable may get."""

from typing import Final

HANDLE_WARN_C: Final = 70.0
"""House rule: from here on power is taken back, 15 K before the stop."""

HANDLE_STOP_C: Final = 85.0
"""House rule: 5 K below what the contacts of a vehicle coupler may reach."""

HANDLE_FRESH_S: Final = 900.0
"""A temperature that moves is told; one that does not is still true that long."""


def derate_share(temperature_c: float) -> float:
    """Return the share of the rating that a temperature leaves, 0..1.

    All of it up to the warning, nothing from the stop on, a straight line between.

    Args:
        temperature_c: of the handle; NaN leaves nothing.
    """
    left = (HANDLE_STOP_C - temperature_c) / (HANDLE_STOP_C - HANDLE_WARN_C)
    # Comparisons with NaN are false.
    return min(1.0, left) if left > 0.0 else 0.0
