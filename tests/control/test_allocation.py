"""Sharing one power among followers."""

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control.allocation import Follower, allocate
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId

MINIMUM_W = 1_380.0


def _key(number: int) -> EvseKey:
    return EvseKey(StationId("CS1"), number)


def _follower(
    number: int,
    maximum_w: float,
    *,
    minimum_w: float = MINIMUM_W,
    is_running: bool = False,
) -> Follower:
    return Follower(
        key=_key(number),
        minimum_w=minimum_w,
        maximum_w=maximum_w,
        is_running=is_running,
    )


@st.composite
def follower_lists(draw: st.DrawFn) -> list[Follower]:
    """Lists of followers with bounds of real chargers, some of them unable."""
    return [
        _follower(
            number,
            draw(st.sampled_from([0.0, 1_000.0]) | st.floats(0, 22_000)),
            minimum_w=draw(st.sampled_from([0.0, MINIMUM_W, 4_140.0])),
            is_running=draw(st.booleans()),
        )
        for number in range(draw(st.integers(0, 6)))
    ]


@given(st.floats(-100_000, 100_000), follower_lists())
def test_shares_never_exceed_the_order_nor_a_follower(
    power_w: float, followers: list[Follower]
) -> None:
    shares = allocate(power_w, followers)
    assert set(shares) == {f.key for f in followers}
    assert abs(sum(shares.values())) <= abs(power_w) * (1 + 1e-12)
    for follower in followers:
        share_w = shares[follower.key]
        assert share_w * power_w >= 0
        assert abs(share_w) <= follower.maximum_w
        assert share_w == 0 or abs(share_w) >= follower.minimum_w


@given(st.floats(0, 100_000), follower_lists())
def test_charging_and_discharging_are_shared_alike(
    power_w: float, followers: list[Follower]
) -> None:
    up, down = allocate(power_w, followers), allocate(-power_w, followers)
    assert {key: -share_w for key, share_w in down.items()} == up


@given(st.floats(MINIMUM_W, 100_000), st.lists(st.floats(MINIMUM_W, 22_000)))
def test_alike_followers_serve_all_that_can_be_served(
    power_w: float, maxima_w: list[float]
) -> None:
    followers = [_follower(n, maximum_w) for n, maximum_w in enumerate(maxima_w)]
    served_w = sum(allocate(power_w, followers).values())
    # Alike minimum powers: a run of followers can serve any power up to their sum,
    # unless one more would fall under its minimum while one less is full.
    possible_w = min(power_w, sum(maxima_w))
    assert served_w <= possible_w + 1e-6
    assert possible_w - served_w < MINIMUM_W + 1e-6


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
    shares = allocate(power_w, followers)
    assert shares == {_key(number): share_w for number, share_w in expected.items()}
