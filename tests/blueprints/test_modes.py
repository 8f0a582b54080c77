"""Blueprints that choose the mode of the outlet, each seen at the virtual station."""

from datetime import timedelta

from homeassistant.util import dt as dt_util

from tests.blueprints.car_home import CarHome

PRICE = "sensor.price"
SUN = "sun.sun"
FLOW_W = 1_000.0


async def test_price_charges_when_cheap_and_discharges_when_it_pays(
    car_home: CarHome,
) -> None:
    await car_home.allow_discharge()
    await car_home.automate("price_in_out", outlet_mode=car_home.mode, price=PRICE)

    await car_home.set_state(PRICE, 0.10)
    await car_home.until_state(car_home.mode, "charge_now")
    await car_home.until(lambda: car_home.power_w > FLOW_W, 20, "charging")

    await car_home.set_state(PRICE, 0.40)
    await car_home.until_state(car_home.mode, "discharge_now")
    await car_home.until(lambda: car_home.power_w < -FLOW_W, 20, "discharging")

    # A price that is not known is no reason for either.
    await car_home.set_state(PRICE, "unavailable")
    await car_home.until_state(car_home.mode, "off")
    await car_home.until(lambda: abs(car_home.power_w) < 100, 20, "rest")


async def test_price_difference_that_the_wear_eats_moves_nothing(
    car_home: CarHome,
) -> None:
    await car_home.automate(
        "price_in_out", outlet_mode=car_home.mode, price=PRICE, dear=0.20, wear=0.06
    )
    await car_home.set_state(PRICE, 0.21)
    assert car_home.state(car_home.mode) == "off"


async def test_price_leaves_a_plan_alone(car_home: CarHome) -> None:
    await car_home.choose("plan")
    await car_home.automate("price_in_out", outlet_mode=car_home.mode, price=PRICE)
    await car_home.set_state(PRICE, 0.01)
    assert car_home.state(car_home.mode) == "plan"


def wall_time(seconds: float) -> str:
    """Return the time of the wall in so many seconds; to the second."""
    return (dt_util.now() + timedelta(seconds=seconds)).strftime("%H:%M:%S")


async def test_evening_serves_the_home_and_ends(car_home: CarHome) -> None:
    await car_home.allow_discharge()
    await car_home.choose("off")
    car_home.load_w = 3_000
    await car_home.automate(
        "evening_self_consumption",
        outlet_mode=car_home.mode,
        begin=wall_time(2),
        end=wall_time(24),
    )
    await car_home.until_state(car_home.mode, "self_consumption")
    await car_home.until(lambda: car_home.power_w < -FLOW_W, 20, "serving the home")
    await car_home.until_state(car_home.mode, "off")
    await car_home.until(lambda: abs(car_home.power_w) < 100, 20, "rest")


async def test_evening_keeps_what_the_owner_chose_meanwhile(car_home: CarHome) -> None:
    await car_home.choose("charge_now")
    await car_home.automate(
        "evening_self_consumption",
        outlet_mode=car_home.mode,
        begin=wall_time(-120),
        end=wall_time(2),
    )

    def has_run() -> bool:
        state = car_home.hass.states.get("automation.evening_self_consumption")
        return state is not None and state.attributes["last_triggered"] is not None

    await car_home.until(has_run, 10, "the end of the evening")
    await car_home.settle()
    assert car_home.state(car_home.mode) == "charge_now"


async def test_sun_charges_until_the_car_is_full_enough(car_home: CarHome) -> None:
    soc = car_home.entity("sensor", "_soc")
    await car_home.choose("self_consumption")
    await car_home.set_state(SUN, "below_horizon", elevation=-10.0)
    await car_home.automate(
        "solar_into_the_car", outlet_mode=car_home.mode, soc=soc, full=90
    )
    await car_home.set_state(SUN, "above_horizon", elevation=20.0)
    await car_home.until_state(car_home.mode, "solar")
    await car_home.set_state(SUN, "below_horizon", elevation=-1.0)
    await car_home.until_state(car_home.mode, "self_consumption")

    await car_home.choose("off")
    await car_home.set_state(SUN, "above_horizon", elevation=20.0)
    assert car_home.state(car_home.mode) == "off", "the owner's choice stays"


async def test_battery_and_car_take_turns(car_home: CarHome) -> None:
    battery = "sensor.battery"
    await car_home.choose("off")
    await car_home.automate(
        "battery_and_car_agree", outlet_mode=car_home.mode, battery=battery
    )
    for soc, mode in (
        (95, "solar"),
        (87, "solar"),
        (84, "off"),
        (50, "off"),
        (14, "self_consumption"),
        (18, "self_consumption"),
        (21, "off"),
        (95, "solar"),
    ):
        await car_home.set_state(battery, soc)
        await car_home.until_state(car_home.mode, mode)
    await car_home.set_state(battery, "unavailable")
    await car_home.until_state(car_home.mode, "off")
