"""The contactor between charger and vehicle."""

HOT_OPEN_W = 100.0
"""Opening above this power wears the contacts; below it the meter shows only noise."""


class Contactor:
    """Open or closed, with a count of every way it was moved."""

    def __init__(self) -> None:
        """Start open."""
        self.is_closed = False
        self.closes = 0
        self.cold_opens = 0
        self.hot_opens = 0

    def close(self) -> None:
        """Close; nothing happens when it is closed."""
        if not self.is_closed:
            self.is_closed = True
            self.closes += 1

    def open(self, power_w: float) -> None:
        """Open, counted by the power that flowed; nothing happens when it is open."""
        if not self.is_closed:
            return
        self.is_closed = False
        if abs(power_w) > HOT_OPEN_W:
            self.hot_opens += 1
        else:
            self.cold_opens += 1
