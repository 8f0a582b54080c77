"""Meter values in OCPP 2.x form, from the meter of the power path."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from ..domain.units import import_export_from_signed
from .power_path import PowerPath
from .schedule import NOMINAL_VOLTAGE_V, format_time

NOMINAL_FREQUENCY_HZ = 50.0
FREQUENCY_NOISE_HZ = 0.01
VOLTAGE_RISE_V_PER_W = -0.0002
"""The connection of a home: charging lowers the voltage, discharge raises it."""

LINE_NAMES = ("L1", "L2", "L3")


@dataclass(frozen=True, slots=True, kw_only=True)
class GridState:
    """The grid at the EVSE at one moment."""

    frequency_hz: float
    voltage_v: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Readings:
    """All that one look at the meter and the EV gives."""

    power_w: float
    """Signed."""

    commanded_w: float
    energy_import_wh: float
    energy_export_wh: float
    soc_percent: float | None
    """None while no EV is plugged in."""

    voltage_v: float
    frequency_hz: float
    phases: int


class Grid:
    """The grid at the station: seeded, so that runs repeat."""

    def __init__(self, seed: int) -> None:
        """Start a sequence."""
        self._noise = Random(seed)  # noqa: S311 - a grid, not a secret
        self.true_frequency_hz = NOMINAL_FREQUENCY_HZ
        """Of the grid itself, without the noise of a reading."""

        self.open_voltage_v = NOMINAL_VOLTAGE_V
        """Without the station's own power."""

    def frequency_hz(self) -> float:
        """Return one reading of the frequency."""
        return self.true_frequency_hz + self._noise.gauss(0.0, FREQUENCY_NOISE_HZ)

    def voltage_v(self, power_w: float) -> float:
        """Return the voltage at a power of the station, W."""
        return self.open_voltage_v + VOLTAGE_RISE_V_PER_W * power_w

    def state(self, power_w: float) -> GridState:
        """Return the grid itself at a power of the station, W."""
        return GridState(
            frequency_hz=self.true_frequency_hz, voltage_v=self.voltage_v(power_w)
        )


class Meter:
    """The meter of the EVSE, and what the EV shows beside it."""

    def __init__(self, path: PowerPath, grid: Grid, phases: int) -> None:
        """Read a power path and the grid it is connected to."""
        self._path = path
        self._phases = phases
        self._grid = grid
        self._last: Readings | None = None

    def read(self, command_w: float, *, is_plugged: bool, is_frozen: bool) -> Readings:
        """Return one look at the meter; a frozen one shows what it showed before."""
        if is_frozen and self._last is not None:
            return self._last
        sample = self._path.measure()
        self._last = Readings(
            power_w=sample.power_w,
            commanded_w=command_w,
            energy_import_wh=sample.energy_import_wh,
            energy_export_wh=sample.energy_export_wh,
            soc_percent=self._path.battery.soc_percent if is_plugged else None,
            voltage_v=self._grid.voltage_v(sample.power_w),
            frequency_hz=self._grid.frequency_hz(),
            phases=self._phases,
        )
        return self._last


type _Sampler = Callable[[Readings], Iterator[dict[str, Any]]]


def meter_value(
    readings: Readings, measurands: str, context: str, at: datetime
) -> list[dict[str, Any]]:
    """Return the ``meterValue`` field of a message; empty when nothing is sampled.

    Args:
        readings: what to write.
        measurands: comma-separated, as the device model keeps them.
        context: reading context of OCPP, for example ``Sample.Periodic``.
        at: when it was read.
    """
    sampled = [
        {**value, "measurand": measurand, "context": context}
        for measurand in measurands.split(",")
        if measurand in _SAMPLERS
        for value in _SAMPLERS[measurand](readings)
    ]
    if not sampled:
        return []
    return [{"timestamp": format_time(at), "sampledValue": sampled}]


def _value(number: float, unit: str, **more: str) -> dict[str, Any]:
    return {"value": number, "unitOfMeasure": {"unit": unit}, **more}


def _import_w(readings: Readings) -> Iterator[dict[str, Any]]:
    yield _value(round(import_export_from_signed(readings.power_w)[0], 1), "W")


def _export_w(readings: Readings) -> Iterator[dict[str, Any]]:
    yield _value(round(import_export_from_signed(readings.power_w)[1], 1), "W")


def _setpoint_w(readings: Readings) -> Iterator[dict[str, Any]]:
    yield _value(round(readings.commanded_w, 1), "W")


def _import_wh(readings: Readings) -> Iterator[dict[str, Any]]:
    yield _value(round(readings.energy_import_wh, 2), "Wh")


def _export_wh(readings: Readings) -> Iterator[dict[str, Any]]:
    yield _value(round(readings.energy_export_wh, 2), "Wh")


def _voltage_v(readings: Readings) -> Iterator[dict[str, Any]]:
    for line in LINE_NAMES[: readings.phases]:
        yield _value(round(readings.voltage_v, 1), "V", phase=f"{line}-N")


def _frequency_hz(readings: Readings) -> Iterator[dict[str, Any]]:
    yield _value(round(readings.frequency_hz, 3), "Hz")


def _soc_percent(readings: Readings) -> Iterator[dict[str, Any]]:
    if readings.soc_percent is not None:
        yield _value(round(readings.soc_percent, 1), "Percent", location="EV")


def _current_a(readings: Readings, side: int) -> Iterator[dict[str, Any]]:
    power_w = import_export_from_signed(readings.power_w)[side]
    current_a = power_w / readings.phases / readings.voltage_v
    for line in LINE_NAMES[: readings.phases]:
        yield _value(round(current_a, 2), "A", phase=line)


def _current_import_a(readings: Readings) -> Iterator[dict[str, Any]]:
    return _current_a(readings, 0)


def _current_export_a(readings: Readings) -> Iterator[dict[str, Any]]:
    return _current_a(readings, 1)


_SAMPLERS: Mapping[str, _Sampler] = {
    "Power.Active.Import": _import_w,
    "Power.Active.Export": _export_w,
    "Power.Active.Setpoint": _setpoint_w,
    "Energy.Active.Import.Register": _import_wh,
    "Energy.Active.Export.Register": _export_wh,
    "Current.Import": _current_import_a,
    "Current.Export": _current_export_a,
    "Voltage": _voltage_v,
    "Frequency": _frequency_hz,
    "SoC": _soc_percent,
}

SUPPORTED_MEASURANDS = tuple(_SAMPLERS)
