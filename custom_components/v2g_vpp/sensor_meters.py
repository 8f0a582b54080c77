"""Numbers of the home's own meters; they come and go with the meters."""

from functools import partial
from typing import Final

from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import EntityCategory, UnitOfElectricCurrent, UnitOfPower

from .display import MARGIN, POWER
from .domain.snapshot import SiteSnapshot
from .sensor_descriptions import V2gSensorDescription, site_context

METER_SENSORS: Final[tuple[V2gSensorDescription[SiteSnapshot], ...]] = (
    V2gSensorDescription(
        key="grid_power",
        translation_key="grid_power",
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value_fn=lambda site: site.meters.grid_w if site.meters else None,
        context_fn=site_context,
        rate=POWER,
    ),
    V2gSensorDescription(
        key="home_load",
        translation_key="home_load",
        device_class=SensorDeviceClass.POWER,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfPower.WATT,
        suggested_display_precision=0,
        value_fn=lambda site: site.meters.load_w if site.meters else None,
        context_fn=site_context,
        rate=POWER,
    ),
)
"""Of a home whose grid meter is set up."""


def _fuse_margin_a(site: SiteSnapshot, phase: int) -> float | None:
    margins_a = site.meters.fuse_margins_a if site.meters else ()
    return margins_a[phase - 1] if phase <= len(margins_a) else None


FUSE_SENSORS: Final[tuple[V2gSensorDescription[SiteSnapshot], ...]] = tuple(
    V2gSensorDescription(
        key=f"fuse_margin_l{phase}",
        translation_key="fuse_margin",
        translation_placeholders={"phase": str(phase)},
        device_class=SensorDeviceClass.CURRENT,
        state_class=SensorStateClass.MEASUREMENT,
        native_unit_of_measurement=UnitOfElectricCurrent.AMPERE,
        suggested_display_precision=1,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=partial(_fuse_margin_a, phase=phase),
        rate=MARGIN,
    )
    for phase in (1, 2, 3)
)
"""One per phase that is measured, of a home whose fuse is known."""


def meter_sensors(site: SiteSnapshot) -> dict[str, V2gSensorDescription[SiteSnapshot]]:
    """Return the sensors that this home has now, by key."""
    if site.meters is None:
        return {}
    phases = len(site.meters.fuse_margins_a)
    return {d.key: d for d in (*METER_SENSORS, *FUSE_SENSORS[:phases])}
