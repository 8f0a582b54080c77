"""The engine keeps the rules of OCPP-J whatever happens around it."""

from typing import Any

import pytest

from custom_components.v2g_vpp.csms.answers import TIMELY_ACTIONS, AnswerCache
from custom_components.v2g_vpp.csms.calls import CallEnd, CallOutcome, Lane
from custom_components.v2g_vpp.csms.rpc import (
    ARMED_SLOT_S,
    GOING_AWAY,
    PENDING_CAPACITY,
    TIMEOUTS_BEFORE_CLOSE,
    Action,
    CloseLink,
    EndCall,
    HandleCall,
    HandleSend,
    SendFrame,
)
from custom_components.v2g_vpp.csms.versions import V16, V21, V201, Fault, RpcVersion
from tests.csms.engine import ends, engine, request, sent

# --- requests of the station ---------------------------------------------------------


def test_a_request_is_handed_out_and_its_answer_sent() -> None:
    rpc = engine()
    assert rpc.version is V21
    assert rpc.receive('[2,"1","Heartbeat",{}]', 0.0) == [
        HandleCall("1", "Heartbeat", {})
    ]
    assert rpc.respond("1", {"a": 1}, 0.0) == [SendFrame('[3,"1",{"a":1}]')]
    assert rpc.respond("1", {"a": 1}, 0.0) == []


@pytest.mark.parametrize(
    ("version", "fault", "code"),
    [
        (version, fault, code)
        for version, framework, occurrence, form in (
            (V21, "RpcFrameworkError", "OccurrenceConstraintViolation", "Format"),
            (V201, "RpcFrameworkError", "OccurrenceConstraintViolation", "Format"),
            (V16, "FormationViolation", "OccurenceConstraintViolation", "Formation"),
        )
        for fault, code in (
            (Fault.FRAMEWORK, framework),
            (Fault.NOT_IMPLEMENTED, "NotImplemented"),
            (Fault.NOT_SUPPORTED, "NotSupported"),
            (Fault.OCCURRENCE, occurrence),
            (Fault.TYPE, "TypeConstraintViolation"),
            (Fault.PROPERTY, "PropertyConstraintViolation"),
            (Fault.FORMAT, f"{form}Violation"),
            (Fault.SECURITY, "SecurityError"),
            (Fault.INTERNAL, "InternalError"),
        )
    ],
)
def test_each_fault_has_the_code_of_the_version(
    version: RpcVersion, fault: Fault, code: str
) -> None:
    rpc = engine(version)
    rpc.receive('[2,"1","Heartbeat",{}]', 0.0)
    assert sent(rpc.refuse("1", fault, 0.0, "why")) == [[4, "1", code, "why", {}]]


@pytest.mark.parametrize(
    ("version", "frame", "answer"),
    [
        (V21, "{bad", [4, "-1", "RpcFrameworkError", "", {}]),
        (V201, "{bad", [4, "-1", "RpcFrameworkError", "", {}]),
        (V16, "{bad", [4, "-1", "FormationViolation", "", {}]),
        (V201, '[9,"1","X",{}]', [4, "1", "MessageTypeNotSupported", "", {}]),
        (V201, '[6,"s3","X",{}]', [4, "s3", "MessageTypeNotSupported", "", {}]),
        (V21, '[9,"1","X",{}]', None),
        (V16, '[9,"1","X",{}]', None),
        (V21, '[3,"ghost",{}]', None),
        (V21, '[4,"ghost","X","",{}]', None),
        (V21, '[3,"ghost"]', None),
        (V21, '[5,"1","X","",{}]', None),
        (V21, '[2,"1",["x"],{}]', [4, "1", "RpcFrameworkError", "", {}]),
        (V16, '[2,"1",["x"],{}]', [4, "1", "FormationViolation", "", {}]),
    ],
)
def test_a_bad_frame_gets_the_answer_of_its_version(
    version: RpcVersion, frame: str, answer: list[Any] | None
) -> None:
    rpc = engine(version)
    assert sent(rpc.receive(frame, 0.0)) == ([answer] if answer else [])
    assert rpc.receive('[2,"2","Heartbeat",{}]', 0.0), "the link stays usable"


def test_what_is_dropped_is_counted() -> None:
    rpc = engine()
    for frame in (
        "{bad",
        '[9,"1","X",{}]',
        '[3,"x",{}]',
        '[5,"1","X"]',
        '[3,"x"]',
    ):
        rpc.receive(frame, 0.0)
    assert rpc.counters.malformed == 2
    assert rpc.counters.ignored == 1
    assert rpc.counters.unexpected_answers == 1
    assert rpc.counters.refused_answers == 1


def test_a_send_is_used_and_never_answered() -> None:
    assert engine().receive('[6,"s","NotifyPeriodicEventStream",{"id":7}]', 0.0) == [
        HandleSend("NotifyPeriodicEventStream", {"id": 7})
    ]


def test_a_duplicate_is_refused_while_pending_and_repeated_afterwards() -> None:
    rpc = engine()
    frame = '[2,"dup","Authorize",{}]'
    rpc.receive(frame, 0.0)
    assert sent(rpc.receive(frame, 1.0)) == [
        [4, "dup", "RpcFrameworkError", "duplicate", {}]
    ]
    first = rpc.respond("dup", {"idTokenInfo": {}}, 2.0)
    assert rpc.receive(frame, 3.0) == first
    assert rpc.counters.repeated == 1
    assert rpc.receive(frame, 2.0 + 600.0) == [HandleCall("dup", "Authorize", {})]


@pytest.mark.parametrize("action", sorted(TIMELY_ACTIONS))
def test_what_asks_for_the_time_is_never_told_an_old_one(action: str) -> None:
    rpc = engine()
    frame = f'[2,"dup","{action}",{{}}]'
    for now_mono_s in (0.0, 60.0):
        assert rpc.receive(frame, now_mono_s) == [HandleCall("dup", action, {})]
        rpc.respond("dup", {"currentTime": "now"}, now_mono_s)
    assert rpc.counters.repeated == 0


def test_answers_are_repeated_on_the_next_connection_too() -> None:
    answers = AnswerCache()
    frame = '[2,"7","TransactionEvent",{"seqNo":1}]'
    first = engine(answers=answers)
    first.receive(frame, 0.0)
    answered = first.respond("7", {}, 0.0)
    assert engine(answers=answers).receive(frame, 60.0) == answered


def test_a_flood_of_unanswered_requests_is_bounded_and_recovers() -> None:
    rpc = engine()
    for number in range(PENDING_CAPACITY):
        assert rpc.receive(f'[2,"{number}","Heartbeat",{{}}]', 0.0)
    assert sent(rpc.receive('[2,"x","Heartbeat",{}]', 0.0)) == [
        [4, "x", "InternalError", "too many requests", {}]
    ]
    rpc.respond("0", {}, 0.0)
    assert rpc.receive('[2,"x","Heartbeat",{}]', 0.0) == [
        HandleCall("x", "Heartbeat", {})
    ]


# --- our requests ----------------------------------------------------------------


def test_one_call_at_a_time_and_the_answer_frees_the_slot() -> None:
    rpc = engine()
    assert sent(rpc.call(request(1), 0.0)) == [[2, "L0", "Action1", {"n": 1}]]
    assert rpc.call(request(2), 0.0) == []
    rpc.mark_sent(1, 0.25)
    rpc.mark_sent(2, 9.0)
    actions = rpc.receive('[3,"L0",{"status":"Accepted"}]', 1.0)
    assert actions[0] == EndCall(
        1,
        CallOutcome(
            end=CallEnd.ANSWERED,
            payload={"status": "Accepted"},
            message_id="L0",
            sent_mono_s=0.25,
        ),
    )
    assert sent(actions) == [[2, "L1", "Action2", {"n": 2}]]
    assert rpc.has_outstanding_call


def test_requests_cross_without_waiting_for_each_other() -> None:
    rpc = engine()
    rpc.call(request(1), 0.0)
    assert rpc.receive('[2,"9","Heartbeat",{}]', 0.0) == [
        HandleCall("9", "Heartbeat", {})
    ]


def test_any_error_code_reaches_the_caller() -> None:
    rpc = engine()
    rpc.call(request(1), 0.0)
    (end,) = rpc.receive('[4,"L0","SomeVendorCode","x",{}]', 1.0)
    assert isinstance(end, EndCall)
    assert (end.outcome.end, end.outcome.code, end.outcome.description) == (
        CallEnd.REFUSED,
        "SomeVendorCode",
        "x",
    )


@pytest.mark.parametrize(
    ("version", "answer"),
    [(V21, [[5, "L0", "RpcFrameworkError", "", {}]]), (V201, []), (V16, [])],
)
def test_a_broken_answer_ends_the_call_and_is_reported_in_2_1(
    version: RpcVersion, answer: list[Any]
) -> None:
    rpc = engine(version)
    rpc.call(request(1), 0.0)
    actions = rpc.receive('[3,"L0"]', 1.0)
    assert sent(actions) == answer
    assert ends(actions) == {1: CallEnd.INVALID}
    assert sent(rpc.call(request(2), 1.0)), "the slot is free again"


def test_an_unanswered_call_times_out_and_its_late_answer_is_dropped() -> None:
    rpc = engine()
    rpc.call(request(1, Lane.SETPOINT), 0.0)
    rpc.call(request(2), 0.0)
    assert rpc.next_deadline_mono_s() == 5.0
    assert rpc.tick(4.9) == []
    actions = rpc.tick(5.0)
    assert ends(actions) == {1: CallEnd.TIMEOUT}
    assert sent(actions) == [[2, "L1", "Action2", {"n": 2}]]
    assert rpc.receive('[3,"L0",{}]', 5.1) == []
    assert rpc.counters.unexpected_answers == 1


def test_a_caller_that_waited_gets_its_deadline_while_the_slot_stays_held() -> None:
    rpc = engine()
    rpc.call(request(1, Lane.SETPOINT), 0.0)
    rpc.call(request(2, Lane.SETPOINT), 2.0)
    rpc.receive('[3,"L0",{}]', 4.0)
    assert ends(rpc.tick(5.0)) == {2: CallEnd.TIMEOUT}
    assert rpc.has_outstanding_call, "the station may still be answering"
    assert rpc.next_deadline_mono_s() == 9.0
    assert rpc.receive('[3,"L1",{}]', 6.0) == []
    assert not rpc.has_outstanding_call


def test_three_timeouts_in_a_row_close_the_link_and_an_answer_resets_the_count() -> (
    None
):
    rpc = engine()
    now = 0.0
    for number in range(TIMEOUTS_BEFORE_CLOSE - 1):
        rpc.call(request(number, deadline_mono_s=now + 30.0), now)
        now += 30.0
        assert ends(rpc.tick(now)) == {number: CallEnd.TIMEOUT}
    rpc.call(request(50, deadline_mono_s=now + 30.0), now)
    rpc.receive('[3,"L2",{}]', now)
    actions: list[Action] = []
    for number in range(TIMEOUTS_BEFORE_CLOSE):
        rpc.call(request(number, deadline_mono_s=now + 30.0), now)
        now += 30.0
        actions = rpc.tick(now)
    assert actions[-1] == CloseLink(GOING_AWAY, "requests unanswered")
    assert rpc.call(request(60, deadline_mono_s=now + 30.0), now) == [], (
        "nothing more is sent on a link that is being closed"
    )


def test_a_stale_discharge_is_never_sent() -> None:
    rpc = engine()
    rpc.call(request(1), 0.0)
    rpc.call(request(2, Lane.SETPOINT, not_after_mono_s=2.0), 0.0)
    actions = rpc.receive('[3,"L0",{}]', 2.5)
    assert sent(actions) == []
    assert ends(actions) == {1: CallEnd.ANSWERED, 2: CallEnd.STALE}


def test_a_discharge_that_the_socket_held_back_is_withdrawn() -> None:
    rpc = engine()
    (frame,) = rpc.call(request(1, Lane.SETPOINT, not_after_mono_s=2.0), 0.0)
    rpc.call(request(2), 0.0)
    assert isinstance(frame, SendFrame)
    assert (frame.token, frame.not_after_mono_s) == (1, 2.0)
    actions = rpc.withdraw(1, 2.5)
    assert actions[0] == EndCall(1, CallOutcome(end=CallEnd.STALE))
    assert sent(actions) == [[2, "L1", "Action2", {"n": 2}]]
    assert rpc.withdraw(1, 2.5) == []


def test_a_cancelled_caller_leaves_the_slot_held_until_the_answer() -> None:
    rpc = engine()
    rpc.call(request(1), 0.0)
    rpc.call(request(2), 0.0)
    rpc.cancel(1)
    rpc.cancel(2)
    assert rpc.call(request(3), 0.0) == []
    actions = rpc.receive('[3,"L0",{}]', 1.0)
    assert ends(actions) == {}
    assert sent(actions) == [[2, "L1", "Action3", {"n": 3}]]


def test_link_loss_ends_every_request_at_once() -> None:
    rpc = engine()
    rpc.call(request(1), 0.0)
    rpc.call(request(2), 0.0)
    rpc.receive('[2,"1","Heartbeat",{}]', 0.0)
    assert ends(rpc.close()) == {1: CallEnd.LINK_LOST, 2: CallEnd.LINK_LOST}
    assert rpc.next_deadline_mono_s() is None
    assert rpc.respond("1", {}, 0.0) == []
    assert rpc.receive('[2,"2","Heartbeat",{}]', 0.0) == []
    assert ends(rpc.call(request(3), 0.0)) == {3: CallEnd.LINK_LOST}
    assert rpc.close() == []


def test_while_a_discharge_is_armed_no_call_holds_the_slot_for_long() -> None:
    rpc = engine()
    rpc.call(request(1, Lane.BULK), 0.0)
    rpc.call(request(2, Lane.BULK), 0.0)
    rpc.set_armed(is_armed=True, now_mono_s=10.0)
    assert ends(rpc.tick(10.0 + ARMED_SLOT_S)) == {1: CallEnd.TIMEOUT}
    assert not rpc.has_outstanding_call, "the other report waits"
    rpc.call(request(3, Lane.CONFIGURATION, deadline_mono_s=60.0), 20.0)
    assert rpc.next_deadline_mono_s() == 20.0 + ARMED_SLOT_S
    rpc.receive('[3,"L1",{}]', 21.0)
    released = rpc.set_armed(is_armed=False, now_mono_s=22.0)
    assert sent(released) == [[2, "L2", "Action2", {"n": 2}]]
