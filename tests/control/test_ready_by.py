"""Ready by: the trip floor, the charging that it asks for, and the honest outlook."""

from dataclasses import replace
from math import inf

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.ready_by import (
    EARLY_S,
    NO_TRIP,
    UNKNOWN_SHARE,
    ChargePath,
    Outlook,
    TripGuard,
    TripInputs,
    charge_path,
    cold_share,
    outlook,
)
from custom_components.v2g_vpp.domain.policy import Departure
from tests.control.given import NOW

HOUR_S = 3_600.0
PATH = ChargePath(capacity_wh=60_000.0, power_w=6_000.0)
"""Ten points per hour below the taper."""

TRIP = TripInputs(
    departures=(Departure(target_percent=80.0, due_mono_s=NOW + 8 * HOUR_S),),
    max_soc_percent=100.0,
    likely_percent=50.0,
    charged_wh=0.0,
    path=PATH,
)

paths = st.builds(
    ChargePath,
    capacity_wh=st.floats(5_000, 250_000),
    power_w=st.floats(500, 22_000),
)
percents = st.floats(0, 100)


# The path.


def test_time_to_charge_below_the_taper_is_energy_by_power() -> None:
    assert PATH.seconds_between(50.0, 80.0) == pytest.approx(3 * HOUR_S)
    assert PATH.seconds_between(80.0, 50.0) == 0.0


def test_the_taper_makes_the_last_points_slow() -> None:
    steady = PATH.seconds_between(60.0, 80.0)
    tapering = PATH.seconds_between(80.0, 100.0)
    # The logarithm of 1/0.15 over 0.85, against 1.
    assert tapering / steady == pytest.approx(2.232, abs=0.001)


def test_without_power_no_charge_is_ever_reached() -> None:
    dead = replace(PATH, power_w=0.0)
    assert dead.seconds_between(50.0, 80.0) == inf
    assert dead.seconds_between(80.0, 80.0) == 0.0
    assert dead.start_percent(80.0, HOUR_S) == 80.0


@given(paths, percents, percents, percents)
def test_time_adds_up(path: ChargePath, one: float, two: float, three: float) -> None:
    low, middle, high = sorted((one, two, three))
    halves = path.seconds_between(low, middle) + path.seconds_between(middle, high)
    assert halves == pytest.approx(path.seconds_between(low, high), abs=1e-3)


@given(paths, percents, st.floats(0, 48 * HOUR_S))
def test_the_floor_is_where_charging_at_the_limit_just_arrives(
    path: ChargePath, target: float, left_s: float
) -> None:
    floor = path.start_percent(target, left_s)
    assert 0.0 <= floor <= target
    needed_s = path.seconds_between(floor, target)
    assert needed_s <= left_s + 1.0
    if floor > 0:
        assert needed_s == pytest.approx(left_s, rel=1e-6, abs=1.0)


@given(paths, percents, st.floats(0, 48 * HOUR_S), st.floats(0, HOUR_S))
def test_the_floor_rises_towards_the_departure(
    path: ChargePath, target: float, left_s: float, later_s: float
) -> None:
    assert path.start_percent(target, left_s) >= (
        path.start_percent(target, left_s + later_s) - 1e-9
    )


def test_cold_makes_it_slow_and_no_temperature_is_not_warm() -> None:
    assert [cold_share(c) for c in (25.0, 10.0, -5.0, -20.0, -40.0)] == [
        1.0,
        1.0,
        0.75,
        0.5,
        0.5,
    ]
    assert cold_share(None) == UNKNOWN_SHARE < 1.0


def test_what_is_lost_on_the_way_does_not_charge() -> None:
    path = charge_path(
        capacity_wh=60_000.0,
        meter_power_w=11_000.0,
        rating_w=11_000.0,
        temperature_c=20.0,
    )
    assert path.power_w == pytest.approx(10_560.0)


# The guard.


def test_no_departure_asks_for_nothing() -> None:
    guard = TripGuard(owed_percent=80.0)
    assert guard.step(replace(TRIP, departures=()), NOW) == NO_TRIP
    assert guard.owed_percent is None


def test_charging_begins_at_the_latest_moment_less_the_allowance_and_ends_full() -> (
    None
):
    guard, soc, began_s, ended_s = TripGuard(), 50.0, None, None
    for minute in range(8 * 60):
        now_s = NOW + 60.0 * minute
        verdict = guard.step(replace(TRIP, likely_percent=soc), now_s)
        if verdict.must_charge:
            began_s = began_s or now_s
            soc += 10.0 / 60.0
            assert verdict.floor_percent == 80.0, "nothing may take from it any more"
        elif began_s and not ended_s:
            ended_s = now_s
    assert began_s == pytest.approx(NOW + 5 * HOUR_S - EARLY_S, abs=61.0)
    assert ended_s is not None
    assert ended_s == pytest.approx(NOW + 8 * HOUR_S - EARLY_S, abs=121.0)


def test_charging_goes_on_after_a_missed_departure_and_into_the_next_day() -> None:
    guard, due_s = TripGuard(), NOW + HOUR_S
    late = replace(TRIP, departures=(Departure(target_percent=80.0, due_mono_s=due_s),))
    assert guard.step(late, NOW).must_charge
    assert guard.step(replace(late, likely_percent=60.0), due_s + 10.0).must_charge
    tomorrow = replace(
        late,
        departures=(Departure(target_percent=80.0, due_mono_s=due_s + 24 * HOUR_S),),
    )
    verdict = guard.step(replace(tomorrow, likely_percent=79.0), due_s + 2 * HOUR_S)
    assert verdict.must_charge
    assert verdict.floor_percent == 80.0
    verdict = guard.step(replace(tomorrow, likely_percent=80.0), due_s + 2 * HOUR_S)
    assert not verdict.must_charge
    assert verdict.floor_percent == 0.0


def test_who_comes_after_the_departure_of_today_did_not_miss_it() -> None:
    over = Departure(target_percent=80.0, due_mono_s=NOW - 1_800.0)
    came_late = replace(TRIP, departures=(over,), likely_percent=20.0)
    assert TripGuard().step(came_late, NOW) == NO_TRIP
    # Where it was known before, or owed before a restart, it was missed.
    guard = TripGuard()
    guard.step(TRIP, NOW)
    assert guard.step(came_late, NOW).must_charge
    assert TripGuard(80.0).step(came_late, NOW).must_charge


def test_the_departure_that_asks_for_most_counts() -> None:
    early = Departure(target_percent=55.0, due_mono_s=NOW + HOUR_S)
    late = Departure(target_percent=100.0, due_mono_s=NOW + 8 * HOUR_S)
    guard = TripGuard()
    both = replace(TRIP, departures=(late, early))
    assert guard.step(both, NOW).departure == early
    # Of the later one there is more to do, also while the first still holds its charge.
    verdict = guard.step(replace(both, likely_percent=58.0), NOW + HOUR_S + 60.0)
    assert verdict.departure == late
    assert verdict.target_percent == 100.0


def test_a_restart_goes_on_with_what_was_owed() -> None:
    tomorrow = replace(
        TRIP, departures=(Departure(target_percent=80.0, due_mono_s=1e6),)
    )
    assert not TripGuard().step(tomorrow, NOW).must_charge
    assert TripGuard(80.0).step(tomorrow, NOW).must_charge


def test_what_was_reached_may_sag_by_two_points() -> None:
    guard, due_s = TripGuard(), NOW + 8 * HOUR_S
    guard.step(TRIP, due_s)
    steps = [80.0, 79.0, 78.0, 77.9, 79.0]
    must = [
        guard.step(replace(TRIP, likely_percent=soc), due_s).must_charge
        for soc in steps
    ]
    assert must == [False, False, False, True, True]


def test_a_target_that_was_raised_counts_at_once_and_a_lower_one_too() -> None:
    guard, due_s = TripGuard(), NOW + 8 * HOUR_S
    reached = replace(TRIP, likely_percent=80.0)
    assert not guard.step(reached, due_s).must_charge
    more = replace(
        reached, departures=(Departure(target_percent=81.0, due_mono_s=due_s),)
    )
    assert guard.step(more, due_s).must_charge
    assert not guard.step(reached, due_s).must_charge


def test_the_owner_s_ceiling_is_not_lifted() -> None:
    guard, due_s = TripGuard(), NOW + 8 * HOUR_S
    capped = replace(TRIP, max_soc_percent=60.0, likely_percent=60.0)
    verdict = guard.step(capped, due_s)
    assert verdict.target_percent == 60.0
    assert not verdict.must_charge


def test_an_unknown_charge_is_charged_until_the_energy_is_in() -> None:
    guard, due_s = TripGuard(), NOW + 8 * HOUR_S
    unknown = replace(TRIP, likely_percent=None)
    must = [
        guard.step(replace(unknown, charged_wh=wh), due_s).must_charge
        for wh in (0.0, 47_000.0, 48_000.0)
    ]
    assert must == [True, True, False]


def test_a_vehicle_that_never_shows_full_is_full_at_99() -> None:
    guard, due_s = TripGuard(), NOW + 8 * HOUR_S
    full = replace(
        TRIP, departures=(Departure(target_percent=100.0, due_mono_s=due_s),)
    )
    assert guard.step(replace(full, likely_percent=98.9), due_s).must_charge
    assert not guard.step(replace(full, likely_percent=99.0), due_s).must_charge


@given(
    st.lists(
        st.tuples(st.floats(0, 4 * HOUR_S), percents, st.floats(0, 24 * HOUR_S)),
        max_size=20,
    ),
    paths,
    percents,
)
def test_below_its_floor_a_vehicle_must_charge_whatever_the_clock_does(
    steps: list[tuple[float, float, float]], path: ChargePath, target: float
) -> None:
    guard, now_s = TripGuard(), NOW
    for later_s, soc, due_in_s in steps:
        now_s += later_s
        departure = Departure(target_percent=target, due_mono_s=now_s + due_in_s)
        inputs = replace(TRIP, departures=(departure,), likely_percent=soc, path=path)
        verdict = guard.step(inputs, now_s)
        floor = path.start_percent(target, due_in_s - EARLY_S)
        assert verdict.floor_percent >= floor - 1e-6
        if soc < floor - 2.000001 and soc < 99.0:
            assert verdict.must_charge
        if verdict.must_charge:
            assert verdict.floor_percent >= soc or soc >= 99.0


# The outlook.


def _outlook(
    inputs: TripInputs, *, flowing_w: float = 0.0, possible_w: float = 6_000.0
) -> Outlook | None:
    return outlook(
        TripGuard().step(inputs, NOW),
        inputs,
        flowing=replace(PATH, power_w=flowing_w),
        possible=replace(PATH, power_w=possible_w),
        now_mono_s=NOW,
    )


@pytest.mark.parametrize(
    ("inputs", "flowing_w", "possible_w", "is_in_time", "ready_in_h"),
    [
        pytest.param(TRIP, 0.0, 6_000.0, True, 8.0, id="waits for the latest moment"),
        pytest.param(TRIP, 6_000.0, 6_000.0, True, 3.0, id="charges already"),
        pytest.param(TRIP, 1_000.0, 6_000.0, True, 8.0, id="trickles, will hurry"),
        pytest.param(TRIP, 0.0, 3_000.0, True, 8.0, id="less power, still in time"),
        pytest.param(TRIP, 0.0, 2_000.0, False, 9.0, id="too little power: late"),
        pytest.param(TRIP, 0.0, 0.0, False, None, id="no power: never"),
        pytest.param(
            replace(TRIP, likely_percent=85.0), 0.0, 6_000.0, True, 8.0, id="reached"
        ),
        pytest.param(
            replace(TRIP, max_soc_percent=70.0),
            0.0,
            6_000.0,
            False,
            None,
            id="above the owner's ceiling: never",
        ),
        pytest.param(
            replace(
                TRIP, departures=(Departure(target_percent=80, due_mono_s=NOW + 60),)
            ),
            6_000.0,
            6_000.0,
            False,
            3.0,
            id="missed, and says when",
        ),
    ],
)
def test_the_outlook_is_honest(
    inputs: TripInputs,
    flowing_w: float,
    possible_w: float,
    is_in_time: bool,
    ready_in_h: float | None,
) -> None:
    told = _outlook(inputs, flowing_w=flowing_w, possible_w=possible_w)
    assert told is not None
    assert told.is_in_time is is_in_time
    assert told.ready_in_s == (
        None if ready_in_h is None else pytest.approx(ready_in_h * HOUR_S)
    )


def test_without_a_departure_there_is_no_outlook() -> None:
    assert _outlook(replace(TRIP, departures=())) is None
