"""Many rehearsal homes in one process: one event loop, one connection each."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
import gc
import json
import logging
from pathlib import Path
from random import Random
import time
from typing import IO, Any

from ..clock import Clock
from ..codec import load_schemas
from ..identity import HomeIdentity
from ..mqtt_client import MqttClient
from ..mqtt_session import BrokerAddress
from ..settings import DataDirectory, Endpoint
from ..signing import Signer
from ..tasks import ended
from ..tls import ClientContext
from .enrolment import ensure_open_files, kept_homes, next_boot
from .home import HomeFacts, RehearsalHome
from .profile import Manner, Mixture, profile

TICK_S = 0.5
SLICES = 10
"""Parts of a tick, so that the homes do not all work at one moment."""

CONNECTS_PER_S = 50
"""House rule: a handshake takes some milliseconds of two processors; the rest lives."""

FIRST_DROP_S = (30.0, 300.0)
DROPPED_S = (15.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalOptions:
    """What a rehearsal was asked for."""

    data: DataDirectory
    broker: Endpoint
    homes: int
    mixture: Mixture = field(default_factory=Mixture)
    record: Path | None = None
    """Where one line of truth is written per second; None: nowhere."""


@dataclass(slots=True, kw_only=True)
class _Member:
    """One home and its place at the broker."""

    home: RehearsalHome
    client: MqttClient
    context: ClientContext
    task: asyncio.Task[None] | None = None


class Fleet:
    """The homes of one rehearsal."""

    def __init__(self, members: Sequence[_Member], clock: Clock) -> None:
        """Hold the homes; use ``run_fleet``."""
        self._members = members
        self._clock = clock
        self._begun_cpu_s = time.process_time()
        self._latest_s = 0.0

    @property
    def homes(self) -> list[RehearsalHome]:
        """Return every home in the order of their numbers."""
        return [member.home for member in self._members]

    @property
    def connected(self) -> int:
        """Return how many have their place at the broker now."""
        return sum(member.client.is_connected for member in self._members)

    async def all_connected(self) -> None:
        """Return once every home was connected at the same moment."""
        while self.connected < len(self._members):
            await asyncio.sleep(0.1)

    async def connect(self) -> None:
        """Connect one after the other."""
        for member in self._members:
            member.task = _task(member)
            await asyncio.sleep(1.0 / CONNECTS_PER_S)

    async def tick(self) -> None:
        """Move every home on, for ever."""
        due_mono_s = self._clock.monotonic()
        while True:
            for first in range(SLICES):
                now_mono_s = self._clock.monotonic()
                for member in self._members[first::SLICES]:
                    member.home.step(now_mono_s)
                    member.client.max_backoff_s = member.home.reconnect_max_s
                self._latest_s = max(self._latest_s, now_mono_s - due_mono_s)
                due_mono_s = max(due_mono_s + TICK_S / SLICES, now_mono_s)
                await asyncio.sleep(due_mono_s - self._clock.monotonic())

    async def drop(self) -> None:
        """Let those who are like that lose their connection now and then."""
        await self.all_connected()
        random = Random(0)  # noqa: S311  a rehearsal, and the same one each time
        dropping = [m for m in self._members if m.home.profile.manner is Manner.DROPS]
        await asyncio.gather(*(self._drop_often(m, random) for m in dropping))

    async def record(self, file: IO[str]) -> None:
        """Write one line of truth per second, for ever."""
        due_mono_s = self._clock.monotonic()
        while True:
            file.write(json.dumps(self.truth()) + "\n")
            file.flush()
            due_mono_s = max(due_mono_s + 1.0, self._clock.monotonic())
            await asyncio.sleep(due_mono_s - self._clock.monotonic())

    def truth(self) -> dict[str, Any]:
        """Return what really flows now, whoever has been told; W and s."""
        homes = self.homes
        latest_s, self._latest_s = self._latest_s, 0.0
        return {
            # How late the homes were since the last line: a machine too busy to tell.
            "late_s": round(latest_s, 3),
            "t_mono": round(self._clock.monotonic(), 3),
            "power_w": round(sum(home.plant.power_w for home in homes)),
            "committed_w": sum(home.gate.setpoint_w for home in homes),
            "running": sum(home.gate.active is not None for home in homes),
            "connected": self.connected,
            "cpu_s": round(time.process_time() - self._begun_cpu_s, 3),
        }

    def summary(self) -> dict[str, Any]:
        """Return what each home did, for whoever judges the rehearsal."""
        counters: Counter[str] = Counter()
        for home in self.homes:
            counters.update(home.gate.counters)
        return {
            "counters": dict(counters),
            "applied_twice": sum(
                count > 1 for home in self.homes for count in home.gate.applied.values()
            ),
            "homes": [
                {
                    "home_id": home.facts.home_id,
                    "manner": home.profile.manner.value,
                    "most_w": min(home.profile.most_w, home.plant.facts.discharge_w),
                    "charged_wh": round(home.plant.charged_wh, 2),
                    "discharged_wh": round(home.plant.discharged_wh, 2),
                    "commands": home.gate.applied.total(),
                }
                for home in self.homes
            ],
        }

    async def close(self) -> None:
        """Let every home say goodbye."""
        for member in self._members:
            member.home.goodbye()
        await asyncio.sleep(0)
        await asyncio.gather(*(_ended(member) for member in self._members))

    async def _drop_often(self, member: _Member, random: Random) -> None:
        while True:
            await asyncio.sleep(random.uniform(*FIRST_DROP_S))
            # Without a goodbye: the broker has to notice.
            member.context.abort_handshake()
            await asyncio.sleep(0.1)
            await _ended(member)
            await asyncio.sleep(random.uniform(*DROPPED_S))
            member.task = _task(member)


@asynccontextmanager
async def run_fleet(options: RehearsalOptions, clock: Clock) -> AsyncIterator[Fleet]:
    """Start the homes; they live as long as the context.

    Raises:
        DataDirectoryError: when a home was not prepared, or this process may not open
            that many connections.
    """
    ensure_open_files(options.homes)
    # A thousand clients that say what one would: the fleet's figures say it once.
    logging.getLogger(MqttClient.__module__).setLevel(logging.ERROR)
    members = await asyncio.to_thread(_load, options, clock)
    # What a thousand clients are made of stays: looking through it again and again would
    # stop them all for a moment each time.
    gc.freeze()
    fleet = Fleet(members, clock)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(fleet.close)
        jobs = [fleet.connect(), fleet.tick(), fleet.drop()]
        if options.record is not None:
            file = await asyncio.to_thread(options.record.open, "w")
            stack.callback(file.close)
            jobs.append(fleet.record(file))
        for job in jobs:
            stack.push_async_callback(ended, asyncio.create_task(job))
        yield fleet


def _load(options: RehearsalOptions, clock: Clock) -> list[_Member]:
    data = options.data
    settings = data.load_settings()
    keys = Signer.load_or_create(data.signing_key).public_keys
    load_schemas()
    boot = next_boot(data)
    members = []
    for number, kept in enumerate(kept_homes(data, options.homes), start=1):
        facts = HomeFacts(
            region=settings.region,
            home_id=kept.home_id,
            programme_id=settings.programme_id,
            epoch=boot,
            aggregator_keys=keys,
        )
        home = RehearsalHome(
            facts, profile(number, options.mixture), kept.signer(), clock
        )
        context = kept.context(data.authority / "root.pem")
        address = BrokerAddress(
            host=options.broker.host,
            port=options.broker.port,
            client_id=HomeIdentity(
                region=settings.region, home_id=kept.home_id
            ).common_name,
        )
        client = MqttClient(address, context, home.topic_filters, clock, home.will)
        client.on_message = home.on_message
        client.on_connection = home.on_connection
        home.publish = client.publish
        members.append(_Member(home=home, client=client, context=context))
    return members


def _task(member: _Member) -> asyncio.Task[None]:
    return asyncio.create_task(member.client.run(), name=member.home.facts.home_id)


async def _ended(member: _Member) -> None:
    task, member.task = member.task, None
    if task is not None:
        await ended(task)
