"""Every rule of the gate, one test each."""

from typing import Any

import pytest

from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    CommandKind,
)
from custom_components.v2g_vpp.domain.frequency_response import (
    Droop,
    FrequencyResponse,
)
from custom_components.v2g_vpp.vpp.gate import (
    Beat,
    Cancelling,
    Dropped,
    DropReason,
    Passed,
)
from custom_components.v2g_vpp.vpp.memory import GateMemory
from tests.control.responses import curve

from .actors import STRANGER, TOPICS, Pen, wire_time
from .door import CANCEL, COMMAND, GROUP, Door, code_of


@pytest.fixture
def door() -> Any:
    return Door()


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


def test_rule_7_stops_that_wait_do_not_pile_up_and_one_of_now_passes(
    door: Door,
) -> None:
    for index in range(16):
        message = door.pen.command(power_w=0, start_s=600 + index, end_s=1200)
        assert isinstance(door.command(message), Passed), index
    one_more = door.pen.command(power_w=0, start_s=700, end_s=1200)
    assert code_of(door.command(one_more)) is AckCode.OVERLAP
    assert isinstance(door.command(door.pen.command(power_w=0)), Passed)


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


def test_rule_11_without_a_common_version_only_stops_pass(door: Door) -> None:
    door.gate.is_version_agreed = False
    assert code_of(door.command(door.pen.command())) is AckCode.VERSION
    assert isinstance(door.command(door.pen.command(power_w=0)), Passed)
    door.gate.is_version_agreed = True
    assert isinstance(door.command(door.pen.command()), Passed)


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
    ("body", "response"),
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
            Droop(nominal_hz=50.0, dead_band_hz=0.02, power_w_per_hz=5_000.0),
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
            curve((49.0, -5_000.0), (51.0, 5_000.0)),
            id="curve",
        ),
    ],
)
def test_what_follows_the_frequency_goes_to_the_home_with_its_response(
    door: Door, body: dict[str, Any], response: FrequencyResponse
) -> None:
    def judge(topic: str, **more: Any) -> Any:
        door.clock.advance(1)
        message = door.pen.command(topic, **body, **more)
        del message["power_w"]
        return door.command(message, topic)

    order = judge(COMMAND).order
    assert (order.kind, order.response) == (body["kind"], response)
    assert order.power_w == 0.0
    assert not order.is_stop
    assert judge(GROUP).order.response == response
    assert code_of(judge(GROUP, resource="CS1/1")) is AckCode.UNSUPPORTED


@pytest.mark.parametrize(
    "points",
    [
        [(50_000, 0), (50_000, 5)],
        [(50_100, 0), (50_000, 5)],
        [(49_900, 5), (50_000, 0)],
    ],
    ids=["not rising", "falling", "against the grid"],
)
def test_a_curve_that_no_grid_is_helped_by_has_no_form(
    door: Door, points: list[tuple[int, int]]
) -> None:
    wire = [{"frequency_mhz": mhz, "power_w": power_w} for mhz, power_w in points]
    message = door.pen.command(kind="curve", curve=wire)
    del message["power_w"]
    assert code_of(door.command(message)) is AckCode.SCHEMA


def test_without_a_common_clock_no_frequency_is_followed(door: Door) -> None:
    door.measure(offset_s=5.0)
    door.present_w = -5_000.0
    droop = {"nominal_mhz": 50_000, "dead_band_mhz": 10, "power_w_per_hz": 100}
    message = door.pen.command(kind="droop", droop=droop)
    del message["power_w"]
    assert code_of(door.command(message)) is AckCode.CLOCK_SKEW


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
