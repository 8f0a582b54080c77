"""What a charger loses between the meter and the battery."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.conversion import battery_power_w


@pytest.mark.parametrize(
    ("meter_w", "battery_w"),
    [
        pytest.param(550.0, 423.5, id="5 % of the rating: 0.77"),
        pytest.param(5_500.0, 5_225.0, id="50 %: 0.95"),
        pytest.param(-5_500.0, -5_775.0, id="discharge takes more than it gives"),
        pytest.param(0.0, 0.0, id="nothing"),
        pytest.param(100.0, 0.0, id="only the losses are fed"),
    ],
)
def test_one_way_efficiency(meter_w: float, battery_w: float) -> None:
    assert battery_power_w(meter_w, 11_000.0) == pytest.approx(battery_w)


@given(st.floats(-22_000, 22_000), st.floats(0, 22_000))
def test_nothing_is_won_on_the_way(meter_w: float, rating_w: float) -> None:
    battery_w = battery_power_w(meter_w, rating_w)
    assert battery_w <= meter_w
    assert battery_w * meter_w >= 0
