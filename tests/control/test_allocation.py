"""Sharing one power among followers."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.allocation import (
    Allocation,
    Follower,
    SharedLimit,
    allocate,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.setpoint import Reason
from tests.control.share_cases import follower_lists, shared_limits

MINIMUM_W = 1_380.0
CLOSE_W = 1e-3
"""Sums of floats, and what a limit may be exceeded by on paper."""


def _key(number: int) -> EvseKey:
    return EvseKey(StationId("CS1"), number)


def _follower(
    number: int,
    maximum_w: float,
    *,
    minimum_w: float = MINIMUM_W,
    is_running: bool = False,
    cents_per_kwh: float = 0.0,
) -> Follower:
    return Follower(
        key=_key(number),
        minimum_w=minimum_w,
        maximum_w=maximum_w,
        is_running=is_running,
        cents_per_kwh=cents_per_kwh,
    )


# The laws.


@given(st.floats(-150_000, 150_000), follower_lists(), st.data())
def test_shares_keep_every_bound_and_sum_up_to_what_is_committed(
    power_w: float, followers: list[Follower], data: st.DataObject
) -> None:
    limits = data.draw(shared_limits(followers))
    allocation = allocate(power_w, followers, limits)
    assert set(allocation.shares) == {f.key for f in followers}
    committed_w = allocation.committed_w
    assert committed_w == pytest.approx(sum(allocation.shares.values()))
    assert committed_w + allocation.unserved_w == pytest.approx(power_w, abs=CLOSE_W)
    assert allocation.unserved_w * power_w >= 0
    for follower in followers:
        share_w = allocation.shares[follower.key]
        assert share_w * power_w >= 0
        assert abs(share_w) <= follower.maximum_w + CLOSE_W
        assert share_w == 0 or abs(share_w) >= follower.minimum_w - CLOSE_W
    for limit in limits:
        assert _taken_w(allocation, limit) <= limit.room_w + CLOSE_W


def _taken_w(allocation: Allocation, limit: SharedLimit) -> float:
    return sum(abs(w) * limit.share_of(key) for key, w in allocation.shares.items())


@given(st.floats(0, 100_000), follower_lists())
def test_charging_and_discharging_are_shared_alike(
    power_w: float, followers: list[Follower]
) -> None:
    up, down = allocate(power_w, followers), allocate(-power_w, followers)
    assert {key: -share_w for key, share_w in down.shares.items()} == up.shares


@given(st.floats(0, 150_000), follower_lists(), st.data())
def test_the_order_of_the_followers_means_nothing(
    power_w: float, followers: list[Follower], data: st.DataObject
) -> None:
    limits = data.draw(shared_limits(followers))
    shuffled = data.draw(st.permutations(followers))
    assert (
        allocate(power_w, shuffled, limits).shares
        == allocate(power_w, followers, limits).shares
    )


@given(st.floats(0, 100_000), st.floats(0, 20_000), follower_lists(), st.data())
def test_more_is_never_answered_with_less(
    power_w: float, more_w: float, followers: list[Follower], data: st.DataObject
) -> None:
    limits = data.draw(shared_limits(followers))
    less = allocate(power_w, followers, limits)
    more = allocate(power_w + more_w, followers, limits)
    assert more.committed_w >= less.committed_w - CLOSE_W


@given(st.floats(MINIMUM_W, 100_000), st.lists(st.floats(MINIMUM_W, 22_000)))
def test_alike_followers_serve_all_that_can_be_served(
    power_w: float, maxima_w: list[float]
) -> None:
    followers = [_follower(n, maximum_w) for n, maximum_w in enumerate(maxima_w)]
    served_w = allocate(power_w, followers).committed_w
    # Alike minimum powers: a run of followers can serve any power up to their sum,
    # unless one more would fall under its minimum while one less is full.
    possible_w = min(power_w, sum(maxima_w))
    assert served_w <= possible_w + 1e-6
    assert possible_w - served_w < MINIMUM_W + 1e-6


@given(
    st.integers(1, 12),
    st.floats(100.0, MINIMUM_W - 100.0),
    st.lists(st.floats(3_680, 11_000), min_size=2, max_size=6),
    st.integers(0, 1_000),
)
def test_noise_makes_no_follower_switch(
    minima: int, above_w: float, maxima_w: list[float], seed: int
) -> None:
    # Not where one follower more or less can flow at all: that is no question of cost.
    power_w = minima * MINIMUM_W + above_w
    noise = Random(seed)
    followers = [_follower(n, maximum_w) for n, maximum_w in enumerate(maxima_w)]
    on_sets: list[tuple[bool, ...]] = []
    for _ in range(60):
        shares = allocate(power_w + noise.uniform(-30, 30), followers).shares
        followers = [replace(f, is_running=shares[f.key] > 0) for f in followers]
        on_sets.append(tuple(f.is_running for f in followers))
    changes = sum(a != b for a, b in pairwise(on_sets))
    assert changes <= 1


# Limits that followers share.


def _phase(number: int, room_w: float, shares: Sequence[float]) -> SharedLimit:
    return SharedLimit(
        reason=Reason.STATION_LIMIT,
        room_w=room_w,
        shares={_key(n): share for n, share in enumerate(shares, start=1)},
    )


def test_a_phase_that_is_full_lets_the_follower_on_the_others_serve() -> None:
    followers = [_follower(1, 7_400.0), _follower(2, 11_000.0)]
    # The first is on L1 alone; the second takes a third of its power from it.
    limits = [_phase(1, 4_000.0, [1.0, 1 / 3])]
    allocation = allocate(-11_000.0, followers, limits)
    assert allocation.shares == {_key(1): 0.0, _key(2): -11_000.0}
    assert allocation.bound_by is None


def test_what_a_shared_limit_takes_is_named() -> None:
    limits = [SharedLimit(reason=Reason.EXPORT_LIMIT, room_w=5_000.0)]
    followers = [_follower(1, 11_000.0), _follower(2, 11_000.0)]
    allocation = allocate(-12_000.0, followers, limits)
    assert allocation.committed_w == pytest.approx(-5_000.0)
    assert allocation.unserved_w == pytest.approx(-7_000.0)
    assert allocation.bound_by is Reason.EXPORT_LIMIT


def test_a_limit_without_room_for_any_minimum_serves_nothing() -> None:
    limits = [SharedLimit(reason=Reason.EXPORT_LIMIT, room_w=1_000.0)]
    allocation = allocate(-12_000.0, [_follower(1, 11_000.0)], limits)
    assert allocation.shares == {_key(1): 0.0}
    assert allocation.bound_by is Reason.EXPORT_LIMIT


# Costs.


def test_the_cheaper_vehicle_is_filled_first() -> None:
    followers = [
        _follower(1, 11_000.0, cents_per_kwh=9.0),
        _follower(2, 11_000.0, cents_per_kwh=4.0),
    ]
    assert allocate(15_000.0, followers).shares == {_key(1): 4_000, _key(2): 11_000}
    assert allocate(5_000.0, followers).shares == {_key(1): 0, _key(2): 5_000}


def test_a_follower_that_nobody_needs_any_more_ends() -> None:
    followers = [_follower(n, 11_000.0, is_running=True) for n in (1, 2)]
    assert allocate(-5_000.0, followers).shares == {_key(1): -5_000.0, _key(2): 0.0}


def test_a_follower_that_just_switched_is_left_alone() -> None:
    followers = [_follower(1, 11_000.0), _follower(2, 11_000.0, is_running=True)]
    fresh = [replace(f, switch_cents=4.0) for f in followers]
    first_is_cheaper = [replace(fresh[0], cents_per_kwh=-1.0), fresh[1]]
    assert allocate(5_000.0, first_is_cheaper).shares == {_key(1): 0, _key(2): 5_000}
    assert allocate(16_000.0, fresh).committed_w == pytest.approx(16_000.0)


def test_a_shortfall_within_the_noise_starts_nobody() -> None:
    followers = [_follower(1, 11_000.0, is_running=True), _follower(2, 11_000.0)]
    assert allocate(11_100.0, followers).unserved_w == pytest.approx(100.0)
    assert allocate(11_130.0, followers).unserved_w == 0.0


# Larger sites.


@given(st.integers(31, 60), st.floats(0, 1.2), st.integers(0, 1_000))
def test_a_large_site_keeps_every_bound_too(
    count: int, share: float, seed: int
) -> None:
    random = Random(seed)
    followers = [
        _follower(
            n,
            random.choice([3_680.0, 7_400.0, 11_000.0]),
            is_running=random.random() < 0.5,
            cents_per_kwh=random.uniform(4.0, 12.0),
        )
        for n in range(count)
    ]
    power_w = share * sum(f.maximum_w for f in followers)
    room_w = 0.7 * sum(f.maximum_w for f in followers[: count // 2])
    limit = SharedLimit(
        reason=Reason.STATION_LIMIT,
        room_w=room_w,
        shares={f.key: 1.0 for f in followers[: count // 2]},
    )
    allocation = allocate(power_w, followers, [limit])
    for follower in followers:
        share_w = allocation.shares[follower.key]
        assert share_w == 0 or MINIMUM_W <= share_w <= follower.maximum_w
    assert _taken_w(allocation, limit) <= room_w + CLOSE_W
    possible_w = min(
        power_w, room_w + sum(f.maximum_w for f in followers[count // 2 :])
    )
    assert allocation.committed_w <= possible_w + CLOSE_W
    # All minima are alike, so that hardly anything is lost to a dead zone.
    assert allocation.committed_w >= possible_w - MINIMUM_W


def test_above_thirty_the_order_of_merit_decides() -> None:
    followers = [_follower(n, 11_000.0, cents_per_kwh=n / 10) for n in range(100)]
    shares = allocate(-500_000.0, followers).shares
    assert {key.evse_id for key, w in shares.items() if w < 0} == set(range(46))
    assert sum(w == -11_000.0 for w in shares.values()) == 45


@pytest.mark.parametrize(("cents_of_others", "keeps"), [(9.8, True), (9.0, False)])
def test_a_running_follower_keeps_its_place_within_the_band(
    cents_of_others: float, keeps: bool
) -> None:
    # Switching costs nothing here, so that only the band speaks for it.
    others = [
        replace(_follower(n, 11_000.0, cents_per_kwh=cents_of_others), switch_cents=0.0)
        for n in range(39)
    ]
    running = replace(
        _follower(39, 11_000.0, is_running=True, cents_per_kwh=10.0), switch_cents=0.0
    )
    shares = allocate(-11_000.0 * 39, [*others, running]).shares
    assert (shares[_key(39)] == -11_000.0) is keeps


# Examples.


@pytest.mark.parametrize(
    ("power_w", "followers", "expected"),
    [
        pytest.param(-5_000, [], {}, id="nobody"),
        pytest.param(-5_000, [_follower(1, 11_000)], {1: -5_000}, id="one follower"),
        pytest.param(
            -5_000,
            [_follower(1, 11_000), _follower(2, 11_000)],
            {1: -5_000, 2: 0},
            id="few at high power beat many at little",
        ),
        pytest.param(
            -5_000,
            [_follower(1, 11_000), _follower(2, 11_000, is_running=True)],
            {1: 0, 2: -5_000},
            id="who runs goes on",
        ),
        pytest.param(
            -15_000,
            [_follower(1, 11_000), _follower(2, 11_000)],
            {1: -11_000, 2: -4_000},
            id="the last one takes the rest",
        ),
        pytest.param(
            -12_000,
            [_follower(1, 11_000), _follower(2, 11_000)],
            {1: -10_620, 2: -1_380},
            id="the first one leaves the second its minimum",
        ),
        pytest.param(
            -40_000,
            [_follower(1, 11_000), _follower(2, 11_000)],
            {1: -11_000, 2: -11_000},
            id="what cannot be served is not forced",
        ),
        pytest.param(
            -1_000, [_follower(1, 11_000)], {1: 0}, id="nothing flows below the minimum"
        ),
        pytest.param(
            -2_500,
            [_follower(1, 2_000), _follower(2, 11_000)],
            {1: 0, 2: -2_500},
            id="one that serves all beats two that cannot share",
        ),
    ],
)
def test_allocation(
    power_w: float, followers: list[Follower], expected: dict[int, float]
) -> None:
    shares = allocate(power_w, followers).shares
    assert shares == {_key(number): share_w for number, share_w in expected.items()}
