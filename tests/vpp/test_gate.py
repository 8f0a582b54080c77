"""Every rule of the gate, one test each."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    CommandKind,
    DispatchAck,
)
from custom_components.v2g_vpp.domain.ids import ProgrammeId
from custom_components.v2g_vpp.pki.signing import verify_signature
from custom_components.v2g_vpp.vpp.clock_check import ClockCheck
from custom_components.v2g_vpp.vpp.gate import (
    Answered,
    Beat,
    Cancelling,
    Dropped,
    DropReason,
    Gate,
    Passed,
)
from custom_components.v2g_vpp.vpp.memory import GateMemory
from custom_components.v2g_vpp.vpp.signing import KeyRing
from custom_components.v2g_vpp.vpp.topics import DownType

from .actors import AGGREGATOR, PROGRAMME, STRANGER, TOPICS, FakeClock, Pen, wire_time

COMMAND = TOPICS.down(DownType.COMMAND)
CANCEL = TOPICS.down(DownType.CANCEL)
HEARTBEAT = TOPICS.down(DownType.HEARTBEAT)
GROUP = TOPICS.group_command("feeder-7")


class Door:
    """A gate with a clock, a pen that writes to it, and its memory."""

    def __init__(
        self, memory: GateMemory | None = None, *, is_measured: bool = True
    ) -> None:
        self.clock = FakeClock()
        self.memory = memory or GateMemory()
        self.check = ClockCheck()
        self.present_w: float | None = 0.0
        self.pen = Pen(self.clock.utcnow)
        self.gate = Gate(
            topics=TOPICS,
            programme_id=ProgrammeId(PROGRAMME),
            keys=KeyRing({"agg-1": AGGREGATOR.public_key}, verify_signature),
            memory=self.memory,
            present_w=lambda _: self.present_w,
        )
        if is_measured:
            self.measure()

    def measure(self, offset_s: float = 0.0) -> None:
        at = self.clock.utcnow() + timedelta(seconds=offset_s)
        self.check.add(
            asked_mono_s=self.clock.monotonic(),
            received_at=at,
            sent_at=at,
            answered_mono_s=self.clock.monotonic(),
        )

    @property
    def now(self) -> Any:
        return self.check.now(self.clock.monotonic(), self.clock.utcnow())

    def command(
        self,
        message: Any,
        topic: str = COMMAND,
        *,
        pen: Any = None,
        is_retained: bool = False,
    ) -> Any:
        """Judge a command; one that passes is accepted by the home."""
        frame = (pen or self.pen).frame(topic, message, is_retained=is_retained)
        verdict = self.gate.judge_command(frame, self.now)
        if isinstance(verdict, Passed):
            self.gate.book(verdict.order, self.clock.monotonic())
            self.gate.record(
                DispatchAck(
                    order_id=verdict.order.order_id,
                    status=AckStatus.ACCEPTED,
                    code=AckCode.OK,
                ),
                is_final=False,
            )
        return verdict

    def cancel(self, command_id: str | None = None) -> Any:
        body = {"command_id": command_id} if command_id else {"all": True}
        message = self.pen.payload(CANCEL, "cancel", **body)
        return self.gate.judge_cancel(self.pen.frame(CANCEL, message))

    def heartbeat(
        self, pen: Any = None, *, topic: str = HEARTBEAT, is_retained: bool = False
    ) -> Any:
        pen = pen or self.pen
        message = pen.payload(topic, "heartbeat")
        frame = pen.frame(topic, message, is_retained=is_retained)
        return self.gate.judge_heartbeat(frame, self.now)


@pytest.fixture
def door() -> Any:
    return Door()


def code_of(verdict: Any) -> Any:
    assert isinstance(verdict, Answered), verdict
    return verdict.ack.code


def test_rule_1_retained_words_are_ignored(door: Door) -> None:
    retained = Dropped(reason=DropReason.RETAINED)
    assert door.command(door.pen.command(), is_retained=True) == retained
    assert door.heartbeat(is_retained=True) == retained
    message = door.pen.payload(CANCEL, "cancel", all=True)
    frame = door.pen.frame(CANCEL, message, is_retained=True)
    assert door.gate.judge_cancel(frame) == retained
    assert isinstance(door.command(door.pen.command()), Passed)


@pytest.mark.parametrize(
    "pen",
    [
        pytest.param({"signer": STRANGER}, id="key of a stranger"),
        pytest.param({"key_id": "agg-2"}, id="unknown key id"),
    ],
)
def test_unsigned_words_get_no_answer_and_move_no_mark(door: Door, pen: Any) -> None:
    forged = Pen(door.clock.utcnow, epoch=99, **pen)
    wrong = Dropped(reason=DropReason.SIGNATURE)
    assert door.command(forged.command(), pen=forged) == wrong
    assert door.command(forged.command(power_w=0), pen=forged) == wrong
    assert door.heartbeat(forged) == wrong
    assert isinstance(door.command(door.pen.command()), Passed)


def test_signature_does_not_move_to_another_topic_or_payload(door: Door) -> None:
    frame = door.pen.frame(COMMAND, door.pen.command())
    elsewhere = type(frame)(
        topic=GROUP,
        payload=frame.payload,
        signatures=frame.signatures,
        is_retained=False,
    )
    changed = type(frame)(
        topic=COMMAND,
        payload=frame.payload.replace(b"-5000", b"-9000"),
        signatures=frame.signatures,
        is_retained=False,
    )
    twice = type(frame)(
        topic=COMMAND,
        payload=frame.payload,
        signatures=frame.signatures * 2,
        is_retained=False,
    )
    for bad in (elsewhere, changed, twice):
        verdict = door.gate.judge_command(bad, door.now)
        assert verdict == Dropped(reason=DropReason.SIGNATURE)
    assert isinstance(door.gate.judge_command(frame, door.now), Passed)


def test_rule_2_same_id_again_gets_the_recorded_verdict(door: Door) -> None:
    message = door.pen.command()
    assert isinstance(door.command(message), Passed)
    again = door.command(message)
    assert again.ack.order_id == message["id"]
    assert again.ack.status is AckStatus.ACCEPTED
    refused = door.pen.command(end_s=5 * 3600)
    assert code_of(door.command(refused)) is AckCode.SCHEMA
    assert code_of(door.command(refused)) is AckCode.SCHEMA


def test_rule_2_and_3_hold_across_a_restart(door: Door) -> None:
    message = door.pen.command()
    door.command(message)
    stale = door.pen.command() | {"seq": 1}
    reborn = Door(GateMemory.restore(door.memory.to_stored()))
    assert reborn.command(message).ack.status is AckStatus.ACCEPTED
    assert code_of(reborn.command(stale)) is AckCode.STALE_SEQ


def test_rule_3_older_numbers_are_refused_and_gaps_are_not(door: Door) -> None:
    assert isinstance(door.command(door.pen.command() | {"seq": 10}), Passed)
    door.clock.advance(1)
    assert code_of(door.command(door.pen.command() | {"seq": 10})) is AckCode.STALE_SEQ
    old_term = door.pen.command() | {"epoch": 41, "seq": 99}
    assert code_of(door.command(old_term)) is AckCode.OLD_EPOCH
    assert isinstance(door.command(door.pen.command() | {"seq": 500}), Passed)
    door.clock.advance(1)
    new_term = door.pen.command() | {"epoch": 43, "seq": 1}
    assert isinstance(door.command(new_term), Passed)


def test_rule_3_a_new_leader_on_one_topic_ends_the_old_one_on_all(door: Door) -> None:
    new_leader = Pen(door.clock.utcnow, epoch=43)
    assert isinstance(door.heartbeat(new_leader), Beat)
    assert code_of(door.command(door.pen.command())) is AckCode.OLD_EPOCH
    assert isinstance(door.command(new_leader.command(), pen=new_leader), Passed)


def test_rule_3_regional_heartbeats_have_a_count_of_their_own(door: Door) -> None:
    region = Pen(door.clock.utcnow, epoch=7)
    assert isinstance(door.heartbeat(), Beat)
    assert isinstance(door.heartbeat(region, topic=TOPICS.regional_heartbeat), Beat)


@pytest.mark.parametrize(
    ("offset_s", "code"),
    [
        pytest.param(2.5, AckCode.CLOCK_SKEW, id="from the future"),
        pytest.param(-12.5, AckCode.EXPIRED, id="too old"),
    ],
)
def test_rule_4_words_of_another_time_are_refused(
    door: Door, offset_s: float, code: AckCode
) -> None:
    def shifted() -> Any:
        return door.clock.utcnow() + timedelta(seconds=offset_s)

    assert code_of(door.command(Pen(shifted).command())) is code
    door.pen.seq[COMMAND] = 1
    assert isinstance(door.command(door.pen.command()), Passed)


def test_rule_4_window_that_ended_or_is_days_ahead_is_refused(door: Door) -> None:
    ended = door.pen.command(start_s=-1800, end_s=-1)
    assert code_of(door.command(ended)) is AckCode.EXPIRED
    far = door.pen.command(start_s=49 * 3600, end_s=50 * 3600)
    assert code_of(door.command(far)) is AckCode.NOT_YET
    near = door.pen.command(start_s=47 * 3600, end_s=48 * 3600)
    assert isinstance(door.command(near), Passed)


@pytest.mark.parametrize("offset_s", [None, 3.0, -3.0])
def test_rule_4_without_a_trusted_clock_power_only_goes_nearer_to_zero(
    offset_s: float | None,
) -> None:
    door = Door(is_measured=False)
    if offset_s is not None:
        door.measure(offset_s)
    verdicts = {}
    for present_w, power_w in [
        (0.0, -5000),
        (-5000.0, -6000),
        (-5000.0, 1000),
        (-5000.0, -4000),
        (8000.0, 7000),
        (8000.0, 9000),
        (8000.0, -1),
        (None, -100),
    ]:
        door.present_w = present_w
        verdict = door.command(door.pen.command(power_w=power_w))
        verdicts[present_w, power_w] = isinstance(verdict, Passed)
        door.clock.advance(1)
    passed = {pair for pair, is_passed in verdicts.items() if is_passed}
    assert passed == {(-5000.0, -4000), (8000.0, 7000)}
    door.present_w = -5000.0
    later = door.pen.command(power_w=-4000, start_s=60, end_s=120)
    assert code_of(door.command(later)) is AckCode.CLOCK_SKEW, "who knows by then"
    door.clock.advance(1)
    door.check = ClockCheck()
    door.measure()
    assert isinstance(door.command(door.pen.command()), Passed)


def test_rule_5_deadlines_are_monotonic_and_follow_the_aggregators_clock() -> None:
    door = Door(is_measured=False)
    door.measure(offset_s=1.5)
    verdict = door.command(door.pen.command(start_s=60, end_s=120))
    assert verdict.order.start_mono_s == pytest.approx(door.clock.mono_s + 58.5)
    assert verdict.order.ends_mono_s == pytest.approx(door.clock.mono_s + 118.5)
    late = door.command(door.pen.command(start_s=-60, end_s=50))
    assert late.order.start_mono_s == door.clock.mono_s
    assert late.order.ends_mono_s == pytest.approx(door.clock.mono_s + 48.5)


def test_rule_5_step_of_the_wall_clock_moves_no_deadline_and_ends_the_trust(
    door: Door,
) -> None:
    door.clock.wall += timedelta(hours=-3)
    verdict = door.command(door.pen.command())
    assert code_of(verdict) is AckCode.CLOCK_SKEW
    door.clock.wall += timedelta(hours=3)
    assert isinstance(door.command(door.pen.command()), Passed)


def test_rule_7_waiting_windows_neither_overlap_nor_pile_up(door: Door) -> None:
    for index in range(16):
        door.clock.advance(1)
        message = door.pen.command(start_s=600 * (index + 1), end_s=600 * (index + 2))
        assert isinstance(door.command(message), Passed), index
    door.clock.advance(1)
    one_more = door.pen.command(start_s=600 * 20, end_s=600 * 21)
    assert code_of(door.command(one_more)) is AckCode.OVERLAP
    other = door.pen.command(start_s=600 * 20, end_s=600 * 21, resource="CS1/1")
    door.clock.advance(1)
    assert code_of(door.command(other)) is AckCode.OVERLAP, "the home holds them all"


def test_rule_7_overlap_is_refused_until_the_other_is_cancelled(door: Door) -> None:
    first = door.pen.command(start_s=600, end_s=1200, resource="CS1/1")
    assert isinstance(door.command(first), Passed)
    clash = door.pen.command(start_s=900, end_s=1500, resource="CS1/1")
    assert code_of(door.command(clash)) is AckCode.OVERLAP
    beside = door.pen.command(start_s=900, end_s=1500, resource="CS1/2")
    door.clock.advance(1)
    assert isinstance(door.command(beside), Passed)
    assert isinstance(door.cancel(first["id"]), Cancelling)
    door.clock.advance(1)
    again = door.pen.command(start_s=900, end_s=1500, resource="CS1/1")
    assert isinstance(door.command(again), Passed)


def test_rule_8_cancel_before_its_command_wins(door: Door) -> None:
    message = door.pen.command()
    verdict = door.cancel(message["id"])
    assert verdict.order_id == message["id"]
    assert door.command(message).ack.status is AckStatus.CANCELLED
    assert isinstance(door.command(door.pen.command()), Passed)


def test_rule_9_third_command_within_a_second_is_refused_and_stops_are_not(
    door: Door,
) -> None:
    assert isinstance(door.command(door.pen.command()), Passed)
    assert isinstance(door.command(door.pen.command()), Passed)
    assert code_of(door.command(door.pen.command())) is AckCode.RATE_LIMIT
    for stop in ({"power_w": 0}, {"kind": "release"}, {"kind": "limit", "power_w": 0}):
        assert isinstance(door.command(door.pen.command(**stop)), Passed), stop
    door.clock.advance(1)
    assert isinstance(door.command(door.pen.command()), Passed)


@pytest.mark.parametrize(
    "stop",
    [
        pytest.param({"power_w": 0}, id="setpoint 0"),
        pytest.param({"kind": "limit", "power_w": 0}, id="limit 0"),
        pytest.param({"kind": "release"}, id="release"),
    ],
)
def test_rule_10_stop_is_exempt_from_order_and_time_but_not_from_the_signature(
    stop: dict[str, Any],
) -> None:
    door = Door()
    door.command(door.pen.command() | {"seq": 100})
    stale = door.pen.command(**stop) | {"seq": 5, "epoch": 41}
    assert isinstance(door.command(stale), Passed)
    old = Pen(lambda: door.clock.utcnow() - timedelta(minutes=2))
    assert isinstance(door.command(old.command(**stop)), Passed)
    early = Pen(lambda: door.clock.utcnow() + timedelta(minutes=2))
    assert isinstance(door.command(early.command(**stop)), Passed)
    forged = Pen(door.clock.utcnow, signer=STRANGER)
    assert isinstance(door.command(forged.command(**stop), pen=forged), Dropped)
    blind = Door(is_measured=False)
    order = blind.command(blind.pen.command(**stop)).order
    assert order.start_mono_s == blind.clock.mono_s
    assert order.ends_mono_s <= blind.clock.mono_s + 1800


def test_rule_10_stale_stop_does_not_let_older_commands_back_in(door: Door) -> None:
    door.command(door.pen.command() | {"seq": 100})
    door.command(door.pen.command(power_w=0) | {"seq": 5})
    assert code_of(door.command(door.pen.command() | {"seq": 50})) is AckCode.STALE_SEQ


def test_rule_11_without_a_common_version_only_stops_pass(door: Door) -> None:
    door.gate.is_version_agreed = False
    assert code_of(door.command(door.pen.command())) is AckCode.VERSION
    assert isinstance(door.command(door.pen.command(power_w=0)), Passed)
    door.gate.is_version_agreed = True
    assert isinstance(door.command(door.pen.command()), Passed)


def test_rule_12_heartbeat_counts_from_its_signature_and_never_from_the_future(
    door: Door,
) -> None:
    slow = Pen(lambda: door.clock.utcnow() - timedelta(seconds=11))
    assert door.heartbeat(slow).sent_mono_s == pytest.approx(door.clock.mono_s - 11)
    ahead = Pen(lambda: door.clock.utcnow() + timedelta(seconds=1.5))
    ahead.seq[HEARTBEAT] = 1
    assert door.heartbeat(ahead).sent_mono_s == door.clock.mono_s


def test_rule_12_old_replayed_or_untimed_heartbeats_do_not_count(door: Door) -> None:
    message = door.pen.payload(HEARTBEAT, "heartbeat")
    frame = door.pen.frame(HEARTBEAT, message)
    assert isinstance(door.gate.judge_heartbeat(frame, door.now), Beat)
    replayed = door.gate.judge_heartbeat(frame, door.now)
    assert replayed == Dropped(reason=DropReason.OLD)
    too_old = Pen(lambda: door.clock.utcnow() - timedelta(seconds=12.5), epoch=43)
    assert door.heartbeat(too_old) == Dropped(reason=DropReason.CLOCK)
    blind = Door(is_measured=False)
    assert blind.heartbeat() == Dropped(reason=DropReason.CLOCK)
    blind.measure()
    assert isinstance(blind.heartbeat(), Beat)


@pytest.mark.parametrize(
    "field",
    ["soc_floor_percent", "reserve_percent", "max_export_w", "cycle_budget"],
)
def test_rule_13_limits_of_the_home_cannot_be_set(door: Door, field: str) -> None:
    body: dict[str, Any] = {field: 1}
    assert code_of(door.command(door.pen.command(**body))) is AckCode.SCHEMA
    assert isinstance(door.command(door.pen.command()), Passed)


def test_rule_16_dry_run_is_judged_and_marked_and_test_is_carried(door: Door) -> None:
    dry = door.command(door.pen.command(dry_run=True))
    assert dry.is_dry_run
    trial = door.command(door.pen.command(test=True))
    assert not trial.is_dry_run
    assert trial.order.is_test
    late = door.pen.command(dry_run=True) | {"seq": 1}
    assert code_of(door.command(late)) is AckCode.STALE_SEQ


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(
            {
                "kind": "droop",
                "droop": {
                    "nominal_mhz": 50000,
                    "dead_band_mhz": 20,
                    "power_w_per_hz": 5000,
                },
            },
            id="droop",
        ),
        pytest.param(
            {
                "kind": "curve",
                "curve": [
                    {"frequency_mhz": 49000, "power_w": -5000},
                    {"frequency_mhz": 51000, "power_w": 5000},
                ],
            },
            id="curve",
        ),
    ],
)
def test_known_kind_that_is_not_offered_is_unsupported(
    door: Door, body: dict[str, Any]
) -> None:
    message = door.pen.command(**body)
    del message["power_w"]
    assert code_of(door.command(message)) is AckCode.UNSUPPORTED


def test_group_may_limit_and_release_but_not_set(door: Door) -> None:
    def judge(**body: Any) -> Any:
        door.clock.advance(1)
        return door.command(door.pen.command(GROUP, **body), GROUP)

    assert code_of(judge()) is AckCode.UNSUPPORTED
    assert code_of(judge(power_w=0)) is AckCode.UNSUPPORTED
    limited = judge(kind="limit", power_w=4000)
    assert limited.order.kind is CommandKind.LIMIT
    assert isinstance(judge(kind="release"), Passed)
    own = judge(kind="limit", power_w=4000, resource="CS1/1")
    assert code_of(own) is AckCode.UNSUPPORTED


def test_memory_stays_small_and_keeps_the_newest(door: Door) -> None:
    ids = []
    for _ in range(300):
        door.clock.advance(1)
        message = door.pen.command(power_w=0)
        ids.append(message["id"])
        door.command(message)
        door.cancel(door.pen.command()["id"])
    stored = door.memory.to_stored()
    assert len(stored["verdicts"]) == len(stored["cancelled"]) == 256
    assert stored["verdicts"][-1][0] == ids[-1]


def test_malformed_but_signed_command_is_answered_and_moves_no_mark(door: Door) -> None:
    broken = door.pen.command() | {"power_w": "much", "seq": 1000}
    assert code_of(door.command(broken)) is AckCode.SCHEMA
    assert isinstance(door.command(door.pen.command()), Passed)
    nameless = door.pen.command() | {"id": "1"}
    assert door.command(nameless) == Dropped(reason=DropReason.FORM)
    assert wire_time(door.clock.utcnow()).endswith("Z")
