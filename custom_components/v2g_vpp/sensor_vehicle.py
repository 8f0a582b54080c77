"""Sensors of a vehicle that say more than a number: floors, departures, budget."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
    SensorStateClass,
)
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import UnitOfEnergy, UnitOfRatio

from .coordinator import V2gConfigEntry
from .display import ENERGY, PERCENT
from .domain.snapshot import VehicleSnapshot
from .entity import VehicleEntity
from .sensor_descriptions import V2gSensorDescription

ATTR_SOURCE: Final = "source"
ATTR_UNCERTAINTY: Final = "uncertainty"
ATTR_WHICH: Final = "which"
ATTR_IN_TIME: Final = "in_time"
ATTR_COLD_ALLOWANCE: Final = "cold_allowance"

SOURCE_VEHICLE: Final = "vehicle"
SOURCE_COUNTED: Final = "counted"

COLD_ASSUMED: Final = "assumed"
"""No temperature of the battery is known, so a careful allowance is made."""


@dataclass(frozen=True, kw_only=True)
class VehicleSensorDescription(V2gSensorDescription[VehicleSnapshot]):
    """A sensor of one vehicle."""

    attributes_fn: Callable[[VehicleSnapshot], Mapping[str, Any]]
    """What is shown beside the number; coarse, because each change is a state."""


def _soc_attributes(vehicle: VehicleSnapshot) -> Mapping[str, Any]:
    uncertainty = vehicle.soc_uncertainty_percent()
    return {
        ATTR_SOURCE: SOURCE_COUNTED if vehicle.is_report_doubted else SOURCE_VEHICLE,
        ATTR_UNCERTAINTY: None if uncertainty is None else ceil(uncertainty),
    }


SOC: Final = VehicleSensorDescription(
    key="soc",
    translation_key="soc",
    device_class=SensorDeviceClass.BATTERY,
    state_class=SensorStateClass.MEASUREMENT,
    native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
    suggested_display_precision=0,
    value_fn=lambda vehicle: vehicle.soc_percent,
    context_fn=lambda vehicle: (vehicle.evse, vehicle.is_report_doubted),
    attributes_fn=_soc_attributes,
    rate=PERCENT,
)

ACTIVE_FLOOR: Final = VehicleSensorDescription(
    key="active_floor",
    translation_key="active_floor",
    native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
    suggested_display_precision=0,
    value_fn=lambda vehicle: vehicle.active_floor()[1],
    context_fn=lambda vehicle: (vehicle.active_floor()[0], vehicle.policy),
    attributes_fn=lambda vehicle: {ATTR_WHICH: vehicle.active_floor()[0].value},
    rate=PERCENT,
)

DETAILED_SENSORS: Final = (SOC, ACTIVE_FLOOR)

CYCLE_BUDGET_LEFT: Final = V2gSensorDescription[VehicleSnapshot](
    key="cycle_budget_left",
    translation_key="cycle_budget_left",
    device_class=SensorDeviceClass.ENERGY_STORAGE,
    state_class=SensorStateClass.MEASUREMENT,
    native_unit_of_measurement=UnitOfEnergy.WATT_HOUR,
    suggested_unit_of_measurement=UnitOfEnergy.KILO_WATT_HOUR,
    suggested_display_precision=1,
    value_fn=VehicleSnapshot.cycle_left_wh,
    context_fn=lambda vehicle: vehicle.policy,
    rate=ENERGY,
)

READY_AT: Final = SensorEntityDescription(
    key="ready_at",
    translation_key="ready_at",
    device_class=SensorDeviceClass.TIMESTAMP,
)


class ReadyAtSensor(VehicleEntity, SensorEntity):
    """When a vehicle will hold what its departure needs."""

    def __init__(self, entry: V2gConfigEntry, subentry: ConfigSubentry) -> None:
        """Build the sensor."""
        super().__init__(entry, subentry, READY_AT)

    @override
    def _show(self, part: VehicleSnapshot) -> object:
        self._attr_native_value = part.ready_at
        self._attr_extra_state_attributes = {
            ATTR_IN_TIME: part.is_ready_in_time,
            ATTR_COLD_ALLOWANCE: (
                None if part.is_ready_in_time is None else COLD_ASSUMED
            ),
        }
        return part.ready_at, part.is_ready_in_time
