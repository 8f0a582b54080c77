"""From a frame to the home and back to an answer."""

from typing import Any

import pytest

from custom_components.v2g_vpp.domain.dispatch import (
    AckCode,
    AckStatus,
    BindingClass,
    DispatchAck,
)
from custom_components.v2g_vpp.domain.setpoint import Reason
from custom_components.v2g_vpp.domain.snapshot import SiteSnapshot
from custom_components.v2g_vpp.vpp.dispatching import Dispatching
from custom_components.v2g_vpp.vpp.gate import DropReason
from custom_components.v2g_vpp.vpp.topics import DownType

from .actors import STRANGER, TOPICS, Pen, RecordingHome
from .door import COMMAND, Door
from .test_reporting import evse, home

CANCEL = TOPICS.down(DownType.CANCEL)


class Desk:
    """A gate, a home that records, and the answers that go out."""

    def __init__(self) -> None:
        self.door = Door()
        self.home = RecordingHome()
        self.acks: list[DispatchAck] = []
        self.picture: SiteSnapshot | None = home()
        self.dispatching = Dispatching(
            self.door.gate, self.home, self.acks.append, lambda: self.picture
        )

    def command(self, **body: Any) -> DispatchAck:
        """Send a command; return the last answer."""
        return self.send(self.door.pen.command(**body))

    def send(self, message: Any) -> DispatchAck:
        self.door.clock.advance(1)
        frame = self.door.pen.frame(COMMAND, message)
        self.dispatching.take_command(frame, self.door.now)
        return self.acks[-1]

    def cancel(self, **body: Any) -> str:
        message = self.door.pen.payload(CANCEL, "cancel", **body)
        self.dispatching.take_cancel(self.door.pen.frame(CANCEL, message))
        return str(message["id"])


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_refusal_of_the_home_is_the_recorded_verdict(desk: Desk) -> None:
    desk.home.verdict = (AckStatus.REJECTED, AckCode.NOT_PERMITTED)
    message = desk.door.pen.command()
    assert desk.send(message).code is AckCode.NOT_PERMITTED
    desk.home.verdict = (AckStatus.ACCEPTED, AckCode.OK)
    assert desk.send(message).code is AckCode.NOT_PERMITTED
    assert len(desk.home.orders) == 1
    assert desk.command().status is AckStatus.ACCEPTED


def test_refused_order_leaves_its_window_free(desk: Desk) -> None:
    desk.home.verdict = (AckStatus.REJECTED, AckCode.NOT_CONNECTED)
    desk.command(start_s=600, end_s=1200)
    desk.home.verdict = (AckStatus.ACCEPTED, AckCode.OK)
    assert desk.command(start_s=700, end_s=1300).status is AckStatus.ACCEPTED
    assert desk.command(start_s=800, end_s=1400).code is AckCode.OVERLAP


def test_release_frees_the_windows_that_waited(desk: Desk) -> None:
    desk.command(start_s=600, end_s=1200)
    assert desk.command(kind="release").status is AckStatus.ACCEPTED
    assert desk.command(start_s=700, end_s=1300).status is AckStatus.ACCEPTED


def test_duplicate_gets_the_latest_word_about_the_order(desk: Desk) -> None:
    message = desk.door.pen.command()
    desk.send(message)
    desk.dispatching.tell(
        DispatchAck(order_id=message["id"], status=AckStatus.DONE, code=AckCode.OK)
    )
    assert desk.send(message).status is AckStatus.DONE
    assert len(desk.home.orders) == 1


def test_cancel_of_one_ends_only_that_one(desk: Desk) -> None:
    first = desk.command(start_s=600, end_s=1200).order_id
    second = desk.command(start_s=1200, end_s=1800).order_id
    cancel_id = desk.cancel(command_id=first)
    assert desk.home.cancelled == [first]
    told = [(ack.order_id, ack.status) for ack in desk.acks[-2:]]
    assert told == [
        (first, AckStatus.CANCELLED),
        (cancel_id, AckStatus.ACCEPTED),
    ]
    desk.cancel(all=True)
    assert desk.home.cancelled == [first, second]


def test_cancel_of_an_unknown_or_finished_order_is_answered_all_the_same(
    desk: Desk,
) -> None:
    done = desk.command().order_id
    desk.dispatching.tell(
        DispatchAck(order_id=done, status=AckStatus.DONE, code=AckCode.OK)
    )
    for command_id in (done, desk.door.pen.command()["id"]):
        cancel_id = desk.cancel(command_id=command_id)
        assert desk.acks[-1].order_id == cancel_id
        assert desk.acks[-1].status is AckStatus.ACCEPTED
    assert desk.home.cancelled == []


def test_malformed_cancel_is_answered_and_the_next_one_works(desk: Desk) -> None:
    order_id = desk.command().order_id
    desk.cancel(command_id=order_id, everything=True)
    assert desk.acks[-1].code is AckCode.SCHEMA
    desk.cancel(command_id=order_id)
    assert desk.home.cancelled == [order_id]


def test_same_cancel_twice_is_applied_once(desk: Desk) -> None:
    desk.command()
    message = desk.door.pen.payload(CANCEL, "cancel", all=True)
    for _ in range(2):
        desk.dispatching.take_cancel(desk.door.pen.frame(CANCEL, message))
    assert len(desk.home.cancelled) == 1
    assert [ack.order_id for ack in desk.acks].count(message["id"]) == 2


@pytest.mark.parametrize(
    ("body", "status", "code", "committed_w"),
    [
        ({"power_w": -5000}, AckStatus.ACCEPTED, AckCode.OK, -5000),
        ({"power_w": -20000}, AckStatus.ACCEPTED, AckCode.CLAMPED, -10_000),
        ({"power_w": 20000}, AckStatus.ACCEPTED, AckCode.CLAMPED, 11_000),
        ({"power_w": 0}, AckStatus.ACCEPTED, AckCode.OK, 0),
        ({"resource": "CS1/1"}, AckStatus.ACCEPTED, AckCode.OK, -5000),
        ({"resource": "CS9/1"}, AckStatus.REJECTED, AckCode.UNKNOWN_RESOURCE, 0),
        (
            {"kind": "limit", "power_w": 20000},
            AckStatus.ACCEPTED,
            AckCode.OK,
            20_000,
        ),
    ],
)
def test_dry_run_says_what_would_happen_and_changes_nothing(
    desk: Desk, body: Any, status: AckStatus, code: AckCode, committed_w: float
) -> None:
    ack = desk.command(dry_run=True, **body)
    assert (ack.status, ack.code, ack.committed_w) == (status, code, committed_w)
    assert bool(ack.binding) is (code is AckCode.CLAMPED), "the nameplate is a limit"
    assert desk.home.orders == []
    assert desk.command().status is AckStatus.ACCEPTED


def test_dry_run_of_a_discharge_that_is_blocked_is_rejected(desk: Desk) -> None:
    blocked = evse(
        available_discharge_w=0.0, discharge_blocked_by=Reason.DISCHARGE_NOT_ALLOWED
    )
    desk.picture = home(blocked)
    assert desk.command(dry_run=True).code is AckCode.NOT_PERMITTED
    desk.picture = None
    assert desk.command(dry_run=True).code is AckCode.NOT_CONNECTED
    limited = evse(available_discharge_w=4000.0, discharge_blocked_by=Reason.RAMP)
    desk.picture = home(limited)
    assert desk.command(dry_run=True).binding == (BindingClass.LIMIT,)


def _droop(desk: Desk, **body: Any) -> DispatchAck:
    droop = {"nominal_mhz": 50_000, "dead_band_mhz": 10, "power_w_per_hz": 5_000}
    message = desk.door.pen.command(kind="droop", droop=droop, **body)
    del message["power_w"]
    return desk.send(message)


def test_dry_run_of_a_droop_says_whether_the_frequency_would_be_followed(
    desk: Desk,
) -> None:
    assert _droop(desk, dry_run=True).code is AckCode.UNSUPPORTED
    desk.picture = home(evse(support_refusal=None))
    ack = _droop(desk, dry_run=True)
    assert (ack.status, ack.code, ack.committed_w) == (
        AckStatus.ACCEPTED,
        AckCode.OK,
        0.0,
    )
    desk.door.clock.advance(1)
    other = _droop(desk, dry_run=True, resource="CS1/2")
    assert other.code is AckCode.UNKNOWN_RESOURCE
    empty = evse(support_refusal=None, available_discharge_w=0.0)
    desk.picture = home(empty)
    assert _droop(desk, dry_run=True).code is AckCode.NOT_PERMITTED
    desk.picture = None
    desk.door.clock.advance(1)
    assert _droop(desk, dry_run=True).code is AckCode.NOT_CONNECTED
    assert desk.home.orders == []


def test_dropped_frames_are_counted_and_only_attacks_are_loud(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    forged = Pen(desk.door.clock.utcnow, signer=STRANGER)
    for _ in range(3):
        frame = forged.frame(COMMAND, forged.command())
        desk.dispatching.take_command(frame, desk.door.now)
    heartbeat = TOPICS.down(DownType.HEARTBEAT)
    beat = forged.frame(heartbeat, forged.payload(heartbeat, "heartbeat"))
    assert desk.dispatching.take_heartbeat(beat, desk.door.now) is None
    desk.cancel()
    assert desk.dispatching.dropped[DropReason.SIGNATURE] == 4
    assert desk.acks[-1].code is AckCode.SCHEMA
    warnings = [r for r in caplog.records if r.levelname == "WARNING"]
    assert len(warnings) == 1
