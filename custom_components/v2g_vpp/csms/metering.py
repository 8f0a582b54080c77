"""Sampled values of OCPP 2.x become readings: signed, in base units, finite."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
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
DISPLAY_FLOOR: Final = "Display.MinimumSOC"
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

_READ_MEASURANDS: Final = frozenset(
    {*WANTED_MEASURANDS, DISPLAY_SOC, DISPLAY_FLOOR, INLET_HOT, TEMPERATURE}
)
"""What becomes a reading; anything else that a station measures is passed over."""

_BASE_UNIT: Final = (1.0, 0.0)
_UNITS: Final[Mapping[str, tuple[float, float]]] = {
    "kW": (1000.0, 0.0),
    "kWh": (1000.0, 0.0),
    "kV": (1000.0, 0.0),
    "K": (1.0, -273.15),
    "Fahrenheit": (1 / 1.8, -32.0 / 1.8),
}
"""Units that are not the base unit of their measurand, as factor and offset to it;
others count as base."""

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
    soc_percent = _total(values.get(SOC))
    if soc_percent is None:
        soc_percent = _total(values.get(DISPLAY_SOC))
    found: dict[str, float | None] = {
        "power_w": _power_w(values),
        "soc_percent": soc_percent,
        "energy_charged_wh": _total(values.get(ENERGY_IMPORT)),
        "energy_discharged_wh": _total(values.get(ENERGY_EXPORT)),
        "voltage_v": _mean(values.get(VOLTAGE)),
        "current_a": _current_a(values),
        "frequency_hz": _mean(values.get(FREQUENCY)),
        "vehicle_floor_percent": _total(values.get(DISPLAY_FLOOR)),
        "handle_temperature_c": _total(values.get(TEMPERATURE)),
        "inlet_hot": _total(values.get(INLET_HOT)),
    }
    currents_a, voltages_v = _signed_currents_a(values), values.get(VOLTAGE, {})
    for phase in _PHASES:
        found[f"current_{phase.lower()}_a"] = currents_a.get(phase)
        found[f"voltage_{phase.lower()}_v"] = voltages_v.get(phase)
    return Measurement(
        **{
            name: Reading(
                value=value, received_mono_s=received_mono_s, taken_at=taken_at
            )
            for name, value in found.items()
            if value is not None
        }
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
    ranks: dict[tuple[str, str], int] = {}
    values: dict[str, dict[str, float]] = {}
    for sample in _objects(sampled_values):
        try:
            plan = _plan_of(sample)
            value = float(sample["value"]) * plan.factor + plan.offset
        except _UnusableError, KeyError, TypeError, ValueError:
            continue
        # False for what is no number, too.
        if not plan.lowest <= value <= plan.highest:
            continue
        slot = plan.slot
        if plan.rank <= ranks.get(slot, plan.rank):
            ranks[slot] = plan.rank
            values.setdefault(slot[0], {})[slot[1]] = value
    return values


class _UnusableError(ValueError):
    """Raise for a sample of a kind that nothing here reads."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How to read the samples of one kind."""

    slot: tuple[str, str]
    """Measurand and phase."""

    rank: int
    factor: float
    offset: float
    """The base unit is the number times ``factor`` plus ``offset``."""

    lowest: float
    highest: float


def _plan_of(sample: Mapping[str, Any]) -> _Plan:
    """Return how to read a sample.

    Raises:
        _UnusableError: when it cannot be.
        TypeError: when it says something that no text or number says.
    """
    get = sample.get
    unit, multiplier = _BASE_UNIT, 0
    told = get("unitOfMeasure")
    if isinstance(told, dict):
        unit = _UNITS.get(told.get("unit", ""), _BASE_UNIT)
        multiplier = told.get("multiplier", 0)
    elif "unit" in sample:
        # As 1.6 writes it.
        unit = _UNITS.get(sample["unit"], _BASE_UNIT)
    return _plan(
        get("measurand", DEFAULT_MEASURAND),
        get("phase"),
        get("location", "Outlet"),
        unit,
        multiplier,
    )


@lru_cache(maxsize=256, typed=True)
def _plan(
    measurand: object,
    phase: object,
    location: object,
    unit: tuple[float, float],
    multiplier: object,
) -> _Plan:
    """Return how samples of a kind are read: a station sends few kinds, all the time.

    What is refused is not remembered, so that no text of a station is.

    Raises:
        _UnusableError: when such samples are not read.
    """
    rank = _RANKS.get(location) if isinstance(location, str) else None
    place = _phase(phase)
    if rank is None or place is None or measurand not in _READ_MEASURANDS:
        raise _UnusableError
    if measurand == TEMPERATURE and location not in _HANDLE_LOCATIONS:
        raise _UnusableError
    if not isinstance(multiplier, int) or abs(multiplier) > _MAX_MULTIPLIER:
        raise _UnusableError
    name = str(measurand)
    factor, offset = unit
    lowest, highest = _PLAUSIBLE[name.partition(".")[0]]
    return _Plan(
        slot=(name, place),
        rank=rank,
        factor=factor * 10.0**multiplier,
        offset=offset,
        lowest=lowest,
        highest=highest,
    )


def _phase(phase: object) -> str | None:
    """Return "" for a total, L1..L3 for a phase; None for line-to-line values."""
    if phase is None:
        return ""
    name = str(phase).removesuffix("-N")
    return name if name in _PHASES else None


def _objects(items: object) -> Iterable[Mapping[str, Any]]:
    # What JSON gives is a dict: asking for any mapping costs twenty times as much.
    if not isinstance(items, list):
        return ()
    return [item for item in items if isinstance(item, dict)]
