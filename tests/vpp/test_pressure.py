"""When the socket does not take what we say, or brings more than one turn can hold."""

import asyncio

from custom_components.v2g_vpp.vpp.messages import Publication
from custom_components.v2g_vpp.vpp.topics import DownType, UpType

from .actors import TOPICS
from .rig import Rig

BIG = b"x" * 60_000
SMALLEST_BUFFER = 1_000_000


async def test_what_a_frozen_broker_does_not_take_is_written_later_in_order(
    rig: Rig,
) -> None:
    await rig.start()
    session = rig.link._session
    assert session is not None
    topic = TOPICS.up(UpType.TELEMETRY)
    rig.aggregator.heard.clear()
    sent = 0
    rig.broker.freeze()
    try:
        while not session._has_writer:
            numbered = Publication(
                topic=topic, payload=b"%06d" % sent + BIG, qos=0, expiry_s=10
            )
            assert session.publish(numbered) is not None
            sent += 1
        assert sent * len(BIG) > SMALLEST_BUFFER
    finally:
        rig.broker.thaw()
    numbers = await rig.aggregator.wait_for(
        lambda: (
            found
            if len(
                found := [
                    int(one.payload[:6])
                    for one in rig.aggregator.heard
                    if len(one.payload) > len(BIG)
                ]
            )
            == sent
            else None
        )
    )
    assert numbers == list(range(sent))
    await rig.until(lambda: not session._has_writer)
    ack = await rig.aggregator.ack_of(rig.aggregator.command())
    assert ack["status"] == "accepted"


async def test_flood_is_taken_in_turns_and_a_stop_still_comes_through(rig: Rig) -> None:
    await rig.start()
    topic = TOPICS.down(DownType.HEARTBEAT)
    for _ in range(400):
        rig.aggregator.say(
            DownType.HEARTBEAT, rig.aggregator.pen.payload(topic, "heartbeat")
        )
    command_id = rig.aggregator.command(power_w=0)
    turns = 0
    async with asyncio.timeout(10):
        while not rig.home.orders:
            turns += 1
            await asyncio.sleep(0)
    assert turns > 1, "the loop had room for others meanwhile"
    await rig.aggregator.ack_of(command_id)
    await rig.until(lambda: len(rig.home.beats) == 400)
