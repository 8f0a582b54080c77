"""Which entities are the meters of the home, and what their states mean to the site."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    STATE_UNAVAILABLE,
    STATE_UNKNOWN,
    UnitOfPower,
    UnitOfRatio,
    UnitOfTemperature,
)
from homeassistant.core import State
from homeassistant.util.unit_conversion import PowerConverter, TemperatureConverter

from .const import (
    CONF_BATTERY,
    CONF_BATTERY_INVERTED,
    CONF_BATTERY_SOC,
    CONF_GRID,
    CONF_GRID_INVERTED,
    CONF_GRID_L1,
    CONF_GRID_L2,
    CONF_GRID_L3,
    CONF_SOLAR,
    CONF_SOLAR_INVERTED,
)
from .domain.site_meters import SiteMeter

SILENT: Final = (STATE_UNAVAILABLE, STATE_UNKNOWN)
LARGEST_METER_W: Final = 1_000_000.0
"""Above any home: a meter that says so is broken, or its unit is wrong."""

LOWEST_C: Final = -60.0
HIGHEST_C: Final = 80.0
"""Beyond them a sensor is broken, or its unit is wrong."""

GRID_PHASES: Final = (CONF_GRID_L1, CONF_GRID_L2, CONF_GRID_L3)

METER_FIELDS: Final[Mapping[str, tuple[SiteMeter, str | None]]] = {
    CONF_GRID: (SiteMeter.GRID, CONF_GRID_INVERTED),
    CONF_GRID_L1: (SiteMeter.GRID_L1, CONF_GRID_INVERTED),
    CONF_GRID_L2: (SiteMeter.GRID_L2, CONF_GRID_INVERTED),
    CONF_GRID_L3: (SiteMeter.GRID_L3, CONF_GRID_INVERTED),
    CONF_SOLAR: (SiteMeter.SOLAR, CONF_SOLAR_INVERTED),
    CONF_BATTERY: (SiteMeter.BATTERY, CONF_BATTERY_INVERTED),
    CONF_BATTERY_SOC: (SiteMeter.BATTERY_SOC, None),
}
"""By the option that names its entity: the meter, and the option that turns its sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterSource:
    """Which entity a meter of the home is."""

    meter: SiteMeter
    entity_id: str
    is_inverted: bool
    """True: the entity counts the other direction as positive."""


def meter_sources(options: Mapping[str, Any]) -> tuple[MeterSource, ...]:
    """Return the meters that the owner named, empty without any."""
    return tuple(
        MeterSource(
            meter=meter,
            entity_id=options[key],
            is_inverted=inverted is not None and options.get(inverted, False),
        )
        for key, (meter, inverted) in METER_FIELDS.items()
        if options.get(key)
    )


def temperature_value(state: State | None) -> float | None:
    """Return the temperature that a state says, °C; None for what is none.

    None also for one that no place with a vehicle has.
    """
    if state is None:
        return None
    try:
        value = float(state.state)
    except ValueError:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    if unit not in TemperatureConverter.VALID_UNITS:
        return None
    value_c = TemperatureConverter.convert(value, unit, UnitOfTemperature.CELSIUS)
    return value_c if LOWEST_C <= value_c <= HIGHEST_C else None


def meter_value(source: MeterSource, state: State | None) -> float | None:
    """Return what a state says in the unit and the sign of the site, W or percent.

    None for what is no finite number of the right unit: doubt is silence.
    """
    if state is None:
        return None
    try:
        value = float(state.state)
    except ValueError:
        return None
    unit = state.attributes.get(ATTR_UNIT_OF_MEASUREMENT)
    if source.meter is SiteMeter.BATTERY_SOC:
        is_percent = unit == UnitOfRatio.PERCENTAGE and 0.0 <= value <= 100.0
        return value if is_percent else None
    if unit not in PowerConverter.VALID_UNITS:
        return None
    power_w = PowerConverter.convert(value, unit, UnitOfPower.WATT)
    if not isfinite(power_w) or abs(power_w) > LARGEST_METER_W:
        return None
    power_w = -power_w if source.is_inverted else power_w
    # Inverters of panels draw some watts at night: nothing that anybody produces.
    return max(0.0, power_w) if source.meter is SiteMeter.SOLAR else power_w
