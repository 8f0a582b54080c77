"""Current and voltage of each phase at the outlet's meter; off until asked."""

from functools import partial
from typing import Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    EntityCategory,
    UnitOfElectricCurrent,
    UnitOfElectricPotential,
)

from .display import CURRENT, VOLTAGE
from .domain.measurement import PHASES
from .domain.snapshot import EvseSnapshot
from .sensor_descriptions import EvseSensorDescription, fresh_value


def _current_a(evse: EvseSnapshot, phase: int) -> float | None:
    return fresh_value(evse, getattr(evse.measurement, f"current_l{phase}_a"))


def _voltage_v(evse: EvseSnapshot, phase: int) -> float | None:
    return fresh_value(evse, getattr(evse.measurement, f"voltage_l{phase}_v"))


def _no_context(_evse: EvseSnapshot) -> object:
    return None


PHASE_SENSORS: Final[tuple[EvseSensorDescription, ...]] = (
    *(
        EvseSensorDescription(
            key=f"current_l{phase}",
            translation_key="phase_current",
            translation_placeholders={"phase": str(phase)},
            device_class=SensorDeviceClass.CURRENT,
            state_class=SensorStateClass.MEASUREMENT,
            native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
            suggested_display_precision=1,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
            value_fn=partial(_current_a, phase=phase),
            context_fn=_no_context,
            rate=CURRENT,
            needs_link=True,
        )
        for phase in PHASES
    ),
    *(
        EvseSensorDescription(
            key=f"voltage_l{phase}",
            translation_key="phase_voltage",
            translation_placeholders={"phase": str(phase)},
            device_class=SensorDeviceClass.VOLTAGE,
            state_class=SensorStateClass.MEASUREMENT,
            native_unit_of_measurement=UnitOfElectricPotential.VOLT,
            suggested_display_precision=0,
            entity_category=EntityCategory.DIAGNOSTIC,
            entity_registry_enabled_default=False,
            value_fn=partial(_voltage_v, phase=phase),
            context_fn=_no_context,
            rate=VOLTAGE,
            needs_link=True,
        )
        for phase in PHASES
    ),
)
"""Of the station's own phases; a station that tells no phases leaves them unknown."""
