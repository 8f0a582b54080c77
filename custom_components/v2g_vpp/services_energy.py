"""The action that adds the car behind an outlet to the Energy dashboard.

A vehicle that can discharge is a battery there: what it gave, what it took, its power by
direction, and how full it is.
"""

from typing import Final, cast

from homeassistant.components.energy import data as energy_data
from homeassistant.components.energy.const import DOMAIN as ENERGY_DOMAIN
from homeassistant.components.energy.data import (
    BatterySourceType,
    EnergyPreferencesUpdate,
    PowerConfig,
)
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import (
    HomeAssistant,
    ServiceCall,
    ServiceResponse,
    SupportsResponse,
    callback,
)
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import (
    config_validation as cv,
    entity_registry as er,
    service,
)
from homeassistant.util.json import JsonObjectType
import voluptuous as vol

from .action_target import async_evse
from .const import (
    CONF_IDENTITY,
    CONF_VEHICLE_ID,
    DOMAIN,
    STATION_SUBENTRIES,
    SUBENTRY_STATION,
    SUBENTRY_VEHICLE,
)
from .coordinator import V2gConfigEntry
from .domain.ids import EvseKey
from .domain.snapshot import VehicleSnapshot
from .domain.units import watt_hours_to_kilowatt_hours
from .entity import evse_unique_id, is_virtual, vehicle_unique_id

SERVICE_ADD_TO_ENERGY_DASHBOARD: Final = "add_to_energy_dashboard"
SCHEMA: Final = vol.Schema({vol.Required(ATTR_DEVICE_ID): cv.string})


@callback
def async_setup_energy_service(hass: HomeAssistant) -> None:
    """Register the action; it finds its outlet when it is called."""

    async def add(call: ServiceCall) -> ServiceResponse:
        entry, key = async_evse(hass, call)
        _refuse_virtual(entry, key)
        if ENERGY_DOMAIN not in hass.config.components:
            raise _refused("energy_not_set_up")
        manager = await energy_data.async_get_manager(hass)
        source = _source(hass, entry, key)
        preferences = manager.data or manager.default_preferences()
        sources = preferences["energy_sources"]
        is_new = not any(
            known["type"] == "battery"
            and known["stat_energy_from"] == source["stat_energy_from"]
            for known in sources
        )
        if is_new:
            await manager.async_update(
                EnergyPreferencesUpdate(
                    energy_sources=[*sources, source],
                    device_consumption=preferences["device_consumption"],
                )
            )
        return {"added": is_new, "source": cast("JsonObjectType", source)}

    # As Home Assistant's own dialog of the Energy dashboard.
    service.async_register_admin_service(
        hass,
        DOMAIN,
        SERVICE_ADD_TO_ENERGY_DASHBOARD,
        add,
        schema=SCHEMA,
        supports_response=SupportsResponse.OPTIONAL,
    )


def _source(
    hass: HomeAssistant, entry: V2gConfigEntry, key: EvseKey
) -> BatterySourceType:
    """Return the outlet as a battery: what comes from it was discharged."""

    def statistic(unique_id: str) -> str:
        return _statistic(hass, unique_id)

    source = BatterySourceType(
        type="battery",
        stat_energy_from=statistic(evse_unique_id(key, "energy_discharged")),
        stat_energy_to=statistic(evse_unique_id(key, "energy_charged")),
        power_config=PowerConfig(
            stat_rate_from=statistic(evse_unique_id(key, "discharge_power")),
            stat_rate_to=statistic(evse_unique_id(key, "charge_power")),
        ),
        name=_name(entry, key),
    )
    vehicle = _vehicle(entry, key)
    if vehicle is not None:
        soc = vehicle_unique_id(vehicle.spec.vehicle_id, "soc")
        source["stat_soc"] = statistic(soc)
        source["capacity"] = watt_hours_to_kilowatt_hours(vehicle.spec.capacity_wh)
    return source


def _statistic(hass: HomeAssistant, unique_id: str) -> str:
    """Return the entity of a sensor whose statistics are kept.

    Raises:
        ServiceValidationError: for one that the owner switched off.
    """
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id(SENSOR_DOMAIN, DOMAIN, unique_id)
    found = None if entity_id is None else registry.async_get(entity_id)
    if found is None or found.disabled:
        raise _refused("energy_sensor_disabled", sensor=entity_id or unique_id)
    return found.entity_id


def _vehicle(entry: V2gConfigEntry, key: EvseKey) -> VehicleSnapshot | None:
    """Return the car of an outlet: the one that is plugged, or the only one."""
    snapshot = entry.runtime_data.site.snapshot
    evse = snapshot.evse(key)
    plugged = None if evse is None else evse.vehicle_id
    real = {
        subentry.data.get(CONF_VEHICLE_ID)
        for subentry in entry.get_subentries_of_type(SUBENTRY_VEHICLE)
        if not is_virtual(subentry)
    }
    vehicles = [one for one in snapshot.vehicles if one.spec.vehicle_id in real]
    if plugged is not None:
        return next((one for one in vehicles if one.spec.vehicle_id == plugged), None)
    return vehicles[0] if len(vehicles) == 1 else None


def _name(entry: V2gConfigEntry, key: EvseKey) -> str:
    title = next(
        subentry.title
        for subentry in entry.subentries.values()
        if subentry.subentry_type in STATION_SUBENTRIES
        and subentry.data.get(CONF_IDENTITY) == key.station_id
    )
    return title if key.evse_id == 1 else f"{title} {key.evse_id}"


def _refuse_virtual(entry: V2gConfigEntry, key: EvseKey) -> None:
    for subentry in entry.get_subentries_of_type(SUBENTRY_STATION):
        if subentry.data.get(CONF_IDENTITY) == key.station_id and is_virtual(subentry):
            raise _refused("energy_virtual")


def _refused(translation_key: str, **placeholders: str) -> ServiceValidationError:
    return ServiceValidationError(
        translation_domain=DOMAIN,
        translation_key=translation_key,
        translation_placeholders=placeholders,
    )
