"""Sampled values of OCPP 2.x become readings: signed, in base units, finite."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from statistics import fmean
from typing import Any, Final

from ..domain.measurement import Measurement, Reading
from ..domain.units import signed_from_import_export
from .times import StationClock, parse_time

DEFAULT_MEASURAND: Final = "Energy.Active.Import.Register"
POWER_IMPORT: Final = "Power.Active.Import"
POWER_EXPORT: Final = "Power.Active.Export"
ENERGY_IMPORT: Final = "Energy.Active.Import.Register"
ENERGY_EXPORT: Final = "Energy.Active.Export.Register"
CURRENT_IMPORT: Final = "Current.Import"
CURRENT_EXPORT: Final = "Current.Export"
VOLTAGE: Final = "Voltage"
FREQUENCY: Final = "Frequency"
SOC: Final = "SoC"
DISPLAY_SOC: Final = "Display.PresentSOC"
INLET_HOT: Final = "Display.InletHot"
TEMPERATURE: Final = "Temperature"
"""1.6 alone has it."""


WANTED_MEASURANDS: Final = (
    POWER_IMPORT,
    POWER_EXPORT,
    ENERGY_IMPORT,
    ENERGY_EXPORT,
    CURRENT_IMPORT,
    CURRENT_EXPORT,
    VOLTAGE,
    FREQUENCY,
    SOC,
)
"""What stations are asked to report during a transaction, the vital ones first."""

VITAL_MEASURANDS: Final = WANTED_MEASURANDS[:4]

_UNIT_FACTORS: Final[Mapping[str, float]] = {"kW": 1000.0, "kWh": 1000.0, "kV": 1000.0}
"""Units that are not the base unit of their measurand; others count as base."""

_RANKS: Final = {"Outlet": 0, "Cable": 1, "Body": 2, "EV": 3, "Inlet": 4}
"""Nearest to the vehicle's side of the meter first; Upstream is another flow."""

_HANDLE_LOCATIONS: Final = frozenset({"Cable", "Outlet"})
"""Where a temperature is that of the handle."""

_MAX_MULTIPLIER: Final = 9
_PLAUSIBLE: Final[Mapping[str, tuple[float, float]]] = {
    "Power": (-1e6, 1e6),
    "Energy": (-1e12, 1e12),
    "Current": (-5e3, 5e3),
    "Voltage": (0.0, 2e3),
    "Frequency": (0.0, 1e3),
    "SoC": (0.0, 100.0),
    "Display": (0.0, 100.0),
    "Temperature": (-60.0, 300.0),
}
"""By the first word of the measurand; outside it is a broken sensor, not a reading."""

_PHASES: Final = ("L1", "L2", "L3")
type _Values = Mapping[str, Mapping[str, float]]
"""Measurand to phase to value; the empty phase is the total."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """When a frame came in, and whether the station had kept it for a while."""

    mono_s: float
    at: datetime
    is_offline_replay: bool = False
    station_clock: StationClock = field(default_factory=StationClock)

    def age_s(self, taken_at: datetime) -> float:
        """Return how long ago a sample of the frame was taken, s."""
        age_s = self.station_clock.age_s(taken_at, self.at)
        if self.is_offline_replay:
            age_s = max(age_s, (self.at - taken_at).total_seconds())
        return age_s


def parse_meter_values(meter_values: object, receipt: Receipt) -> Measurement:
    """Return the newest reading of each measurand; unusable samples are dropped."""
    measurement: Measurement | None = None
    for meter_value in _objects(meter_values):
        taken_at = parse_time(meter_value.get("timestamp")) or receipt.at
        # Whether it says so or not, a frame may have waited in the station.
        received_mono_s = receipt.mono_s - receipt.age_s(taken_at)
        # A clock that runs ahead must not make later readings look older.
        taken_at = min(taken_at, receipt.at)
        values = _collect(meter_value.get("sampledValue"))
        newer = _measurement(values, taken_at, received_mono_s)
        measurement = newer if measurement is None else measurement.updated_by(newer)
    return measurement or Measurement()


def _measurement(
    values: _Values, taken_at: datetime, received_mono_s: float
) -> Measurement:
    def reading(value: float | None) -> Reading | None:
        if value is None:
            return None
        return Reading(value=value, received_mono_s=received_mono_s, taken_at=taken_at)

    soc_percent = _total(values.get(SOC))
    if soc_percent is None:
        soc_percent = _total(values.get(DISPLAY_SOC))
    return Measurement(
        power_w=reading(_power_w(values)),
        soc_percent=reading(soc_percent),
        energy_charged_wh=reading(_total(values.get(ENERGY_IMPORT))),
        energy_discharged_wh=reading(_total(values.get(ENERGY_EXPORT))),
        voltage_v=reading(_mean(values.get(VOLTAGE))),
        current_a=reading(_current_a(values)),
        frequency_hz=reading(_mean(values.get(FREQUENCY))),
        handle_temperature_c=reading(_total(values.get(TEMPERATURE))),
        inlet_hot=reading(_total(values.get(INLET_HOT))),
    )


def _power_w(values: _Values) -> float | None:
    """Return the signed power: from the power measurands, else current by voltage."""
    import_w = _total(values.get(POWER_IMPORT))
    export_w = _total(values.get(POWER_EXPORT))
    if import_w is not None and import_w < 0:
        # Deviation: several stations report export as negative import.
        return import_w
    if import_w is not None or export_w is not None:
        return signed_from_import_export(import_w or 0.0, abs(export_w or 0.0))
    voltages = values.get(VOLTAGE)
    mean_voltage_v = _mean(voltages)
    currents_a = _signed_currents_a(values)
    if voltages is None or mean_voltage_v is None or not currents_a:
        return None
    return sum(
        current_a * voltages.get(phase, mean_voltage_v)
        for phase, current_a in currents_a.items()
    )


def _signed_currents_a(values: _Values) -> Mapping[str, float]:
    imports = values.get(CURRENT_IMPORT, {})
    exports = values.get(CURRENT_EXPORT, {})
    phases = [phase for phase in ("", *_PHASES) if phase in imports or phase in exports]
    if len(phases) > 1 and "" in phases:
        phases.remove("")
    return {
        phase: imports.get(phase, 0.0)
        if imports.get(phase, 0.0) < 0
        else imports.get(phase, 0.0) - abs(exports.get(phase, 0.0))
        for phase in phases
    }


def _current_a(values: _Values) -> float | None:
    """Return the signed current of the most loaded phase."""
    return max(_signed_currents_a(values).values(), key=abs, default=None)


def _total(phases: Mapping[str, float] | None) -> float | None:
    if not phases:
        return None
    if "" in phases:
        return phases[""]
    parts = [phases[phase] for phase in _PHASES if phase in phases]
    return sum(parts) if parts else None


def _mean(phases: Mapping[str, float] | None) -> float | None:
    if not phases:
        return None
    parts = [phases[phase] for phase in _PHASES if phase in phases]
    return fmean(parts) if parts else phases.get("")


def _collect(sampled_values: object) -> _Values:
    """Return measurand to phase to value, each from its best location."""
    found: dict[tuple[str, str], tuple[int, float]] = {}
    for sample in _objects(sampled_values):
        location = sample.get("location", "Outlet")
        measurand = sample.get("measurand", DEFAULT_MEASURAND)
        rank = _RANKS.get(location) if isinstance(location, str) else None
        if rank is None or not isinstance(measurand, str):
            continue
        if measurand == TEMPERATURE and location not in _HANDLE_LOCATIONS:
            continue
        value = _base_value(sample, measurand)
        phase = _phase(sample.get("phase"))
        if value is None or phase is None:
            continue
        known = found.get((measurand, phase))
        if known is None or rank <= known[0]:
            found[measurand, phase] = (rank, value)
    values: dict[str, dict[str, float]] = {}
    for (measurand, phase), (_, value) in found.items():
        values.setdefault(measurand, {})[phase] = value
    return values


def _phase(phase: object) -> str | None:
    """Return "" for a total, L1..L3 for a phase; None for line-to-line values."""
    if phase is None:
        return ""
    name = str(phase).removesuffix("-N")
    return name if name in _PHASES else None


def _base_value(sample: Mapping[str, Any], measurand: str) -> float | None:
    """Return the value in its base unit, None unless finite and plausible."""
    try:
        value = float(sample.get("value", ""))
    except TypeError, ValueError:
        return None
    unit = sample.get("unitOfMeasure")
    if "unit" in sample:
        # As 1.6 writes it.
        value = _in_base_unit(value, str(sample["unit"]))
    if isinstance(unit, dict):
        multiplier = unit.get("multiplier", 0)
        if not isinstance(multiplier, int) or abs(multiplier) > _MAX_MULTIPLIER:
            return None
        factor = _UNIT_FACTORS.get(str(unit.get("unit", "")), 1.0)
        value *= factor * 10.0**multiplier
    lowest, highest = _PLAUSIBLE.get(measurand.partition(".")[0], (-1e12, 1e12))
    return value if isfinite(value) and lowest <= value <= highest else None


def _in_base_unit(value: float, unit: str) -> float:
    if unit == "Fahrenheit":
        return (value - 32.0) / 1.8
    if unit == "K":
        return value - 273.15
    return value * _UNIT_FACTORS.get(unit, 1.0)


def _objects(items: object) -> Iterable[Mapping[str, Any]]:
    # What JSON gives is a dict: asking for any mapping costs twenty times as much.
    if not isinstance(items, list):
        return ()
    return [item for item in items if isinstance(item, dict)]
