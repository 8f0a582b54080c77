"""Triggers by purpose: a discharge begins, a floor is reached, an event, a fault."""

from collections.abc import Mapping
from typing import ClassVar, Final, override

from homeassistant.components.event import DOMAIN as EVENT_DOMAIN
from homeassistant.components.event.const import EventEntityStateAttribute
from homeassistant.components.sensor import DOMAIN as SENSOR_DOMAIN
from homeassistant.core import HomeAssistant, State
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.trigger import (
    EntityTargetStateTriggerBase,
    NotTriggeredReasonReporter,
    StatelessEntityTriggerBase,
    Trigger,
)

from .automation_entities import ours
from .domain.programme_events import EventNews
from .domain.setpoint import Reason
from .domain.state import EvseState

_SENSOR: Final[Mapping[str, DomainSpec]] = {SENSOR_DOMAIN: DomainSpec()}
_EVENT: Final[Mapping[str, DomainSpec]] = {EVENT_DOMAIN: DomainSpec()}


class DischargingStarted(EntityTargetStateTriggerBase):
    """An outlet begins to discharge its vehicle."""

    _domain_specs = _SENSOR
    _to_states: set[str] = {EvseState.DISCHARGING.value}

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        return ours(self._hass, super().entity_filter(entities), {"state"})


class FloorReached(EntityTargetStateTriggerBase):
    """A reserve of the vehicle begins to keep an outlet from discharging."""

    _domain_specs = _SENSOR
    _to_states: set[str] = {
        Reason.RESERVE_FLOOR.value,
        Reason.TRIP_FLOOR.value,
        Reason.VPP_FLOOR.value,
        Reason.EVENT_RESERVE.value,
    }

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        found = super().entity_filter(entities)
        return ours(self._hass, found, {"discharge_blocked_by"})


class _Told(StatelessEntityTriggerBase):
    """One of our event entities told something."""

    _domain_specs = _EVENT
    _key: ClassVar[str]
    _event_types: ClassVar[frozenset[str] | None] = None
    """None: whatever it is."""

    @override
    def entity_filter(self, entities: set[str]) -> set[str]:
        return ours(self._hass, super().entity_filter(entities), {self._key})

    @override
    def is_valid_state(
        self, state: State, report_not_triggered: NotTriggeredReasonReporter
    ) -> bool:
        told = state.attributes.get(EventEntityStateAttribute.EVENT_TYPE)
        return self._event_types is None or told in self._event_types


class DispatchAnnounced(_Told):
    """A power plant announced an event."""

    _key = "dispatch"
    _event_types = frozenset({EventNews.ANNOUNCED.value})


class FaultReported(_Told):
    """A fault of an outlet began."""

    _key = "fault"


TRIGGERS: Final[Mapping[str, type[Trigger]]] = {
    "discharging_started": DischargingStarted,
    "floor_reached": FloorReached,
    "dispatch_announced": DispatchAnnounced,
    "fault_reported": FaultReported,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers of this integration."""
    return dict(TRIGGERS)
