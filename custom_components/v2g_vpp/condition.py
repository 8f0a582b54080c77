"""Conditions by purpose: an outlet discharges, an outlet follows a power plant."""

from collections.abc import Mapping
from typing import ClassVar, Final, override

from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import Condition, EntityStateConditionBase

from .automation_entities import ours
from .domain.setpoint import ControlOwner
from .domain.state import EvseState


class _Outlet(EntityStateConditionBase):
    """A sensor of an outlet shows something."""

    _domain_specs: Mapping[str, DomainSpec] = {SENSOR_DOMAIN: DomainSpec()}
    _key: ClassVar[str]

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        return ours(self._hass, super().entity_filter(entities), {self._key})


class IsDischarging(_Outlet):
    """An outlet discharges its vehicle."""

    _key = "state"
    _states: set[str | bool] = {EvseState.DISCHARGING.value}


class IsDispatched(_Outlet):
    """An outlet follows an order of a power plant."""

    _key = "control_owner"
    _states: set[str | bool] = {ControlOwner.VPP.value}


CONDITIONS: Final[Mapping[str, type[Condition]]] = {
    "is_discharging": IsDischarging,
    "is_dispatched": IsDispatched,
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions of this integration."""
    return dict(CONDITIONS)
