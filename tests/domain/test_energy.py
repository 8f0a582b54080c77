"""Energy that only grows, from registers of meters that do not."""

from datetime import timedelta

from hypothesis import given, strategies as st

from custom_components.v2g_vpp.domain.energy import EnergyTotal
from custom_components.v2g_vpp.domain.measurement import Reading
from tests.control.given import AT, NOW

RATING_W = 11_000.0


def _read(value: float, after_s: float) -> Reading:
    return Reading(
        value=value,
        received_mono_s=NOW + after_s,
        taken_at=AT + timedelta(seconds=after_s),
    )


def _total(*readings: tuple[float, float]) -> float | None:
    total = EnergyTotal()
    for value, after_s in readings:
        total = total.advanced(_read(value, after_s), RATING_W)
    return total.total_wh


def test_it_begins_with_the_register_and_follows_it() -> None:
    assert EnergyTotal().advanced(None, RATING_W).total_wh is None
    assert _total((5_000.0, 0)) == 5_000.0
    assert _total((5_000.0, 0), (5_100.0, 60)) == 5_100.0


def test_a_register_that_was_reset_counts_on_from_where_it_is() -> None:
    assert _total((5_000.0, 0), (0.0, 60), (30.0, 120)) == 5_030.0


def test_a_leap_that_no_charger_can_make_is_not_counted() -> None:
    # Kilowatt-hours read as watt-hours for one message.
    leap = (5_000.0, 0), (5_000_000.0, 1), (5_001.0, 2), (5_010.0, 60)
    assert _total(*leap) == 5_009.0


def test_the_same_reading_counts_once() -> None:
    total = EnergyTotal().advanced(_read(1_000.0, 0), RATING_W)
    total = total.advanced(_read(1_050.0, 60), RATING_W)
    assert total.advanced(_read(1_050.0, 60), RATING_W) is total


def test_later_register_of_the_same_second_counts() -> None:
    # Many stations write whole seconds: the end of a visit and the reading before it.
    total = EnergyTotal().advanced(_read(1_000.0, 0), RATING_W)
    total = total.advanced(_read(1_050.0, 60), RATING_W)
    total = total.advanced(_read(1_053.0, 60), RATING_W)
    assert total.total_wh == 1_053.0
    # One that rounds it down tells nothing new.
    assert total.advanced(_read(1_052.0, 60), RATING_W) is total


@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=40))
def test_whole_seconds_lose_nothing_of_a_register_that_grows(
    gains_wh: list[float],
) -> None:
    total, register_wh = EnergyTotal().advanced(_read(500.0, 0), RATING_W), 500.0
    for number, gained_wh in enumerate(gains_wh, start=1):
        register_wh += gained_wh
        total = total.advanced(_read(register_wh, number // 2), RATING_W)
    assert total.total_wh is not None
    assert abs(total.total_wh - register_wh) < 1e-6


def test_what_was_gained_while_the_home_was_off_counts() -> None:
    kept = EnergyTotal(total_wh=9_000.0, register_wh=5_000.0)
    assert kept.advanced(_read(65_000.0, 0), RATING_W).total_wh == 69_000.0


@given(
    st.lists(
        st.tuples(st.floats(-1e7, 1e7), st.floats(0.1, 4_000)), min_size=1, max_size=40
    )
)
def test_it_never_falls_and_never_grows_faster_than_the_charger(
    steps: list[tuple[float, float]],
) -> None:
    total, after_s = EnergyTotal(), 0.0
    for value, later_s in steps:
        after_s += later_s
        before = total.total_wh
        total = total.advanced(_read(value, after_s), RATING_W)
        assert total.total_wh is not None
        if before is not None:
            gained_wh = total.total_wh - before
            assert gained_wh >= 0.0
            assert gained_wh <= 1.5 * RATING_W * later_s / 3_600.0 + 100.1
