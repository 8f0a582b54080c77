"""Commands: what is sent, when it is sent again, and how its life ends."""

from datetime import timedelta
import json
from pathlib import Path
from typing import Any

import pytest

from aggregator.dispatcher import KEPT_ACKS, KEPT_COMMANDS, CommandOrder, Dispatcher
from aggregator.errors import ContractError, NotConnectedError
from aggregator.messages import Ack, CommandKind, CurvePoint, Droop
from aggregator.mqtt_session import Outbound
from aggregator.outbox import Outbox
from aggregator.signing import Signer, is_valid

from .fake import FakeClock

HOME = "home-1"
SETPOINT = CommandOrder(kind=CommandKind.SETPOINT, power_w=-5000, duration_s=600)


class Wire:
    """What was published; it can be cut."""

    def __init__(self) -> None:
        self.sent: list[Outbound] = []
        self.is_cut = False

    def publish(self, outbound: Outbound) -> None:
        if self.is_cut:
            raise NotConnectedError("away")
        self.sent.append(outbound)


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    path: Path = tmp_path_factory.mktemp("key") / "signing.json"
    return Signer.load_or_create(path)


@pytest.fixture
def dispatcher(wire: Wire, clock: FakeClock, signer: Signer) -> Dispatcher:
    outbox = Outbox(7, signer, clock, wire.publish)
    return Dispatcher("north", outbox, clock)


def ack(clock: FakeClock, command_id: str, status: str, **changes: Any) -> Ack:
    values = {
        "version": "1.0",
        "id": command_id,
        "epoch": 1,
        "seq": 1,
        "ts": clock.utcnow(),
        "command_id": command_id,
        "status": status,
        "code": "OK",
        "committed_w": -4800,
        "binding": (),
    }
    return Ack(**{**values, **changes})


def test_a_command_is_signed_numbered_and_expires_within_twelve_seconds(
    dispatcher: Dispatcher, wire: Wire, signer: Signer
) -> None:
    dispatcher.send_command(HOME, SETPOINT)
    dispatcher.send_command(HOME, SETPOINT)
    first, second = wire.sent
    assert first.topic == "v2gvpp/v1/north/home-1/dn/command"
    assert (first.qos, first.expiry_s) == (1, 12)
    assert first.signature is not None
    assert is_valid(first.topic, first.payload, [first.signature], signer.public_keys)
    documents = [json.loads(item.payload) for item in (first, second)]
    assert [document["epoch"] for document in documents] == [7, 7]
    assert [document["seq"] for document in documents] == [1, 2]


def test_a_short_command_expires_with_its_end(
    dispatcher: Dispatcher, wire: Wire
) -> None:
    order = CommandOrder(kind=CommandKind.SETPOINT, power_w=0, duration_s=3.2)
    dispatcher.send_command(HOME, order)
    assert wire.sent[0].expiry_s == 4


def test_an_unanswered_command_is_sent_again_byte_by_byte_and_given_up(
    dispatcher: Dispatcher, wire: Wire, clock: FakeClock
) -> None:
    dispatch = dispatcher.send_command(HOME, SETPOINT)
    sent_at_s, started_mono_s = [0.0], clock.monotonic()
    while clock.monotonic() - started_mono_s < 20:
        clock.pass_s(0.25)
        before = len(wire.sent)
        dispatcher.resend_unanswered()
        sent_at_s += [clock.monotonic() - started_mono_s] * (len(wire.sent) - before)
    assert sent_at_s == [0.0, 2.0, 5.0, 9.0]
    assert len({item.payload for item in wire.sent}) == 1
    assert [item.expiry_s for item in wire.sent] == [12, 10, 7, 3]
    assert dispatch.status == "unanswered"
    assert dispatcher.unanswered == 1


def test_a_late_answer_ends_the_silence(
    dispatcher: Dispatcher, clock: FakeClock
) -> None:
    dispatch = dispatcher.send_command(HOME, SETPOINT)
    clock.pass_s(13)
    dispatcher.resend_unanswered()
    assert dispatch.status == "unanswered"
    dispatcher.note_ack(
        HOME, ack(clock, dispatch.message.id, "accepted"), clock.monotonic()
    )
    assert dispatch.status == "accepted"


def test_an_answered_command_is_not_sent_again(
    dispatcher: Dispatcher, wire: Wire, clock: FakeClock
) -> None:
    dispatch = dispatcher.send_command(HOME, SETPOINT)
    clock.pass_s(0.02)
    dispatcher.note_ack(
        HOME, ack(clock, dispatch.message.id, "accepted"), clock.monotonic()
    )
    clock.pass_s(3)
    dispatcher.resend_unanswered()
    assert len(wire.sent) == 1
    assert dispatcher.latency_count == 1
    assert dispatcher.latency_sum_s == pytest.approx(0.02)


def test_a_broker_that_is_away_is_told_and_leaves_no_trace(
    dispatcher: Dispatcher, wire: Wire, clock: FakeClock
) -> None:
    wire.is_cut = True
    with pytest.raises(NotConnectedError):
        dispatcher.send_command(HOME, SETPOINT)
    assert not dispatcher.of(HOME).dispatches
    wire.is_cut = False
    dispatch = dispatcher.send_command(HOME, SETPOINT)
    wire.is_cut = True
    clock.pass_s(2.5)
    dispatcher.resend_unanswered()
    assert dispatch.status == "sent"


def test_power_counts_from_the_start_to_the_end_and_only_while_it_is_open(
    dispatcher: Dispatcher, clock: FakeClock
) -> None:
    order = CommandOrder(
        kind=CommandKind.SETPOINT, power_w=-5000, duration_s=600, start_in_s=60
    )
    dispatch = dispatcher.send_command(HOME, order)
    command_id = dispatch.message.id
    dispatcher.note_ack(HOME, ack(clock, command_id, "accepted"), 0)
    assert dispatcher.commanded_w(HOME) == 0
    clock.pass_s(61)
    dispatcher.note_ack(HOME, ack(clock, command_id, "active"), 0)
    assert dispatcher.commanded_w(HOME) == -4800
    clock.pass_s(600)
    assert dispatcher.commanded_w(HOME) == 0


def test_a_newer_command_counts_instead_of_the_older_one(
    dispatcher: Dispatcher, clock: FakeClock
) -> None:
    def command(
        power_w: int | None, resource: str | None = None, kind: str = "setpoint"
    ) -> int:
        order = CommandOrder(
            kind=CommandKind(kind), power_w=power_w, duration_s=60, resource=resource
        )
        command_id = dispatcher.send_command(HOME, order).message.id
        answer = ack(clock, command_id, "accepted", committed_w=power_w or 0)
        dispatcher.note_ack(HOME, answer, 0)
        return dispatcher.commanded_w(HOME)

    assert command(-5000) == -5000
    assert command(-3000) == -3000
    assert command(-1000, "CS1/1") == -1000
    assert command(-2000, "CS1/2") == -3000
    assert command(-1500, "CS1/1") == -3500
    assert command(4000) == 4000
    assert command(None, kind="release") == 0


@pytest.mark.parametrize("last", ["done", "superseded", "cancelled", "failed"])
def test_a_final_answer_is_never_taken_back(
    dispatcher: Dispatcher, clock: FakeClock, last: str
) -> None:
    dispatch = dispatcher.send_command(HOME, SETPOINT)
    command_id = dispatch.message.id
    for status in ("accepted", "active", last, "accepted", "active"):
        dispatcher.note_ack(HOME, ack(clock, command_id, status), 0)
    assert dispatch.status == last
    assert dispatcher.commanded_w(HOME) == 0
    assert len(dispatcher.of(HOME).acks) == 5


@pytest.mark.parametrize(
    "order",
    [
        CommandOrder(kind=CommandKind.LIMIT, power_w=-5000, duration_s=600),
        CommandOrder(
            kind=CommandKind.DROOP,
            droop=Droop(nominal_mhz=50_000, dead_band_mhz=10, power_w_per_hz=5_000),
            duration_s=600,
        ),
        CommandOrder(
            kind=CommandKind.CURVE,
            curve=(
                CurvePoint(frequency_mhz=49_800, power_w=-5_000),
                CurvePoint(frequency_mhz=50_200, power_w=5_000),
            ),
            duration_s=600,
        ),
        CommandOrder(
            kind=CommandKind.SETPOINT, power_w=-5000, duration_s=600, dry_run=True
        ),
    ],
    ids=["a limit", "a droop", "a curve", "a dry run"],
)
def test_what_asks_for_no_power_is_not_counted_as_power(
    dispatcher: Dispatcher, clock: FakeClock, order: CommandOrder
) -> None:
    dispatch = dispatcher.send_command(HOME, order)
    dispatcher.note_ack(HOME, ack(clock, dispatch.message.id, "accepted"), 0)
    assert dispatcher.commanded_w(HOME) == 0


def test_a_cancel_names_one_command_or_all(dispatcher: Dispatcher, wire: Wire) -> None:
    command_id = dispatcher.send_command(HOME, SETPOINT).message.id
    dispatcher.send_cancel(HOME, command_id)
    dispatcher.send_cancel(HOME, None)
    one, every = (json.loads(item.payload) for item in wire.sent[1:])
    assert one["command_id"] == command_id
    assert "all" not in one
    assert every["all"] is True
    assert "command_id" not in every
    with pytest.raises(ContractError):
        dispatcher.send_cancel(HOME, "no id")


def test_history_is_bounded(dispatcher: Dispatcher, clock: FakeClock) -> None:
    ids = []
    for _ in range(KEPT_COMMANDS + 10):
        ids.append(dispatcher.send_command(HOME, SETPOINT).message.id)
        dispatcher.note_ack(HOME, ack(clock, ids[-1], "done"), 0)
    home = dispatcher.of(HOME)
    assert list(home.dispatches) == ids[10:]
    assert [record.ack.command_id for record in home.acks] == ids[-KEPT_ACKS:]


def test_the_window_of_a_command_is_what_was_asked(dispatcher: Dispatcher) -> None:
    order = CommandOrder(
        kind=CommandKind.RELEASE, duration_s=14_400, start_in_s=172_800
    )
    command = dispatcher.send_command(HOME, order).command
    assert command is not None
    assert command.end - command.start == timedelta(hours=4)
    assert command.start - command.ts == timedelta(hours=48)
