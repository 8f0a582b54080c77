"""Bring a vehicle of the home to life."""

from functools import partial
from typing import Protocol

from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant

from .const import CONF_TEMPERATURE
from .coordinator import Close
from .domain.clock import Clock
from .domain.ids import VehicleId
from .domain.measurement import Reading
from .domain.policy import VehiclePolicy, VehicleSpec
from .subentry_facts import initial_vehicle_policy, vehicle
from .system_clock import SystemClock
from .vehicle_temperature import async_follow_temperature


class Garage(Protocol):
    """Where vehicles are known."""

    def add_vehicle(self, spec: VehicleSpec, initial: VehiclePolicy) -> None:
        """Add a vehicle, or change its facts."""
        ...

    def remove_vehicle(self, vehicle_id: VehicleId) -> None:
        """Forget a vehicle."""
        ...

    def post_temperature(self, vehicle_id: VehicleId, reading: Reading | None) -> None:
        """Take what a sensor of a vehicle says, °C; None: nothing."""
        ...


async def open_vehicle(
    hass: HomeAssistant,
    garage: Garage,
    subentry: ConfigSubentry,
    clock: Clock = SystemClock(),
) -> Close:
    """Add the vehicle of a subentry; returns what takes it out again."""
    spec = vehicle(subentry)
    garage.add_vehicle(spec, initial_vehicle_policy(subentry))
    entity_id = subentry.data.get(CONF_TEMPERATURE)
    unfollow: CALLBACK_TYPE | None = None
    if entity_id:
        post = partial(garage.post_temperature, spec.vehicle_id)
        unfollow = async_follow_temperature(hass, entity_id, post, clock)

    async def close(*, is_removed: bool) -> None:
        if unfollow is not None:
            unfollow()
        if is_removed:
            garage.remove_vehicle(spec.vehicle_id)

    return close
