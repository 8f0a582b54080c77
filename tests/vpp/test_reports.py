"""Reports reach the broker once and in order; settlements pass the gate or do not."""

import asyncio
from datetime import timedelta
import json
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.ledger import (
    EntryKind,
    LedgerEntry,
    LedgerOwner,
    write_entry,
    write_genesis,
)
from custom_components.v2g_vpp.domain.settlement import DeductionCode, Settlement
from custom_components.v2g_vpp.domain.wall_time import format_moment
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.vpp.gate import Dropped, DropReason, Gate
from custom_components.v2g_vpp.vpp.memory import GateMemory
from custom_components.v2g_vpp.vpp.messages import Publication
from custom_components.v2g_vpp.vpp.mqtt_client import NO_LISTENER
from custom_components.v2g_vpp.vpp.report_post import MAX_UNDER_WAY, ReportPost
from custom_components.v2g_vpp.vpp.signing import KeyRing
from custom_components.v2g_vpp.vpp.speaker import Speaker
from custom_components.v2g_vpp.vpp.topics import DownType, UpType

from .actors import (
    AGGREGATOR,
    HOME_SIGNER,
    PROGRAMME,
    STRANGER,
    TOPICS,
    FakeClock,
    Pen,
)
from .rig import Rig, run_blocking
from .schemas import example, validator

OWNER = LedgerOwner(region="north", home_id="home-0001", programme_id=PROGRAMME)
TOPIC = TOPICS.down(DownType.SETTLEMENT)


def entries(count: int, clock: FakeClock | Any) -> list[LedgerEntry]:
    at = format_moment(clock.utcnow())
    last = write_genesis(HOME_SIGNER, "home-1", OWNER, at)
    made = []
    for _ in range(count):
        body = example("report")["entry"]["body"]
        last = write_entry(
            HOME_SIGNER, "home-1", last, EntryKind.EVENT_REPORT, at, body
        )
        made.append(last)
    return made


class Wire:
    """A connection that a test answers for."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sent: list[Publication] = []
        self.heard: list[int] = []
        self.is_up = True
        speaker = Speaker(7, self.clock)
        self.post = ReportPost(
            TOPICS.up(UpType.REPORT),
            HOME_SIGNER,
            self.clock,
            lambda: speaker,
            self.heard.append,
        )

    def publish(self, publication: Publication) -> int | None:
        if not self.is_up:
            return None
        self.sent.append(publication)
        return len(self.sent)

    @property
    def sequences(self) -> list[int]:
        return [json.loads(p.payload)["entry"]["sequence"] for p in self.sent]


def test_a_report_follows_its_schema_and_is_signed() -> None:
    wire = Wire()
    (entry,) = entries(1, wire.clock)
    wire.post.listened_to(wire.publish)
    wire.post.keep(entry, [entry.to_header()])
    (sent,) = wire.sent
    message = json.loads(sent.payload)
    validator("report").validate(message)
    assert message["entry"] == entry.to_json()
    assert sent.qos == 1
    assert not sent.is_retained
    assert sent.expiry_s == 7 * 86_400
    ring = KeyRing({"home-1": HOME_SIGNER.public_key}, verify_signature)
    assert ring.is_signed(sent.topic, sent.payload, (sent.signature or "",))


def test_the_newest_reports_can_be_asked_for_once_a_minute() -> None:
    wire = Wire()
    wire.post.listened_to(wire.publish)
    for entry in entries(6, wire.clock):
        wire.post.keep(entry, [])
        wire.post.published(len(wire.sent), None)
    assert wire.sequences == [1, 2, 3, 4, 5, 6]
    wire.post.again()
    wire.post.again()
    assert wire.sequences[6:] == [3, 4, 5, 6]
    wire.clock.advance(61)
    wire.post.again()
    assert wire.sequences[10:] == [], "they are still under way"
    for packet_id in range(7, 11):
        wire.post.published(packet_id, None)
    wire.clock.advance(61)
    wire.post.again()
    assert wire.sequences[10:] == [3, 4, 5, 6]


@pytest.mark.parametrize("filler_bytes", [0, 56_000])
def test_settlements_in_between_never_make_a_report_too_long(
    filler_bytes: int,
) -> None:
    """A broker ends the session for an oversize packet, and so again and again."""
    wire = Wire()
    at = format_moment(wire.clock.utcnow())
    last = write_genesis(HOME_SIGNER, "home-1", OWNER, at)
    links = []
    for number in range(200):
        last = write_entry(
            HOME_SIGNER, "home-1", last, EntryKind.SETTLEMENT, at, {"number": number}
        )
        links.append(last)
    body = {"filler": "x" * filler_bytes}
    entry = write_entry(HOME_SIGNER, "home-1", last, EntryKind.EVENT_REPORT, at, body)
    wire.post.listened_to(wire.publish)
    wire.post.keep(entry, [one.to_header() for one in links])
    (sent,) = wire.sent
    assert len(sent.payload) + len(sent.topic) + len(sent.signature or "") <= 65_500
    told = json.loads(sent.payload)["links"]
    assert 0 < len(told) <= 64
    # The newest ones, each following the one before: the chain holds to the report.
    assert told == [one.to_header() for one in links[-len(told) :]]


def test_a_report_is_sent_again_until_the_broker_has_it() -> None:
    wire = Wire()
    (entry,) = entries(1, wire.clock)
    wire.post.keep(entry, [])
    assert wire.sent == []
    wire.post.listened_to(wire.publish)
    wire.post.keep(entry, [])
    assert wire.sequences == [1]
    wire.post.disconnected()
    wire.clock.advance(86_400)
    wire.post.listened_to(wire.publish)
    assert wire.sequences == [1, 1]
    assert wire.sent[1].expiry_s == 6 * 86_400
    wire.post.published(1, None)
    assert wire.heard == []
    wire.post.published(2, "quota_exceeded")
    wire.post.disconnected()
    wire.post.listened_to(wire.publish)
    wire.post.published(len(wire.sent), None)
    wire.post.published(len(wire.sent), None)
    assert wire.heard == [1]
    wire.post.disconnected()
    wire.post.listened_to(wire.publish)
    assert len(wire.sent) == 3


def test_what_the_broker_could_give_to_nobody_is_sent_again_to_who_comes() -> None:
    wire = Wire()
    wire.post.listened_to(wire.publish)
    first, second, third = entries(3, wire.clock)
    wire.post.keep(first, [])
    wire.post.keep(second, [])
    wire.post.published(1, NO_LISTENER)
    # The second was under way as well: in their order, or not at all.
    wire.post.published(2, None)
    wire.post.keep(third, [])
    assert wire.sequences == [1, 2]
    assert wire.heard == []
    wire.post.listened_to(wire.publish)
    wire.post.listened_to(wire.publish)
    assert wire.sequences == [1, 2, 1, 2, 3]
    for packet_id in (3, 4, 5):
        wire.post.published(packet_id, None)
    assert wire.heard == [1, 2, 3]


def test_few_are_under_way_at_a_time_and_they_keep_their_order() -> None:
    wire = Wire()
    wire.post.listened_to(wire.publish)
    for entry in entries(10, wire.clock):
        wire.post.keep(entry, [])
    assert len(wire.sent) == MAX_UNDER_WAY
    for packet_id in range(1, 11):
        wire.post.published(packet_id, None)
    assert wire.sequences == list(range(1, 11))
    assert wire.heard == wire.sequences


def test_a_full_queue_of_the_client_is_tried_again() -> None:
    wire = Wire()
    wire.post.listened_to(wire.publish)
    first, second = entries(2, wire.clock)
    wire.post.keep(first, [])
    wire.is_up = False
    wire.post.keep(second, [])
    wire.is_up = True
    wire.post.published(1, None)
    assert wire.sequences == [1, 2]


def test_nobody_waits_for_a_report_of_last_week() -> None:
    wire = Wire()
    (entry,) = entries(1, wire.clock)
    wire.post.keep(entry, [])
    wire.clock.advance(timedelta(days=7).total_seconds())
    wire.post.listened_to(wire.publish)
    assert wire.sent == []


def test_a_clock_that_was_set_back_makes_no_report_live_longer() -> None:
    wire = Wire()
    (entry,) = entries(1, wire.clock)
    wire.clock.wall -= timedelta(days=30)
    wire.post.keep(entry, [])
    wire.post.listened_to(wire.publish)
    assert wire.sent[0].expiry_s == 7 * 86_400


# ---- settlements


def gate() -> Gate:
    return Gate(
        topics=TOPICS,
        programme_id=PROGRAMME,  # type: ignore[arg-type]  # a name is a name
        keys=KeyRing({"agg-1": AGGREGATOR.public_key}, verify_signature),
        memory=GateMemory(),
        present_w=lambda _: 0.0,
    )


def body(**changes: Any) -> Any:
    message = example("settlement")
    names = ("settlement_id", "event_id", "accepted_wh", "amount_minor")
    return {
        **{name: message[name] for name in (*names, "currency", "deductions")},
        **changes,
    }


def test_a_settlement_says_what_is_paid() -> None:
    pen, judge = Pen(FakeClock().utcnow), gate()
    frame = pen.frame(TOPIC, pen.payload(TOPIC, "settlement", **body()))
    found = judge.judge_settlement(frame)
    assert isinstance(found, Settlement)
    assert found.event_id == "peak-2026-11-23"
    assert found.deductions[0].code is DeductionCode.OUT_OF_TOLERANCE
    assert judge.judge_settlement(frame) == Dropped(reason=DropReason.OLD)
    other = [{"code": "solar_eclipse", "energy_wh": 1}]
    found = judge.judge_settlement(
        pen.frame(TOPIC, pen.payload(TOPIC, "settlement", **body(deductions=other)))
    )
    assert isinstance(found, Settlement)
    assert found.deductions[0].code is DeductionCode.OTHER


@pytest.mark.parametrize(
    ("reason", "how"),
    [
        (DropReason.RETAINED, {"is_retained": True}),
        (DropReason.SIGNATURE, {"signer": STRANGER}),
        (DropReason.FORM, {"changes": {"accepted_wh": -1}}),
        (DropReason.FORM, {"changes": {"accepted_wh": 4.9}}),
        (DropReason.FORM, {"changes": {"currency": "euro"}}),
        (DropReason.FORM, {"changes": {"deductions": [{"code": "x"}]}}),
        (DropReason.OLD, {"epoch": 41}),
    ],
)
def test_a_settlement_that_cannot_be_believed_is_dropped(
    reason: DropReason, how: dict[str, Any]
) -> None:
    clock, judge = FakeClock(), gate()
    judge._memory.raise_mark(TOPICS.down(DownType.COMMAND), (42, 1))
    pen = Pen(
        clock.utcnow,
        epoch=how.get("epoch", 42),
        signer=how.get("signer", AGGREGATOR),
    )
    message = pen.payload(TOPIC, "settlement", **body(**how.get("changes", {})))
    frame = pen.frame(TOPIC, message, is_retained=how.get("is_retained", False))
    assert judge.judge_settlement(frame) == Dropped(reason=reason)


# ---- over a real broker


async def test_a_report_outlives_the_broker_and_comes_once(rig: Rig) -> None:
    await rig.start()
    first, second, third = entries(3, rig.clock)
    rig.link.send_report(first, [])
    await rig.until(lambda: rig.heard == [1])
    rig.aggregator.close()
    rig.broker.kill()
    rig.link.send_report(second, [])
    await rig.until(lambda: not rig.link.is_connected)
    rig.broker.start()
    await rig.until(lambda: rig.link.is_connected)
    await rig.aggregator.connect(run_blocking)
    rig.link.send_report(third, [])
    await rig.until(lambda: rig.heard == [1, 2, 3])
    # Between the two connections the broker had nobody to give the second one to.
    await rig.until(lambda: len(told(rig)) >= 3)
    assert told(rig) == [1, 2, 3]


async def test_a_report_waits_for_an_aggregator_that_listens(rig: Rig) -> None:
    await rig.make_link().start()
    await rig.until(lambda: rig.link.is_connected)
    for entry in entries(MAX_UNDER_WAY + 2, rig.clock):
        rig.link.send_report(entry, [])
    await asyncio.sleep(0.5)
    assert rig.heard == []
    await rig.aggregator.connect(run_blocking)
    topic = TOPICS.down(DownType.REQUEST)
    request = rig.aggregator.pen.payload(topic, "request", wanted=["hello"])
    rig.aggregator.say(DownType.REQUEST, request, qos=1)
    await rig.until(lambda: rig.heard == list(range(1, MAX_UNDER_WAY + 3)))
    # The broker has them a moment before the aggregator.
    await rig.until(lambda: len(told(rig)) >= len(rig.heard))
    assert told(rig) == rig.heard


def told(rig: Rig) -> list[int]:
    """The entries that the aggregator has, in the order in which they came."""
    return [m["entry"]["sequence"] for m in rig.aggregator.of("report")]


async def test_a_settlement_reaches_the_home(rig: Rig) -> None:
    await rig.start()
    pen = rig.aggregator.pen
    rig.aggregator.say(
        DownType.SETTLEMENT, pen.payload(TOPIC, "settlement", **body()), qos=1
    )
    await rig.until(lambda: rig.settlements)
    assert rig.settlements[0].accepted_wh == 7
    rig.aggregator.say(
        DownType.SETTLEMENT,
        pen.payload(TOPIC, "settlement", **body(accepted_wh="7")),
        qos=1,
    )
    await rig.until(lambda: rig.link.dropped.get(DropReason.FORM))
    assert len(rig.settlements) == 1
