"""The generated access list at a real broker: who may say and hear what."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.access_list import access_list
from aggregator.identity import aggregator_common_name
from conformance.session import Access, Session
from conformance.transcript import Message, Speaker
from conformance.wire import Topics
from script.rig.broker import Broker
from tests.vpp.rig import Certificates

REGION, GROUP = "north", "feeder-7"
OURS, OTHER = Topics(REGION, "home-1"), Topics(REGION, "home-2")
ABROAD = Topics("south", "home-1")
ARRIVAL_S = 0.4

MAY_WRITE = [OURS.up(kind) for kind in ("state", "ack", "telemetry", "report")]
MAY_NOT_WRITE = [
    OURS.down("command"),
    OURS.down("heartbeat"),
    OURS.everybody("heartbeat"),
    OURS.group(GROUP),
    OTHER.up("state"),
    OTHER.up("ack"),
    OTHER.down("command"),
    ABROAD.up("state"),
    "$SYS/broker/anything",
    "v2gvpp/v1",
]
MAY_READ = [OURS.down("command"), OURS.everybody("heartbeat"), OURS.group(GROUP)]
MAY_NOT_READ = [
    OTHER.down("command"),
    OTHER.down("settlement"),
    ABROAD.down("command"),
    OURS.group("feeder-8"),
]


class Hall:
    """A broker with three people: the aggregator and two homes."""

    def __init__(self, broker: Broker, certificates: Certificates) -> None:
        self._broker = broker
        self._certificates = certificates
        self._stack = AsyncExitStack()

    async def enter(self, name: str, *topics: str) -> Session:
        access = Access(
            host="127.0.0.1",
            port=self._broker.port,
            common_name=name,
            context=self._certificates.context(name),
        )
        session = Session(access, None)
        await session.open(topics)
        self._stack.push_async_callback(session.close)
        return session

    async def close(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def hall(
    certificates: Certificates, tmp_path: Path, socket_enabled: None
) -> AsyncIterator[Hall]:
    files = certificates.write_broker_files(tmp_path)
    files.access_list.write_text(
        access_list(REGION, [OURS.home_id, OTHER.home_id], [GROUP])
    )
    with Broker(tmp_path, files) as broker:
        made = Hall(broker, certificates)
        yield made
        await made.close()


def note(topic: str) -> Message:
    return Message(speaker=Speaker.KIT, topic=topic, payload=b"{}", qos=1)


async def test_a_home_writes_its_own_words_and_nothing_else(hall: Hall) -> None:
    heard: list[str] = []
    everything = await hall.enter(
        aggregator_common_name(REGION), f"v2gvpp/v1/{REGION}/+/up/#"
    )
    everything.on_message = lambda m: heard.append(m.topic)
    victim = await hall.enter(
        OTHER.common_name, OTHER.down("#"), OTHER.everybody("#"), OTHER.group(GROUP)
    )
    victim.on_message = lambda m: heard.append(m.topic)
    home = await hall.enter(OURS.common_name, OURS.down("#"))
    home.on_message = lambda m: heard.append(m.topic)
    for topic in (*MAY_NOT_WRITE, *MAY_WRITE):
        home.publish(note(topic))
    await asyncio.sleep(ARRIVAL_S)
    assert sorted(heard) == sorted(MAY_WRITE)
    assert len(home.refused) == len(MAY_NOT_WRITE)
    assert set(home.refused) == {"Not authorized"}


async def test_retained_words_of_a_home_stay_on_its_own_topics(hall: Hall) -> None:
    home = await hall.enter(OURS.common_name)
    for topic in MAY_NOT_WRITE:
        home.publish(replace(note(topic), is_retained=True))
    await asyncio.sleep(ARRIVAL_S)
    heard: list[str] = []
    late = await hall.enter(
        OTHER.common_name, OTHER.down("#"), OTHER.everybody("#"), OTHER.group(GROUP)
    )
    late.on_message = lambda m: heard.append(m.topic)
    await asyncio.sleep(ARRIVAL_S)
    assert heard == []


@pytest.mark.parametrize(
    "wide", ["#", "v2gvpp/v1/+/+/dn/#", "v2gvpp/v1/north/+/up/#", "+/+/+/+/+/+"]
)
async def test_a_home_hears_what_is_for_it_and_nothing_else(
    hall: Hall, wide: str
) -> None:
    heard: list[str] = []
    home = await hall.enter(OURS.common_name, *MAY_READ)
    # Granted or not: what counts is what arrives.
    home.subscribe(wide)
    home.on_message = lambda m: heard.append(m.topic)
    leader = await hall.enter(aggregator_common_name(REGION))
    other = await hall.enter(OTHER.common_name)
    for topic in (*MAY_NOT_READ, *MAY_READ):
        leader.publish(note(topic))
    for kind in ("state", "availability", "telemetry", "ack"):
        other.publish(note(OTHER.up(kind)))
    await asyncio.sleep(ARRIVAL_S)
    assert set(heard) == set(MAY_READ)


async def test_a_client_without_a_line_in_the_list_is_mute_and_deaf(hall: Hall) -> None:
    heard: list[str] = []
    leader = await hall.enter(
        aggregator_common_name(REGION), f"v2gvpp/v1/{REGION}/+/up/#"
    )
    leader.on_message = lambda m: heard.append(m.topic)
    stranger = await hall.enter(f"{REGION}--home-3")
    stranger.subscribe("v2gvpp/v1/#")
    stranger.on_message = lambda m: heard.append(m.topic)
    stranger.publish(note(Topics(REGION, "home-3").up("state")))
    leader.publish(note(OURS.down("command")))
    await asyncio.sleep(ARRIVAL_S)
    assert heard == []
