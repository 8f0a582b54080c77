"""Sensors of a programme about the event that runs or comes next."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, override

from homeassistant.components.sensor import (
    SensorDeviceClass,
    SensorEntity,
    SensorEntityDescription,
)
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import UnitOfEnergy

from .coordinator import V2gConfigEntry
from .domain.programme_events import BookedEvent, EventWindow
from .domain.snapshot import ProgrammeSnapshot
from .entity import ProgrammeEntity

ATTR_EVENT_ID: Final = "event_id"
ATTR_PARTICIPATION: Final = "participation"
ATTR_EXPECTED_POWER: Final = "expected_power"
ATTR_OPT_OUT_UNTIL: Final = "opt_out_until"
ATTR_TEST: Final = "test"

NOTHING: Final = "nothing"
CHARGE: Final = "charge"
DISCHARGE: Final = "discharge"
LIMIT: Final = "limit"
MINOR_PER_UNIT: Final = 100


def direction_of(window: EventWindow) -> str:
    """Return what a window asks for."""
    if window.power_w is None:
        return LIMIT
    return DISCHARGE if window.power_w < 0 else CHARGE


def _direction(booked: BookedEvent) -> str:
    return direction_of(booked.event.windows[0])


def _price(booked: BookedEvent) -> float | None:
    price = booked.event.price
    return None if price is None else price.amount_minor_per_kwh / MINOR_PER_UNIT


def _details(booked: BookedEvent) -> Mapping[str, Any]:
    until = booked.event.opt_out_until_at
    return {
        ATTR_EVENT_ID: booked.event.event_id,
        ATTR_PARTICIPATION: booked.participation.value,
        ATTR_EXPECTED_POWER: [round(power_w) for power_w in booked.expected_w],
        ATTR_OPT_OUT_UNTIL: None if until is None else until.isoformat(),
        ATTR_TEST: booked.event.is_test,
    }


def _nothing(_booked: BookedEvent) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, kw_only=True)
class EventSensorDescription(SensorEntityDescription):
    """A sensor of the event that runs or comes next."""

    value_fn: Callable[[BookedEvent], str | float | datetime | None]
    without_event: str | None = None
    """What is shown while there is no event."""

    attributes_fn: Callable[[BookedEvent], Mapping[str, Any]] = _nothing


EVENT_SENSORS: Final[tuple[EventSensorDescription, ...]] = (
    EventSensorDescription(
        key="event_direction",
        translation_key="event_direction",
        device_class=SensorDeviceClass.ENUM,
        options=[NOTHING, CHARGE, DISCHARGE, LIMIT],
        value_fn=_direction,
        without_event=NOTHING,
        attributes_fn=_details,
    ),
    EventSensorDescription(
        key="event_start",
        translation_key="event_start",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda booked: booked.event.start_at,
    ),
    EventSensorDescription(
        key="event_end",
        translation_key="event_end",
        device_class=SensorDeviceClass.TIMESTAMP,
        value_fn=lambda booked: booked.event.end_at,
    ),
)

EVENT_PRICE: Final = EventSensorDescription(
    key="event_price",
    translation_key="event_price",
    suggested_display_precision=2,
    value_fn=_price,
)


class EventSensor(ProgrammeEntity, SensorEntity):
    """Something about the event that runs or comes next."""

    entity_description: EventSensorDescription

    @override
    def _show(self, part: ProgrammeSnapshot) -> object:
        booked, description = part.book.current_event(), self.entity_description
        value = (
            description.without_event
            if booked is None
            else description.value_fn(booked)
        )
        attributes = {} if booked is None else dict(description.attributes_fn(booked))
        self._attr_native_value = value
        self._attr_extra_state_attributes = attributes
        return value, attributes


class EventPriceSensor(EventSensor):
    """What is paid for a kWh, in the currency of the event."""

    def __init__(
        self, entry: V2gConfigEntry, subentry: ConfigSubentry, currency: str
    ) -> None:
        """Build the sensor; without an event it has the currency of the home."""
        super().__init__(entry, subentry, EVENT_PRICE)
        self._currency = currency

    @override
    def _show(self, part: ProgrammeSnapshot) -> object:
        booked = part.book.current_event()
        price = booked.event.price if booked is not None else None
        currency = self._currency if price is None else price.currency
        self._attr_native_unit_of_measurement = (
            f"{currency}/{UnitOfEnergy.KILO_WATT_HOUR}"
        )
        return super()._show(part), currency
