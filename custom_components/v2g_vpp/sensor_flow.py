"""Power of an outlet by direction, as the Energy dashboard wants it."""

from dataclasses import replace
from typing import Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import UnitOfPower

from .display import POWER
from .domain.snapshot import EvseSnapshot
from .sensor_descriptions import EvseSensorDescription, fresh_value

SLOW_POWER: Final = replace(POWER, interval_s=30.0)
"""The sensor with the sign tells it as it happens; these two are for sums."""


def _charge_w(evse: EvseSnapshot) -> float | None:
    power_w = fresh_value(evse, evse.measurement.power_w)
    return None if power_w is None else max(0.0, power_w)


def _discharge_w(evse: EvseSnapshot) -> float | None:
    power_w = fresh_value(evse, evse.measurement.power_w)
    return None if power_w is None else max(0.0, -power_w)


FLOW_SENSORS: Final[tuple[EvseSensorDescription, ...]] = tuple(
    EvseSensorDescription(
        key=key,
        translation_key=key,
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value_fn=value_fn,
        rate=SLOW_POWER,
        needs_link=True,
    )
    for key, value_fn in (
        ("charge_power", _charge_w),
        ("discharge_power", _discharge_w),
    )
)
