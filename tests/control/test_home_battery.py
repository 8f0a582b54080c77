"""What a home battery leaves for the vehicles."""

from math import inf

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.home_battery import (
    AT_LIMIT_AFTER_S,
    BatteryBand,
    BatteryInputs,
    LeftOver,
    beside_passive_battery,
    without_battery,
)
from tests.control.given import NOW

LONG_S = round(AT_LIMIT_AFTER_S) + 2


class Home:
    """A house with a battery that regulates as far as it can."""

    def __init__(self, takes_w: float = 5_000.0, gives_w: float = 5_000.0) -> None:
        self.takes_w, self.gives_w = takes_w, gives_w
        self.band = BatteryBand()
        self.now_s = NOW

    def left(
        self, net_w: float, seconds: int = LONG_S, vehicle_w: float = 0.0
    ) -> LeftOver:
        """Return what is left after a while of house - solar = ``net_w``."""
        battery_w = max(-self.gives_w, min(self.takes_w, -net_w - vehicle_w))
        seen = BatteryInputs(
            rest_w=net_w + battery_w,
            grid_w=net_w + battery_w + vehicle_w,
            battery_w=battery_w,
        )
        for _ in range(seconds - 1):
            self.now_s += 1.0
            self.band.step(seen, self.now_s)
        self.now_s += 1.0
        return self.band.step(seen, self.now_s)


def test_what_the_battery_can_do_is_not_left() -> None:
    home = Home()
    for net_w in (-4_000.0, 4_000.0, 0.0, -5_000.0):
        left = home.left(net_w)
        assert left.load_to_charge_w >= 0
        assert left.load_to_serve_w <= 0
        assert left.load_to_import_w is None


def test_the_surplus_beyond_the_battery_is_left_and_no_more_of_it() -> None:
    home = Home()
    assert home.left(-8_000.0).load_to_charge_w == pytest.approx(-3_000.0)
    # The vehicle takes it and the meter is back in the middle.
    left = home.left(-8_000.0, vehicle_w=2_940.0)
    assert left.load_to_charge_w == pytest.approx(-3_000.0)
    # A cloud: the vehicle gives way at once, the battery keeps its part.
    left = home.left(-6_000.0, seconds=1, vehicle_w=2_940.0)
    assert left.load_to_charge_w == pytest.approx(-1_000.0)


def test_a_full_battery_leaves_all_of_the_surplus() -> None:
    home = Home(takes_w=0.0)
    assert home.left(-3_000.0).load_to_charge_w == pytest.approx(-3_000.0)
    # It has room again and shows it.
    home.takes_w = 5_000.0
    assert home.left(-3_000.0, seconds=1).load_to_charge_w >= 0


def test_a_battery_at_its_floor_leaves_the_load() -> None:
    home = Home(gives_w=0.0)
    assert home.left(2_000.0, seconds=LONG_S // 2).load_to_serve_w <= 0
    assert home.left(2_000.0).load_to_serve_w == pytest.approx(2_000.0)
    home.gives_w = 5_000.0
    assert home.left(2_000.0, seconds=1).load_to_serve_w <= 0


def test_a_battery_at_its_power_limit_leaves_the_peak() -> None:
    home = Home(gives_w=3_000.0)
    assert home.left(4_500.0).load_to_serve_w == pytest.approx(1_500.0)


def test_after_a_silence_nothing_is_known_of_it() -> None:
    home = Home(takes_w=0.0, gives_w=0.0)
    home.left(-3_000.0)
    home.left(3_000.0)
    home.band.reset()
    left = home.left(-3_000.0, seconds=1)
    assert left.load_to_charge_w >= 0
    assert home.left(3_000.0, seconds=1).load_to_serve_w <= 0


@given(st.lists(st.tuples(st.floats(-9e3, 9e3), st.integers(1, 15)), max_size=12))
def test_a_vehicle_never_gets_more_than_house_and_sun_leave(
    steps: list[tuple[float, int]],
) -> None:
    home = Home()
    for net_w, seconds in steps:
        left = home.left(net_w, seconds=seconds)
        assert -left.load_to_charge_w <= max(0.0, -net_w) + 1e-6
        assert left.load_to_serve_w <= max(0.0, net_w) + 1e-6


@pytest.mark.parametrize(
    ("rest_w", "battery_w", "charge_w", "serve_w"),
    [
        pytest.param(-3_000.0, -2_000.0, -1_000.0, -3_000.0, id="gives into a surplus"),
        pytest.param(3_000.0, 2_000.0, 3_000.0, 1_000.0, id="takes from the grid"),
        pytest.param(1_000.0, 2_000.0, 1_000.0, -1_000.0, id="takes more than house"),
        pytest.param(500.0, 0.0, 500.0, 500.0, id="rests"),
    ],
)
def test_beside_a_battery_that_does_what_it_likes(
    rest_w: float, battery_w: float, charge_w: float, serve_w: float
) -> None:
    assert beside_passive_battery(rest_w, battery_w) == LeftOver(
        load_to_charge_w=charge_w,
        load_to_serve_w=serve_w,
        load_to_import_w=rest_w,
        load_to_discharge_w=max(0.0, rest_w - battery_w) if battery_w > 0 else inf,
        power_to_charge_w=max(0.0, battery_w - rest_w) if battery_w < 0 else inf,
    )


def test_no_vehicle_charges_another() -> None:
    left = without_battery(500.0)
    assert left.beside(3_000.0) == LeftOver(
        load_to_charge_w=3_500.0, load_to_serve_w=500.0, load_to_import_w=3_500.0
    )
    assert left.beside(-3_000.0) == LeftOver(
        load_to_charge_w=500.0, load_to_serve_w=-2_500.0, load_to_import_w=-2_500.0
    )


def test_a_discharge_beyond_the_load_would_only_fill_the_battery() -> None:
    home = Home()
    assert home.left(1_000.0).load_to_discharge_w == 1_000.0
    assert home.left(-2_000.0).load_to_discharge_w == 0.0
    # The sun fills it already as fast as it can: more goes out.
    assert home.left(-8_000.0).load_to_discharge_w == inf


def test_a_battery_that_says_it_is_full_takes_nothing_of_a_discharge() -> None:
    band = BatteryBand()
    full = BatteryInputs(rest_w=500.0, grid_w=500.0, battery_w=0.0, is_full=True)
    left = band.step(full, NOW)
    assert left.load_to_discharge_w == inf
    assert left.load_to_charge_w == 500.0
