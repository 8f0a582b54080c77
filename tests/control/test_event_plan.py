"""What the home books for events: honest, and no watt-hour twice."""

from itertools import combinations
from math import inf
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.event_plan import (
    DAY_S,
    NOTHING_BOOKED,
    Pool,
    WantedWindow,
    book,
    floor_then_percent,
)
from custom_components.v2g_vpp.control.event_reserve import EventReserve
from custom_components.v2g_vpp.control.ready_by import charge_path
from custom_components.v2g_vpp.control.share_cost import ONE_WAY_EFFICIENCY
from custom_components.v2g_vpp.domain.dispatch import BindingClass
from custom_components.v2g_vpp.domain.energy import NOTHING_KEPT, KeptEnergy
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.policy import Departure

NOW = 1_000.0
HOUR = 3_600.0
FIRST = EvseKey(StationId("CS1"), 1)
SECOND = EvseKey(StationId("CS2"), 1)


def pool(key: EvseKey = FIRST, **changes: Any) -> Pool:
    fields: dict[str, Any] = {
        "key": key,
        "discharge_w": 10_000.0,
        "charge_w": 11_000.0,
        "minimum_w": 1_380.0,
        "held_percent": 80.0,
        "likely_percent": 82.0,
        "capacity_wh": 60_000.0,
        "floor_percent": 50.0,
        "budget_wh": 60_000.0,
    }
    return Pool(**(fields | changes))


def window(event_id: str = "a", **changes: Any) -> WantedWindow:
    fields: dict[str, Any] = {
        "programme_id": "p",
        "event_id": event_id,
        "number": 0,
        "start_mono_s": NOW + 2 * HOUR,
        "end_mono_s": NOW + 3 * HOUR,
        "power_w": -5_000.0,
    }
    return WantedWindow(**(fields | changes))


def expected_w(pools: list[Pool], *windows: WantedWindow, **site: Any) -> list[float]:
    booking = book(pools, windows, now_mono_s=NOW, **site)
    return [
        booking.expected[w.programme_id, w.event_id, w.number].power_w for w in windows
    ]


def test_what_is_asked_is_expected_where_it_is_there() -> None:
    assert expected_w([pool()], window()) == [-5_000.0]


def test_energy_above_the_floors_bounds_what_is_expected() -> None:
    # 5 % of 60 kWh are 3 kWh in the battery.
    assert expected_w([pool(held_percent=55.0)], window()) == [
        pytest.approx(-3_000.0 * ONE_WAY_EFFICIENCY)
    ]


def test_budget_of_the_day_bounds_what_is_expected() -> None:
    spent = pool(budget_wh=6_000.0, cycled_wh=4_000.0)
    assert expected_w([spent], window()) == [
        pytest.approx(-2_000.0 * ONE_WAY_EFFICIENCY)
    ]
    tomorrow = window(start_mono_s=NOW + 25 * HOUR, end_mono_s=NOW + 26 * HOUR)
    assert expected_w([spent], tomorrow) == [-5_000.0]


def test_nothing_is_expected_once_the_vehicle_has_left() -> None:
    leaves = pool(departures=(Departure(target_percent=60.0, due_mono_s=NOW + HOUR),))
    booking = book([leaves], [window()], now_mono_s=NOW)
    found = booking.expected["p", "a", 0]
    assert found.power_w == 0
    assert found.why == {BindingClass.USER}


def test_trip_after_the_event_keeps_what_cannot_be_charged_until_then() -> None:
    path = charge_path(
        capacity_wh=60_000.0, meter_power_w=6_000.0, rating_w=11_000.0, temperature_c=20
    )
    due = NOW + 4 * HOUR
    leaves = pool(
        path=path, departures=(Departure(target_percent=80.0, due_mono_s=due),)
    )
    floor = floor_then_percent(leaves, NOW + 3 * HOUR)
    assert floor is not None
    assert 70.0 < floor < 80.0
    (power_w,) = expected_w([leaves], window())
    assert power_w == pytest.approx(-(80.0 - floor) * 600.0 * ONE_WAY_EFFICIENCY)
    assert floor_then_percent(leaves, due + 1) is None


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"blocked_by": BindingClass.VEHICLE}, BindingClass.VEHICLE),
        ({"blocked_by": BindingClass.FAULT}, BindingClass.FAULT),
        ({"held_percent": None}, BindingClass.VEHICLE),
        ({"held_percent": 50.0}, BindingClass.USER),
        # Less than the least that flows is nothing.
        ({"held_percent": 51.0}, BindingClass.USER),
    ],
)
def test_who_can_give_nothing_says_why_by_class(
    changes: dict[str, Any], why: BindingClass
) -> None:
    found = book([pool(**changes)], [window()], now_mono_s=NOW).expected["p", "a", 0]
    assert found.power_w == 0
    assert found.why == {why}


def test_owners_bound_on_feeding_in_counts_for_all() -> None:
    both = [pool(), pool(SECOND)]
    assert expected_w(both, window(power_w=-15_000.0)) == [-15_000.0]
    assert expected_w(both, window(power_w=-15_000.0), export_limit_w=4_000.0) == [
        -4_000.0
    ]


def test_charging_is_expected_as_far_as_there_is_room() -> None:
    assert expected_w([pool()], window(power_w=7_000.0)) == [7_000.0]
    full = pool(likely_percent=98.0)
    assert expected_w([full], window(power_w=7_000.0)) == [0.0]


def test_limit_is_held_by_who_can_do_less() -> None:
    one = window(power_w=None, limit_w=4_000.0)
    assert expected_w([pool()], one) == [4_000.0]
    assert expected_w([pool(charge_w=3_000.0)], one) == [3_000.0]
    assert expected_w([], one) == [0.0]


def test_overlapping_window_of_another_programme_gets_nothing() -> None:
    first, second = window("a"), window("b", programme_id="q")
    assert expected_w([pool()], first, second) == [-5_000.0, 0.0]


def test_order_leaves_what_was_booked_before_its_event() -> None:
    later = window("b", start_mono_s=NOW + 5 * HOUR, end_mono_s=NOW + 6 * HOUR)
    booking = book([pool()], [window("a"), later], now_mono_s=NOW)
    for_anybody = booking.kept_from(FIRST, None)
    for_b = booking.kept_from(FIRST, ("p", "b"))
    assert booking.kept_from(FIRST, ("p", "a")) == NOTHING_KEPT
    assert for_b.wh == pytest.approx(5_000.0 / ONE_WAY_EFFICIENCY)
    assert for_anybody.wh == pytest.approx(10_000.0 / ONE_WAY_EFFICIENCY)
    assert for_anybody.percent == pytest.approx(50.0 + for_anybody.wh / 600.0)
    assert booking.kept_from(FIRST, ("p", "unknown")) == for_anybody
    assert booking.kept_from(SECOND, None) == NOTHING_KEPT
    assert NOTHING_BOOKED.kept_from(FIRST, None) == NOTHING_KEPT


def test_reserve_is_held_with_hysteresis_and_ends_with_the_booking() -> None:
    reserve, kept = EventReserve(), KeptEnergy(percent=60.0, wh=5_000.0)
    assert not reserve.step(62.0, inf, kept)
    assert reserve.step(60.4, inf, kept)
    assert reserve.step(62.0, inf, kept)
    assert not reserve.step(63.0, inf, kept)
    assert reserve.step(80.0, 5_000.0, kept), "the budget of the day is kept, too"
    assert not reserve.step(60.0, inf, NOTHING_KEPT)
    assert not reserve.step(None, inf, kept)


# ---- laws

percents = st.floats(0, 100)
pools = st.builds(
    pool,
    key=st.just(FIRST),
    held_percent=st.none() | percents,
    floor_percent=percents,
    discharge_w=st.floats(0, 11_000),
    capacity_wh=st.floats(5_000, 250_000),
    budget_wh=st.floats(0, 50_000),
    cycled_wh=st.floats(0, 50_000),
    departures=st.lists(
        st.builds(
            Departure,
            target_percent=percents,
            due_mono_s=st.floats(NOW, NOW + 3 * DAY_S),
        ),
        max_size=2,
    ).map(tuple),
)


@st.composite
def windows(draw: st.DrawFn) -> list[WantedWindow]:
    found = []
    for number in range(draw(st.integers(1, 6))):
        start = NOW + draw(st.floats(0, 2 * DAY_S))
        found.append(
            window(
                f"e{number}",
                programme_id=draw(st.sampled_from(["p", "q"])),
                start_mono_s=start,
                end_mono_s=start + draw(st.floats(60, 4 * HOUR)),
                power_w=draw(st.floats(-20_000, 20_000)),
            )
        )
    return found


@given(first=pools, second=pools, wanted=windows())
def test_no_watt_hour_is_promised_twice(
    first: Pool, second: Pool, wanted: list[WantedWindow]
) -> None:
    home = [first, pool(SECOND, held_percent=second.held_percent)]
    booking = book(home, wanted, now_mono_s=NOW)
    above_wh = sum(
        max(0.0, (one.held_percent or 0.0) - one.floor_percent) / 100 * one.capacity_wh
        for one in home
        if one.held_percent is not None
    )
    given_wh = 0.0
    for one in wanted:
        found = booking.expected[one.programme_id, one.event_id, 0].power_w
        asked_w = one.power_w or 0.0
        assert min(0.0, asked_w) <= found <= max(0.0, asked_w)
        if found < 0:
            given_wh -= found * (one.end_mono_s - one.start_mono_s) / HOUR
    assert given_wh <= above_wh * ONE_WAY_EFFICIENCY + 1e-3
    for one, other in combinations(wanted, 2):
        is_apart = (
            one.end_mono_s <= other.start_mono_s or other.end_mono_s <= one.start_mono_s
        )
        powers = [
            booking.expected[w.programme_id, w.event_id, 0].power_w
            for w in (one, other)
        ]
        assert is_apart or 0.0 in powers


@given(only=pools, wanted=windows())
def test_budget_of_any_day_is_kept(only: Pool, wanted: list[WantedWindow]) -> None:
    booking = book([only], wanted, now_mono_s=NOW)

    def taken_wh(one: WantedWindow) -> float:
        power_w = booking.expected[one.programme_id, one.event_id, 0].power_w
        hours = (one.end_mono_s - one.start_mono_s) / HOUR
        return max(0.0, -power_w) * hours / ONE_WAY_EFFICIENCY

    for begin in [w.start_mono_s for w in wanted]:
        of_day = [w for w in wanted if begin <= w.start_mono_s < begin + DAY_S]
        assert sum(map(taken_wh, of_day)) <= only.budget_wh + 1e-3


@given(only=pools, wanted=windows())
def test_what_is_kept_is_never_less_than_what_is_promised(
    only: Pool, wanted: list[WantedWindow]
) -> None:
    booking = book([only], wanted, now_mono_s=NOW)
    promised_wh = sum(
        -booking.expected[w.programme_id, w.event_id, 0].power_w
        * (w.end_mono_s - w.start_mono_s)
        / HOUR
        for w in wanted
        if booking.expected[w.programme_id, w.event_id, 0].power_w < 0
    )
    kept = booking.kept_from(FIRST, None)
    above_wh = (kept.percent - only.floor_percent) / 100 * only.capacity_wh
    if promised_wh > 0:
        assert above_wh >= promised_wh / ONE_WAY_EFFICIENCY - 1e-3
        assert only.held_percent is not None
        assert kept.percent <= only.held_percent + 1e-6
