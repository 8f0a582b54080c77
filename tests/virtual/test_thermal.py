"""The temperature of the handle, by itself."""

import pytest

from custom_components.v2g_vpp.virtual.conditions import Condition, Conditions
from custom_components.v2g_vpp.virtual.thermal import (
    AMBIENT_C,
    HOT_C,
    TIME_CONSTANT_S,
    Handle,
)

SOUND = Conditions()


@pytest.mark.parametrize("power_w", [11_000.0, -11_000.0])
def test_handle_warms_with_the_power_of_either_direction(power_w: float) -> None:
    handle = Handle()
    assert handle.temperature_c(SOUND) == AMBIENT_C
    handle.step(TIME_CONSTANT_S, power_w)
    assert handle.temperature_c(SOUND) == pytest.approx(AMBIENT_C + 40 * 0.632, abs=0.1)
    handle.step(10 * TIME_CONSTANT_S, 0.0)
    assert handle.temperature_c(SOUND) == pytest.approx(AMBIENT_C, abs=0.1)


def test_steps_of_any_length_give_the_same_temperature() -> None:
    once, often = Handle(), Handle()
    once.step(60.0, 7000.0)
    for _ in range(600):
        often.step(0.1, 7000.0)
    assert often.temperature_c(SOUND) == pytest.approx(once.temperature_c(SOUND))


def test_broken_handle_is_hot_and_a_shown_value_wins() -> None:
    handle, broken = Handle(), Conditions()
    broken.set(Condition.HANDLE_HOT, is_on=True)
    assert handle.temperature_c(broken) == HOT_C
    handle.show(63.5)
    assert handle.temperature_c(broken) == 63.5
    handle.show(None)
    assert handle.temperature_c(SOUND) == AMBIENT_C
