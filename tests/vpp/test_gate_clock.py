"""The rules of the gate about time: clocks, deadlines, stops, heartbeats."""

from datetime import timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
)
from custom_components.v2g_vpp.vpp.clock_check import ClockCheck
from custom_components.v2g_vpp.vpp.gate import (
    Beat,
    Dropped,
    DropReason,
    Passed,
)

from .actors import STRANGER, Pen
from .door import COMMAND, HEARTBEAT, Door, code_of


@pytest.fixture
def door() -> Any:
    return Door()


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


def test_order_knows_when_it_was_signed_and_a_late_stop_is_as_old_as_it_is() -> None:
    door = Door()
    late = Pen(lambda: door.clock.utcnow() - timedelta(seconds=11))
    order = door.command(late.command()).order
    assert order.sent_mono_s == pytest.approx(door.clock.mono_s - 11)
    replayed = Pen(lambda: door.clock.utcnow() - timedelta(minutes=2), epoch=41)
    stop = door.command(replayed.command(power_w=0)).order
    assert stop.sent_mono_s == pytest.approx(door.clock.mono_s - 120)
    early = Pen(lambda: door.clock.utcnow() + timedelta(seconds=1.5), epoch=43)
    assert door.command(early.command()).order.sent_mono_s == door.clock.mono_s
    for offset_s in (None, 30.0):
        blind = Door(is_measured=False)
        if offset_s is not None:
            blind.measure(offset_s)
        assert blind.command(blind.pen.command(power_w=0)).order.sent_mono_s is None
