"""Numbers: limits of home and EVSE, the floors and the budget of a vehicle."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, override

from homeassistant.components.number import (
    NumberDeviceClass,
    NumberEntity,
    NumberEntityDescription,
    NumberMode,
)
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EntityCategory, UnitOfPower, UnitOfRatio
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .const import (
    ATTR_UNTIL,
    CONF_MAX_CHARGE_POWER_W,
    CONF_MAX_DISCHARGE_POWER_W,
    MAX_SITE_LIMIT_W,
)
from .coordinator import V2gConfigEntry
from .domain.ids import EvseKey
from .domain.policy import EvsePolicy, StationLimits, VehiclePolicy
from .domain.site_meters import OperatorLimit
from .domain.snapshot import EvseSnapshot, SiteSnapshot, VehicleSnapshot
from .entity import EvseEntity, SiteEntity, VehicleEntity, async_follow_subentries
from .error_translation import translated_errors
from .sensor_charger import POWER_PER_TIME

# Not 1: a floor that is raised stops power, and nothing that stops power may wait
# behind another command. The site is the one writer and orders them.
PARALLEL_UPDATES = 0

POWER_STEP_W: Final = 100
SLOWEST_RAMP_W_PER_S: Final = 100
FASTEST_RAMP_W_PER_S: Final = 22_000
"""House rules: two minutes for 11 kW, and more at once than a home charger can do."""

LIMITS: Final = StationLimits()


@dataclass(frozen=True, kw_only=True)
class EvseNumberDescription(NumberEntityDescription):
    """A number of one EVSE, bounded by its installation."""

    value_fn: Callable[[EvsePolicy], float]
    change_fn: Callable[[EvsePolicy, float], EvsePolicy]
    limit_key: str
    """Key of the station's set-up that holds the highest value."""

    default_limit: float


@dataclass(frozen=True, kw_only=True)
class VehicleNumberDescription(NumberEntityDescription):
    """A knob of one vehicle, percent of its capacity."""

    value_fn: Callable[[VehiclePolicy], float]
    change_fn: Callable[[VehiclePolicy, float], VehiclePolicy]


@dataclass(frozen=True, kw_only=True)
class SiteNumberDescription(NumberEntityDescription):
    """A limit of the operator of the grid, for the whole home."""

    value_fn: Callable[[OperatorLimit], float | None]
    until_fn: Callable[[OperatorLimit], datetime | None]
    change_fn: Callable[[OperatorLimit, float], OperatorLimit]


SITE_NUMBERS: Final[tuple[SiteNumberDescription, ...]] = (
    SiteNumberDescription(
        key="import_limit",
        translation_key="import_limit",
        value_fn=lambda limit: limit.import_w,
        until_fn=lambda limit: limit.import_until_at,
        change_fn=lambda limit, value: replace(
            limit, import_w=value, import_until_at=None
        ),
    ),
    SiteNumberDescription(
        key="export_limit",
        translation_key="export_limit",
        value_fn=lambda limit: limit.export_w,
        until_fn=lambda limit: limit.export_until_at,
        change_fn=lambda limit, value: replace(
            limit, export_w=value, export_until_at=None
        ),
    ),
)

EVSE_NUMBERS: Final[tuple[EvseNumberDescription, ...]] = (
    EvseNumberDescription(
        key="max_charge_power",
        translation_key="max_charge_power",
        value_fn=lambda policy: policy.max_charge_power_w,
        change_fn=lambda policy, value: replace(policy, max_charge_power_w=value),
        limit_key=CONF_MAX_CHARGE_POWER_W,
        default_limit=LIMITS.max_charge_power_w,
    ),
    EvseNumberDescription(
        key="max_discharge_power",
        translation_key="max_discharge_power",
        value_fn=lambda policy: policy.max_discharge_power_w,
        change_fn=lambda policy, value: replace(policy, max_discharge_power_w=value),
        limit_key=CONF_MAX_DISCHARGE_POWER_W,
        default_limit=LIMITS.max_discharge_power_w,
    ),
)

RAMP_RATE: Final = NumberEntityDescription(
    key="ramp_rate",
    translation_key="ramp_rate",
    entity_category=EntityCategory.CONFIG,
    entity_registry_enabled_default=False,
    native_min_value=SLOWEST_RAMP_W_PER_S,
    native_max_value=FASTEST_RAMP_W_PER_S,
    native_step=POWER_STEP_W,
    native_unit_of_measurement=POWER_PER_TIME,
    mode=NumberMode.BOX,
)

VEHICLE_NUMBERS: Final[tuple[VehicleNumberDescription, ...]] = (
    VehicleNumberDescription(
        key="reserve",
        translation_key="reserve",
        value_fn=lambda policy: policy.reserve_percent,
        change_fn=lambda policy, value: replace(policy, reserve_percent=value),
        device_class=NumberDeviceClass.BATTERY,
    ),
    VehicleNumberDescription(
        key="vpp_reserve",
        translation_key="vpp_reserve",
        value_fn=lambda policy: policy.vpp_reserve_percent,
        change_fn=lambda policy, value: replace(policy, vpp_reserve_percent=value),
        device_class=NumberDeviceClass.BATTERY,
    ),
    VehicleNumberDescription(
        key="max_soc",
        translation_key="max_soc",
        value_fn=lambda policy: policy.max_soc_percent,
        change_fn=lambda policy, value: replace(policy, max_soc_percent=value),
        device_class=NumberDeviceClass.BATTERY,
    ),
    VehicleNumberDescription(
        key="ready_soc",
        translation_key="ready_soc",
        value_fn=lambda policy: policy.ready_soc_percent,
        change_fn=lambda policy, value: replace(policy, ready_soc_percent=value),
        device_class=NumberDeviceClass.BATTERY,
    ),
    VehicleNumberDescription(
        key="cycle_budget",
        translation_key="cycle_budget",
        value_fn=lambda policy: policy.cycle_budget_percent,
        change_fn=lambda policy, value: replace(policy, cycle_budget_percent=value),
    ),
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the numbers of the home and of all that the subentries set up."""
    async_add_entities(SiteNumber(entry, description) for description in SITE_NUMBERS)

    def evses(
        subentry: ConfigSubentry, key: EvseKey, parent_device_id: str
    ) -> list[NumberEntity]:
        return [
            *(
                EvseNumber(entry, subentry, key, parent_device_id, description)
                for description in EVSE_NUMBERS
            ),
            RampNumber(entry, subentry, key, parent_device_id, RAMP_RATE),
        ]

    def vehicles(subentry: ConfigSubentry) -> list[NumberEntity]:
        return [
            VehicleNumber(entry, subentry, description)
            for description in VEHICLE_NUMBERS
        ]

    async_follow_subentries(
        hass, entry, async_add_entities, evses=evses, vehicles=vehicles
    )


class SiteNumber(SiteEntity, NumberEntity):
    """What the operator of the grid allows the home; unknown without such a limit.

    The action ``set_site_limit`` gives it an end, and ends it; one writer for both.
    """

    entity_description: SiteNumberDescription
    _attr_device_class = NumberDeviceClass.POWER
    _attr_entity_category = EntityCategory.CONFIG
    _attr_mode = NumberMode.BOX
    _attr_native_min_value = 0
    _attr_native_max_value = MAX_SITE_LIMIT_W
    _attr_native_step = POWER_STEP_W
    _attr_native_unit_of_measurement = UnitOfPower.WATT

    @override
    def _show(self, part: SiteSnapshot) -> object:
        description, limit = self.entity_description, part.operator_limit
        until_at = description.until_fn(limit)
        self._attr_native_value = description.value_fn(limit)
        self._attr_extra_state_attributes = {
            ATTR_UNTIL: None if until_at is None else until_at.isoformat()
        }
        return self._attr_native_value, until_at

    @override
    async def async_set_native_value(self, value: float) -> None:
        change = self.entity_description.change_fn
        await self._site.change_site_limit(lambda limit: change(limit, value))


class EvseNumber(EvseEntity, NumberEntity):
    """A limit of one EVSE."""

    entity_description: EvseNumberDescription
    _attr_device_class = NumberDeviceClass.POWER
    _attr_entity_category = EntityCategory.CONFIG
    _attr_mode = NumberMode.BOX
    _attr_native_min_value = 0
    _attr_native_step = POWER_STEP_W
    _attr_native_unit_of_measurement = UnitOfPower.WATT
    # Its highest value is a setting of the charger.
    _shows_its_part_only = False

    @override
    def _show(self, part: EvseSnapshot) -> object:
        description = self.entity_description
        self._attr_native_value = float(description.value_fn(part.policy))
        self._attr_native_max_value = self._subentry.data.get(
            description.limit_key, description.default_limit
        )
        return self._attr_native_value, self._attr_native_max_value

    @override
    async def async_set_native_value(self, value: float) -> None:
        change = self.entity_description.change_fn
        with translated_errors():
            await self._site.set_evse_policy(
                self._key, lambda policy: change(policy, value)
            )


class RampNumber(EvseEntity, NumberEntity):
    """How fast the owner lets the power of one EVSE change; a stop ignores it."""

    @override
    def _show(self, part: EvseSnapshot) -> object:
        self._attr_native_value = part.policy.ramp_w_per_s
        return self._attr_native_value

    @override
    async def async_set_native_value(self, value: float) -> None:
        with translated_errors():
            await self._site.set_evse_policy(
                self._key, lambda policy: replace(policy, ramp_w_per_s=value)
            )


class VehicleNumber(VehicleEntity, NumberEntity):
    """A knob of one vehicle."""

    entity_description: VehicleNumberDescription
    _attr_entity_category = EntityCategory.CONFIG
    _attr_mode = NumberMode.SLIDER
    _attr_native_min_value = 0
    _attr_native_max_value = 100
    _attr_native_step = 1
    _attr_native_unit_of_measurement = UnitOfRatio.PERCENTAGE

    @override
    def _show(self, part: VehicleSnapshot) -> object:
        self._attr_native_value = float(self.entity_description.value_fn(part.policy))
        return self._attr_native_value

    @override
    async def async_set_native_value(self, value: float) -> None:
        change = self.entity_description.change_fn
        with translated_errors():
            await self._site.set_vehicle_policy(
                self._vehicle_id, lambda policy: change(policy, value)
            )
