"""Unit and sign conversions, the only place where scale factors are written."""

from math import isfinite

SECONDS_PER_HOUR = 3600.0
WATTS_PER_KILOWATT = 1000.0
MILLISECONDS_PER_SECOND = 1000.0
PERCENT = 100.0


class NotFiniteError(ValueError):
    """Raise when a quantity is NaN, infinite or outside its bounds."""

    def __init__(self, field: str, value: object, bound: str) -> None:
        """Name the field, the offending value and the bound that it breaks."""
        super().__init__(f"{field}={value!r}: {bound}")
        self.field = field
        self.value = value
        self.bound = bound


def finite(field: str, value: float) -> float:
    """Return ``value`` unchanged when it is a finite number.

    Raises:
        NotFiniteError: for NaN and infinities, so that control code needs no guards.
    """
    if not isfinite(value):
        raise NotFiniteError(field, value, "must be a finite number")
    return value


def within(field: str, value: float, lowest: float, highest: float) -> float:
    """Return ``value`` unchanged when it is finite and inside [lowest, highest].

    Raises:
        NotFiniteError: naming field, value and bound otherwise.
    """
    finite(field, value)
    if not lowest <= value <= highest:
        raise NotFiniteError(field, value, f"must be within {lowest}..{highest}")
    return value


def clamp(value: float, lowest: float, highest: float) -> float:
    """Return the number of [lowest, highest] that is nearest to ``value``.

    Of an empty range the lowest; what is no number is the highest.
    """
    # Comparisons, no max and min: a step of control clamps a dozen times per EVSE.
    if value <= lowest:
        return lowest
    if value <= highest:
        return value
    return max(lowest, highest)


def kilowatts_to_watts(power_kw: float) -> float:
    """Return kW as W."""
    return power_kw * WATTS_PER_KILOWATT


def watts_to_kilowatts(power_w: float) -> float:
    """Return the same power in kilowatts."""
    return power_w / WATTS_PER_KILOWATT


def kilowatt_hours_to_watt_hours(energy_kwh: float) -> float:
    """Return kWh as Wh."""
    return energy_kwh * WATTS_PER_KILOWATT


def watt_hours_to_kilowatt_hours(energy_wh: float) -> float:
    """Return Wh as kWh."""
    return energy_wh / WATTS_PER_KILOWATT


def fahrenheit_to_celsius(temperature_f: float) -> float:
    """Return °F as °C."""
    return (temperature_f - 32.0) / 1.8


def energy_wh(power_w: float, duration_s: float) -> float:
    """Return the energy in Wh of a constant power held for a duration."""
    return power_w * duration_s / SECONDS_PER_HOUR


def seconds_to_hours(duration_s: float) -> float:
    """Return s as h."""
    return duration_s / SECONDS_PER_HOUR


def seconds_to_milliseconds(duration_s: float) -> float:
    """Return s as ms."""
    return duration_s * MILLISECONDS_PER_SECOND


def hertz_to_millihertz(frequency_hz: float) -> int:
    """Return Hz as whole mHz, the unit of the VPP wire."""
    return round(frequency_hz * MILLISECONDS_PER_SECOND)


def millihertz_to_hertz(frequency_mhz: int) -> float:
    """Return whole mHz of the VPP wire as Hz."""
    return frequency_mhz / MILLISECONDS_PER_SECOND


def percent_of(part: float, whole: float) -> float:
    """Return ``part`` in percent of ``whole`` (which must not be 0)."""
    return PERCENT * part / whole


def share_of(percent: float, whole: float) -> float:
    """Return ``percent`` percent of ``whole``."""
    return percent * whole / PERCENT


def signed_from_import_export(import_w: float, export_w: float) -> float:
    """Return the signed power of two non-negative magnitudes of a meter.

    Args:
        import_w: power that flows into the vehicle, W, >= 0.
        export_w: power that flows out of the vehicle, W, >= 0.
    """
    return import_w - export_w


def import_export_from_signed(power_w: float) -> tuple[float, float]:
    """Return (import, export) magnitudes in W, of which at least one is 0."""
    return max(power_w, 0.0), max(-power_w, 0.0)
