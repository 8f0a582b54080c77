"""Bring a vehicle of the home to life."""

from typing import Protocol

from homeassistant.config_entries import ConfigSubentry

from .coordinator import Close
from .domain.ids import VehicleId
from .domain.policy import VehiclePolicy, VehicleSpec
from .subentry_facts import initial_vehicle_policy, vehicle


class Garage(Protocol):
    """Where vehicles are known."""

    def add_vehicle(self, spec: VehicleSpec, initial: VehiclePolicy) -> None:
        """Add a vehicle, or change its facts."""
        ...

    def remove_vehicle(self, vehicle_id: VehicleId) -> None:
        """Forget a vehicle."""
        ...


async def open_vehicle(garage: Garage, subentry: ConfigSubentry) -> Close:
    """Add the vehicle of a subentry; returns what takes it out again."""
    spec = vehicle(subentry)
    garage.add_vehicle(spec, initial_vehicle_policy(subentry))

    async def close(*, is_removed: bool) -> None:
        if is_removed:
            garage.remove_vehicle(spec.vehicle_id)

    return close
