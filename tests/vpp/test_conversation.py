"""What is said on one connection, and when; the session only writes it down."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
import json
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.dispatch import CommandKind, DispatchOrder
from custom_components.v2g_vpp.domain.event_picture import EventPicture
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.domain.snapshot import SiteSnapshot
from custom_components.v2g_vpp.vpp.clock_check import ClockCheck
from custom_components.v2g_vpp.vpp.conversation import Conversation, Voice
from custom_components.v2g_vpp.vpp.messages import (
    ClockReply,
    Publication,
    Request,
    Welcome,
)
from custom_components.v2g_vpp.vpp.parsing import parse
from custom_components.v2g_vpp.vpp.speaker import Speaker, new_id
from custom_components.v2g_vpp.vpp.topics import DownType, UpType

from .actors import EPOCH_START, PROGRAMME, TOPICS, FakeClock, Pen, wire_time
from .schemas import validator
from .test_events import booked
from .test_reporting import evse, home


class Notepad:
    """Takes what a conversation says, in the place of a session."""

    def __init__(self) -> None:
        self.said: list[Publication] = []
        self.topics: list[str] = []

    def publish(self, publication: Publication) -> int | None:
        self.said.append(publication)
        return len(self.said)

    def subscribe(self, topics: Sequence[str]) -> None:
        self.topics.extend(topics)


class Stage:
    """One conversation, its clock and what it said."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.pen = Pen(self.clock.utcnow)
        self.check = ClockCheck()
        self.notepad = Notepad()
        self.picture: SiteSnapshot | None = home()
        self.welcomes: list[Welcome] = []
        self.talk = Conversation(
            Voice(
                topics=TOPICS,
                programme_id=ProgrammeId(PROGRAMME),
                software="v2g_vpp",
                signing_keys={"home-1": "k" * 43},
                speaker=Speaker(7, self.clock),
                clock=self.clock,
                clock_check=self.check,
                snapshot=lambda: self.picture,
                welcomed=lambda _, welcome: self.welcomes.append(welcome),
            ),
            self.notepad,
            3,
        )

    def run(self, seconds: float) -> list[dict[str, Any]]:
        """Let ticks pass, one each second; return what was said."""
        before = len(self.notepad.said)
        for _ in range(round(seconds)):
            self.clock.advance(1.0)
            self.talk.tick()
        return self.said(before)

    def said(self, since: int = 0) -> list[dict[str, Any]]:
        told = (one.payload for one in self.notepad.said[since:])
        messages = [json.loads(payload) for payload in told if payload]
        for message in messages:
            validator(message["type"]).validate(message)
        return messages

    def last(self, kind: str) -> dict[str, Any]:
        return next(m for m in reversed(self.said()) if m["type"] == kind)

    def receive(self, kind: DownType, name: str, **body: Any) -> Any:
        raw = self.pen.payload(TOPICS.down(kind), name, **body)
        return parse(kind, json.dumps(raw).encode())

    def welcome(self, **changes: Any) -> None:
        body = {
            "hello_id": self.last("hello")["id"],
            "status": "accepted",
            "code": "OK",
            "chosen_version": "1.0",
            "features": [],
            "heartbeat_period_s": 5,
            "telemetry_period_s": 10,
        } | changes
        message = self.receive(DownType.WELCOME, "welcome", **body)
        assert isinstance(message, Welcome)
        self.talk.take_welcome(TOPICS.down(DownType.WELCOME), message)

    def answer_clock(self) -> None:
        now = wire_time(self.clock.utcnow())
        reply = self.receive(
            DownType.CLOCK,
            "clock_reply",
            request_id=self.last("clock_request")["id"],
            received_at=now,
            sent_at=now,
        )
        assert isinstance(reply, ClockReply)
        self.talk.take_clock(reply)

    def request(self, *wanted: str) -> list[dict[str, Any]]:
        before = len(self.notepad.said)
        message = self.receive(DownType.REQUEST, "request", wanted=list(wanted))
        assert isinstance(message, Request)
        self.talk.take_request(message)
        return self.said(before)


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.talk.begin()
    return made


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


def test_it_begins_with_birth_hello_and_the_clock(stage: Stage) -> None:
    assert kinds(stage.said()) == ["state", "hello", "clock_request"]
    state, hello, clock = stage.notepad.said
    assert (state.qos, state.is_retained, state.expiry_s) == (1, True, None)
    assert (hello.qos, hello.is_retained, hello.expiry_s) == (1, False, 30)
    assert hello.response_topic == TOPICS.down(DownType.WELCOME)
    assert hello.correlation == stage.last("hello")["id"].encode()
    assert (clock.qos, clock.expiry_s) == (0, 10)
    assert stage.last("state")["connection"] == 3


def test_nothing_of_the_home_is_told_before_the_welcome(stage: Stage) -> None:
    said = kinds(stage.run(60))
    assert not {"offer", "availability", "telemetry"} & set(said)
    stage.welcome()
    told = kinds(stage.said())[-3:]
    assert told == ["offer", "availability", "telemetry"]


def test_hello_is_repeated_each_ten_seconds_until_its_own_welcome(stage: Stage) -> None:
    first = stage.last("hello")["id"]
    assert kinds(stage.run(30)).count("hello") == 3
    stage.welcome(hello_id=first)
    assert stage.welcomes == [], "an answer to an older hello"
    stage.welcome()
    assert len(stage.welcomes) == 1
    assert "hello" not in kinds(stage.run(60))


def test_birth_is_repeated_once_after_twelve_seconds(stage: Stage) -> None:
    assert "state" not in kinds(stage.run(11))
    assert kinds(stage.run(1)).count("state") == 1
    assert "state" not in kinds(stage.run(120))


def test_clock_is_asked_often_until_known_and_then_each_minute(stage: Stage) -> None:
    stage.welcome()
    assert kinds(stage.run(10)).count("clock_request") == 5
    stage.answer_clock()
    assert kinds(stage.run(120)).count("clock_request") == 2


def test_clock_answer_counts_once_and_only_for_the_last_question(stage: Stage) -> None:
    def reply(request_id: str) -> ClockReply:
        return ClockReply(
            envelope=parse_envelope(stage),
            request_id=request_id,
            received_at=EPOCH_START + timedelta(hours=1),
            sent_at=EPOCH_START + timedelta(hours=1),
        )

    asked = stage.last("clock_request")["id"]
    stage.talk.take_clock(reply(new_id()))
    assert stage.check.quality_s(stage.clock.monotonic()) is None
    stage.talk.take_clock(reply(asked))
    assert stage.check.quality_s(stage.clock.monotonic()) is None, "used up"
    stage.run(2)
    stage.answer_clock()
    assert stage.check.quality_s(stage.clock.monotonic()) is not None


def parse_envelope(stage: Stage) -> Any:
    return stage.receive(DownType.HEARTBEAT, "heartbeat").envelope


def test_refusal_and_unknown_version_keep_the_home_silent(stage: Stage) -> None:
    stage.welcome(status="refused", code="VERSION")
    stage.welcome(chosen_version="1.7")
    assert len(stage.welcomes) == 2
    assert "offer" not in kinds(stage.run(5))


def test_participation_is_told_again_on_request(stage: Stage) -> None:
    assert stage.picture is not None
    (programme,) = stage.picture.programmes
    event = EventPicture(events=(booked(),))
    stage.picture = replace(stage.picture, programmes=(replace(programme, book=event),))
    stage.welcome()
    assert kinds(stage.said()).count("participation") == 1
    assert "participation" not in kinds(stage.run(60))
    stage.request("participation")
    assert kinds(stage.run(1)).count("participation") == 1


def test_a_forecast_that_is_not_shared_is_taken_back_once_per_connection(
    stage: Stage,
) -> None:
    """The owner may have switched it off while there was no connection."""

    def taken_back() -> list[Publication]:
        topic = TOPICS.up(UpType.FORECAST)
        return [one for one in stage.notepad.said if one.topic == topic]

    assert taken_back() == []
    stage.welcome()
    (one,) = taken_back()
    assert (one.payload, one.qos, one.is_retained) == (b"", 1, True)
    stage.run(120)
    assert len(taken_back()) == 1
    stage.request("forecast")
    stage.run(2)
    assert len(taken_back()) == 2


def test_groups_of_the_welcome_are_subscribed(stage: Stage) -> None:
    stage.welcome(groups=["feeder-7", "north-2"])
    assert stage.notepad.topics == [
        "v2gvpp/v1/north/group/feeder-7/dn/command",
        "v2gvpp/v1/north/group/north-2/dn/command",
    ]


def test_telemetry_comes_at_the_chosen_period_and_each_second_in_a_dispatch(
    stage: Stage,
) -> None:
    stage.welcome()
    assert kinds(stage.run(60)).count("telemetry") == 6
    order = DispatchOrder(
        order_id=new_id(),
        programme_id=ProgrammeId(PROGRAMME),
        kind=CommandKind.SETPOINT,
        resource=None,
        power_w=-5000.0,
        start_at=EPOCH_START,
        end_at=EPOCH_START,
        start_mono_s=0.0,
        ends_mono_s=1.0,
    )
    stage.picture = home(order=order)
    assert kinds(stage.run(10)).count("telemetry") == 10
    assert stage.last("telemetry")["command_id"] == order.order_id
    stage.picture = home()
    assert kinds(stage.run(60)).count("telemetry") == 6


def test_availability_comes_each_minute_and_at_once_when_it_is_news(
    stage: Stage,
) -> None:
    stage.welcome()
    assert kinds(stage.run(120)).count("availability") == 2
    stage.picture = home(evse(available_discharge_w=5_000.0))
    assert kinds(stage.run(1)).count("availability") == 1
    assert stage.last("availability")["site"]["lowest_w"] == -5000
    stage.picture = home(evse(available_discharge_w=5_100.0))
    assert "availability" not in kinds(stage.run(1)), "2 % can wait for the minute"


def test_offer_comes_when_it_changes_and_with_the_quality_of_the_clock(
    stage: Stage,
) -> None:
    stage.welcome()
    assert stage.last("offer")["clock_quality_ms"] is None
    assert "offer" not in kinds(stage.run(60))
    stage.run(2)
    stage.answer_clock()
    assert kinds(stage.run(60)).count("offer") == 1
    assert stage.last("offer")["clock_quality_ms"] == 0
    stage.picture = home(evse(proof=None))
    assert kinds(stage.run(60)).count("offer") == 1
    assert stage.last("offer")["resources"][0]["max_discharge_power_w"] == 0


def test_request_is_answered_once_per_second(stage: Stage) -> None:
    stage.welcome()
    assert kinds(stage.request("state", "hello")) == [
        *("state", "hello"),
        "clock_request",
    ], "another leader may ask, with another clock"
    assert stage.request("hello") == []
    stage.clock.advance(1.0)
    stage.request("offer", "availability", "telemetry")
    assert kinds(stage.run(1))[-3:] == ["offer", "availability", "telemetry"]


def test_home_without_a_picture_yet_says_nothing_of_itself(stage: Stage) -> None:
    stage.picture = None
    stage.welcome()
    assert "offer" not in kinds(stage.run(5))
    stage.picture = home()
    assert "offer" in kinds(stage.run(1))


def test_last_word_is_offline_with_the_ids_of_the_birth(stage: Stage) -> None:
    birth = stage.last("state")
    assert stage.talk.farewell() == len(stage.notepad.said)
    last = stage.last("state")
    assert last["status"] == "offline"
    for field in ("boot_id", "connection"):
        assert last[field] == birth[field]


def test_numbers_rise_by_one_per_topic(stage: Stage) -> None:
    stage.welcome()
    stage.run(200)
    by_topic: dict[str, list[int]] = {}
    for one in stage.notepad.said:
        if one.payload:
            by_topic.setdefault(one.topic, []).append(json.loads(one.payload)["seq"])
    for numbers in by_topic.values():
        assert numbers == list(range(1, len(numbers) + 1))
