"""Sensors: what flows, why, and what could flow."""

from datetime import datetime
from functools import cached_property
import time
from typing import cast, override

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN, SensorEntity
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.util import dt as dt_util

from .const import ATTR_NEXT_LIMIT, ATTR_REQUESTED, CONF_SOURCE, DOMAIN
from .coordinator import V2gConfigEntry
from .display import POWER, DisplayFilter, HeldWords, lasting
from .domain.ids import EvseKey
from .domain.setpoint import Reason
from .domain.snapshot import (
    EvseSnapshot,
    ProgrammeSnapshot,
    SiteSnapshot,
    VehicleSnapshot,
)
from .entity import (
    EvseEntity,
    ProgrammeEntity,
    SiteEntity,
    V2gEntity,
    VehicleEntity,
    async_follow_subentries,
    is_virtual,
    site_unique_id,
)
from .sensor_answer import LAST_ANSWER, AnswerSensor
from .sensor_charger import CHARGER_SENSORS
from .sensor_descriptions import (
    CERTIFICATE,
    CERTIFICATE_REFRESH,
    EVSE_SENSORS,
    PROGRAMME_SENSORS,
    REASON,
    SETPOINT,
    SITE_SENSORS,
    VEHICLE_SENSORS,
    WEAR_COST,
    EvseSensorDescription,
    V2gSensorDescription,
    certificate_days_left,
)
from .sensor_event import EVENT_SENSORS, EventPriceSensor, EventSensor
from .sensor_fault import FAULT_SENSORS
from .sensor_flow import FLOW_SENSORS
from .sensor_hardware import HARDWARE_SENSORS
from .sensor_ledger import LEDGER_SENSORS, EarningsSensor
from .sensor_meters import meter_sensors
from .sensor_phases import PHASE_SENSORS
from .sensor_vehicle import (
    CYCLE_BUDGET_LEFT,
    DETAILED_SENSORS,
    ReadyAtSensor,
    VehicleSensorDescription,
)

# Everything is pushed, nothing is asked for.
PARALLEL_UPDATES = 0


async def async_setup_entry(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of the home and of all that its subentries set up."""
    async_add_entities(SiteSensor(entry, description) for description in SITE_SENSORS)
    _async_follow_meters(hass, entry, async_add_entities)

    def evses(
        subentry: ConfigSubentry, key: EvseKey, parent_device_id: str
    ) -> list[SensorEntity]:
        return [
            *(
                EvseSensor(entry, subentry, key, parent_device_id, description)
                for description in (
                    *EVSE_SENSORS,
                    *FLOW_SENSORS,
                    *FAULT_SENSORS,
                    *HARDWARE_SENSORS,
                    *PHASE_SENSORS,
                    *CHARGER_SENSORS,
                )
            ),
            ReasonSensor(entry, subentry, key, parent_device_id, REASON),
            SetpointSensor(entry, subentry, key, parent_device_id, SETPOINT),
        ]

    def vehicles(subentry: ConfigSubentry) -> list[SensorEntity]:
        return [
            *(
                VehicleSensor(entry, subentry, description)
                for description in (*VEHICLE_SENSORS, CYCLE_BUDGET_LEFT)
            ),
            *(DetailedVehicleSensor(entry, subentry, d) for d in DETAILED_SENSORS),
            ReadyAtSensor(entry, subentry),
            WearCostSensor(entry, subentry, WEAR_COST, hass.config.currency),
        ]

    def programmes(subentry: ConfigSubentry) -> list[SensorEntity]:
        return [
            *(
                ProgrammeSensor(entry, subentry, d)
                for d in (*PROGRAMME_SENSORS, *LEDGER_SENSORS)
            ),
            EarningsSensor(entry, subentry, hass.config.currency),
            *(EventSensor(entry, subentry, d) for d in EVENT_SENSORS),
            EventPriceSensor(entry, subentry, hass.config.currency),
            AnswerSensor(entry, subentry, LAST_ANSWER),
            # Entities need no certificate.
            *(
                [CertificateSensor(entry, subentry, CERTIFICATE)]
                if CONF_SOURCE not in subentry.data
                else []
            ),
        ]

    async_follow_subentries(
        hass,
        entry,
        async_add_entities,
        evses=evses,
        vehicles=vehicles,
        programmes=programmes,
    )


@callback
def _async_follow_meters(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the sensors of the home's meters when they come, remove them when they go."""
    coordinator, registry = entry.runtime_data.coordinator, er.async_get(hass)
    shown: set[str] = set()

    @callback
    def follow() -> None:
        wanted = meter_sensors(coordinator.data)
        if new := wanted.keys() - shown:
            async_add_entities(SiteSensor(entry, wanted[key]) for key in sorted(new))
        for key in shown - wanted.keys():
            entity_id = registry.async_get_entity_id(
                SENSOR_DOMAIN, DOMAIN, site_unique_id(key)
            )
            if entity_id is not None:
                registry.async_remove(entity_id)
        shown.clear()
        shown.update(wanted)

    follow()
    entry.async_on_unload(coordinator.async_add_listener(follow))


class V2gSensor[PartT](V2gEntity[PartT], SensorEntity):
    """A sensor whose number is shown no more often than is useful."""

    entity_description: V2gSensorDescription[PartT]

    _cancel_retry: CALLBACK_TYPE | None = None

    @override
    async def async_added_to_hass(self) -> None:
        self.async_on_remove(self._stop_retry)
        await super().async_added_to_hass()

    @override
    def _show(self, part: PartT) -> object:
        description = self.entity_description
        value = description.value_fn(part)
        if self._filter is not None and not isinstance(value, str | datetime):
            value = self._filtered(self._filter, part, value)
        if value == 0.0 and isinstance(value, float):
            value = 0.0  # never "-0.0"
        self._attr_native_value = value
        return value

    def _filtered(
        self, display: DisplayFilter, part: PartT, value: float | None
    ) -> float | None:
        context = self.entity_description.context_fn(part)
        wait_s = display.offer(value, context, time.monotonic())
        if wait_s is not None and self._cancel_retry is None:
            self._cancel_retry = async_call_later(self.hass, wait_s, self._retry)
        return display.shown

    @cached_property
    def _filter(self) -> DisplayFilter | None:
        rate = self.entity_description.rate
        return DisplayFilter(rate) if rate is not None else None

    @callback
    def _retry(self, _now: object) -> None:
        self._cancel_retry = None
        self._look_again()

    @callback
    def _stop_retry(self) -> None:
        if self._cancel_retry is not None:
            self._cancel_retry()
            self._cancel_retry = None


class SiteSensor(V2gSensor[SiteSnapshot], SiteEntity):
    """A number of the whole home."""


class VehicleSensor(V2gSensor[VehicleSnapshot], VehicleEntity):
    """A number of one vehicle."""

    def __init__(
        self,
        entry: V2gConfigEntry,
        subentry: ConfigSubentry,
        description: V2gSensorDescription[VehicleSnapshot],
    ) -> None:
        """Build the sensor; a virtual vehicle's numbers stay out of statistics."""
        super().__init__(entry, subentry, description)
        if is_virtual(subentry):
            self._attr_state_class = None


class WearCostSensor(VehicleSensor):
    """Money, in the currency of the home."""

    def __init__(
        self,
        entry: V2gConfigEntry,
        subentry: ConfigSubentry,
        description: V2gSensorDescription[VehicleSnapshot],
        currency: str,
    ) -> None:
        """Build the sensor of a home with a currency."""
        super().__init__(entry, subentry, description)
        self._attr_native_unit_of_measurement = currency


class DetailedVehicleSensor(VehicleSensor):
    """A number of one vehicle with what it means beside it."""

    entity_description: VehicleSensorDescription

    @override
    def _show(self, part: VehicleSnapshot) -> object:
        attributes = dict(self.entity_description.attributes_fn(part))
        self._attr_extra_state_attributes = attributes
        return super()._show(part), attributes


class ProgrammeSensor(V2gSensor[ProgrammeSnapshot], ProgrammeEntity):
    """A number of one programme."""


class EvseSensor(V2gSensor[EvseSnapshot], EvseEntity):
    """A number or state of one EVSE."""

    def __init__(
        self,
        entry: V2gConfigEntry,
        subentry: ConfigSubentry,
        key: EvseKey,
        parent_device_id: str,
        description: EvseSensorDescription,
    ) -> None:
        """Build the sensor; a virtual station's numbers stay out of statistics."""
        super().__init__(entry, subentry, key, parent_device_id, description)
        self._needs_link = description.needs_link
        self._attributes_fn = description.attributes_fn
        if is_virtual(subentry):
            self._attr_state_class = None

    @override
    def _show(self, part: EvseSnapshot) -> object:
        shown = super()._show(part)
        if self._attributes_fn is None:
            return shown
        attributes = dict(self._attributes_fn(part))
        self._attr_extra_state_attributes = attributes
        return shown, attributes


class ReasonSensor(EvseSensor):
    """What binds the setpoint, with what would bind it next."""

    @cached_property
    def _held(self) -> HeldWords:
        return HeldWords()

    @override
    def _show(self, part: EvseSnapshot) -> object:
        reason, runner_up = part.setpoint.reason, part.runner_up
        wait_s = self._held.offer(
            (reason, runner_up), lasting(reason), time.monotonic()
        )
        if wait_s is not None and self._cancel_retry is None:
            self._cancel_retry = async_call_later(self.hass, wait_s, self._retry)
        self._attr_native_value, limit = cast(
            "tuple[Reason, Reason | None]", self._held.shown
        )
        next_limit = None if limit is None else limit.value
        self._attr_extra_state_attributes = {ATTR_NEXT_LIMIT: next_limit}
        return self._held.shown


class SetpointSensor(EvseSensor):
    """The setpoint, with what was asked for beside it."""

    @cached_property
    def _requested(self) -> DisplayFilter:
        return DisplayFilter(POWER)

    @override
    def _show(self, part: EvseSnapshot) -> object:
        shown = self._attr_native_value, self._requested.shown
        requested = self._filtered(self._requested, part, part.setpoint.requested_w)
        power = super()._show(part)
        if shown != (power, requested) and self._filter is not None:
            # Each alone would write states of its own, twice as many.
            now_mono_s = time.monotonic()
            requested = self._requested.go_along(part.setpoint.requested_w, now_mono_s)
            power = self._filter.go_along(part.setpoint.power_w, now_mono_s)
            self._attr_native_value = power = power or 0.0  # never "-0.0"
        self._attr_extra_state_attributes = {ATTR_REQUESTED: requested}
        return power, requested


class CertificateSensor(ProgrammeEntity, SensorEntity):
    """The days until the programme's client certificate expires."""

    @override
    async def async_added_to_hass(self) -> None:
        self.async_on_remove(
            async_track_time_interval(self.hass, self._time_passed, CERTIFICATE_REFRESH)
        )
        await super().async_added_to_hass()

    @override
    def _show(self, part: ProgrammeSnapshot) -> object:
        self._attr_native_value = certificate_days_left(
            self._subentry.data, dt_util.utcnow()
        )
        return self._attr_native_value

    @callback
    def _time_passed(self, _now: object) -> None:
        self._look_again()
