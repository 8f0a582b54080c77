"""Blueprints about the car: trips, weather, guests."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

from homeassistant.components.calendar import CalendarEntity, CalendarEvent
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant, ServiceCall, SupportsResponse
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.v2g_vpp.const import CONF_EVCC_ID
from custom_components.v2g_vpp.domain.ids import VehicleId
from tests.blueprints.car_home import STATION, VEHICLE, CarHome
from tests.blueprints.phone import Phone

# What http says of another part of Home Assistant.
pytestmark = pytest.mark.filterwarnings("ignore:It is recommended to use web.AppKey")

QUARTER_HOUR = timedelta(minutes=15)


class Appointments(CalendarEntity):
    """A calendar with what the test puts into it."""

    _attr_name = "Trips"

    def __init__(self) -> None:
        self.events: list[CalendarEvent] = []

    @property
    def event(self) -> CalendarEvent | None:
        return self.events[0] if self.events else None

    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        return [
            event
            for event in self.events
            if event.end_datetime_local > start_date
            and event.start_datetime_local < end_date
        ]


@pytest.fixture
async def calendar(hass: HomeAssistant) -> AsyncIterator[Appointments]:
    """Yield an empty calendar, ``calendar.trips``."""
    assert await async_setup_component(hass, "calendar", {})
    calendar = Appointments()
    component = hass.data["calendar"]
    await component.async_add_entities([calendar])
    yield calendar
    await component.async_remove_entity(calendar.entity_id)


def departure_of(car_home: CarHome) -> datetime | None:
    policy = car_home.site.snapshot.vehicles[0].policy
    at = policy.departure_at
    return None if at is None else datetime.fromisoformat(at)


async def later(car_home: CarHome, steps: int) -> None:
    async_fire_time_changed(car_home.hass, dt_util.utcnow() + steps * QUARTER_HOUR)
    await car_home.settle()


async def test_calendar_plans_the_next_trip_and_pauses_for_a_vacation(
    car_home: CarHome, calendar: Appointments
) -> None:
    daily = car_home.entity("number", "_ready_soc")
    await car_home.automate(
        "ready_by_from_calendar",
        vehicle=car_home.vehicle,
        calendar="calendar.trips",
        word="drive",
        travel={"minutes": 20},
        soc=85,
        daily_charge=[daily],
        daily_soc=55,
    )
    begins = dt_util.now().replace(microsecond=0) + timedelta(hours=5)
    calendar.events = [
        CalendarEvent(
            start=begins - timedelta(hours=3),
            end=begins,
            summary="Dentist",
        ),
        CalendarEvent(
            start=begins,
            end=begins + timedelta(hours=1),
            summary="Drive to the sea",
        ),
    ]
    await later(car_home, 1)
    assert departure_of(car_home) == begins - timedelta(minutes=20)
    policy = car_home.site.snapshot.vehicles[0].policy
    assert policy.departure_soc_percent == 85
    await car_home.until(
        lambda: car_home.state(daily) == "55.0", 20, "the daily charge"
    )

    today = dt_util.now().date()
    calendar.events.append(
        CalendarEvent(
            start=today - timedelta(days=1),
            end=today + timedelta(days=3),
            summary="Vacation!",
        )
    )
    await later(car_home, 2)
    assert departure_of(car_home) is None
    await car_home.until(lambda: car_home.state(daily) == "0.0", 20, "no daily charge")

    # The vacation is cancelled, and so is the trip.
    calendar.events = calendar.events[:1]
    await later(car_home, 3)
    assert departure_of(car_home) is None
    await car_home.until(
        lambda: car_home.state(daily) == "55.0", 20, "the daily charge"
    )


async def test_storm_raises_the_reserve_and_the_charger_sees_it(
    car_home: CarHome,
) -> None:
    forecast: list[dict[str, Any]] = []

    async def get_forecasts(call: ServiceCall) -> dict[str, Any]:
        return {"weather.home": {"forecast": forecast}}

    car_home.hass.services.async_register(
        "weather",
        "get_forecasts",
        get_forecasts,
        supports_response=SupportsResponse.ONLY,
    )
    await car_home.allow_discharge()
    await car_home.choose("discharge_now")
    await car_home.until(lambda: car_home.power_w < -1_000, 20, "discharging")
    reserve = car_home.entity("number", "leaf_reserve")
    await car_home.call("number", "set_value", reserve, value=30)
    warning = "binary_sensor.warning"
    await car_home.set_state(warning, "off")
    await car_home.automate(
        "weather_raises_reserve",
        reserve=reserve,
        weather="weather.home",
        warnings=[warning],
        hours=6,
        raised=80,
        normal=30,
    )
    storm = dt_util.utcnow() + timedelta(hours=3)
    forecast.append({"datetime": storm.isoformat(), "condition": "lightning"})
    await later(car_home, 2)
    await car_home.until_state(reserve, "80.0")
    # The battery holds 70 %: a reserve above it ends the discharge at once.
    await car_home.until(lambda: abs(car_home.power_w) < 100, 20, "rest")

    forecast[0]["datetime"] = (storm + timedelta(hours=9)).isoformat()
    await later(car_home, 4)
    await car_home.until_state(reserve, "30.0")
    await car_home.until(lambda: car_home.power_w < -1_000, 20, "discharging")

    await car_home.set_state(warning, "on")
    await car_home.until_state(reserve, "80.0")
    # The owner knows better: what they set stays when the warning ends.
    await car_home.call("number", "set_value", reserve, value=60)
    await car_home.set_state(warning, "off")
    assert car_home.state(reserve) == "60.0"


class TestGuest:
    """A car that does not say who it is."""

    @pytest.fixture
    def subentries(self) -> list[ConfigSubentryData]:
        """Return a home that does not know what its car calls itself."""
        data = {key: v for key, v in VEHICLE["data"].items() if key != CONF_EVCC_ID}
        return [STATION, ConfigSubentryData(**{**VEHICLE, "data": data})]

    async def test_guest_becomes_a_car_of_the_home_by_a_tap_until_it_leaves(
        self, car_home: CarHome
    ) -> None:
        phone = Phone(car_home.hass)
        await car_home.unplug()
        vehicle = car_home.entity("select", "_vehicle")
        await car_home.automate(
            "guest_car",
            plugged=car_home.entity("binary_sensor", "_plugged"),
            blocked_by=car_home.entity("sensor", "_discharge_blocked_by"),
            vehicle=vehicle,
            phone=phone.device_id,
            patience={"seconds": 1},
        )
        await car_home.allow_discharge()
        await car_home.plug()
        await car_home.until(lambda: bool(phone.calls), 20, "a question")
        assert set(phone.choices()) == {"Leaf", "A guest"}
        await phone.tap("Leaf")
        await car_home.until_state(vehicle, "Leaf")
        leaf = VehicleId("leaf")
        await car_home.until(lambda: car_home._evse().vehicle_id == leaf, 20, "Leaf")

        await car_home.unplug()
        await car_home.until_state(vehicle, "automatic")

        await car_home.plug()
        await car_home.until(lambda: len(phone.calls) == 2, 20, "a second question")
        await phone.tap("A guest")
        await car_home.settle()
        assert car_home.state(vehicle) == "automatic"
        assert car_home._evse().vehicle_id is None
