"""Laws of sharing a demand over many homes, and how it plays out over ten minutes."""

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, strategies as st
import pytest

from aggregator.sharing import AHEAD_S, Hold, Member, share

any_member = st.builds(
    Member,
    home_id=st.text("abcdef", min_size=1, max_size=6),
    bound_w=st.integers(0, 12_000),
    least_w=st.integers(0, 3_000),
    now_w=st.integers(0, 13_000),
    used_s=st.floats(0, 900),
    cost=st.sampled_from([0.0, 1.0, 2.5]),
    hold=st.sampled_from(Hold),
    may_rise=st.booleans(),
)
any_members = st.lists(any_member, max_size=14, unique_by=lambda item: item.home_id)
demands = st.integers(0, 120_000)


def member(home_id: str, now_w: int = 0, **changes: object) -> Member:
    plain = Member(home_id=home_id, bound_w=10_000, least_w=1_380, now_w=now_w)
    return replace(plain, **changes)  # type: ignore[arg-type]


@given(demand_w=demands, members=any_members)
def test_nobody_beyond_its_bound_or_inside_its_dead_band_and_never_too_much(
    demand_w: int, members: list[Member]
) -> None:
    shared = share(demand_w, members)
    by_name = {item.home_id: item for item in members}
    assert sum(shared.values()) <= demand_w
    for home_id, power_w in shared.items():
        item = by_name[home_id]
        assert max(1, item.least_w) <= power_w <= item.bound_w
        assert item.may_rise or power_w <= item.now_w


@given(demand_w=demands, members=any_members)
def test_the_order_of_the_homes_does_not_matter(
    demand_w: int, members: list[Member]
) -> None:
    assert share(demand_w, members) == share(demand_w, members[::-1])


@given(demand_w=demands, more_w=st.integers(0, 5_000), members=any_members)
def test_a_greater_demand_is_never_served_less(
    demand_w: int, more_w: int, members: list[Member]
) -> None:
    less = sum(share(demand_w, members).values())
    assert sum(share(demand_w + more_w, members).values()) >= less


@given(demand_w=demands, members=any_members)
def test_only_a_dead_band_or_a_lack_of_power_leaves_demand_unserved(
    demand_w: int, members: list[Member]
) -> None:
    free = [replace(item, least_w=0, may_rise=True) for item in members]
    served_w = sum(share(demand_w, free).values())
    assert served_w == min(demand_w, sum(item.bound_w for item in free))


@given(demand_w=demands, members=any_members)
def test_what_was_shared_is_kept_while_nothing_changes(
    demand_w: int, members: list[Member]
) -> None:
    even = [replace(item, used_s=0.0, may_rise=True) for item in members]
    first = share(demand_w, even)
    again = share(
        demand_w,
        [replace(item, now_w=first.get(item.home_id, 0)) for item in even],
    )
    running = set(first)
    if running == set(again):
        assert again == first


def test_a_cheap_home_is_full_before_a_dear_one_starts() -> None:
    members = [member("dear", cost=2), member("cheap", cost=1)]
    assert share(9_000, members) == {"cheap": 9_000}
    assert share(14_000, members) == {"cheap": 10_000, "dear": 4_000}
    assert share(10_500, members) == {"cheap": 9_120, "dear": 1_380}


def test_a_small_change_is_a_command_to_few() -> None:
    members = [member(f"h{number:03}", now_w=6_000) for number in range(100)]
    moved = share(603_000, members)
    assert sum(moved[item.home_id] != item.now_w for item in members) == 1


def test_who_has_served_least_takes_more_and_who_has_served_most_gives_up() -> None:
    members = [
        member("a", now_w=5_000, used_s=20),
        member("b", now_w=5_000, used_s=40),
        member("c", now_w=5_000, used_s=60),
    ]
    assert share(16_000, members) == {"a": 6_000, "b": 5_000, "c": 5_000}
    assert share(14_000, members) == {"a": 5_000, "b": 5_000, "c": 4_000}


def test_who_is_far_ahead_passes_power_on() -> None:
    members = [
        member("a", now_w=4_000, used_s=0),
        member("b", now_w=8_000, used_s=AHEAD_S + 1),
    ]
    assert share(12_000, members) == {"a": 10_000, "b": 2_000}
    close = [members[0], replace(members[1], used_s=AHEAD_S)]
    assert share(12_000, close) == {"a": 4_000, "b": 8_000}


@pytest.mark.parametrize(
    ("hold", "used_s", "expected"),
    [(Hold.STAY_ON, 900, "running"), (Hold.FREE, 50, "running"), (Hold.FREE, 900, "x")],
)
def test_a_contactor_moves_only_for_more_than_the_band(
    hold: Hold, used_s: float, expected: str
) -> None:
    members = [member("running", now_w=3_000, hold=hold, used_s=used_s), member("x")]
    assert list(share(3_000, members)) == [expected]


def test_a_home_that_was_just_switched_off_comes_last() -> None:
    members = [member("a", hold=Hold.STAY_OFF), member("b", used_s=300)]
    assert share(3_000, members) == {"b": 3_000}
    assert set(share(20_000, members)) == {"a", "b"}


def follow(
    demands_w: Sequence[int], homes: int, step_s: float
) -> tuple[dict[str, float], int, int]:
    """Play a demand; return (used seconds, switches, commands) of equal homes."""
    members = {f"h{n:04}": member(f"h{n:04}") for n in range(homes)}
    switched_s = dict.fromkeys(members, -1e9)
    switches = commands = 0
    for step, demand_w in enumerate(demands_w):
        now_s = step * step_s
        shared = share(demand_w, members.values())
        for home_id, item in members.items():
            power_w = shared.get(home_id, 0)
            commands += power_w != item.now_w
            if (power_w > 0) != (item.now_w > 0):
                switches += 1
                switched_s[home_id] = now_s
            is_recent = now_s + step_s - switched_s[home_id] < 300
            hold = Hold.STAY_ON if power_w else Hold.STAY_OFF
            members[home_id] = replace(
                item,
                now_w=power_w,
                used_s=item.used_s + step_s * power_w / item.bound_w,
                hold=hold if is_recent else Hold.FREE,
            )
    used_s = {home_id: item.used_s for home_id, item in members.items()}
    return used_s, switches, commands


def jain(values: Sequence[float]) -> float:
    return sum(values) ** 2 / (len(values) * sum(value**2 for value in values))


def test_ten_minutes_of_a_moving_demand_are_fair_and_calm() -> None:
    homes = 60
    wave = [5, 7, 9, 6, 4, 5, 8, 7, 5, 4]
    demands_w = [homes * 1_000 * wave[step // 15] for step in range(150)]
    used_s, switches, commands = follow(demands_w, homes, step_s=4.0)
    assert jain(list(used_s.values())) >= 0.98
    # Each home starts once.
    assert switches == homes
    # Less than two commands a minute and home.
    assert commands < 20 * homes


def test_half_an_hour_of_little_demand_goes_round() -> None:
    homes = 40
    demands_w = [homes * 1_000 for _ in range(450)]
    used_s, switches, _ = follow(demands_w, homes, step_s=4.0)
    assert jain(list(used_s.values())) >= 0.8
    on_a_time = homes // 3
    # At most one exchange of those who run per five minutes.
    assert switches <= on_a_time + 2 * on_a_time * 5
