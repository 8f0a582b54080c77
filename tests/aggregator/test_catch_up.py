"""Homes that should be known are asked, not too many at once."""

from pathlib import Path

import pytest

from aggregator.catch_up import AGAIN_S, ASKED_PER_S, GRACE_S, CatchUp

from .fleet import Fleet


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    fleet = Fleet(tmp_path, [])
    names = [f"h{number:02}" for number in range(ASKED_PER_S + 10)]
    fleet.leader.enrolments.admit({name: {} for name in names})
    return fleet


def asked(fleet: Fleet) -> list[str]:
    names = [outbound.topic.split("/")[3] for outbound in fleet.outbox]
    fleet.outbox.clear()
    return names


def test_who_is_unknown_is_asked_so_that_the_answers_fit_the_queue(
    fleet: Fleet,
) -> None:
    fleet.join("h00")
    catch_up = CatchUp(fleet.leader)
    assert catch_up.step() == 0
    fleet.clock.pass_s(GRACE_S)
    assert catch_up.step() == ASKED_PER_S
    fleet.clock.pass_s(1)
    assert catch_up.step() == 9
    names = asked(fleet)
    assert len(set(names)) == len(names) == ASKED_PER_S + 9
    assert "h00" not in names
    fleet.clock.pass_s(1)
    assert catch_up.step() == 0
    fleet.clock.pass_s(AGAIN_S)
    assert catch_up.step() == ASKED_PER_S


def test_a_home_that_is_there_and_says_nothing_of_its_offer_is_asked(
    fleet: Fleet,
) -> None:
    for name in list(fleet.leader.enrolments.homes):
        fleet.join(name)
    fleet.leader.homes["h05"].offer = None
    fleet.leader.homes["h06"].availability = None
    catch_up = CatchUp(fleet.leader)
    catch_up.step()
    fleet.clock.pass_s(GRACE_S)
    catch_up.step()
    assert asked(fleet) == ["h05", "h06"]


def test_nobody_is_asked_while_the_broker_is_away_and_all_again_after(
    fleet: Fleet,
) -> None:
    catch_up = CatchUp(fleet.leader)
    catch_up.step()
    fleet.clock.pass_s(GRACE_S)
    assert catch_up.step()
    fleet.leader.is_connected = False
    assert catch_up.step() == 0
    fleet.leader.is_connected = True
    assert catch_up.step() == 0
    fleet.clock.pass_s(GRACE_S)
    assert catch_up.step() == ASKED_PER_S
