"""Following a demand: what is sent to whom, and what becomes of refusals and silence."""

from datetime import timedelta
from pathlib import Path
import re

import pytest

from aggregator.dispatcher import CommandOrder
from aggregator.follower import HORIZON_S, RENEW_S, WINDOW
from aggregator.messages import CommandKind

from .fleet import BOOT, Fleet, obey


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path, ["a", "b", "c", "d"])


def test_the_sum_follows_the_demand_from_second_to_second(fleet: Fleet) -> None:
    fleet.follow((0, -20_000), (5, -26_000), (10, 9_000), (15, 0))
    fleet.second()
    assert fleet.total_w == -20_000
    fleet.second(3)
    assert fleet.total_w == -26_000
    fleet.second(5)
    assert fleet.total_w == 9_000
    assert fleet.follower.progress.unserved_w == 0


def test_homes_are_told_when_the_demand_is_over(fleet: Fleet) -> None:
    fleet.follow((0, -20_000), (5, -20_000))
    fleet.second(9)
    assert fleet.follower.following is not None
    fleet.second(3)
    assert fleet.follower.following is None
    assert fleet.total_w == 0
    assert fleet.follower.progress.homes_running == 0


def test_only_changes_are_sent_and_commands_are_renewed_before_their_end(
    fleet: Fleet,
) -> None:
    fleet.follow((0, -20_000), (2_000, 0))
    fleet.second(int(HORIZON_S - RENEW_S))
    assert len(fleet.commands) == 4
    fleet.second(3)
    assert len(fleet.commands) == 8
    assert fleet.follower.counters["renewals"] == 4
    assert fleet.total_w == -20_000


def test_a_demand_without_an_event_is_one_event_each_quarter_of_an_hour(
    fleet: Fleet,
) -> None:
    """A home reports per event: a regulation signal must not be one per command."""
    fleet.follow(*((second, -20_000 - 1_000 * (second % 5)) for second in range(30)))
    fleet.second(30)
    assert len(fleet.commands) > 20
    assert len({command["event_id"] for _, command in fleet.commands}) <= 2
    (first, *_) = sorted(command["event_id"] for _, command in fleet.commands)
    assert re.fullmatch(r"follow-\d{8}T\d{2}(00|15|30|45)Z", first)


def test_no_command_outlives_the_demand(fleet: Fleet) -> None:
    fleet.follow((0, -20_000), (30, -20_000))
    begun = fleet.clock.utcnow()
    fleet.second(10)
    ends = {command["end"] for _, command in fleet.commands}
    over = (begun + timedelta(seconds=60)).isoformat(timespec="milliseconds")
    assert ends == {over.replace("+00:00", "Z")}


def test_what_a_home_cannot_give_the_others_do(fleet: Fleet) -> None:
    fleet.answers["a"] = lambda command: ("active", "CLAMPED", -2_000)
    fleet.follow((0, -24_000))
    fleet.second(4)
    assert fleet.power_w["a"] == -2_000
    assert fleet.total_w == -24_000
    assert fleet.follower.progress.unserved_w == 0


def test_who_refuses_is_left_alone_for_a_minute(fleet: Fleet) -> None:
    fleet.answers["a"] = lambda command: ("rejected", "NOT_PERMITTED", 0)
    fleet.follow((0, -24_000), (100, -24_000))
    fleet.second(20)
    assert fleet.total_w == -24_000
    assert sum(name == "a" for name, _ in fleet.commands) == 1
    assert fleet.follower.progress.homes_barred == 1
    fleet.answers["a"] = obey
    fleet.second(60)
    assert fleet.follower.progress.homes_barred == 0
    # It is behind by now: more is asked of it than of anybody else.
    fleet.follow((0, -25_000), (100, -25_000))
    fleet.second(2)
    assert "a" in fleet.power_w


def test_a_refusal_that_says_nothing_of_the_home_passes_soon(fleet: Fleet) -> None:
    fleet.answers["a"] = lambda command: ("rejected", "EXPIRED", 0)
    fleet.follow((0, -24_000), (100, -24_000))
    fleet.second(2)
    assert fleet.follower.progress.homes_barred == 1
    fleet.answers["a"] = obey
    fleet.second(2)
    assert fleet.follower.progress.homes_barred == 0


def test_a_bounded_number_of_commands_waits_for_answers(tmp_path: Path) -> None:
    names = [f"h{number:03}" for number in range(WINDOW + 40)]
    fleet = Fleet(tmp_path, names)
    fleet.follow((0, -1_000 * 10 * len(names)), (100, 0))
    fleet.follower.step()
    assert fleet.follower.send(1_000) == WINDOW
    assert fleet.follower.send(1_000) == 0
    fleet.hear()
    assert fleet.follower.send(1_000) == 40


def test_who_does_not_answer_is_not_counted_on(fleet: Fleet) -> None:
    fleet.answers["a"] = lambda command: None
    fleet.follow((0, -24_000), (100, -24_000))
    fleet.second(4)
    assert fleet.total_w > -24_000
    fleet.second(4)
    assert fleet.total_w == -24_000
    assert fleet.follower.progress.homes_silent == 1
    fleet.answers["a"] = obey
    fleet.second(40)
    assert fleet.follower.progress.homes_silent == 0
    assert fleet.total_w == -24_000


def test_who_goes_offline_is_replaced_and_comes_back(fleet: Fleet) -> None:
    fleet.follow((0, -24_000), (100, -24_000))
    fleet.second(3)
    fleet.leave("a")
    fleet.second(3)
    assert fleet.total_w == -24_000


def test_an_order_of_its_own_counts_and_is_not_touched(fleet: Fleet) -> None:
    order = CommandOrder(kind=CommandKind.SETPOINT, power_w=-6_000, duration_s=900)
    fleet.leader.dispatcher.send_command("a", order)
    fleet.hear()
    fleet.follow((0, -20_000))
    fleet.second(3)
    assert fleet.total_w == -20_000
    assert fleet.power_w["a"] == -6_000
    assert fleet.follower.progress.orders_w == -6_000
    fleet.follower.stop()
    fleet.second(2)
    assert fleet.power_w == {"a": -6_000}


def test_a_charger_takes_three_writes_at_once_and_then_one_per_interval(
    tmp_path: Path,
) -> None:
    fleet = Fleet(tmp_path, [])
    fleet.join("slow", interval_s=15)
    fleet.follow(*[(second, -2_000 - 100 * second) for second in range(40)])
    fleet.second(14)
    assert len(fleet.commands) == 3
    fleet.second(2)
    assert len(fleet.commands) == 4
    # Less is always allowed.
    fleet.follow((0, -1_500), (60, 0))
    fleet.second()
    assert fleet.total_w == -1_500


def test_a_series_is_followed_ahead_by_the_response_time_and_a_live_value_is_not(
    fleet: Fleet,
) -> None:
    fleet.follow((0, -8_000), (10, -12_000), (20, -12_000))
    fleet.second(5)
    assert fleet.total_w == -8_000
    fleet.second()
    assert fleet.total_w == -12_000
    assert fleet.follower.progress.demand_w == -8_000
    fleet.follow((0, -9_000))
    fleet.second()
    assert fleet.total_w == -9_000


def test_a_home_that_says_it_follows_nothing_is_asked_again(fleet: Fleet) -> None:
    fleet.follow((0, -24_000), (100, -24_000))
    fleet.second(7)
    fleet.measure("a", 0, None)
    before = len(fleet.commands)
    fleet.second(2)
    assert [name for name, _ in fleet.commands[before:]].count("a") == 1


def test_what_an_earlier_term_had_asked_is_taken_over_or_ended(fleet: Fleet) -> None:
    for name in fleet.answers:
        fleet.measure(name, -5_000, BOOT)
    fleet.power_w = dict.fromkeys(fleet.answers, -5_000)
    fleet.follow((0, -6_000), (100, -6_000))
    fleet.second(2)
    assert fleet.total_w == -6_000


def test_more_than_there_is_is_said(fleet: Fleet) -> None:
    fleet.follow((0, -50_000))
    fleet.second(2)
    assert fleet.total_w == -40_000
    assert fleet.follower.progress.unserved_w == -10_000


def test_a_broker_that_is_away_holds_changes_back_and_gets_the_newest(
    fleet: Fleet,
) -> None:
    fleet.follow((0, -20_000), (3, -24_000), (20, 0))
    fleet.is_cut = True
    fleet.second(4)
    assert fleet.commands == []
    fleet.is_cut = False
    fleet.second()
    assert fleet.total_w == -24_000


def test_a_new_demand_begins_with_who_served_less_before(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, ["a", "b"])
    fleet.follow((0, -2_000), (150, -2_000))
    fleet.second(400)
    assert {name for name, _ in fleet.commands} == {"a"}
    fleet.commands.clear()
    fleet.clock.pass_s(400)
    fleet.follow((0, -2_000))
    fleet.second(2)
    assert {name for name, _ in fleet.commands} == {"b"}


def test_a_stopped_demand_is_ended_at_every_home(fleet: Fleet) -> None:
    fleet.follow((0, -20_000), (900, 0))
    fleet.second(3)
    fleet.answers["a"] = lambda command: ("rejected", "RATE_LIMIT", 0)
    fleet.follow((0, -40_000), (900, 0))
    fleet.second(2)
    assert fleet.power_w["a"] == -5_000
    assert fleet.follower.stop()
    fleet.second(2)
    assert fleet.total_w == 0
    assert not fleet.follower.stop()


def test_a_home_of_no_energy_is_not_asked(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, [])
    fleet.join("empty", wh=20)
    fleet.follow((0, -5_000), (600, 0))
    fleet.second(2)
    assert fleet.commands == []
    assert fleet.follower.progress.unserved_w == -5_000
