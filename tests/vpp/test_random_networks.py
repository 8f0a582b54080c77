"""Laws that hold on any network: loss, duplicates, reordering, replays, skew, leaders."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
import json
from typing import Any

from hypothesis import given, settings, strategies as st

from custom_components.v2g_vpp.domain.dispatch import (
    AckStatus,
    DispatchAck,
    DispatchOrder,
)
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.vpp.clock_check import MAX_OFFSET, ClockCheck
from custom_components.v2g_vpp.vpp.dispatching import Dispatching
from custom_components.v2g_vpp.vpp.gate import Frame, Gate
from custom_components.v2g_vpp.vpp.memory import GateMemory
from custom_components.v2g_vpp.vpp.signing import KeyRing
from custom_components.v2g_vpp.vpp.topics import DownType

from .actors import (
    AGGREGATOR,
    EPOCH_START,
    PROGRAMME,
    TOPICS,
    FakeClock,
    Pen,
    RecordingHome,
)

COMMAND = TOPICS.down(DownType.COMMAND)
HEARTBEAT = TOPICS.down(DownType.HEARTBEAT)
MAX_AGE = timedelta(seconds=12)


@dataclass
class Sent:
    """A frame that the network may deliver any number of times, at any time."""

    frame: Frame
    message: dict[str, Any]
    at: datetime
    """True time."""


@dataclass
class World:
    """True time, a home whose clock is off, and whatever is in the air."""

    skew_s: float
    is_measured: bool
    true: FakeClock = field(default_factory=FakeClock)
    air: list[Sent] = field(default_factory=list)
    home: RecordingHome = field(default_factory=RecordingHome)
    acks: list[DispatchAck] = field(default_factory=list)
    taken: list[tuple[Sent, DispatchOrder, datetime, float]] = field(
        default_factory=list
    )
    beats: list[tuple[Sent, float, float]] = field(default_factory=list)
    restarts: int = 0

    def __post_init__(self) -> None:
        self.pens = [Pen(self.true.utcnow, epoch=epoch) for epoch in (1, 2, 3)]
        self.leader = 0
        self.memory = GateMemory()
        self.build()

    def build(self) -> None:
        self.check = ClockCheck()
        gate = Gate(
            topics=TOPICS,
            programme_id=ProgrammeId(PROGRAMME),
            keys=KeyRing({"agg-1": AGGREGATOR.public_key}, verify_signature),
            memory=self.memory,
            present_w=lambda _: self.present_w(),
        )
        self.desk = Dispatching(gate, self.home, self.acks.append, lambda: None)
        if self.is_measured:
            self.measure()

    def measure(self) -> None:
        self.check.add(
            asked_mono_s=self.true.monotonic(),
            received_at=self.true.utcnow(),
            sent_at=self.true.utcnow(),
            answered_mono_s=self.true.monotonic(),
        )

    def present_w(self) -> Any:
        return self.home.orders[-1].power_w if self.home.orders else 0.0

    def now(self) -> Any:
        local = self.true.utcnow() + timedelta(seconds=self.skew_s)
        return self.check.now(self.true.monotonic(), local)

    # ---- what may happen

    def advance(self, seconds: float) -> None:
        self.true.advance(seconds)
        if self.is_measured:
            self.measure()

    def change_leader(self) -> None:
        self.leader = min(self.leader + 1, 2)

    def send_command(self, body: dict[str, Any], pen_index: int | None) -> None:
        pen = self.pens[self.leader if pen_index is None else pen_index]
        message = pen.command(**body)
        frame = pen.frame(COMMAND, message)
        self.air.append(Sent(frame, message, self.true.utcnow()))

    def send_heartbeat(self) -> None:
        pen = self.pens[self.leader]
        message = pen.payload(HEARTBEAT, "heartbeat")
        frame = pen.frame(HEARTBEAT, message)
        self.air.append(Sent(frame, message, self.true.utcnow()))

    def deliver(self, index: int) -> None:
        if not self.air:
            return
        sent = self.air[index % len(self.air)]
        if sent.frame.topic == HEARTBEAT:
            beat = self.desk.take_heartbeat(sent.frame, self.now())
            if beat is not None:
                self.beats.append((sent, beat.sent_mono_s, self.true.monotonic()))
            return
        before = len(self.home.orders)
        present_w = self.present_w()
        self.desk.take_command(sent.frame, self.now())
        for order in self.home.orders[before:]:
            self.taken.append((sent, order, self.true.utcnow(), present_w))
            assert order.start_mono_s >= self.true.monotonic()

    def restart(self) -> None:
        self.memory = GateMemory.restore(
            json.loads(json.dumps(dict(self.memory.to_stored())))
        )
        self.build()


bodies = st.fixed_dictionaries(
    {
        "power_w": st.sampled_from([-9000, -5000, -1, 0, 1, 5000, 9000]),
        "start_s": st.sampled_from([-30, 0, 0, 0, 60]),
        "end_s": st.sampled_from([61, 300, 1800]),
    }
)
steps = st.one_of(
    st.tuples(st.just("send_command"), bodies, st.sampled_from([None, None, 0, 1])),
    st.tuples(st.just("send_heartbeat")),
    st.tuples(st.just("deliver"), st.integers(0, 50)),
    st.tuples(st.just("deliver"), st.just(-1)),
    st.tuples(st.just("advance"), st.sampled_from([0.01, 0.4, 1.0, 5.0, 11.0, 40.0])),
    st.tuples(st.just("change_leader")),
    st.tuples(st.just("restart")),
)


@settings(max_examples=150, deadline=None)
@given(
    skew_s=st.sampled_from([0.0, 0.0, 1.5, -1.5, 5.0, -3600.0]),
    is_measured=st.booleans(),
    script=st.lists(steps, min_size=10, max_size=60),
)
def test_nothing_is_applied_twice_backwards_or_expired(
    skew_s: float, is_measured: bool, script: list[tuple[Any, ...]]
) -> None:
    world = World(skew_s=skew_s, is_measured=is_measured)
    for name, *arguments in script:
        getattr(world, name)(*arguments)
    is_trusted = is_measured and abs(skew_s) <= MAX_OFFSET.total_seconds()

    ids = [order.order_id for order in world.home.orders]
    assert len(ids) == len(set(ids)), "applied twice"

    highest = (-1, -1)
    for sent, order, at, present_w in world.taken:
        is_stop = order.power_w == 0
        mark = (sent.message["epoch"], sent.message["seq"])
        left_s = (order.end_at - max(order.start_at, at)).total_seconds()
        lasts_s = order.ends_mono_s - order.start_mono_s
        if not is_stop:
            assert mark > highest, "backwards"
            if is_trusted:
                assert at - sent.at <= MAX_AGE, "expired"
                assert left_s > 0
            else:
                assert 0 < abs(order.power_w) <= abs(present_w)
                assert order.power_w * present_w > 0
        if is_trusted:
            # Wire times are whole milliseconds.
            assert abs(lasts_s - left_s) < 0.01
        assert 0 < lasts_s <= 4 * 3600
        signed_mono_s = FakeClock().mono_s + (sent.at - EPOCH_START).total_seconds()
        assert (order.sent_mono_s is None) is not is_trusted
        assert abs((order.sent_mono_s or signed_mono_s) - signed_mono_s) < 0.01
        highest = max(highest, mark)

    for sent, sent_mono_s, at_mono_s in world.beats:
        true_mono_s = FakeClock().mono_s + (sent.at - EPOCH_START).total_seconds()
        assert abs(sent_mono_s - true_mono_s) < 0.01
        assert at_mono_s - sent_mono_s <= MAX_AGE.total_seconds() + 0.01

    for ack in world.acks:
        assert ack.status in {AckStatus.ACCEPTED, AckStatus.REJECTED}


@settings(max_examples=60, deadline=None)
@given(
    order=st.permutations(list(range(8))),
    repeats=st.lists(st.integers(0, 7), max_size=12),
)
def test_any_delivery_of_the_same_commands_ends_with_the_newest(
    order: Any, repeats: list[int]
) -> None:
    world = World(skew_s=0.0, is_measured=True)
    for power_w in range(1, 9):
        world.send_command({"power_w": -1000 * power_w, "end_s": 600}, None)
    for index in [*order, *repeats]:
        world.deliver(index)
        world.advance(0.6)
    # Only what was newer than all before it was followed; the newest always was,
    # unless the delivery took longer than a command may.
    followed = [o.power_w for o in world.home.orders]
    assert followed == sorted(followed, reverse=True)
    is_in_time = 0.6 * (order.index(7) + 1) <= MAX_AGE.total_seconds()
    assert not is_in_time or followed[-1] == -8000
