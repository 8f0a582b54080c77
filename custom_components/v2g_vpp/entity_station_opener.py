"""Bring a charger that Home Assistant already knows to life."""

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Protocol

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .const import CONF_POWER_ENTITY
from .coordinator import Close
from .domain.clock import Clock
from .domain.events import StationEvent
from .domain.ids import EvseKey, StationId
from .domain.policy import StationLimits
from .domain.ports import StationPort, Unsubscribe
from .entity_station import EntityStation
from .entity_station_data import (
    WRITE_FIELDS,
    entity_limits,
    specification,
    station_id_of,
    used_targets,
)
from .entity_station_reader import resolved
from .entity_station_repairs import LostEntities, async_show_word
from .entity_station_teller import Teller
from .system_clock import SystemClock


class StationHome(Protocol):
    """Where charging stations are known: the site."""

    def post(self, event: StationEvent) -> None:
        """Apply one event of a station."""
        ...

    def add_station(self, station_id: StationId, limits: StationLimits) -> None:
        """Add a station, or change its limits."""
        ...

    def use_station_port(self, station_id: StationId, port: StationPort) -> Unsubscribe:
        """Tell how one station is reached, until the returned call."""
        ...

    def yield_to_external(self, key: EvseKey) -> None:
        """Leave an outlet to somebody who changed its charger."""
        ...

    async def retire_station(self, station_id: StationId) -> None:
        """Bring a station to 0 W, then forget it."""
        ...


_SYSTEM_CLOCK: Final = SystemClock()


async def open_entity_station(
    hass: HomeAssistant,
    home: StationHome,
    subentry: ConfigSubentry,
    clock: Clock = _SYSTEM_CLOCK,
) -> Close:
    """Add the charger of a subentry; returns what takes it out again."""
    data = dict(subentry.data)
    station_id = station_id_of(data)
    home.add_station(station_id, entity_limits(data))
    lost = LostEntities(hass, station_id, subentry.title, data)
    teller = Teller(
        post=home.post,
        yield_to_external=home.yield_to_external,
        show_lost=lost.show,
        show_word=partial(async_show_word, hass, station_id, subentry.title),
    )
    station = EntityStation(hass, data, teller, clock, firmware=firmware_of(hass, data))
    forget = home.use_station_port(station_id, station)
    station.start()

    async def close(*, is_removed: bool) -> None:
        if is_removed:
            await home.retire_station(station_id)
        await station.close()
        lost.close()
        forget()

    return close


def firmware_of(hass: HomeAssistant, data: Mapping[str, Any]) -> str:
    """Return what a proof of the charger holds for.

    Another profile, or another firmware of the device behind its entities, may behave
    differently.
    """
    spec = specification(data)
    keys = (*(WRITE_FIELDS[target] for target in used_targets(data)), CONF_POWER_ENTITY)
    versions = (_sw_version(hass, data[key]) for key in keys if data.get(key))
    known = next((version for version in versions if version), "")
    return f"{spec.profile_id} {spec.profile_version} {known}".rstrip()


def _sw_version(hass: HomeAssistant, reference: str) -> str | None:
    entity_id = resolved(hass, reference)
    entry = None if entity_id is None else er.async_get(hass).async_get(entity_id)
    if entry is None or entry.device_id is None:
        return None
    device = dr.async_get(hass).async_get(entry.device_id)
    return device.sw_version if isinstance(device, dr.DeviceEntry) else None
