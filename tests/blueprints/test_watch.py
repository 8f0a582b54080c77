"""Blueprints that watch: the fuse, and alarms."""

from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import async_mock_service

from tests.blueprints.car_home import CarHome
from tests.blueprints.phone import Phone


async def test_fuse_pressure_lets_others_wait_and_go_on(car_home: CarHome) -> None:
    made_room = async_mock_service(car_home.hass, "test", "make_room")
    went_on = async_mock_service(car_home.hass, "test", "go_on")
    registry = er.async_get(car_home.hass)
    await car_home.until(
        lambda: any("fuse_margin" in e.unique_id for e in registry.entities.values()),
        20,
        "a fuse that is measured",
    )
    margin = car_home.entity("sensor", "fuse_margin_l1")
    await car_home.automate(
        "fuse_pressure",
        margins=[margin],
        little=3,
        enough=8,
        pressure_for={"seconds": 1},
        relief_for={"seconds": 1},
        make_room=[{"action": "test.make_room"}],
        go_on=[{"action": "test.go_on"}],
    )
    # 40 A on one phase carry 9.2 kW; the home alone takes nearly all of it.
    await car_home.choose("off")
    car_home.load_w = 8_900
    await car_home.until(lambda: len(made_room) == 1, 20, "room for the home")
    assert not went_on
    car_home.load_w = 3_000
    await car_home.until(lambda: len(went_on) == 1, 20, "others to go on")
    assert len(made_room) == 1


async def test_alarm_repeats_until_somebody_has_seen_it(car_home: CarHome) -> None:
    phone = Phone(car_home.hass)
    safety = car_home.entity("event", "_1_safety")
    await car_home.automate(
        "alarm_until_acknowledged",
        events=[safety, car_home.entity("event", "_1_fault")],
        phone=phone.device_id,
        again_after={"seconds": 1},
        times=20,
    )
    await car_home.call(
        "button", "press", car_home.entity("button", "_1_emergency_stop")
    )
    await car_home.until(lambda: len(phone.calls) >= 2, 20, "a second message")
    assert phone.last["title"] == "Outlet 1: emergency stop"
    await phone.tap("Seen")
    told = len(phone.calls)

    await car_home.call(
        "button", "press", car_home.entity("button", "_reset_emergency_stop")
    )
    await car_home.until(
        lambda: not car_home._evse().is_emergency_stopped, 20, "a reset"
    )
    assert len(phone.calls) == told, "a reset is no alarm"
