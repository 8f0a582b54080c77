"""Mutated messages over a real broker with TLS, to a home with a charger that may discharge.

The home is whole: link, gate, site, listener and a virtual station. Afterwards it must be
linked still, or again, and a command must reach the charger as quickly as ever.
"""

import asyncio
from pathlib import Path
import tempfile
from typing import Any, Final

from custom_components.v2g_vpp.vpp.messages import Publication
from custom_components.v2g_vpp.vpp.topics import DownType
from script.benches.message_mutations import MessageMutator, Sent
from script.benches.vpp_home import FAST_CHARGER, LinkedHome, linked_home
from script.benches.vpp_wire import WirePath, WireWatcher
from tests.vpp.actors import REGION, TOPICS

BURST: Final = 25
LARGEST: Final = 60_000
"""The broker ends the session of whoever sends more than its 64 KiB."""

SETTLE_S: Final = 20.0
QUEUE_S: Final = 0.02
COMMANDS: Final = 5
PAUSE_S: Final = 1.1
"""Between two commands: the gate takes two a second, and the charger one setpoint."""


async def fuzz_broker(count: int, seed: int) -> dict[str, Any]:
    """Send messages; return what came of them, and how a command fares afterwards."""
    watcher = WireWatcher()
    with tempfile.TemporaryDirectory(prefix="v2g_vpp-fuzz-") as name:
        async with linked_home(Path(name) / "home", FAST_CHARGER, watcher) as linked:
            path = WirePath(linked)
            watcher.moved = path.note
            before_s = await _commands(path)
            sent = await _send(linked, count, seed)
            await _calm_down(linked)
            after_s = await _commands(path)
            rig = linked.rig
            return {
                "sent": sent,
                "dropped": sum(rig.link.dropped.values()),
                "before_ms": 1e3 * sorted(before_s)[COMMANDS // 2],
                "after_ms": 1e3 * sorted(after_s)[COMMANDS // 2],
                "is_linked": rig.link.is_connected,
            }


async def _send(linked: LinkedHome, count: int, seed: int) -> int:
    """Send what a broker takes of so many messages; return how many it took."""
    rig = linked.rig
    mutator = MessageMutator(seed, rig.clock.utcnow)
    # One that says how it is signed from now on, or what time it is, and is believed,
    # would end what can be said after it.
    mutator.leave_out(DownType.WELCOME, DownType.CLOCK)
    mutator.pen = rig.aggregator.pen
    session = rig.aggregator.session
    assert session is not None
    taken = 0
    for number, sent in enumerate(mutator.messages(count)):
        publication = _publication(sent)
        if publication is not None and session.publish(publication) is not None:
            taken += 1
        if number % BURST == 0:
            rig.aggregator.heartbeat()
            await asyncio.sleep(QUEUE_S)
    return taken


def _publication(sent: Sent) -> Publication | None:
    """Return a message as a client of a broker can send it, None when it cannot."""
    frame = sent.frame
    signature = frame.signatures[0] if frame.signatures else None
    is_long = len(frame.payload) + len(signature or "") > LARGEST
    is_ours = frame.topic.startswith(f"v2gvpp/v1/{REGION}/")
    is_text = frame.topic.isascii() and (signature is None or signature.isascii())
    if is_long or not is_ours or not is_text:
        return None
    return Publication(
        topic=frame.topic,
        payload=frame.payload,
        qos=0,
        is_retained=frame.is_retained,
        expiry_s=10,
        signature=signature,
    )


async def _calm_down(linked: LinkedHome) -> None:
    """Bring the home back to where a command can be judged by itself."""
    rig = linked.rig
    aggregator = rig.aggregator
    async with asyncio.timeout(SETTLE_S):
        await rig.until(lambda: rig.link.is_connected, SETTLE_S)
    # A damaged message that was signed may have raised the term: the next leader.
    aggregator.pen.epoch += 1_000
    aggregator.pen.seq.clear()
    topic = TOPICS.down(DownType.CANCEL)
    aggregator.say(DownType.CANCEL, aggregator.pen.payload(topic, "cancel", all=True))
    for _ in range(6):
        aggregator.heartbeat()
        await asyncio.sleep(1.0)


async def _commands(path: WirePath) -> list[float]:
    """Start and stop a few times; return how long each start took to the wire, s."""
    taken_s = []
    for _ in range(COMMANDS):
        path.linked.rig.aggregator.heartbeat()
        taken_s.append(await path.start())
        await asyncio.sleep(PAUSE_S)
        await path.stop()
        await asyncio.sleep(PAUSE_S)
    return taken_s
