"""What the owner grants to one programme, beside the floors of the vehicle."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """Bounds of the dispatches of one programme; other programmes have their own."""

    reserve_percent: float = 0.0
    """No dispatch of it discharges a vehicle to below this; 0: the floors of the
    vehicle alone. The highest of all floors wins."""

    def lets_discharge(self, lowest_percent: float | None) -> bool:
        """Return True when a vehicle holds more than what is not granted.

        Args:
            lowest_percent: what it has at least; None: not known, which is for others
                to judge.
        """
        return lowest_percent is None or lowest_percent > self.reserve_percent


ALL_GRANTED = Grant()
