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


def _measured(evse: EvseSnapshot, measurand: str) -> float | None:
    return fresh_value(evse, getattr(evse.measurement, measurand))


def _no_context(_evse: EvseSnapshot) -> object:
    return None


_SHARED: Final = partial(
    EvseSensorDescription,
    state_class=SensorStateClass.MEASUREMENT,
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
    context_fn=_no_context,
    needs_link=True,
)

PHASE_SENSORS: Final[tuple[EvseSensorDescription, ...]] = (
    *(
        _SHARED(
            key=f"current_l{phase}",
            translation_key="phase_current",
            translation_placeholders={"phase": str(phase)},
            device_class=SensorDeviceClass.CURRENT,
            native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
            suggested_display_precision=1,
            value_fn=partial(_measured, measurand=f"current_l{phase}_a"),
            rate=CURRENT,
        )
        for phase in PHASES
    ),
    *(
        _SHARED(
            key=f"voltage_l{phase}",
            translation_key="phase_voltage",
            translation_placeholders={"phase": str(phase)},
            device_class=SensorDeviceClass.VOLTAGE,
            native_unit_of_measurement=UnitOfElectricPotential.VOLT,
            suggested_display_precision=0,
            value_fn=partial(_measured, measurand=f"voltage_l{phase}_v"),
            rate=VOLTAGE,
        )
        for phase in PHASES
    ),
)
"""Of the station's own phases; a station that tells no phases leaves them unknown."""
