"""Blueprints about the events of a power plant."""

from datetime import timedelta

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.programme_events import (
    EventPrice,
    EventWindow,
    ProgrammeEvent,
)
from tests.blueprints.car_home import STATION, VEHICLE, CarHome
from tests.blueprints.phone import Phone
from tests.shell.test_programme_entities import unreachable_programme

PROGRAMME = ProgrammeId("evening-peak")


@pytest.fixture
def subentries() -> list[ConfigSubentryData]:
    """Return a home that takes part in a programme."""
    return [STATION, VEHICLE, unreachable_programme()]


def announce(
    car_home: CarHome, event_id: str, ahead: timedelta = timedelta(hours=3)
) -> None:
    """The aggregator tells of an hour with 5 kW out of the car."""
    start_at = dt_util.utcnow().replace(microsecond=0) + ahead
    car_home.site.announce_event(
        ProgrammeEvent(
            event_id=event_id,
            programme_id=PROGRAMME,
            windows=(
                EventWindow(
                    start_at=start_at,
                    end_at=start_at + timedelta(hours=1),
                    power_w=-5_000.0,
                ),
            ),
            price=EventPrice(amount_minor_per_kwh=42, currency="EUR"),
        )
    )


async def test_event_is_told_and_left_by_a_tap(car_home: CarHome) -> None:
    phone = Phone(car_home.hass)
    await car_home.automate(
        "dispatch_notice",
        dispatch=car_home.entity("event", "_dispatch"),
        direction=car_home.entity("sensor", "_event_direction"),
        start=car_home.entity("sensor", "_event_start"),
        end=car_home.entity("sensor", "_event_end"),
        price=[car_home.entity("sensor", "_event_price")],
        opt_out=car_home.entity("button", "_opt_out_of_event"),
        phone=phone.device_id,
    )
    announce(car_home, "peak-1")
    await car_home.until(lambda: len(phone.calls) == 1, 20, "a message")
    assert phone.last["message"].startswith("Discharge, ")
    assert "0.42 EUR/kWh. You take part unless you leave it." in phone.last["message"]

    await phone.tap("Leave this event")
    await car_home.until(lambda: len(phone.calls) == 2, 20, "that it was left")
    assert phone.last["message"] == "It is opted out."
    programme = car_home.site.snapshot.programmes[0]
    assert programme.book.current_event() is None

    announce(car_home, "peak-2")
    await car_home.until(lambda: len(phone.calls) == 3, 20, "the next event")


async def test_car_that_is_not_ready_is_told_before_the_event(
    car_home: CarHome,
) -> None:
    phone = Phone(car_home.hass)
    await car_home.automate(
        "asleep_before_event",
        start=car_home.entity("sensor", "_event_start"),
        direction=car_home.entity("sensor", "_event_direction"),
        plugged=car_home.entity("binary_sensor", "_plugged"),
        blocked_by=car_home.entity("sensor", "_discharge_blocked_by"),
        ahead={"minutes": 45},
        phone=phone.device_id,
    )
    announce(car_home, "peak-1", timedelta(hours=2))
    await car_home.settle()
    assert phone.calls == [], "it is far away"

    # Plugged in, and not allowed to discharge by its owner.
    announce(car_home, "peak-2", timedelta(minutes=30))
    await car_home.until(lambda: len(phone.calls) == 1, 20, "a message")
    assert "It cannot discharge: Discharging not allowed" in phone.last["message"]

    # A minute later nothing is told again.
    async_fire_time_changed(car_home.hass, dt_util.utcnow() + timedelta(minutes=1))
    await car_home.settle()
    assert len(phone.calls) == 1

    car_home.site.withdraw_event(PROGRAMME, "peak-2")
    await car_home.unplug()
    await car_home.allow_discharge()
    announce(car_home, "peak-3", timedelta(minutes=20))
    await car_home.until(lambda: len(phone.calls) == 2, 20, "a message")
    assert "No car is plugged in." in phone.last["message"]
