"""What is kept: the gate's memory, answers on their way, and the time between tries."""

import asyncio
from collections.abc import Callable, Mapping
import json
import random
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    BindingClass,
    DispatchAck,
)
from custom_components.v2g_vpp.domain.errors import StoreUnreadable
from custom_components.v2g_vpp.vpp.backoff import HEALTHY_AFTER_S, MAX_DELAY_S, Backoff
from custom_components.v2g_vpp.vpp.keeper import HEARTBEAT_MARK_PERIOD_S, MemoryKeeper
from custom_components.v2g_vpp.vpp.memory import GateMemory
from custom_components.v2g_vpp.vpp.outbox import MAX_KEPT, Kept, Outbox

from .actors import MemoryStore


def kept(payload: bytes = b"x", expires: float = 60.0) -> Any:
    return Kept(topic="t", payload=payload, signature="s", expires_mono_s=expires)


def test_memory_survives_the_store() -> None:
    memory = GateMemory()
    memory.boot_count = 3
    memory.raise_mark("a", (1, 5))
    memory.raise_mark("a", (1, 4))
    memory.cancel("late")
    memory.remember_keys({"k": "1"}, {"l": "2"})
    ack = DispatchAck(
        order_id="o",
        status=AckStatus.ACCEPTED,
        code=AckCode.CLAMPED,
        committed_w=-4200.0,
        binding=(BindingClass.VEHICLE,),
    )
    memory.record(ack)
    again = GateMemory.restore(json.loads(json.dumps(dict(memory.to_stored()))))
    assert again.mark("a") == (1, 5)
    assert again.verdict("o") == ack
    assert again.is_cancelled("late")
    assert again.boot_count == 3
    assert again.keys_for({"k": "1"}) == {"l": "2"}
    assert again.keys_for({"k": "new invitation"}) == {"k": "new invitation"}


@pytest.mark.parametrize(
    "change",
    [
        {"marks": None},
        {"marks": {"a": [1]}},
        {"marks": {"a": ["x", 1]}},
        {"verdicts": [["o", "unknown status", "OK", 0, []]]},
        {"verdicts": [[]]},
        {"boot_count": "x"},
        {"keys": []},
    ],
)
def test_memory_that_cannot_be_read_is_not_taken_for_an_empty_one(
    change: dict[str, Any],
) -> None:
    stored = dict(GateMemory().to_stored())
    with pytest.raises(StoreUnreadable):
        GateMemory.restore(stored | change)
    assert GateMemory.restore(stored).boot_count == 0


class SlowStore(MemoryStore):
    """A disk that takes its time."""

    def __init__(self) -> None:
        super().__init__()
        self.may_write = asyncio.Event()
        self.later: list[dict[str, Any]] = []

    async def save(self, data: Mapping[str, Any]) -> None:
        await self.may_write.wait()
        await super().save(data)

    def save_later(self, read: Callable[[], Mapping[str, Any]]) -> None:
        self.later.append(dict(read()))


async def test_keeper_writes_what_changed_during_a_write() -> None:
    memory, store = GateMemory(), SlowStore()
    tasks: list[asyncio.Future[None]] = []
    keeper = MemoryKeeper(
        memory, store, lambda task, _: tasks.append(asyncio.ensure_future(task))
    )
    memory.boot_count = 1
    keeper.write_soon()
    await asyncio.sleep(0)
    memory.boot_count = 2
    keeper.write_soon()
    keeper.write_soon()
    store.may_write.set()
    await asyncio.gather(*tasks)
    assert len(tasks) == 1
    assert store.saves == 2
    assert '"boot_count": 2' in str(store.text)
    keeper.write_soon()
    await asyncio.gather(*tasks)
    assert store.saves == 3


async def test_marks_of_heartbeats_are_written_seldom() -> None:
    memory, store = GateMemory(), SlowStore()
    keeper = MemoryKeeper(memory, store, lambda *_: None)
    for second in range(0, 1300, 5):
        memory.raise_mark("hb", (1, second))
        keeper.write_later(float(second))
    assert len(store.later) == 1300 // (HEARTBEAT_MARK_PERIOD_S + 5) + 1


def test_outbox_keeps_order_until_done_or_expired() -> None:
    outbox = Outbox()
    first = outbox.keep(kept(b"1"))
    second = outbox.keep(kept(b"2", expires=10.0))
    third = outbox.keep(kept(b"3"))
    assert [n for n, _ in outbox.waiting(0.0)] == [first, second, third]
    outbox.done(first)
    outbox.done(first)
    assert [m.payload for _, m in outbox.waiting(10.0)] == [b"3"]
    assert outbox.waiting(60.0) == ()


def test_outbox_is_bounded_and_drops_the_oldest() -> None:
    outbox = Outbox()
    for index in range(MAX_KEPT + 5):
        outbox.keep(kept(str(index).encode()))
    waiting = outbox.waiting(0.0)
    assert len(waiting) == MAX_KEPT
    assert waiting[0][1].payload == b"5"


@given(st.randoms(use_true_random=False), st.integers(1, 40))
def test_delays_are_jittered_bounded_and_begin_within_a_second(
    generator: random.Random, tries: int
) -> None:
    backoff = Backoff(generator.uniform)
    delays = [backoff.next_delay_s() for _ in range(tries)]
    assert delays[0] <= 1.0
    for index, delay_s in enumerate(delays):
        assert 0.0 <= delay_s <= min(MAX_DELAY_S, 2.0**index)


def test_only_a_healthy_session_begins_the_delays_anew() -> None:
    highest = Backoff(lambda low, high: high)
    for _ in range(10):
        highest.next_delay_s()
    highest.session_lasted(HEALTHY_AFTER_S - 1)
    assert highest.next_delay_s() == MAX_DELAY_S
    highest.session_lasted(HEALTHY_AFTER_S)
    assert highest.next_delay_s() == 1.0


@pytest.mark.parametrize(
    ("wished_s", "longest_s"), [(None, 120.0), (30.0, 30.0), (500.0, 120.0)]
)
def test_aggregator_may_shorten_the_longest_delay_and_not_lengthen_it(
    wished_s: float | None, longest_s: float
) -> None:
    highest = Backoff(lambda low, high: high)
    highest.limit(wished_s)
    assert max(highest.next_delay_s() for _ in range(12)) == longest_s


def test_delays_of_a_region_spread() -> None:
    draws = []
    for seed in range(200):
        backoff = Backoff(random.Random(seed).uniform)
        draws.append([backoff.next_delay_s() for _ in range(6)][-1])
    quarters = [sum(8 * i <= d < 8 * (i + 1) for d in draws) for i in range(4)]
    assert min(quarters) > 25


def test_an_aggregator_may_shorten_the_longest_wait_but_not_lengthen_it() -> None:
    backoff = Backoff(lambda _low, high: high)
    backoff.limit(4)
    assert [backoff.next_delay_s() for _ in range(6)] == [1, 2, 4, 4, 4, 4]
    backoff.limit(10 * MAX_DELAY_S)
    assert max(backoff.next_delay_s() for _ in range(4)) == MAX_DELAY_S
    backoff.limit(None)
    assert backoff.next_delay_s() == MAX_DELAY_S
