"""The whole fleet in a few figures, and what an operator should look at."""

from pathlib import Path

import pytest

from aggregator.fleet_view import SETTLE_S, alarms, fleet, totals

from .fleet import Fleet


@pytest.fixture
def homes(tmp_path: Path) -> Fleet:
    homes = Fleet(tmp_path, ["a", "b"])
    homes.leader.enrolments.admit({name: {} for name in ("a", "b", "never")})
    return homes


def test_sums_are_of_homes_that_are_there(homes: Fleet) -> None:
    homes.join("b").presence.forget()
    homes.measure("a", -100, None)
    sums = fleet(homes.leader)
    assert (sums.homes, sums.online, sums.offline, sums.unknown) == (3, 1, 1, 1)
    assert (sums.lowest_w, sums.highest_w) == (-10_000, 10_000)
    assert (sums.measured, sums.delivered_w) == (1, -100)


def test_the_error_is_told_only_while_a_demand_is_followed(homes: Fleet) -> None:
    assert totals(homes.leader, homes.follower)["error_w"] is None
    homes.follow((0, -8_000), (100, 0))
    homes.second()
    homes.measure("a", -3_000, None)
    assert totals(homes.leader, homes.follower)["error_w"] == 5_000


def test_nothing_is_wrong_with_homes_that_do_what_they_say(homes: Fleet) -> None:
    homes.follow((0, -8_000), (100, 0))
    homes.second(int(SETTLE_S) + 1)
    for name, command in homes.commands[:2]:
        homes.measure(name, command["power_w"] + 100, command["id"])
    assert alarms(homes.leader, homes.follower) == []


def test_homes_that_measure_something_else_are_an_alarm_once_they_had_time(
    homes: Fleet,
) -> None:
    homes.follow((0, -12_000), (100, 0))
    homes.second()
    ids = {name: command["id"] for name, command in homes.commands}
    for name, command_id in ids.items():
        homes.measure(name, 0, command_id)
    assert alarms(homes.leader, homes.follower) == []
    homes.second(int(SETTLE_S))
    for name, command_id in ids.items():
        homes.measure(name, -1_000, command_id)
    assert alarms(homes.leader, homes.follower) == [
        "Homes measure -2.0 kW, but committed to -12.0 kW."
    ]


def test_forgeries_silence_and_a_lost_broker_are_alarms(homes: Fleet) -> None:
    homes.leader.homes["a"].counters["bad_signature"] = 2
    homes.answers["b"] = lambda command: None
    homes.follow((0, -20_000), (100, 0))
    homes.second(7)
    assert alarms(homes.leader, homes.follower) == [
        "Messages of homes that were forged, replayed or wrongly signed: 2.",
        "10.0 kW of the demand find no home.",
        "Homes that do not answer: 1.",
    ]
    homes.leader.is_heartbeat_enabled = False
    assert "Heartbeats are paused: homes fall to 0 W." in alarms(
        homes.leader, homes.follower
    )
    homes.leader.is_connected = False
    assert alarms(homes.leader, homes.follower)[0] == (
        "The broker is away: homes fall to 0 W."
    )
