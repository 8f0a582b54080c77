"""Blueprints that take the control of an outlet and give it back."""

from datetime import timedelta

from homeassistant.util import dt as dt_util
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from tests.blueprints.car_home import CarHome

PLANNER = "sensor.planner"
SWITCH = "input_boolean.planner"
FLOW_W = 1_000.0


async def test_planner_has_the_outlet_while_it_is_on(car_home: CarHome) -> None:
    await car_home.choose("off")
    owner = car_home.entity("sensor", "_control_owner")
    await car_home.set_state(SWITCH, "on")
    await car_home.automate(
        "planner_bridge", outlet=car_home.outlet, power=PLANNER, enabled=[SWITCH]
    )
    await car_home.set_state(PLANNER, 3.0, unit_of_measurement="kW")
    await car_home.until_state(owner, "automation")
    await car_home.until(lambda: abs(car_home.power_w - 3_000) < 300, 20, "3 kW")

    await car_home.set_state(SWITCH, "off")
    await car_home.until(lambda: abs(car_home.power_w) < 100, 20, "rest")
    await car_home.until_state(owner, "mode")

    await car_home.set_state(SWITCH, "on")
    await car_home.until_state(owner, "automation")
    # A unit that is no power is no wish.
    await car_home.set_state(PLANNER, 3.0, unit_of_measurement="%")
    await car_home.until_state(owner, "mode")


async def test_other_programme_is_followed_in_its_window_only(
    car_home: CarHome,
) -> None:
    await car_home.allow_discharge()
    owner = car_home.entity("sensor", "_control_owner")
    now = dt_util.now()
    direction, start, end = "sensor.direction", "sensor.start", "sensor.end"
    await car_home.set_state(direction, "export")
    await car_home.set_state(start, (now - timedelta(minutes=1)).isoformat())
    await car_home.automate(
        "follow_other_programme",
        outlet=car_home.outlet,
        direction=direction,
        start=start,
        end=end,
        export_power=3000,
    )
    await car_home.set_state(end, (now + timedelta(minutes=5)).isoformat())
    await car_home.until_state(owner, "automation")
    await car_home.until(lambda: car_home.power_w < -FLOW_W, 20, "discharging")

    await car_home.set_state(direction, "unavailable")
    await car_home.until(lambda: abs(car_home.power_w) < 100, 20, "rest")

    await car_home.set_state(direction, "import")
    await car_home.until(lambda: car_home.power_w > FLOW_W, 20, "charging")
    # The window is over.
    await car_home.set_state(end, (now - timedelta(seconds=1)).isoformat())
    await car_home.until(lambda: car_home.state(owner) != "automation", 20, "returned")
    async_fire_time_changed(car_home.hass, dt_util.utcnow() + timedelta(minutes=1))
    await car_home.settle()
    assert car_home.state(owner) != "automation"
