"""Laws of splitting a demand."""

from hypothesis import given, strategies as st
import pytest

from aggregator.allocation import Unit, allocate


def unit(
    home_id: str,
    lowest_w: int = -10_000,
    highest_w: int = 11_000,
    dead_band_w: int = 1_380,
    wh: int = 1_000_000,
    cost: float = 0.0,
    *,
    is_running: bool = False,
) -> Unit:
    return Unit(
        home_id=home_id,
        lowest_w=lowest_w,
        highest_w=highest_w,
        dead_band_w=dead_band_w,
        deliverable_wh=wh,
        absorbable_wh=wh,
        cost=cost,
        is_running=is_running,
    )


any_unit = st.builds(
    Unit,
    home_id=st.text("abcdef", min_size=1, max_size=6),
    lowest_w=st.integers(-12_000, 0),
    highest_w=st.integers(0, 12_000),
    dead_band_w=st.integers(0, 3_000),
    deliverable_wh=st.integers(0, 20_000),
    absorbable_wh=st.integers(0, 20_000),
    cost=st.floats(0, 10),
    is_running=st.booleans(),
)
any_units = st.lists(any_unit, max_size=12, unique_by=lambda unit: unit.home_id)
durations = st.floats(1, 14_400)


@given(demand_w=st.integers(-80_000, 80_000), units=any_units, duration_s=durations)
def test_no_home_gets_more_than_it_said_and_the_sum_never_exceeds_the_demand(
    demand_w: int, units: list[Unit], duration_s: float
) -> None:
    result = allocate(demand_w, units, duration_s)
    by_name = {item.home_id: item for item in units}
    for home_id, power_w in result.power_w.items():
        item = by_name[home_id]
        assert item.lowest_w <= power_w <= item.highest_w
        assert power_w * demand_w > 0
        assert abs(power_w) >= item.dead_band_w
        available_wh = item.deliverable_wh if power_w < 0 else item.absorbable_wh
        assert abs(power_w) * duration_s / 3600 <= available_wh + 1e-6
    total_w = sum(result.power_w.values())
    assert abs(total_w) <= abs(demand_w)
    assert total_w + result.unserved_w == demand_w


@given(demand_w=st.integers(-80_000, 80_000), units=any_units, duration_s=durations)
def test_the_order_of_the_homes_does_not_matter(
    demand_w: int, units: list[Unit], duration_s: float
) -> None:
    forward = allocate(demand_w, units, duration_s)
    assert forward == allocate(demand_w, units[::-1], duration_s)


@given(demand_w=st.integers(-80_000, 80_000), units=any_units, duration_s=durations)
def test_only_a_dead_band_or_a_lack_of_power_leaves_demand_unserved(
    demand_w: int, units: list[Unit], duration_s: float
) -> None:
    free = [
        Unit(
            home_id=item.home_id,
            lowest_w=item.lowest_w,
            highest_w=item.highest_w,
            dead_band_w=0,
            deliverable_wh=10**9,
            absorbable_wh=10**9,
        )
        for item in units
    ]
    result = allocate(demand_w, free, duration_s)
    most_w = sum(-item.lowest_w if demand_w < 0 else item.highest_w for item in free)
    assert abs(result.unserved_w) == max(0, abs(demand_w) - most_w)


def test_a_cheap_home_is_full_before_a_dear_one_starts() -> None:
    result = allocate(-12_000, [unit("dear", cost=2), unit("cheap", cost=1)], 600)
    assert result.power_w == {"cheap": -10_000, "dear": -2_000}


def test_a_running_home_is_preferred_among_equals() -> None:
    units = [unit("a"), unit("b", is_running=True)]
    assert allocate(-4_000, units, 600).power_w == {"b": -4_000}


def test_a_rest_inside_the_dead_band_is_made_room_for() -> None:
    result = allocate(-10_500, [unit("a"), unit("b")], 600)
    assert result.power_w == {"a": -9_120, "b": -1_380}
    assert result.unserved_w == 0


def test_a_demand_inside_every_dead_band_is_left_unserved() -> None:
    result = allocate(1_000, [unit("a"), unit("b")], 600)
    assert result.power_w == {}
    assert result.unserved_w == 1_000


@pytest.mark.parametrize("wh", [0, 200])
def test_a_home_without_energy_for_the_whole_time_stays_off(wh: int) -> None:
    assert allocate(-5_000, [unit("a", wh=wh)], 3_600).power_w == {}
