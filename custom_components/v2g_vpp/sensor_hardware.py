"""Sensors for whoever looks for a fault at the plug; off until somebody does."""

from typing import Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import (
    EntityCategory,
    UnitOfRatio,
    UnitOfTemperature,
    UnitOfTime,
)

from .display import PERCENT, TEMPERATURE
from .domain.snapshot import EvseSnapshot
from .domain.state import InverterMode
from .domain.vehicle_link import VehicleProtocol
from .sensor_descriptions import EvseSensorDescription

PILOT_STATES: Final = ("a", "b", "c", "d", "e", "f")
"""Of the control pilot (IEC 61851-1)."""


def _no_context(_evse: EvseSnapshot) -> object:
    return None


def _handle_c(evse: EvseSnapshot) -> float | None:
    reading = evse.measurement.handle_temperature_c
    return None if reading is None else reading.value


def _pilot_state(evse: EvseSnapshot) -> str | None:
    link = evse.vehicle_link
    letter = "" if link is None else link.pilot_state[:1].lower()
    return letter if letter in PILOT_STATES else None


def _vehicle_protocol(evse: EvseSnapshot) -> str | None:
    link = evse.vehicle_link
    return None if link is None else link.family


HARDWARE_SENSORS: Final[tuple[EvseSensorDescription, ...]] = (
    EvseSensorDescription(
        key="handle_temperature",
        translation_key="handle_temperature",
        device_class=SensorDeviceClass.TEMPERATURE,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTemperature.CELSIUS,
        suggested_display_precision=0,
        value_fn=_handle_c,
        context_fn=_no_context,
        rate=TEMPERATURE,
        needs_link=True,
    ),
    EvseSensorDescription(
        key="derate",
        translation_key="derate",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        suggested_display_precision=0,
        # Without a sensor nothing is taken: a sound plug is assumed, not seen.
        value_fn=lambda evse: evse.derate_percent if evse.is_heat_measured else None,
        context_fn=_no_context,
    ),
    EvseSensorDescription(
        key="contactor_operations",
        translation_key="contactor_operations",
        state_class=SensorStateClass.TOTAL,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        suggested_display_precision=0,
        value_fn=lambda evse: evse.cold_openings + evse.hot_openings,
        context_fn=_no_context,
    ),
    EvseSensorDescription(
        key="contactor_hot_openings",
        translation_key="contactor_hot_openings",
        state_class=SensorStateClass.TOTAL,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        suggested_display_precision=0,
        value_fn=lambda evse: evse.hot_openings,
        context_fn=_no_context,
    ),
    EvseSensorDescription(
        key="contactor_life",
        translation_key="contactor_life",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfRatio.PERCENTAGE,
        suggested_display_precision=1,
        value_fn=lambda evse: evse.contactor_life_percent,
        context_fn=_no_context,
        rate=PERCENT,
    ),
    EvseSensorDescription(
        key="idle_awake_hours",
        translation_key="idle_awake_hours",
        device_class=SensorDeviceClass.DURATION,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=UnitOfTime.HOURS,
        suggested_display_precision=1,
        value_fn=lambda evse: evse.idle_awake_h,
        context_fn=_no_context,
    ),
    EvseSensorDescription(
        key="ev_link_drops_today",
        translation_key="ev_link_drops_today",
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        suggested_display_precision=0,
        value_fn=lambda evse: evse.link_drops_today,
        context_fn=_no_context,
    ),
    EvseSensorDescription(
        key="pilot_state",
        translation_key="pilot_state",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        options=list(PILOT_STATES),
        value_fn=_pilot_state,
        needs_link=True,
    ),
    EvseSensorDescription(
        key="inverter_mode",
        translation_key="inverter_mode",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        options=[mode.value for mode in InverterMode],
        value_fn=lambda evse: evse.inverter_mode,
        needs_link=True,
    ),
    EvseSensorDescription(
        key="vehicle_protocol",
        translation_key="vehicle_protocol",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        options=[protocol.value for protocol in VehicleProtocol],
        value_fn=_vehicle_protocol,
        needs_link=True,
    ),
)
