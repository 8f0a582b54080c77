"""What was learnt and set of a charger, and what its plan says next; off until asked."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from homeassistant.components.sensor import SensorDeviceClass
from homeassistant.const import EntityCategory, UnitOfPower

from .const import ATTR_POWER, ATTR_UNTIL
from .domain.guarantee import GuaranteeClass
from .domain.snapshot import EvseSnapshot
from .sensor_descriptions import NOT_PROVEN, EvseSensorDescription

ATTR_GAIN: Final = "gain"
ATTR_OFFSET: Final = "offset"
ATTR_RESIDUAL: Final = "residual"

POWER_PER_TIME: Final = "W/s"
"""Home Assistant has no unit for how fast a power changes."""


def _no_context(_evse: EvseSnapshot) -> object:
    return None


def _learnt(
    key: str, value_fn: Callable[[EvseSnapshot], float | None], unit: str
) -> EvseSensorDescription:
    return EvseSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.POWER if unit == UnitOfPower.WATT else None,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        native_unit_of_measurement=unit,
        suggested_display_precision=0,
        value_fn=value_fn,
        context_fn=_no_context,
    )


def _if_known(value: float, confidence: float) -> float | None:
    # Without any evidence it is what is assumed of every charger.
    return value if confidence > 0 or value != 0 else None


def _calibrated_at(evse: EvseSnapshot) -> datetime | None:
    made_at = evse.calibration.made_at if evse.calibration else None
    return datetime.fromisoformat(made_at) if made_at else None


def _calibration(evse: EvseSnapshot) -> Mapping[str, Any]:
    line = evse.calibration
    return {
        ATTR_GAIN: None if line is None else round(line.gain, 4),
        ATTR_OFFSET: None if line is None else round(line.offset_w, 1),
        ATTR_RESIDUAL: None if line is None else round(line.residual_w, 1),
    }


def _next_slot(evse: EvseSnapshot) -> Mapping[str, Any]:
    slot = evse.next_slot
    return {
        ATTR_POWER: None if slot is None else slot.power_w,
        ATTR_UNTIL: None if slot is None else slot.end_at.isoformat(),
    }


def _guarantee(evse: EvseSnapshot) -> str:
    return NOT_PROVEN if evse.proof is None else evse.proof.guarantee


CHARGER_SENSORS: Final[tuple[EvseSensorDescription, ...]] = (
    EvseSensorDescription(
        key="guarantee",
        translation_key="guarantee",
        device_class=SensorDeviceClass.ENUM,
        entity_category=EntityCategory.DIAGNOSTIC,
        options=[NOT_PROVEN, *(one.value for one in GuaranteeClass)],
        value_fn=_guarantee,
        context_fn=_no_context,
    ),
    _learnt(
        "ramp",
        lambda evse: (
            evse.fingerprint.ramp_w_per_s if evse.fingerprint.is_learnt else None
        ),
        POWER_PER_TIME,
    ),
    _learnt(
        "offset_charge",
        lambda evse: _if_known(
            evse.fingerprint.offset_charge_w, evse.confidence.offset_charge
        ),
        UnitOfPower.WATT,
    ),
    _learnt(
        "offset_discharge",
        lambda evse: _if_known(
            evse.fingerprint.offset_discharge_w, evse.confidence.offset_discharge
        ),
        UnitOfPower.WATT,
    ),
    _learnt(
        "offset_zero",
        lambda evse: _if_known(
            evse.fingerprint.offset_zero_w, evse.confidence.offset_zero
        ),
        UnitOfPower.WATT,
    ),
    _learnt(
        "minimum_power",
        lambda evse: (
            evse.fingerprint.minimum_power_w if evse.fingerprint.is_learnt else None
        ),
        UnitOfPower.WATT,
    ),
    EvseSensorDescription(
        key="calibration",
        translation_key="calibration",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=_calibrated_at,
        context_fn=_no_context,
        attributes_fn=_calibration,
    ),
    EvseSensorDescription(
        key="next_plan_slot",
        translation_key="next_plan_slot",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_registry_enabled_default=False,
        value_fn=lambda evse: evse.next_slot.start_at if evse.next_slot else None,
        context_fn=_no_context,
        attributes_fn=_next_slot,
    ),
)
