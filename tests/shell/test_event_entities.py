"""Events of a programme as entities, in the calendar, and left by the owner."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import Platform
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.v2g_vpp.const import DOMAIN
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.programme_events import (
    EventPrice,
    EventWindow,
    ProgrammeEvent,
)
from tests.shell.home import Home
from tests.shell.test_programme_entities import PREFIX, subentries

__all__ = ["subentries"]

PROGRAMME = ProgrammeId("evening-peak")


def announce(home: Home, event_id: str = "peak-1", **changes: Any) -> ProgrammeEvent:
    """Tell of two windows that begin in an hour: 5 kW out, then at most 4 kW in."""
    start_at = dt_util.utcnow().replace(microsecond=0) + timedelta(hours=1)
    fields: dict[str, Any] = {
        "event_id": event_id,
        "programme_id": PROGRAMME,
        "windows": (
            EventWindow(
                start_at=start_at,
                end_at=start_at + timedelta(hours=1),
                power_w=-5_000.0,
            ),
            EventWindow(
                start_at=start_at + timedelta(hours=1),
                end_at=start_at + timedelta(hours=2),
                limit_w=4_000.0,
            ),
        ),
        "price": EventPrice(amount_minor_per_kwh=42, currency="EUR"),
    }
    event = ProgrammeEvent(**(fields | changes))
    home.site.announce_event(event)
    return event


async def calendar(hass: HomeAssistant, home: Home) -> list[Mapping[str, Any]]:
    """Return all that the calendar holds of these days."""
    entity_id = home.entity_id("calendar", "events", PREFIX)
    now = dt_util.utcnow()
    answer: Any = await hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": entity_id,
            "start_date_time": now - timedelta(days=3),
            "end_date_time": now + timedelta(days=3),
        },
        blocking=True,
        return_response=True,
    )
    found: list[Mapping[str, Any]] = answer[entity_id]["events"]
    return found


def programme_device(hass: HomeAssistant, home: Home) -> str:
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, f"programme/{PROGRAMME}"), home.entry.entry_id
    )
    assert device is not None
    return device.id


async def opt_out(hass: HomeAssistant, home: Home, **data: Any) -> None:
    await hass.services.async_call(
        DOMAIN,
        "opt_out",
        {"device_id": programme_device(hass, home)} | data,
        blocking=True,
    )
    await home.settle()


@pytest.mark.usefixtures("every_entity_enabled")
@pytest.mark.parametrize("platform", [Platform.CALENDAR, Platform.SENSOR])
async def test_platform(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    entity_registry: er.EntityRegistry,
    snapshot: SnapshotAssertion,
    platform: Platform,
    freezer: FrozenDateTimeFactory,
) -> None:
    # The certificates are made by the clock on the wall.
    freezer.move_to("2026-01-15T12:00:00+00:00")
    entry.add_to_hass(hass)
    with patch("custom_components.v2g_vpp.const.PLATFORMS", [platform]):
        assert await hass.config_entries.async_setup(entry.entry_id)
        home = Home.willing(hass, entry)
        announce(home)
        await home.settle()
        shown = {
            state.entity_id: state
            for state in hass.states.async_all(platform)
            if (found := entity_registry.async_get(state.entity_id)) is not None
            and found.unique_id.startswith(f"{PREFIX}_event")
        }
        assert shown == snapshot
        await hass.config_entries.async_unload(entry.entry_id)


async def test_without_an_event_there_is_nothing_to_leave(home: Home) -> None:
    assert home.state("sensor", "event_direction", PREFIX).state == "nothing"
    assert home.state("sensor", "event_start", PREFIX).state == "unknown"
    assert home.state("sensor", "event_price", PREFIX).state == "unknown"
    assert home.state("button", "opt_out_of_event", PREFIX).state == "unavailable"
    assert home.state("calendar", "events", PREFIX).state == "off"


async def test_announced_event_is_shown(hass: HomeAssistant, home: Home) -> None:
    event = announce(home)
    await home.settle()
    direction = home.state("sensor", "event_direction", PREFIX)
    assert direction.state == "discharge"
    assert direction.attributes["event_id"] == "peak-1"
    # Whoever has nothing plugged keeps any limit.
    assert direction.attributes["participation"] == "opted_in"
    assert direction.attributes["expected_power"] == [0, 0]
    start = home.state("sensor", "event_start", PREFIX).state
    assert dt_util.parse_datetime(start) == event.start_at
    end = home.state("sensor", "event_end", PREFIX).state
    assert dt_util.parse_datetime(end) == event.end_at
    price = home.state("sensor", "event_price", PREFIX)
    assert price.state == "0.42"
    assert price.attributes["unit_of_measurement"] == "EUR/kWh"
    told = home.state("event", "dispatch", PREFIX)
    assert told.attributes["event_type"] == "announced"
    assert told.attributes["event_id"] == "peak-1"
    assert [one["summary"] for one in await calendar(hass, home)] == [
        "Evening peak: Discharge, 5.0 kW",
        "Evening peak: Limit, 4.0 kW",
    ]
    next_one = home.state("calendar", "events", PREFIX)
    assert next_one.attributes["message"] == "Evening peak: Discharge, 5.0 kW"
    assert next_one.attributes["description"] == "Event announced"


async def test_events_are_there_again_after_a_restart(
    hass: HomeAssistant, home: Home
) -> None:
    announce(home)
    announce(home, "peak-2")
    await opt_out(hass, home, event_id="peak-1")
    before = await calendar(hass, home)
    assert await hass.config_entries.async_reload(home.entry.entry_id)
    await hass.async_block_till_done()
    again = Home.willing(hass, home.entry)
    assert await calendar(hass, again) == before
    direction = again.state("sensor", "event_direction", PREFIX)
    assert direction.attributes["event_id"] == "peak-2"
    # What was told before the restart is no event of now.
    told = again.state("event", "dispatch", PREFIX)
    assert told.state in {"unknown", home.state("event", "dispatch", PREFIX).state}


async def test_button_leaves_the_next_event(hass: HomeAssistant, home: Home) -> None:
    announce(home)
    await home.settle()
    await hass.services.async_call(
        "button",
        "press",
        {"entity_id": home.entity_id("button", "opt_out_of_event", PREFIX)},
        blocking=True,
    )
    await home.settle()
    told = home.state("event", "dispatch", PREFIX)
    assert told.attributes["event_type"] == "opted_out"
    assert home.state("sensor", "event_direction", PREFIX).state == "nothing"
    assert home.state("button", "opt_out_of_event", PREFIX).state == "unavailable"
    assert home.state("calendar", "events", PREFIX).attributes.get("message") is None
    texts = {one["description"] for one in await calendar(hass, home)}
    assert texts == {"You left the event"}


async def test_action_leaves_the_event_that_it_names(
    hass: HomeAssistant, home: Home
) -> None:
    announce(home, "peak-1")
    announce(home, "peak-2")
    await opt_out(hass, home, event_id="peak-2")
    (programme,) = home.site.snapshot.programmes
    assert [b.event.event_id for b in programme.book.events if b.is_void] == ["peak-2"]
    await opt_out(hass, home)
    (programme,) = home.site.snapshot.programmes
    assert all(b.is_void for b in programme.book.events)


async def test_what_cannot_be_left_is_told(hass: HomeAssistant, home: Home) -> None:
    with pytest.raises(ServiceValidationError) as caught:
        await opt_out(hass, home)
    assert caught.value.translation_key == "event_unknown"
    announce(home, opt_out_until_at=dt_util.utcnow() - timedelta(seconds=1))
    with pytest.raises(ServiceValidationError) as caught:
        await opt_out(hass, home)
    assert caught.value.translation_key == "opt_out_over"
    assert caught.value.translation_placeholders == {"event": "peak-1"}
    site = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, "site"), home.entry.entry_id
    )
    assert site is not None
    with pytest.raises(ServiceValidationError) as caught:
        await hass.services.async_call(
            DOMAIN, "opt_out", {"device_id": site.id}, blocking=True
        )
    assert caught.value.translation_key == "target_not_programme"


async def test_each_news_is_told_once_and_in_turn(
    hass: HomeAssistant, home: Home
) -> None:
    told: list[str] = []

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        assert state is not None
        told.append(state.attributes["event_type"])

    async_track_state_change_event(
        hass, [home.entity_id("event", "dispatch", PREFIX)], note
    )
    announce(home)
    announce(home, price=None)
    home.site.withdraw_event(PROGRAMME, "peak-1")
    await home.settle()
    assert told == ["announced", "updated", "withdrawn"]


async def test_calendar_turns_on_and_off_with_its_windows(
    freezer: FrozenDateTimeFactory, home: Home
) -> None:
    announce(home)
    await home.settle()
    assert home.state("calendar", "events", PREFIX).state == "off"
    await home.pass_time(freezer, 3_700)
    assert home.state("calendar", "events", PREFIX).state == "on"
    await home.pass_time(freezer, 7_300)
    assert home.state("calendar", "events", PREFIX).state == "off"


@pytest.mark.usefixtures("every_entity_enabled")
async def test_forecast_is_shared_only_when_switched_on(
    hass: HomeAssistant, home: Home
) -> None:
    entity_id = home.entity_id("switch", "share_forecast", PREFIX)
    assert home.state("switch", "share_forecast", PREFIX).state == "off"
    for state in ("on", "off"):
        await hass.services.async_call(
            "switch", f"turn_{state}", {"entity_id": entity_id}, blocking=True
        )
        await home.settle()
        assert home.state("switch", "share_forecast", PREFIX).state == state
        (programme,) = home.site.snapshot.programmes
        assert len(programme.book.forecast) == (48 if state == "on" else 0)
