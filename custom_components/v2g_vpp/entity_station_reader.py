"""The entities of a charger: where they are, what they show, what is missing.

Of power and state of charge only what is reported while somebody listens counts: a
state from before may have been restored from disk. What says whether a vehicle is plugged changes seldom, so
there the present state counts with its age.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from homeassistant.const import (
    ATTR_UNIT_OF_MEASUREMENT,
    STATE_UNAVAILABLE,
)
from homeassistant.core import (
    CALLBACK_TYPE,
    Event,
    EventStateChangedData,
    EventStateReportedData,
    HomeAssistant,
    State,
    callback,
)
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import (
    async_track_state_change_event,
    async_track_state_report_event,
)

from .const import CONF_POWER_ENTITY, CONF_SOC_ENTITY
from .domain.clock import Clock
from .domain.entity_command import NumberRange, Reach, WriteTarget
from .domain.entity_observation import EntityReading, EntityReadings
from .domain.entity_station import Writes, contradicts
from .entity_station_data import READ_FIELDS, WRITE_FIELDS, used_targets

_NUMBERS: Final = (WriteTarget.SETPOINT, WriteTarget.CHARGE, WriteTarget.DISCHARGE)
_HEARD_ONLY: Final = frozenset({CONF_POWER_ENTITY, CONF_SOC_ENTITY})
"""Read when they report, never from what is there already."""

type EntityNews = Event[EventStateChangedData] | Event[EventStateReportedData]
type Hear = Callable[[str, EntityNews | None], None]
"""Takes the field that names an entity, and what it told; None: it is another one."""


def resolved(hass: HomeAssistant, reference: str) -> str | None:
    """Return the entity id behind a reference; None: its entity was deleted."""
    return er.async_resolve_entity_id(er.async_get(hass), reference)


class EntityReader:
    """Follows the entities of one charger, wherever they are renamed to."""

    def __init__(
        self,
        hass: HomeAssistant,
        data: Mapping[str, Any],
        clock: Clock,
        hear: Hear,
    ) -> None:
        """Read by the set-up ``data``; call ``hear`` whenever an entity tells."""
        self._hass, self._data, self._clock, self._hear = hass, data, clock, hear
        self._targets = {t: WRITE_FIELDS[t] for t in used_targets(data)}
        self._fields = tuple(
            key
            for key in (*READ_FIELDS.values(), *self._targets.values())
            if data.get(key)
        )
        self._entity_ids: dict[str, str | None] = {}
        self._heard: dict[str, EntityReading | None] = {}
        self._unlisten: list[CALLBACK_TYPE] = []
        self._unregister: CALLBACK_TYPE | None = None

    @callback
    def start(self) -> None:
        """Listen to the entities, and to what becomes of them."""
        self._unregister = self._hass.bus.async_listen(
            er.EVENT_ENTITY_REGISTRY_UPDATED, self._registry_changed
        )
        self._follow()

    @callback
    def close(self) -> None:
        """Listen to nothing any more."""
        if self._unregister is not None:
            self._unregister()
            self._unregister = None
        self._unfollow()

    def entity_id(self, key: str) -> str | None:
        """Return the entity of a field; None: it has none, or it was deleted."""
        return self._entity_ids.get(key)

    def target_id(self, target: WriteTarget) -> str | None:
        """Return the entity that is written to."""
        return self.entity_id(WRITE_FIELDS[target])

    def readings(self) -> EntityReadings:
        """Return what the entities show."""
        return EntityReadings(
            **{name: self._heard.get(key) for name, key in READ_FIELDS.items()}
        )

    def reach(self) -> Reach:
        """Return what the numbers can be set to now."""
        ranges = {t: self._range(t) for t in _NUMBERS if t in self._targets}
        return Reach(ranges={t: r for t, r in ranges.items() if r is not None})

    def is_there(self, target: WriteTarget) -> bool:
        """Return True while the entity that is written to can be."""
        return self._is_there(WRITE_FIELDS[target])

    def lost_writes(self, writes: Writes) -> tuple[str, ...]:
        """Return the fields whose entities cannot be written to now.

        A number that counts something else than at the set-up is one of them.
        """
        reach = self.reach()
        return tuple(
            key
            for target, key in self._targets.items()
            if not self._is_there(key) or contradicts(writes, reach.of(target).unit)
        )

    def _is_there(self, key: str) -> bool:
        entity_id = self._entity_ids.get(key)
        state = None if entity_id is None else self._hass.states.get(entity_id)
        return state is not None and state.state != STATE_UNAVAILABLE

    def _range(self, target: WriteTarget) -> NumberRange | None:
        entity_id = self.target_id(target)
        state = None if entity_id is None else self._hass.states.get(entity_id)
        return None if state is None else range_of(state)

    @callback
    def _registry_changed(
        self, event: Event[er.EventEntityRegistryUpdatedData]
    ) -> None:
        """Look where the entities are now: one may have been renamed or deleted."""
        if self._resolve() == self._entity_ids:
            return
        before = dict(self._entity_ids)
        self._follow()
        for key, entity_id in self._entity_ids.items():
            if before.get(key) != entity_id:
                self._hear(key, None)

    def _resolve(self) -> dict[str, str | None]:
        return {key: resolved(self._hass, self._data[key]) for key in self._fields}

    def _follow(self) -> None:
        self._unfollow()
        before, self._entity_ids = self._entity_ids, self._resolve()
        for key, entity_id in self._entity_ids.items():
            if before.get(key, "") != entity_id:
                self._take(key, self._present_state(key))
        entity_ids = {one for one in self._entity_ids.values() if one is not None}
        if entity_ids:
            self._unlisten = [
                async_track_state_change_event(self._hass, entity_ids, self._changed),
                async_track_state_report_event(self._hass, entity_ids, self._reported),
            ]

    def _unfollow(self) -> None:
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []

    def _present_state(self, key: str) -> State | None:
        entity_id = self._entity_ids.get(key)
        if entity_id is None or key in _HEARD_ONLY:
            return None
        return self._hass.states.get(entity_id)

    @callback
    def _changed(self, event: Event[EventStateChangedData]) -> None:
        self._told(event.data["entity_id"], event.data["new_state"], event)

    @callback
    def _reported(self, event: Event[EventStateReportedData]) -> None:
        self._told(event.data["entity_id"], event.data["new_state"], event)

    def _told(self, entity_id: str, state: State | None, event: EntityNews) -> None:
        for key in self._fields_of(entity_id):
            self._take(key, state)
            self._hear(key, event)

    def _fields_of(self, entity_id: str) -> Iterable[str]:
        return [key for key, one in self._entity_ids.items() if one == entity_id]

    def _take(self, key: str, state: State | None) -> None:
        if state is None:
            self._heard[key] = None
            return
        age = self._clock.utcnow() - state.last_reported
        self._heard[key] = EntityReading(
            text=state.state,
            unit=state.attributes.get(ATTR_UNIT_OF_MEASUREMENT),
            received_mono_s=self._clock.monotonic() - max(0.0, age.total_seconds()),
            taken_at=state.last_reported,
        )


def range_of(state: State) -> NumberRange | None:
    """Return what a number can be set to; None: it does not say so."""
    try:
        return NumberRange(
            lowest=float(state.attributes["min"]),
            highest=float(state.attributes["max"]),
            step=float(state.attributes.get("step") or 0.0),
            unit=state.attributes.get(ATTR_UNIT_OF_MEASUREMENT),
        )
    except KeyError, TypeError, ValueError:
        return None
