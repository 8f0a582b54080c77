"""Events: what an automation wants to hear of the moment it happens."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.translation import async_get_translations

from .const import DOMAIN
from .coordinator import V2gConfigEntry
from .domain.grid_settings import GridEvent, GridNote
from .domain.ids import EvseKey
from .domain.ledger_picture import SettlementNote
from .domain.programme_events import EventNews, EventNote
from .domain.security import SecurityEvent, SecurityNote, is_critical
from .domain.settlement import Outcome, amount
from .domain.snapshot import EvseSnapshot, ProgrammeSnapshot, StationSnapshot
from .entity import (
    EvseEntity,
    ProgrammeEntity,
    StationEntity,
    V2gEntity,
    async_follow_subentries,
)
from .sensor_event import ATTR_EVENT_ID, ATTR_TEST
from .settlement_text import sentence
from .text_keys import FAULT_TYPES

# Everything is pushed, nothing is asked for.
PARALLEL_UPDATES = 0


@dataclass(frozen=True, kw_only=True)
class EvseEventDescription(EventEntityDescription):
    """An event entity of one EVSE, and what it compares from picture to picture."""

    watched_fn: Callable[[EvseSnapshot], frozenset[str]]
    began_fn: Callable[[str], str]
    """Event type for something that was not there in the picture before."""

    ended_fn: Callable[[str], str | None] = lambda _: None
    """Event type for something that is gone, None for no event."""


def _faults(evse: EvseSnapshot) -> frozenset[str]:
    return frozenset(FAULT_TYPES[code] for code in evse.faults)


def _emergency_stop(evse: EvseSnapshot) -> frozenset[str]:
    return frozenset({"emergency_stop"} if evse.is_emergency_stopped else ())


def _clock(evse: EvseSnapshot) -> frozenset[str]:
    return frozenset({"clock_not_trusted"} if evse.is_clock_in_the_way else ())


EVENTS: Final[tuple[EvseEventDescription, ...]] = (
    EvseEventDescription(
        key="fault",
        translation_key="fault",
        event_types=sorted(FAULT_TYPES.values()),
        watched_fn=_faults,
        began_fn=lambda fault: fault,
    ),
    EvseEventDescription(
        key="safety",
        translation_key="safety",
        event_types=["emergency_stop", "emergency_stop_reset"],
        watched_fn=_emergency_stop,
        began_fn=lambda _: "emergency_stop",
        ended_fn=lambda _: "emergency_stop_reset",
    ),
    EvseEventDescription(
        key="station_clock",
        translation_key="station_clock",
        event_types=["clock_not_trusted", "clock_trusted"],
        watched_fn=_clock,
        began_fn=lambda _: "clock_not_trusted",
        ended_fn=lambda _: "clock_trusted",
    ),
)

type _Told = tuple[str, dict[str, Any]]


class _Numbered(Protocol):
    """A note that is told once."""

    @property
    def number(self) -> int:
        """Grows from note to note."""
        ...


@dataclass(frozen=True, kw_only=True)
class LogDescription[PartT, NoteT: _Numbered](EventEntityDescription):
    """A log of a part of the home, and what is told of each of its notes."""

    notes_fn: Callable[[PartT], tuple[NoteT, ...]]
    told_fn: Callable[[NoteT], _Told]
    """From a note to event type and attributes."""


ATTR_CRITICAL: Final = "critical"
ATTR_DETAIL: Final = "detail"
ATTR_OCCURRED_AT: Final = "occurred_at"
ATTR_KIND: Final = "kind"
ATTR_CONTROL_ID: Final = "control_id"
ATTR_PAID_WH: Final = "paid_wh"
ATTR_DELIVERED_WH: Final = "delivered_wh"
ATTR_AMOUNT: Final = "amount"
ATTR_CURRENCY: Final = "currency"
ATTR_SENTENCE: Final = "sentence"


def _security(note: SecurityNote) -> _Told:
    at = note.occurred_at
    return note.kind, {
        ATTR_CRITICAL: is_critical(note.kind),
        ATTR_DETAIL: note.detail,
        ATTR_OCCURRED_AT: at.isoformat() if at is not None else None,
    }


def _grid(note: GridNote) -> _Told:
    return note.event, {
        ATTR_KIND: note.kind,
        ATTR_CONTROL_ID: note.control_id,
        ATTR_DETAIL: note.detail,
        ATTR_OCCURRED_AT: note.at.isoformat(),
    }


type StationLogDescription = LogDescription[StationSnapshot, Any]


def _dispatch(note: EventNote) -> _Told:
    return note.news, {
        ATTR_EVENT_ID: note.event_id,
        ATTR_OCCURRED_AT: note.at.isoformat(),
        ATTR_TEST: note.is_test,
    }


STATION_LOGS: Final[tuple[StationLogDescription, ...]] = (
    LogDescription(
        key="security",
        translation_key="security",
        event_types=sorted(SecurityEvent),
        entity_category=EntityCategory.DIAGNOSTIC,
        notes_fn=lambda station: station.security,
        told_fn=_security,
    ),
    LogDescription(
        key="grid_settings",
        translation_key="grid_settings",
        event_types=sorted(GridEvent),
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        notes_fn=lambda station: station.grid_notes,
        told_fn=_grid,
    ),
)


def _settlement(note: SettlementNote) -> _Told:
    comparison = note.comparison
    settlement, delivered_wh = comparison.settlement, comparison.delivered_wh
    return comparison.outcome, {
        ATTR_EVENT_ID: settlement.event_id,
        ATTR_PAID_WH: settlement.accepted_wh,
        ATTR_DELIVERED_WH: delivered_wh,
        ATTR_AMOUNT: amount(settlement.amount_minor, settlement.currency),
        ATTR_CURRENCY: settlement.currency,
    }


def _settlements(programme: ProgrammeSnapshot) -> tuple[SettlementNote, ...]:
    return () if programme.ledger is None else programme.ledger.settlements


SETTLEMENT: Final = LogDescription[ProgrammeSnapshot, SettlementNote](
    key="settlement",
    translation_key="settlement",
    event_types=sorted(Outcome),
    notes_fn=_settlements,
    told_fn=_settlement,
)

DISPATCH: Final = LogDescription[ProgrammeSnapshot, EventNote](
    key="dispatch",
    translation_key="dispatch",
    event_types=sorted(EventNews),
    notes_fn=lambda programme: programme.book.news,
    told_fn=_dispatch,
)


async def async_setup_entry(
    hass: HomeAssistant,
    entry: V2gConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the events of every EVSE, the logs of stations and of programmes."""

    def evses(
        subentry: ConfigSubentry, key: EvseKey, parent_device_id: str
    ) -> list[EventEntity]:
        return [
            EvseEvent(entry, subentry, key, parent_device_id, description)
            for description in EVENTS
        ]

    def stations(subentry: ConfigSubentry) -> list[EventEntity]:
        return [StationLogEvent(entry, subentry, log) for log in STATION_LOGS]

    def programmes(subentry: ConfigSubentry) -> list[EventEntity]:
        return [
            ProgrammeLogEvent(entry, subentry, DISPATCH),
            SettlementEvent(entry, subentry, SETTLEMENT),
        ]

    async_follow_subentries(
        hass,
        entry,
        async_add_entities,
        stations=stations,
        evses=evses,
        programmes=programmes,
    )


class _PictureEvent[PartT](V2gEntity[PartT], EventEntity):
    """What is new from picture to picture; its state is the last event alone."""

    @abstractmethod
    def _look(self, part: PartT) -> None:
        """Tell what happened since the picture before."""

    @override
    def _show(self, part: PartT) -> object:
        return None

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        super()._handle_coordinator_update()
        self._look_at_picture()

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        # What is there already when Home Assistant starts is no event.
        self._look_at_picture()

    def _look_at_picture(self) -> None:
        part = self._find(self.coordinator.data)
        if part is not None:
            self._look(part)


class EvseEvent(_PictureEvent[EvseSnapshot], EvseEntity):
    """What just happened at one EVSE."""

    entity_description: EvseEventDescription

    _watched: frozenset[str] | None = None

    @override
    def _look(self, part: EvseSnapshot) -> None:
        description = self.entity_description
        before, self._watched = self._watched, description.watched_fn(part)
        if before is None:
            return
        for name in sorted(self._watched - before):
            self._happened(description.began_fn(name))
        for name in sorted(before - self._watched):
            self._happened(description.ended_fn(name))

    def _happened(self, event_type: str | None) -> None:
        if event_type is not None:
            self._trigger_event(event_type)
            self.async_write_ha_state()


class _LogEvent[PartT](_PictureEvent[PartT]):
    """What a log says, one event after the other."""

    entity_description: LogDescription[PartT, Any]

    _shown_number: int | None = None

    @override
    def _look(self, part: PartT) -> None:
        notes = self.entity_description.notes_fn(part)
        newest = notes[-1].number if notes else 0
        before, self._shown_number = self._shown_number, newest
        if before is None:
            # What was told before this entity was there is no event of now.
            return
        for note in notes:
            if note.number > before:
                self._trigger_event(*self._told(note))
                self.async_write_ha_state()

    def _told(self, note: Any) -> _Told:
        return self.entity_description.told_fn(note)


class StationLogEvent(_LogEvent[StationSnapshot], StationEntity):
    """What a log of a charging station says."""


class ProgrammeLogEvent(_LogEvent[ProgrammeSnapshot], ProgrammeEntity):
    """What happens to the events of a programme."""


class SettlementEvent(ProgrammeLogEvent):
    """What the operator paid, with the difference in one sentence."""

    _texts: Mapping[str, str] = {}

    @override
    async def async_added_to_hass(self) -> None:
        language = self.hass.config.language
        self._texts = await async_get_translations(
            self.hass, language, "exceptions", [DOMAIN]
        )
        await super().async_added_to_hass()

    @override
    def _told(self, note: SettlementNote) -> _Told:
        outcome, values = super()._told(note)
        return outcome, {
            **values,
            ATTR_SENTENCE: sentence(note.comparison, self._texts),
        }
