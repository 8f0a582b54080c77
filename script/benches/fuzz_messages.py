"""Mutated messages of an aggregator: through the link's codec, gate and dispatching.

All but the socket is real here: what arrives, who it is from, what may be done. What no
trusted message said must reach nothing, whatever it looks like, and what was said once
must not be done twice.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
import json
import logging
from typing import Any, Final

from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.vpp.conversation import Conversation
from custom_components.v2g_vpp.vpp.fields import SchemaError
from custom_components.v2g_vpp.vpp.link import VppLink
from custom_components.v2g_vpp.vpp.link_config import LinkPorts, VppLinkConfig
from custom_components.v2g_vpp.vpp.memory import GateMemory
from custom_components.v2g_vpp.vpp.messages import Publication
from custom_components.v2g_vpp.vpp.parsing import readable_id
from custom_components.v2g_vpp.vpp.topics import DownType
from script.benches.fuzz_watch import PRODUCT, Memory
from script.benches.message_mutations import GROUP, MessageMutator, Sent
from tests.vpp.actors import (
    AGGREGATOR_KEYS,
    HOME,
    HOME_SIGNER,
    PROGRAMME,
    REGION,
    TOPICS,
    FakeClock,
    MemoryStore,
    RecordingHome,
)

BATCH: Final = 200
STEP_S: Final = 0.6
"""Between two messages: the gate takes two commands a second."""

_LOGGER = logging.getLogger(f"{PRODUCT}.fuzz")


@dataclass
class Session:
    """The far end of the socket: it takes everything, and knows what was said."""

    packets: int = 0
    acked: set[str] = field(default_factory=set)
    last: dict[str, str] = field(default_factory=dict)

    def publish(self, publication: Publication) -> int:
        """Take a message of the home."""
        self.packets += 1
        kind = publication.topic.rpartition("/")[2]
        if publication.payload:
            message = json.loads(publication.payload)
            self.last[kind] = message["id"]
            if kind == "ack":
                self.acked.add(message["command_id"])
        return self.packets

    def subscribe(self, topics: Sequence[str]) -> None:
        """Take it."""


class Target:
    """One link with a home behind it, and what must be true of both."""

    def __init__(self, seed: int) -> None:
        """Bring a link to where it talks with an aggregator."""
        self.clock = FakeClock()
        self.home = RecordingHome()
        self.settlements: list[Any] = []
        self.wrong: list[str] = []
        self.session = Session()
        self.store = MemoryStore()
        self.mutator = MessageMutator(seed, self.clock.utcnow)
        self._certificates: list[str] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.link = VppLink(
            VppLinkConfig(
                host="127.0.0.1",
                port=1,
                region=REGION,
                home_id=HOME,
                programme_id=ProgrammeId(PROGRAMME),
                aggregator_keys=AGGREGATOR_KEYS,
                csr_pem="-----BEGIN CERTIFICATE REQUEST-----\n",
            ),
            LinkPorts(
                make_context=_no_context,
                receiver=self.home,
                store=self.store,
                clock=self.clock,
                spawn=self._spawn,
                run_blocking=_never,
                signer=HOME_SIGNER,
                verify=verify_signature,
                on_problem=lambda _: None,
                on_recovered=lambda: None,
                on_certificate=self._certificates.append,
                on_heard=lambda *_: None,
                on_settlement=lambda _, settlement: self.settlements.append(settlement),
                on_clock=lambda _: None,
                uniform=lambda low, _: low,
            ),
        )
        self._talk()

    def feed(self, sent: Sent) -> None:
        """Let one message arrive, and see what came of it."""
        before = self._reached()
        seen = len(self.session.acked)
        self.clock.advance(STEP_S)
        try:
            self.link._arrived(sent.frame)  # noqa: SLF001 - where the session hands it over
        except Exception:
            _LOGGER.exception("a message was not survived")
            self.wrong.append(f"failed: {sent.frame.payload[:200]!r}")
            return
        if not sent.is_trusted and self._reached() != before:
            self.wrong.append(f"obeyed a stranger: {sent.frame.payload[:200]!r}")
        wanted = _answer_due(sent)
        if wanted is not None and wanted not in self.session.acked:
            self.wrong.append(f"no answer: {sent.frame.payload[:200]!r}")
        if not sent.is_trusted and len(self.session.acked) > seen:
            self.wrong.append(f"answered a stranger: {sent.frame.payload[:200]!r}")

    async def judge(self) -> None:
        """Look at what the batch left behind, and make room for the next."""
        orders = [order.order_id for order in self.home.orders]
        if len(set(orders)) != len(orders):
            self.wrong.append("one order twice")
        await asyncio.sleep(0)
        if self.store.text is not None:
            GateMemory.restore(json.loads(self.store.text))
        conversation = self.link._conversation  # noqa: SLF001 - as the link does each second
        if conversation is not None:
            conversation.tick()
        self._renew()
        self._follow()
        for packet in range(1, self.session.packets + 1):
            self.link._published(packet, None)  # noqa: SLF001 - the broker has all
        self.session.packets = 0
        self.session.acked.clear()
        home = self.home
        for heard in (home.beats, home.events, home.withdrawn, home.cancelled):
            heard.clear()
        self.settlements.clear()
        self._certificates.clear()

    def forget_orders(self) -> None:
        """Drop what was ordered: it is beyond all that is remembered."""
        self.home.orders.clear()

    def is_obedient(self) -> bool:
        """Return True when the home still hears its aggregator after all that."""
        before = len(self.home.beats)
        self.clock.advance(STEP_S)
        self._measure_clock()
        self.link._arrived(self.mutator.sound(DownType.HEARTBEAT).frame)  # noqa: SLF001
        return len(self.home.beats) > before

    async def stop(self) -> None:
        """End what runs."""
        await asyncio.gather(*self._tasks)

    def _talk(self) -> None:
        link, session = self.link, self.session
        conversation = Conversation(link._voice, session, 1)  # noqa: SLF001 - in place of a connection
        link._conversation = conversation  # noqa: SLF001
        link._acks.connected(session.publish)  # noqa: SLF001
        conversation.begin()
        self._renew()
        self._follow()
        self._measure_clock()
        link._arrived(self.mutator.sound(DownType.WELCOME).frame)  # noqa: SLF001

    def _renew(self) -> None:
        self.link._renewal.want()  # noqa: SLF001 - as once a month
        question = self.link._renewal.question()  # noqa: SLF001
        if question is not None:
            self.session.publish(question)

    def _measure_clock(self) -> None:
        conversation = self.link._conversation  # noqa: SLF001
        if conversation is not None:
            conversation._ask_clock()  # noqa: SLF001 - as every minute
            self._follow()
            self.link._arrived(self.mutator.sound(DownType.CLOCK).frame)  # noqa: SLF001

    def _follow(self) -> None:
        last = self.session.last
        self.mutator.hello_id = last.get("hello", "")
        self.mutator.clock_id = last.get("clock", "")
        self.mutator.csr_id = last.get("csr", "")

    def _reached(self) -> tuple[int, ...]:
        home = self.home
        return (
            len(home.orders),
            len(home.cancelled),
            len(home.beats),
            len(home.events),
            len(home.withdrawn),
            len(self.settlements),
            len(self._certificates),
        )

    def _spawn(self, coro: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(coro, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _no_context() -> Any:
    """Fail: messages are handed in, so whoever connects is not what is looked at."""
    raise AssertionError("nothing connects here")


async def _never(*_: Any) -> Any:
    """Fail: messages are handed in, so whoever connects is not what is looked at."""
    raise AssertionError("nothing connects here")


def _answer_due(sent: Sent) -> str | None:
    """Return the id that a trusted command or cancel has to be answered by."""
    topics = {TOPICS.down(DownType.COMMAND), TOPICS.down(DownType.CANCEL), GROUP}
    if not sent.is_trusted or sent.frame.topic not in topics:
        return None
    try:
        return readable_id(sent.frame.payload)
    except SchemaError:
        return None


async def fuzz_link(count: int, seed: int) -> dict[str, Any]:
    """Let messages arrive; return what was wrong."""
    target = Target(seed)
    memory = Memory()
    wrong: list[str] = []
    obeyed = lost = 0
    for number, sent in enumerate(target.mutator.messages(count)):
        target.feed(sent)
        if number % BATCH == BATCH - 1:
            await target.judge()
            if not target.is_obedient():
                # Keys were replaced, or a counter was raised to its end, by a message
                # that was signed: an aggregator may do that to itself.
                lost += 1
                wrong += target.wrong
                obeyed += len(target.home.orders)
                await target.stop()
                target = Target(seed + number)
        if number % 10_000 == 9_999:
            obeyed += len(target.home.orders)
            target.forget_orders()
        if number == count // 10:
            memory.settled()
    await target.judge()
    obeyed += len(target.home.orders)
    await target.stop()
    return {
        "wrong": wrong + target.wrong,
        "obeyed": obeyed,
        "lost": lost,
        "growth_kib": memory.growth_kib,
        "growth_percent": memory.growth_percent,
    }
