"""Curves, by themselves."""

import pytest

from custom_components.v2g_vpp.virtual.curve import Curve

CURVE = Curve.of([(50.2, 10_000), (49.8, -10_000), (49.99, 0), (50.01, 0)])


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (40.0, -10_000),
        (49.8, -10_000),
        (49.895, -5_000),
        (50.0, 0),
        (50.105, 5_000),
        (60.0, 10_000),
    ],
)
def test_curve_is_straight_between_its_points_and_level_beyond(
    x: float, y: float
) -> None:
    assert CURVE.at(x) == pytest.approx(y)


def test_step_has_two_points_at_one_place() -> None:
    step = Curve.of([(0, 1), (1, 1), (1, 5), (2, 5)])
    assert step.at(1) == 1
    assert step.at(1.001) == 5


def test_curve_without_points_is_zero() -> None:
    assert Curve(()).at(50) == 0.0


def test_numbers_must_be_finite() -> None:
    with pytest.raises(ValueError, match="y"):
        Curve.of([(50, float("nan"))])
