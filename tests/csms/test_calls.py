"""The queue of our requests: urgent first, newest setpoint only, bounded."""

import pytest

from custom_components.v2g_vpp.csms.calls import (
    QUEUE_CAPACITY,
    CallEnd,
    CallQueue,
    CallRequest,
    Displaced,
    Lane,
)


def request(
    token: int,
    lane: Lane = Lane.CONFIGURATION,
    *,
    deadline: float = 30.0,
    key: str | None = None,
    not_after: float | None = None,
) -> CallRequest:
    return CallRequest(
        token=token,
        action="A",
        payload={},
        lane=lane,
        deadline_mono_s=deadline,
        slot_s=30.0,
        coalesce_key=key,
        not_after_mono_s=not_after,
    )


def taken(queue: CallQueue, *, is_bulk_held: bool = False) -> int | None:
    next_request = queue.take(is_bulk_held=is_bulk_held)
    return None if next_request is None else next_request.token


def test_a_stop_leaves_before_a_setpoint_before_configuration_before_reports() -> None:
    queue = CallQueue()
    for token, lane in enumerate(reversed(Lane)):
        assert queue.offer(request(token, lane)) == []
    assert len(queue) == 4
    assert [taken(queue) for _ in range(5)] == [3, 2, 1, 0, None]


def test_reports_wait_while_a_discharge_is_armed() -> None:
    queue = CallQueue()
    queue.offer(request(1, Lane.BULK))
    assert taken(queue, is_bulk_held=True) is None
    queue.offer(request(2, Lane.CONFIGURATION))
    assert taken(queue, is_bulk_held=True) == 2
    assert taken(queue) == 1


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (Lane.SETPOINT, Lane.SETPOINT),
        (Lane.SETPOINT, Lane.STOP),
        (Lane.STOP, Lane.SETPOINT),
    ],
)
def test_the_newest_setpoint_replaces_a_waiting_one(older: Lane, newer: Lane) -> None:
    queue = CallQueue()
    queue.offer(request(1, older, key="evse1"))
    queue.offer(request(2, older, key="evse2"))
    assert queue.offer(request(3, newer, key="evse1")) == [
        Displaced(1, CallEnd.SUPERSEDED)
    ]
    assert {taken(queue), taken(queue)} == {2, 3}


def test_a_full_lane_refuses_and_takes_again_when_there_is_room() -> None:
    queue = CallQueue()
    for token in range(QUEUE_CAPACITY):
        assert queue.offer(request(token)) == []
    assert queue.offer(request(99)) == [Displaced(99, CallEnd.QUEUE_FULL)]
    assert queue.offer(request(98, Lane.STOP)) == []
    assert taken(queue) == 98
    assert taken(queue) == 0
    assert queue.offer(request(99)) == []


def test_waiting_requests_expire_and_old_discharges_go_stale() -> None:
    queue = CallQueue()
    queue.offer(request(1, deadline=10.0))
    queue.offer(request(2, deadline=20.0, not_after=5.0))
    assert queue.next_deadline_mono_s() == 5.0
    assert queue.expire(5.0) == []
    assert queue.expire(5.1) == [Displaced(2, CallEnd.STALE)]
    assert queue.next_deadline_mono_s() == 10.0
    assert queue.expire(10.0) == [Displaced(1, CallEnd.TIMEOUT)]
    assert queue.next_deadline_mono_s() is None


def test_a_cancelled_request_never_leaves() -> None:
    queue = CallQueue()
    queue.offer(request(1))
    queue.offer(request(2))
    queue.cancel(2)
    queue.cancel(7)
    assert queue.drain() == [1]
    assert len(queue) == 0
