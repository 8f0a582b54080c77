"""The calendar of a programme: its events, ahead and over."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final, override

from homeassistant.components.calendar import (
    CalendarEntity,
    CalendarEntityDescription,
    CalendarEvent,
)
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.translation import async_get_cached_translations
from homeassistant.util import dt as dt_util

from .const import DOMAIN
from .coordinator import V2gConfigEntry
from .domain.programme_events import BookedEvent
from .domain.snapshot import ProgrammeSnapshot
from .domain.units import watts_to_kilowatts
from .entity import ProgrammeEntity, async_follow_subentries
from .sensor_event import direction_of

# Everything is pushed, nothing is asked for.
PARALLEL_UPDATES = 0

EVENTS: Final = CalendarEntityDescription(key="events", translation_key="events")

_DIRECTION: Final = f"component.{DOMAIN}.entity.sensor.event_direction.state"
_PHASE: Final = (
    f"component.{DOMAIN}.entity.event.dispatch.state_attributes.event_type.state"
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the calendar of every programme."""

    def programmes(subentry: ConfigSubentry) -> list[CalendarEntity]:
        return [ProgrammeCalendar(entry, subentry, EVENTS)]

    async_follow_subentries(hass, entry, async_add_entities, programmes=programmes)


class ProgrammeCalendar(ProgrammeEntity, CalendarEntity):
    """Each window of each event; those that were left or withdrawn say so."""

    _events: tuple[BookedEvent, ...] = ()

    @property
    @override
    def event(self) -> CalendarEvent | None:
        now = dt_util.utcnow()
        served = (b for b in self._events if not b.is_void)
        ahead = (one for b in served for one in self._windows(b) if one.end > now)
        return min(ahead, key=lambda one: one.start_datetime_local, default=None)

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        return [
            one
            for booked in self._events
            for one in self._windows(booked)
            if one.start_datetime_local < end_date
            and one.end_datetime_local > start_date
        ]

    @override
    def _show(self, part: ProgrammeSnapshot) -> object:
        self._events = part.book.events
        return [(b.event, b.phase) for b in part.book.events]

    def _windows(self, booked: BookedEvent) -> Iterator[CalendarEvent]:
        delay = timedelta(seconds=booked.event.delay_s)
        for number, window in enumerate(booked.event.windows):
            bound_w = window.power_w if window.limit_w is None else window.limit_w
            power_kw = watts_to_kilowatts(abs(bound_w or 0.0))
            what = self._text(_DIRECTION, direction_of(window))
            yield CalendarEvent(
                start=window.start_at + delay,
                end=window.end_at + delay,
                summary=f"{self._subentry.title}: {what}, {power_kw:.1f} kW",
                description=self._text(_PHASE, booked.phase.value),
                uid=f"{booked.event.event_id}/{number}",
            )

    def _text(self, prefix: str, slug: str) -> str:
        """Return a word in the language of the home, as the sensors show it."""
        language = self.hass.config.language
        texts = async_get_cached_translations(self.hass, language, "entity", DOMAIN)
        return texts.get(f"{prefix}.{slug}", slug)
