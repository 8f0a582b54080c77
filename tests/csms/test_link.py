"""The link: callers always get an end, handlers never break it, stale frames stay."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from custom_components.v2g_vpp.csms.calls import CallEnd, Lane
from custom_components.v2g_vpp.csms.frames import Payload
from custom_components.v2g_vpp.csms.link import OUTBOUND_CAPACITY, RefuseCall
from custom_components.v2g_vpp.csms.versions import Fault
from tests.csms.wire import Wire


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    wire = Wire()
    wire.link.listen(wire.listener)
    yield wire
    await wire.stop()


def trigger(wire: Wire, **options: Any) -> asyncio.Task[Any]:
    payload = {"requestedMessage": "Heartbeat"}
    return asyncio.create_task(wire.link.call("TriggerMessage", payload, **options))


async def test_a_caller_gets_the_answer_and_when_its_frame_left(wire: Wire) -> None:
    call = trigger(wire)
    await wire.settle()
    assert wire.sent == [[2, "L0", "TriggerMessage", {"requestedMessage": "Heartbeat"}]]
    sent_mono_s = wire.clock.monotonic()
    wire.clock.advance(1.0)
    wire.answer(0, {"status": "Accepted"})
    outcome = await call
    assert outcome.end is CallEnd.ANSWERED
    assert outcome.payload == {"status": "Accepted"}
    assert outcome.sent_mono_s == sent_mono_s


async def test_an_error_code_of_a_vendor_reaches_the_caller(wire: Wire) -> None:
    call = trigger(wire)
    await wire.settle()
    wire.link.feed('[4,"L0","SomeVendorCode","x",{}]')
    outcome = await call
    assert (outcome.end, outcome.code) == (CallEnd.REFUSED, "SomeVendorCode")


async def test_an_answer_that_breaks_its_schema_is_reported(wire: Wire) -> None:
    call = trigger(wire)
    await wire.settle()
    wire.answer(0, {"status": "Perhaps"})
    assert (await call).end is CallEnd.INVALID
    await wire.settle()
    assert wire.sent[-1] == [5, "L0", "PropertyConstraintViolation", "", {}]


async def test_a_request_of_ours_that_breaks_its_schema_never_leaves(
    wire: Wire,
) -> None:
    outcome = await wire.link.call("TriggerMessage", {"requestedMessage": "Dance"})
    assert outcome.end is CallEnd.INVALID
    await wire.settle()
    assert wire.sent == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (RefuseCall(Fault.SECURITY, "no"), "SecurityError"),
        (ZeroDivisionError(), "InternalError"),
        ({"wrong": 1}, "InternalError"),
    ],
)
async def test_a_handler_that_fails_is_an_error_code_and_the_link_goes_on(
    wire: Wire, answer: Any, code: str
) -> None:
    good = wire.listener.answers["Heartbeat"]
    wire.listener.answers["Heartbeat"] = answer
    wire.link.feed('[2,"1","Heartbeat",{}]')
    await wire.settle()
    assert wire.sent[-1][:3] == [4, "1", code]
    wire.listener.answers["Heartbeat"] = good
    wire.link.feed('[2,"2","Heartbeat",{}]')
    await wire.settle()
    assert wire.sent[-1] == [3, "2", good]


async def test_a_message_without_an_answer_is_handed_on(wire: Wire) -> None:
    wire.link.feed('[6,"s","NotifyPeriodicEventStream",{"id":7}]')
    assert wire.listener.sends == ["NotifyPeriodicEventStream"]
    await wire.settle()
    assert wire.sent == []


async def test_before_anyone_listens_requests_are_refused(wire: Wire) -> None:
    wire.link._listener = None
    wire.link.feed('[2,"1","Heartbeat",{}]')
    wire.link.feed('[6,"s","NotifyPeriodicEventStream",{"id":7}]')
    await wire.settle()
    assert wire.sent == [[4, "1", "InternalError", "", {}]]
    stop = trigger(wire, lane=Lane.STOP)
    await wire.settle()
    wire.answer(0, {"status": "Accepted"})
    assert (await stop).end is CallEnd.ANSWERED


async def test_a_discharge_that_the_socket_held_back_is_withdrawn(wire: Wire) -> None:
    wire.may_send.clear()
    wire.link.feed('[2,"1","Heartbeat",{}]')
    await wire.settle()
    call = trigger(wire, not_after_mono_s=wire.clock.monotonic() + 2.0)
    await wire.settle()
    wire.clock.advance(2.5)
    wire.may_send.set()
    outcome = await call
    assert (outcome.end, outcome.sent_mono_s) == (CallEnd.STALE, None)
    await wire.settle()
    assert [frame[0] for frame in wire.sent] == [3], "only the answer left"
    fresh = trigger(wire, not_after_mono_s=wire.clock.monotonic() + 2.0)
    await wire.settle()
    assert wire.sent[-1][0] == 2
    wire.answer(1, {"status": "Accepted"})
    assert (await fresh).end is CallEnd.ANSWERED


async def test_a_newer_setpoint_replaces_a_waiting_one(wire: Wire) -> None:
    first = trigger(wire, coalesce_key="evse1")
    second = trigger(wire, coalesce_key="evse1")
    third = trigger(wire, coalesce_key="evse1")
    await wire.settle()
    assert (await second).end is CallEnd.SUPERSEDED
    wire.answer(0, {"status": "Accepted"})
    await wire.settle()
    wire.answer(1, {"status": "Rejected"})
    assert (await first).payload["status"] == "Accepted"
    assert (await third).payload["status"] == "Rejected"


async def test_link_loss_ends_every_caller_at_once(wire: Wire) -> None:
    calls = [trigger(wire) for _ in range(3)]
    await wire.settle()
    wire.link.shut()
    for call in calls:
        assert (await call).end is CallEnd.LINK_LOST
    assert (await trigger(wire)).end is CallEnd.LINK_LOST


async def test_deadlines_run_without_any_traffic(wire: Wire) -> None:
    # The deadline is in the past of the clock that is moved by hand.
    call = trigger(wire, lane=Lane.SETPOINT)
    await wire.settle()
    wire.clock.advance(5.0)
    wire.fire()
    assert (await call).end is CallEnd.TIMEOUT
    assert wire.listener.answered == [False]
    again = trigger(wire, lane=Lane.SETPOINT)
    await wire.settle()
    wire.answer(1, {"status": "Accepted"})
    assert (await again).end is CallEnd.ANSWERED
    assert wire.listener.answered == [False, True]


async def test_an_earlier_deadline_moves_the_timer(wire: Wire) -> None:
    slow = trigger(wire)
    await wire.settle()
    late_mono_s = wire.link._timer_at_mono_s
    fast = trigger(wire, lane=Lane.STOP)
    await wire.settle()
    assert wire.link._timer_at_mono_s < late_mono_s
    wire.link.shut()
    await asyncio.gather(slow, fast)


async def test_three_unanswered_requests_close_the_link(wire: Wire) -> None:
    for _ in range(3):
        call = trigger(wire, lane=Lane.SETPOINT)
        await wire.settle()
        wire.clock.advance(5.0)
        wire.fire()
        assert (await call).end is CallEnd.TIMEOUT
    assert wire.closes == [(1001, "requests unanswered")]


async def test_a_station_that_reads_nothing_is_closed(wire: Wire) -> None:
    wire.may_send.clear()
    for number in range(OUTBOUND_CAPACITY + 2):
        wire.link.feed(f'[2,"{number}","Heartbeat",{{}}]')
        await asyncio.sleep(0)
    assert wire.closes == [(1008, "not reading")]


async def test_a_cancelled_caller_does_not_free_the_slot(wire: Wire) -> None:
    first = trigger(wire)
    await wire.settle()
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    second = trigger(wire)
    await wire.settle()
    assert len(wire.sent) == 1, "the first is still unanswered"
    wire.answer(0, {"status": "Accepted"})
    await wire.settle()
    wire.answer(1, {"status": "Accepted"})
    assert (await second).end is CallEnd.ANSWERED


async def test_a_request_whose_caller_gave_up_never_leaves(wire: Wire) -> None:
    first = trigger(wire)
    waiting = trigger(wire)
    await wire.settle()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    wire.answer(0, {"status": "Accepted"})
    assert (await first).end is CallEnd.ANSWERED
    await wire.settle()
    assert len(wire.sent) == 1


async def test_while_armed_the_slot_is_freed_sooner(wire: Wire) -> None:
    slow = trigger(wire)
    stop = trigger(wire, lane=Lane.STOP)
    await wire.settle()
    wire.link.set_armed(is_armed=True)
    wire.clock.advance(4.9)
    wire.fire()
    assert len(wire.sent) == 1
    assert wire.link.protocol == "ocpp2.1"
    assert wire.link.engine is wire.engine
    wire.clock.advance(0.1)
    wire.fire()
    await wire.settle()
    assert (await slow).end is CallEnd.TIMEOUT
    assert (await stop).end is CallEnd.TIMEOUT, "its own 5 s are over, too"


async def test_a_message_that_cannot_be_used_does_not_end_the_link(wire: Wire) -> None:
    def fail(action: str, payload: Payload) -> None:
        raise OverflowError

    wire.listener.on_send = fail  # type: ignore[method-assign]
    wire.link.feed('[6, "s1", "NotifyPeriodicEventStream", {}]')
    wire.link.feed('[2, "c1", "Heartbeat", {}]')
    await wire.settle()
    assert [frame[:2] for frame in wire.sent] == [[3, "c1"]]
