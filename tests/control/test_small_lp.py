"""The small linear programme against HiGHS."""

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.v2g_vpp.control.small_lp import maximize
from tests.control.highs import new_model


@st.composite
def programmes(
    draw: st.DrawFn,
) -> tuple[list[float], list[float], list[list[float]], list[float]]:
    """Values, uppers, rows and limits, with ties and limits of 0 among them."""
    count = draw(st.integers(1, 8))
    number = st.sampled_from([0.0, 1 / 3, 0.5, 1.0]) | st.floats(0.01, 1)

    def numbers(each: st.SearchStrategy[float], size: int) -> list[float]:
        return draw(st.lists(each, min_size=size, max_size=size))

    values = numbers(st.sampled_from([-1.0, 0.1, 0.1, 0.2]) | st.floats(0.01, 1), count)
    uppers = numbers(st.sampled_from([0.0, 3.0, 11.0]) | st.floats(0.1, 22), count)
    rows = [numbers(number, count) for _ in range(draw(st.integers(0, 5)))]
    limits = numbers(st.sampled_from([0.0, 5.0]) | st.floats(0.1, 60), len(rows))
    return values, uppers, rows, limits


@settings(deadline=None)
@given(programmes())
def test_no_solver_finds_more(
    programme: tuple[list[float], list[float], list[list[float]], list[float]],
) -> None:
    values, uppers, rows, limits = programme
    found = maximize(values, uppers, rows, limits)
    for power, upper in zip(found, uppers, strict=True):
        assert 0 <= power <= upper
    for row, limit in zip(rows, limits, strict=True):
        taken = sum(part * power for part, power in zip(row, found, strict=True))
        assert taken <= limit + 1e-6
    model = new_model()
    powers = [model.addVariable(lb=0.0, ub=upper) for upper in uppers]
    for row, limit in zip(rows, limits, strict=True):
        if any(row):
            model.addConstr(
                sum(part * power for part, power in zip(row, powers, strict=True))
                <= limit
            )
    model.maximize(
        sum(value * power for value, power in zip(values, powers, strict=True))
    )
    ours = sum(value * power for value, power in zip(values, found, strict=True))
    assert ours == pytest.approx(model.getObjectiveValue(), abs=1e-5)
