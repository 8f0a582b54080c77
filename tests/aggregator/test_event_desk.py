"""When homes are told of an event, and when they are commanded for it."""

from dataclasses import replace
from datetime import timedelta
import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.event_desk import LEAD_S, TELL_AGAIN_S, EventDesk
from aggregator.homes import KEPT_PARTICIPATIONS, Home
from aggregator.messages import (
    EventWindow,
    ExpectedWindow,
    Hello,
    Participation,
)
from aggregator.planned_event import PlannedEvent

from .fleet import BOOT, Fleet

START_S = 600.0


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    return Fleet(tmp_path, ["h1", "h2"])


@pytest.fixture
def desk(fleet: Fleet, tmp_path: Path) -> EventDesk:
    for home in fleet.leader.homes.values():
        greet(fleet, home)
    return EventDesk(fleet.leader, "p", tmp_path / "events.json")


def greet(fleet: Fleet, home: Home, *features: str) -> None:
    home.hello = Hello(
        version="1.0",
        id="019ab123-4567-7abc-8def-012345678902",
        epoch=1,
        seq=1,
        ts=fleet.clock.utcnow(),
        versions=("1.0",),
        features=features or ("event", "start_spread"),
        boot_id=BOOT,
        connection=1,
        signing_keys={},
    )


def event(fleet: Fleet, **changes: Any) -> PlannedEvent:
    start = fleet.clock.utcnow() + timedelta(seconds=START_S)
    fields: dict[str, Any] = {
        "event_id": "e",
        "windows": (
            EventWindow(start=start, end=start + timedelta(hours=1), power_w=-5000),
        ),
        "start_spread_s": 30,
        "test": True,
    }
    return PlannedEvent(**(fields | changes))


def answer(
    fleet: Fleet, name: str, status: str = "opted_in", expected_w: int = -3000
) -> None:
    now = fleet.clock.utcnow()
    fleet.leader.homes[name].participations["e"] = Participation(
        version="1.0",
        id="019ab123-4567-7abc-8def-012345678903",
        epoch=1,
        seq=1,
        ts=now,
        event_id="e",
        status=status,
        windows=(ExpectedWindow(start=now, expected_w=expected_w),),
        why=(),
    )


def sent(fleet: Fleet, kind: str) -> list[tuple[str, Any]]:
    found = [
        (outbound.topic.split("/")[3], json.loads(outbound.payload))
        for outbound in fleet.outbox
        if outbound.topic.endswith(f"/dn/{kind}")
    ]
    fleet.outbox.clear()
    return found


async def test_homes_are_told_until_they_answer(fleet: Fleet, desk: EventDesk) -> None:
    await desk.announce(event(fleet))
    told = sent(fleet, "event")
    assert [name for name, _ in told] == ["h1", "h2"]
    assert all(m["event_id"] == "e" and m["test"] for _, m in told)
    answer(fleet, "h1")
    fleet.clock.pass_s(TELL_AGAIN_S - 1)
    desk.step()
    assert sent(fleet, "event") == []
    fleet.clock.pass_s(1)
    desk.step()
    assert [name for name, _ in sent(fleet, "event")] == ["h2"]


async def test_rule_15_who_says_hello_later_is_told_what_has_not_ended(
    fleet: Fleet, desk: EventDesk
) -> None:
    await desk.announce(event(fleet))
    await desk.announce(event(fleet, event_id="f", homes=("h1",)))
    sent(fleet, "event")
    home = fleet.leader.homes["h2"]
    for greeting in fleet.leader.on_welcome:
        greeting(home)
    assert [m["event_id"] for _, m in sent(fleet, "event")] == ["e"]
    greet(fleet, home, "setpoint")
    for greeting in fleet.leader.on_welcome:
        greeting(home)
    assert sent(fleet, "event") == []
    greet(fleet, home)
    fleet.clock.pass_s(START_S + 3_601)
    for greeting in fleet.leader.on_welcome:
        greeting(home)
    assert sent(fleet, "event") == []


async def test_each_home_is_commanded_once_for_what_it_expects(
    fleet: Fleet, desk: EventDesk
) -> None:
    await desk.announce(event(fleet))
    answer(fleet, "h1")
    answer(fleet, "h2", expected_w=-9000)
    fleet.clock.pass_s(START_S - LEAD_S - 1)
    assert not desk.step()
    assert sent(fleet, "command") == []
    fleet.clock.pass_s(1)
    assert desk.step()
    commands = dict(sent(fleet, "command"))
    assert {name: c["power_w"] for name, c in commands.items()} == {
        "h1": -3000,
        "h2": -5000,
    }
    one = commands["h1"]
    assert one["event_id"] == "e"
    assert one["start_spread_s"] == 30
    assert one["test"]
    assert one["start"] == "2026-11-23T17:10:00.250Z"
    assert one["end"] == "2026-11-23T18:10:00.250Z"
    assert not desk.step()
    assert desk.commanded("e") == {"h1": ["sent"], "h2": ["sent"]}


async def test_unanswered_command_is_sent_anew(fleet: Fleet, desk: EventDesk) -> None:
    await desk.announce(event(fleet, homes=("h1",)))
    answer(fleet, "h1")
    fleet.clock.pass_s(START_S)
    assert desk.step()
    sent(fleet, "command")
    fleet.clock.pass_s(13)
    fleet.leader.dispatcher.resend_unanswered()
    assert desk.step()
    assert len(sent(fleet, "command")) == 1


@pytest.mark.parametrize(
    ("status", "expected_w"), [("opted_out", -3000), ("maybe", 0), ("opted_in", 4000)]
)
async def test_who_left_or_has_nothing_is_not_commanded(
    fleet: Fleet, desk: EventDesk, status: str, expected_w: int
) -> None:
    await desk.announce(event(fleet))
    answer(fleet, "h1", status, expected_w)
    fleet.clock.pass_s(START_S)
    desk.step()
    assert sent(fleet, "command") == []


async def test_changed_window_ends_its_command_and_gets_a_new_one(
    fleet: Fleet, desk: EventDesk
) -> None:
    await desk.announce(event(fleet, homes=("h1",)))
    answer(fleet, "h1")
    fleet.clock.pass_s(START_S)
    desk.step()
    ((_, first),) = sent(fleet, "command")
    same = desk.events["e"]
    await desk.announce(replace(same, notice_s=5))
    assert sent(fleet, "cancel") == []
    answer(fleet, "h1")
    desk.step()
    assert sent(fleet, "command") == []
    (window,) = same.windows
    shorter = replace(window, end=window.start + timedelta(minutes=10))
    await desk.announce(replace(same, windows=(shorter,)))
    ((_, cancel),) = sent(fleet, "cancel")
    assert cancel["command_id"] == first["id"]
    answer(fleet, "h1")
    desk.step()
    ((_, second),) = sent(fleet, "command")
    assert second["end"] == "2026-11-23T17:20:00.250Z"


def test_home_that_names_event_after_event_fills_no_memory(
    fleet: Fleet, desk: EventDesk
) -> None:
    home = fleet.leader.homes["h1"]
    answer(fleet, "h1")
    one = home.participations["e"]
    for number in range(200):
        home.note_participation(replace(one, event_id=f"x{number}"))
    home.note_participation(one)
    assert len(home.participations) == KEPT_PARTICIPATIONS
    assert home.participations["e"] is one


async def test_limit_is_sent_as_it_was_announced(fleet: Fleet, desk: EventDesk) -> None:
    start = fleet.clock.utcnow()
    window = EventWindow(start=start, end=start + timedelta(hours=1), limit_w=4000)
    await desk.announce(event(fleet, windows=(window,), start_spread_s=0))
    answer(fleet, "h1", expected_w=0)
    desk.step()
    ((name, command),) = sent(fleet, "command")
    assert (name, command["kind"], command["power_w"]) == ("h1", "limit", 4000)
    assert "start_spread_s" not in command


async def test_withdrawn_event_is_commanded_no_more_and_forgotten_in_time(
    fleet: Fleet, desk: EventDesk
) -> None:
    await desk.announce(event(fleet))
    answer(fleet, "h1")
    await desk.withdraw("e")
    assert [m["status"] for _, m in sent(fleet, "event")][-1] == "withdrawn"
    fleet.clock.pass_s(START_S)
    desk.step()
    assert sent(fleet, "command") == []
    fleet.clock.pass_s(8 * 86_400)
    assert desk.step()
    assert desk.events == {}


async def test_restart_commands_nobody_twice(
    fleet: Fleet, desk: EventDesk, tmp_path: Path
) -> None:
    await desk.announce(event(fleet))
    answer(fleet, "h1")
    fleet.clock.pass_s(START_S)
    desk.step()
    await desk._save()
    sent(fleet, "command")
    again = EventDesk(fleet.leader, "p", tmp_path / "events.json")
    again.step()
    assert sent(fleet, "command") == []
    assert again.commanded("e") == {"h1": ["sent before"]}
    assert again.events == desk.events


async def test_broker_that_is_away_loses_nothing(fleet: Fleet, desk: EventDesk) -> None:
    fleet.is_cut = True
    await desk.announce(event(fleet))
    answer(fleet, "h1")
    fleet.clock.pass_s(START_S)
    desk.step()
    fleet.is_cut = False
    assert desk.step()
    assert [name for name, _ in sent(fleet, "command")] == ["h1"]
