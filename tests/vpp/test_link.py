"""The link against a real broker: TLS 1.3, client certificates, access list."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.dispatch import AckCode, AckStatus, DispatchAck
from custom_components.v2g_vpp.domain.errors import InvitationInvalid, StoreUnreadable
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.vpp.gate import DropReason
from custom_components.v2g_vpp.vpp.messages import Publication
from custom_components.v2g_vpp.vpp.signing import (
    decode_base64url,
    encode_base64url,
    signed_bytes,
)
from custom_components.v2g_vpp.vpp.topics import DownType

from .actors import AGGREGATOR_KEYS, HOME_SIGNER, STRANGER, TOPICS, Pen
from .rig import Certificates, Rig, run_blocking
from .schemas import validator
from .test_reporting import evse, home as home_picture


async def test_birth_hello_welcome_and_clock_within_the_first_second(rig: Rig) -> None:
    async with asyncio.timeout(1.0):
        await rig.start()
    aggregator = rig.aggregator
    state = (await aggregator.wait_for(lambda: aggregator.of("state")))[0]
    assert (state["status"], state["connection"]) == ("online", 1)
    hello = aggregator.of("hello")[0]
    assert hello["boot_id"] == state["boot_id"]
    for heard in aggregator.heard:
        validator(heard.message["type"]).validate(heard.message)
    offset_s = rig.link.clock_offset_s
    assert offset_s is not None
    assert abs(offset_s) < 0.1
    assert rig.home.links == [True]


async def test_command_reaches_the_home_and_its_signed_ack_the_aggregator(
    rig: Rig,
) -> None:
    await rig.start()
    command_id = rig.aggregator.command(resource="CS1/1")
    ack = await rig.aggregator.ack_of(command_id)
    assert (ack["status"], ack["code"], ack["committed_w"]) == ("accepted", "OK", -5000)
    (order,) = rig.home.orders
    assert (order.order_id, order.power_w, str(order.resource)) == (
        command_id,
        -5000.0,
        "CS1/1",
    )
    heard = next(h for h in rig.aggregator.heard if h.kind == "ack")
    (signature,) = heard.signatures
    kid, _, text = signature.partition(":")
    assert kid == "home-1"
    assert verify_signature(
        HOME_SIGNER.public_key,
        decode_base64url(text, 64),
        signed_bytes(heard.topic, heard.payload),
    )


async def test_answer_goes_out_in_the_turn_in_which_the_command_was_read(
    rig: Rig,
) -> None:
    await rig.start()
    turns = []
    loop = asyncio.get_running_loop()

    def note(order: Any) -> None:
        # Whatever is scheduled now runs after this turn of the loop.
        loop.call_soon(lambda: turns.append(len(rig.link._acks._in_flight)))

    rig.home.on_order = note
    before = rig.store.saves
    command_id = rig.aggregator.command()
    await rig.until(lambda: turns)
    assert turns == [1], "the ack was with the broker before the turn ended"
    await rig.aggregator.ack_of(command_id)
    await rig.until(lambda: rig.store.saves > before)


async def test_same_command_twice_is_applied_once_also_after_a_restart(
    rig: Rig,
) -> None:
    await rig.start()
    message = rig.aggregator.pen.command()
    for _ in range(2):
        rig.aggregator.say(DownType.COMMAND, message, qos=1)
    await rig.aggregator.wait_for(lambda: len(rig.aggregator.of("ack")) == 2)
    await rig.until(lambda: message["id"] in str(rig.store.text))
    await rig.link.stop()
    rig.make_link()
    await rig.link.start()
    await rig.synchronised()
    rig.aggregator.say(DownType.COMMAND, message, qos=1)
    await rig.aggregator.wait_for(lambda: len(rig.aggregator.of("ack")) == 3)
    assert len(rig.home.orders) == 1
    assert {a["code"] for a in rig.aggregator.of("ack")} == {"OK"}
    epochs = [m["epoch"] for m in rig.aggregator.of("hello")]
    assert epochs == sorted(set(epochs)), "each start speaks in an epoch of its own"


async def test_retained_and_strangers_commands_do_nothing_and_the_next_one_works(
    rig: Rig,
) -> None:
    await rig.start()
    aggregator = rig.aggregator
    aggregator.say(DownType.COMMAND, aggregator.pen.command(), is_retained=True)
    aggregator.say(
        DownType.COMMAND,
        aggregator.pen.command(),
        pen=Pen(rig.clock.utcnow, signer=STRANGER),
    )
    await aggregator.ack_of(aggregator.command())
    assert len(rig.home.orders) == 1
    assert len(aggregator.of("ack")) == 1
    assert rig.link.dropped[DropReason.RETAINED] == 1
    assert rig.link.dropped[DropReason.SIGNATURE] == 1
    assert aggregator.session is not None
    aggregator.session.publish(_empty_retained(TOPICS.down(DownType.COMMAND)))


async def test_cancel_ends_the_command_and_both_are_answered(rig: Rig) -> None:
    await rig.start()
    aggregator = rig.aggregator
    command_id = aggregator.command()
    await aggregator.ack_of(command_id)
    cancel = aggregator.pen.payload(TOPICS.down(DownType.CANCEL), "cancel", all=True)
    aggregator.say(DownType.CANCEL, cancel, qos=1)
    assert (await aggregator.ack_of(cancel["id"]))["status"] == "accepted"
    statuses = [a["status"] for a in aggregator.of("ack")]
    assert statuses == ["accepted", "cancelled", "accepted"]
    assert rig.home.cancelled == [command_id]


async def test_heartbeat_counts_from_when_it_was_signed(rig: Rig) -> None:
    await rig.start()
    before = rig.clock.monotonic()
    rig.aggregator.heartbeat()
    await rig.until(lambda: rig.home.beats)
    assert before - 0.1 <= rig.home.beats[0] <= rig.clock.monotonic()
    old = Pen(lambda: rig.clock.utcnow() - timedelta(seconds=13), epoch=43)
    topic = TOPICS.down(DownType.HEARTBEAT)
    rig.aggregator.say(DownType.HEARTBEAT, old.payload(topic, "heartbeat"))
    await rig.until(lambda: rig.link.dropped.get(DropReason.CLOCK))
    assert len(rig.home.beats) == 1


async def test_acks_survive_a_killed_broker_and_the_birth_counts_on(rig: Rig) -> None:
    await rig.start()
    rig.broker.kill()
    await rig.until(lambda: rig.home.links == [True, False])
    late = DispatchAck(
        order_id=rig.aggregator.pen.command()["id"],
        status=AckStatus.DONE,
        code=AckCode.OK,
    )
    rig.link.send_ack(late)
    rig.broker.start()
    await rig.until(lambda: rig.home.links == [True, False, True])
    rig.aggregator.heard.clear()
    rig.aggregator.close()
    await rig.aggregator.connect(run_blocking)
    # The broker remembers nothing: what it has now was said again.
    state = (await rig.aggregator.wait_for(lambda: rig.aggregator.of("state")))[-1]
    assert state["status"] == "online"
    assert state["connection"] >= 2
    await rig.until(lambda: not rig.link._acks._outbox.waiting(rig.clock.monotonic()))


async def test_frozen_broker_loses_the_link_and_thawing_brings_it_back(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("custom_components.v2g_vpp.vpp.mqtt_client.KEEPALIVE_S", 1)
    await rig.start()
    beats = len(rig.home.beats)
    rig.broker.freeze()
    try:
        await rig.until(lambda: rig.home.links == [True, False], 5.0)
        assert len(rig.home.beats) == beats
    finally:
        rig.broker.thaw()
    await rig.until(lambda: rig.home.links[-1], 10.0)


async def test_clean_stop_says_offline_and_leaves_nothing_behind(rig: Rig) -> None:
    await rig.start()
    await rig.link.stop()
    await rig.aggregator.wait_for(
        lambda: rig.aggregator.of("state")[-1]["status"] == "offline"
    )
    assert rig.home.links == [True, False]
    await rig.link.stop()


async def test_lost_home_is_told_by_the_broker_as_its_will(rig: Rig) -> None:
    await rig.start()
    for task in list(rig.tasks):
        if "link" in task.get_name():
            task.cancel()
    state = await rig.aggregator.wait_for(
        lambda: [s for s in rig.aggregator.of("state") if s["status"] == "offline"]
    )
    assert state[0]["connection"] == 1
    validator("state").validate(state[0])
    assert rig.home.links == [True, False]


async def test_leaving_wipes_what_the_broker_keeps(
    rig: Rig, certificates: Certificates
) -> None:
    await rig.start()
    await rig.link.leave()
    await rig.aggregator.wait_for(
        lambda: [h for h in rig.aggregator.heard if h.payload == b""]
    )
    rig.aggregator.close()
    rig.aggregator.heard.clear()
    await rig.aggregator.connect(run_blocking)
    await asyncio.sleep(0.05)
    assert rig.aggregator.heard == []


async def test_refused_version_keeps_the_home_local_but_a_stop_works(rig: Rig) -> None:
    rig.aggregator.welcome = {"status": "refused", "code": "VERSION"}
    await rig.start()
    await rig.until(lambda: rig.problems)
    assert rig.problems[0].reason == "version"
    ack = await rig.aggregator.ack_of(rig.aggregator.command())
    assert (ack["status"], ack["code"]) == ("rejected", "VERSION")
    ack = await rig.aggregator.ack_of(rig.aggregator.command(power_w=0))
    assert ack["status"] == "accepted"
    rig.aggregator.welcome = {}
    request = rig.aggregator.pen.payload(
        TOPICS.down(DownType.REQUEST), "request", wanted=["hello"]
    )
    rig.aggregator.say(DownType.REQUEST, request)
    await rig.until(lambda: rig.recoveries == 1)
    ack = await rig.aggregator.ack_of(rig.aggregator.command())
    assert ack["status"] == "accepted"


async def test_error_while_an_order_is_taken_starts_the_session_over(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.start()

    def fail(order: Any) -> None:
        raise RuntimeError("a defect of the home")

    rig.home.on_order = fail
    rig.aggregator.command()
    await rig.until(lambda: rig.home.links == [True, False, True])
    assert "could not be handled" in caplog.text
    rig.home.on_order = None
    await rig.synchronised()
    ack = await rig.aggregator.ack_of(rig.aggregator.command())
    assert ack["status"] == "accepted"


def _empty_retained(topic: str) -> Any:
    return Publication(topic=topic, payload=b"", qos=1, is_retained=True)


async def test_group_command_limits_the_home(rig: Rig) -> None:
    rig.aggregator.welcome = {"groups": ["feeder-7"]}
    await rig.start()
    topic = TOPICS.group_command("feeder-7")
    pen = Pen(rig.clock.utcnow, epoch=5)
    await rig.until(lambda: rig.link._gate.is_version_agreed)
    # The broker grants the group a moment after the welcome.
    while not rig.home.orders:
        message = pen.command(topic, kind="limit", power_w=4000)
        rig.aggregator.say(DownType.COMMAND, message, topic=topic, qos=1, pen=pen)
        await asyncio.sleep(0.05)
    assert rig.home.orders[0].power_w == 4000.0


async def test_next_key_of_the_aggregator_is_named_by_the_present_one(
    rig: Rig,
) -> None:
    next_key = {"agg-2": encode_base64url(STRANGER.public_key)}
    rig.aggregator.welcome = {"signing_keys": {**AGGREGATOR_KEYS, **next_key}}
    await rig.start()
    await rig.until(lambda: "agg-2" in str(rig.store.text))
    new = Pen(rig.clock.utcnow, epoch=43, signer=STRANGER, key_id="agg-2")
    rig.aggregator.say(DownType.COMMAND, new.command(), qos=1, pen=new)
    await rig.until(lambda: len(rig.home.orders) == 1)
    await rig.link.stop()
    rig.make_link()
    await rig.link.start()
    await rig.synchronised()
    rig.aggregator.say(DownType.COMMAND, new.command(), qos=1, pen=new)
    await rig.until(lambda: len(rig.home.orders) == 2)


async def test_untrusted_clock_lets_power_only_go_nearer_to_zero(rig: Rig) -> None:
    rig.aggregator.answers_clock = False
    await rig.aggregator.connect(run_blocking)
    rig.link.publish(home_picture())
    await rig.link.start()
    await rig.until(lambda: rig.home.links)
    refused = await rig.aggregator.ack_of(rig.aggregator.command(power_w=-6000))
    assert refused["code"] == "CLOCK_SKEW"
    less = await rig.aggregator.ack_of(rig.aggregator.command(power_w=-4000))
    assert less["status"] == "accepted"
    charging = evse(
        key=EvseKey(StationId("CS1"), 2),
        setpoint=replace(evse().setpoint, power_w=8000),
    )
    rig.link.publish(home_picture(evse(), charging))
    mixed = await rig.aggregator.ack_of(rig.aggregator.command(power_w=1000))
    assert mixed["code"] == "CLOCK_SKEW", "the sum hides which way each one goes"
    rig.aggregator.heartbeat()
    await rig.until(lambda: rig.link.dropped.get(DropReason.CLOCK))
    assert rig.home.beats == []
    rig.aggregator.answers_clock = True
    await rig.synchronised()
    rig.aggregator.heartbeat()
    await rig.until(lambda: rig.home.beats)


async def test_words_that_are_no_messages_are_dropped_and_the_link_stays(
    rig: Rig,
) -> None:
    await rig.start()
    for kind in (DownType.REQUEST, DownType.WELCOME, DownType.CLOCK):
        rig.aggregator.say(kind, {"id": "nonsense"})
    await rig.until(lambda: rig.link.dropped.get(DropReason.FORM) == 3)
    ack = await rig.aggregator.ack_of(rig.aggregator.command())
    assert ack["status"] == "accepted"
    assert rig.home.links == [True]


async def test_broker_that_denies_the_homes_topics_is_a_problem(rig: Rig) -> None:
    rig.broker.files.access_list.write_text("user aggregator\ntopic readwrite #\n")
    rig.broker.reload()
    await rig.aggregator.connect(run_blocking)
    await rig.link.start()
    await rig.until(lambda: rig.problems)
    assert rig.problems[0].reason == "not_authorized"


async def test_keys_or_names_that_cannot_be_used_are_named(rig: Rig) -> None:
    with pytest.raises(InvitationInvalid):
        rig.make_link(home_id="all")
    with pytest.raises(InvitationInvalid):
        rig.make_link(aggregator_keys={"agg-1": "short"})


async def test_unreadable_memory_connects_nothing(rig: Rig) -> None:
    rig.store.text = '{"boot_count": "many"}'
    with pytest.raises(StoreUnreadable):
        await rig.link.start()
    assert not rig.tasks
    rig.store.text = None
    await rig.start()
    assert rig.home.links == [True]


async def test_clocks_that_part_are_told_with_the_offset_and_refuse_a_discharge(
    rig: Rig,
) -> None:
    await rig.start()
    rig.link.publish(home_picture())
    assert rig.offsets == []
    rig.clock.step_s = 7.0
    await rig.until(lambda: rig.offsets)
    assert rig.offsets == [pytest.approx(-7.0, abs=0.5)]
    refused = await rig.aggregator.ack_of(rig.aggregator.command(power_w=-6000))
    assert refused["code"] == "CLOCK_SKEW"
    rig.clock.step_s = 0.0
    await rig.until(lambda: len(rig.offsets) == 2)
    assert rig.offsets[-1] is None
    taken = await rig.aggregator.ack_of(rig.aggregator.command(power_w=-6000))
    assert taken["status"] == "accepted"
