"""The way from one power to another."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.ramp import approach, slew

POWERS = st.floats(-22_000, 22_000)
CHANGES = st.floats(0, 50_000)
MINIMUM_W = 1_380.0
CLOSE_W = 1e-6
"""What a sum of floats may be off by."""


def _flowing(power_w: float) -> float:
    """Return a power that can flow: 0 or at least the minimum."""
    return 0.0 if abs(power_w) < MINIMUM_W else power_w


@pytest.mark.parametrize(
    ("previous_w", "goal_w", "expected_w"),
    [
        pytest.param(0.0, -5_000.0, -1_380.0, id="starts at the minimum power"),
        pytest.param(-1_380.0, -5_000.0, -1_880.0, id="then grows by the ramp"),
        pytest.param(-5_000.0, -2_000.0, -4_500.0, id="shrinks by the ramp"),
        pytest.param(-2_100.0, -2_000.0, -2_000.0, id="never overshoots"),
        pytest.param(-5_000.0, 0.0, 0.0, id="reaches zero at once"),
        pytest.param(-5_000.0, 3_000.0, 0.0, id="rests at zero when it turns"),
        pytest.param(3_000.0, -5_000.0, 0.0, id="rests at zero either way"),
        pytest.param(-300.0, -5_000.0, -1_380.0, id="leaves the dead zone"),
    ],
)
def test_slew(previous_w: float, goal_w: float, expected_w: float) -> None:
    stepped_w = slew(previous_w, goal_w, minimum_w=MINIMUM_W, change_w=500.0)
    assert stepped_w == expected_w


@given(POWERS, POWERS, CHANGES)
def test_a_step_is_never_longer_than_allowed(
    previous_w: float, goal_w: float, change_w: float
) -> None:
    previous_w, goal_w = _flowing(previous_w), _flowing(goal_w)
    next_w = slew(previous_w, goal_w, minimum_w=MINIMUM_W, change_w=change_w)
    is_start = previous_w == 0 and abs(next_w) == MINIMUM_W
    assert next_w == 0 or is_start or abs(next_w - previous_w) <= change_w + CLOSE_W


@given(POWERS, POWERS, CHANGES)
def test_a_step_never_rests_in_the_dead_zone_and_never_overshoots(
    previous_w: float, goal_w: float, change_w: float
) -> None:
    previous_w, goal_w = _flowing(previous_w), _flowing(goal_w)
    next_w = slew(previous_w, goal_w, minimum_w=MINIMUM_W, change_w=change_w)
    assert next_w == 0 or abs(next_w) >= MINIMUM_W
    lowest_w, highest_w = sorted((previous_w, goal_w))
    assert min(lowest_w, 0.0) <= next_w <= max(highest_w, 0.0)


@given(POWERS, POWERS, st.floats(1, 50_000))
def test_repeated_steps_arrive(
    previous_w: float, goal_w: float, change_w: float
) -> None:
    power_w, goal_w = _flowing(previous_w), _flowing(goal_w)
    for _ in range(int(abs(power_w - goal_w) / change_w) + 3):
        power_w = slew(power_w, goal_w, minimum_w=MINIMUM_W, change_w=change_w)
    assert power_w == pytest.approx(goal_w)


@given(POWERS, POWERS, CHANGES)
def test_approach_ends_between_start_and_goal(
    previous_w: float, goal_w: float, change_w: float
) -> None:
    next_w = approach(previous_w, goal_w, change_w)
    assert min(previous_w, goal_w) - 1e-6 <= next_w <= max(previous_w, goal_w) + 1e-6
