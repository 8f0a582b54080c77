"""What a charger loses between the meter and the battery."""

STANDING_LOSS_SHARE = 0.01
"""Of the rating, whenever power flows."""

PROPORTIONAL_LOSS_SHARE = 0.03
"""Of the power. Both together give 0.77 at 5 % and 0.95 at 50 % of the rating, the
ends of the one-way efficiency that the control brief quotes."""


def battery_power_w(meter_power_w: float, rating_w: float) -> float:
    """Return the power at the battery, W, signed like that at the meter.

    Charging brings less into the battery than the meter counts, and discharging takes
    more out of it. Charging that only feeds the losses brings nothing.

    Args:
        meter_power_w: measured, positive flows into the vehicle.
        rating_w: of the charger, >= 0.
    """
    if meter_power_w == 0:
        return 0.0
    loss_w = STANDING_LOSS_SHARE * rating_w + PROPORTIONAL_LOSS_SHARE * abs(
        meter_power_w
    )
    arriving_w = meter_power_w - loss_w
    return max(0.0, arriving_w) if meter_power_w > 0 else arriving_w
