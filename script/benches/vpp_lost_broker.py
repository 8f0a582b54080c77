"""A broker that is killed or frozen under a discharge, in real time.

The end of ``vpp_failsafe`` that virtual time cannot show: a real mosquitto, MQTT over
TLS 1.3, signed heartbeats, the link, and time that passes by itself.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
import tempfile
import time

from custom_components.v2g_vpp.domain.capability import Fingerprint
from script.benches.vpp_failsafe import (
    DIALECTS,
    DISPATCH_W,
    HEARTBEAT_S,
    LATEST_S,
    PLANTS,
    PROMISE_S,
    ZERO_W,
    Pair,
    Watcher,
)
from script.benches.vpp_home import (
    Charger,
    LinkedHome,
    linked_home,
    send_heartbeats,
)
from tests.e2e.virtual_home import TICK_S

ON_THE_WAY_S = 0.5
"""Far more than a heartbeat needs through a broker on this machine."""


async def lose_brokers(fingerprints: Mapping[Pair, Fingerprint]) -> dict[str, float]:
    """Kill one broker and freeze another for each pair, all at once.

    Returns:
        Seconds from the last heartbeat to the end of export, by what happened.
    """
    with tempfile.TemporaryDirectory(prefix="v2g_vpp-lost-") as name:
        told = await asyncio.gather(
            *(
                _lose(Path(name) / f"{loss}-{plant}-{dialect}", pair, known, loss)
                for pair, known in fingerprints.items()
                for plant, dialect in (pair,)
                for loss in ("killed", "frozen")
            )
        )
    return dict(told)


async def _lose(
    directory: Path, pair: Pair, known: Fingerprint, loss: str
) -> tuple[str, float]:
    plant, dialect = pair
    protocol, spoken = DIALECTS[dialect]
    watcher = Watcher(time.monotonic)
    charger = Charger(
        plant=PLANTS[plant], protocol=protocol, dialect=spoken, fingerprint=known
    )
    async with linked_home(directory, charger, watcher) as linked:
        beat_mono_s = await _discharge(linked)
        if loss == "killed":
            linked.broker.kill()
        else:
            linked.broker.freeze()
        try:
            zero_s = await _until_zero(linked, watcher, beat_mono_s)
        finally:
            if loss == "frozen":
                linked.broker.thaw()
    return f"{loss}_{plant}_{dialect}", round(zero_s, 2)


async def _discharge(linked: LinkedHome) -> float:
    """Bring a dispatch to the plant; return when the last heartbeat was signed."""
    home, aggregator = linked.home, linked.rig.aggregator
    beating = asyncio.create_task(send_heartbeats(linked))
    try:
        await asyncio.sleep(ON_THE_WAY_S)
        ack = await aggregator.ack_of(aggregator.command(power_w=round(DISPATCH_W)))
        if ack["status"] != "accepted":
            raise RuntimeError(f"not followed: {ack}")
        wanted_w = 0.9 * ack["committed_w"]
        await home.until(lambda: home.power_w < wanted_w, LATEST_S, "the dispatch")
        await asyncio.sleep(2 * HEARTBEAT_S)
    finally:
        beating.cancel()
    beat_mono_s = time.monotonic()
    aggregator.heartbeat()
    await asyncio.sleep(ON_THE_WAY_S)
    return beat_mono_s


async def _until_zero(
    linked: LinkedHome, watcher: Watcher, beat_mono_s: float
) -> float:
    """Return how long after the last heartbeat power still flowed, s."""
    await asyncio.sleep(beat_mono_s + PROMISE_S - time.monotonic())
    while linked.home.power_w < -ZERO_W:
        if time.monotonic() - beat_mono_s > LATEST_S:
            return LATEST_S
        await asyncio.sleep(TICK_S)
    return watcher.export_mono_s - beat_mono_s
