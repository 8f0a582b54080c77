"""Which transaction events are news."""

from datetime import UTC, datetime, timedelta
import json

from hypothesis import given, strategies as st

from custom_components.v2g_vpp.csms.transactions import (
    KEPT_ENDED,
    KEPT_RANGES,
    News,
    TransactionFrame,
    TransactionLedger,
    parse_transaction,
    record_from_json,
    record_to_json,
)
from custom_components.v2g_vpp.domain.events import TransactionPhase
from custom_components.v2g_vpp.domain.ids import TransactionId

AT = datetime(2026, 11, 22, 18, tzinfo=UTC)
T1, T2 = TransactionId("t1"), TransactionId("t2")


def frame(
    seq_no: int,
    transaction_id: TransactionId = T1,
    *,
    phase: TransactionPhase = TransactionPhase.UPDATED,
    minutes: float = 0,
    evse_id: int | None = 1,
    is_offline: bool = False,
    charging_state: str | None = None,
) -> TransactionFrame:
    return TransactionFrame(
        transaction_id=transaction_id,
        phase=phase,
        seq_no=seq_no,
        at=AT + timedelta(minutes=minutes),
        evse_id=evse_id,
        is_offline=is_offline,
        charging_state=charging_state,
    )


def test_each_event_counts_once_and_only_forwards() -> None:
    ledger = TransactionLedger()
    assert [ledger.apply(frame(n)) for n in (0, 1, 2, 2, 5, 3, 3, 4, 6)] == [
        News.NEW,
        News.NEW,
        News.NEW,
        News.DUPLICATE,
        News.NEW,
        News.OLD,
        News.DUPLICATE,
        News.OLD,
        News.NEW,
    ]


def test_gaps_are_known_until_they_are_filled() -> None:
    ledger = TransactionLedger()
    for number in (0, 1, 2, 5):
        ledger.apply(frame(number))
    record = ledger.find(T1)
    assert record is not None
    assert record.gaps() == ((3, 4),)
    for number in (4, 3):
        ledger.apply(frame(number))
    record = ledger.find(T1)
    assert record is not None
    assert record.gaps() == ()
    assert record.seen == ((0, 5),)


def test_a_clock_that_steps_back_does_not_hide_an_end() -> None:
    ledger = TransactionLedger()
    ledger.apply(frame(0, phase=TransactionPhase.STARTED))
    ended = frame(1, phase=TransactionPhase.ENDED, minutes=-60)
    assert ledger.apply(ended) is News.NEW
    assert ledger.open_transactions() == ()


def test_a_replay_is_news_only_if_nothing_newer_is_known_of_the_evse() -> None:
    ledger = TransactionLedger()
    assert ledger.apply(frame(0, is_offline=True, minutes=-30)) is News.NEW
    record = ledger.find(T1)
    assert record is not None
    assert not record.has_been_live
    ledger.apply(frame(0, T2, phase=TransactionPhase.STARTED))
    late = frame(1, is_offline=True, minutes=-29, phase=TransactionPhase.ENDED)
    assert ledger.apply(late) is News.OLD
    elsewhere = frame(0, TransactionId("t3"), is_offline=True, minutes=-29, evse_id=2)
    assert ledger.apply(elsewhere) is News.NEW


def test_a_new_transaction_ends_the_one_whose_end_was_lost() -> None:
    ledger = TransactionLedger()
    ledger.apply(frame(0, phase=TransactionPhase.STARTED))
    other = frame(0, TransactionId("x"), phase=TransactionPhase.STARTED, evse_id=2)
    ledger.apply(other)
    ledger.apply(frame(0, T2, phase=TransactionPhase.STARTED))
    assert [r.transaction_id for r in ledger.open_transactions()] == ["x", T2]
    opened = ledger.open_on(1)
    assert opened is not None
    assert opened.transaction_id == T2
    assert ledger.open_on(3) is None


def test_after_its_end_nothing_of_a_transaction_is_news() -> None:
    ledger = TransactionLedger()
    ledger.apply(frame(0))
    ledger.end(T1)
    ledger.end(TransactionId("unknown"))
    assert ledger.apply(frame(1)) is News.OLD


def test_the_state_is_kept_while_frames_leave_it_out() -> None:
    ledger = TransactionLedger()
    ledger.apply(frame(0, charging_state="Charging"))
    ledger.apply(frame(1, evse_id=None))
    record = ledger.find(T1)
    assert record is not None
    assert (record.charging_state, record.evse_id) == ("Charging", 1)


def test_memory_is_bounded() -> None:
    ledger = TransactionLedger()
    for number in range(50):
        ended = frame(
            0, TransactionId(f"t{number}"), phase=TransactionPhase.ENDED, evse_id=1
        )
        ledger.apply(ended)
    ledger.apply(frame(0, TransactionId("open")))
    assert len(ledger.records) == KEPT_ENDED + 1
    for number in range(0, 200, 2):
        ledger.apply(frame(number, TransactionId("open")))
    record = ledger.find(TransactionId("open"))
    assert record is not None
    assert len(record.seen) == KEPT_RANGES
    assert record.highest_seq_no == 198


def test_a_frame_is_parsed_with_what_it_has() -> None:
    told = {
        "eventType": "Ended",
        "timestamp": "2026-11-22T18:00:00Z",
        "triggerReason": "EVDeparted",
        "seqNo": 4.0,
        "offline": True,
        "evse": {"id": 2},
        "transactionInfo": {"transactionId": "t1", "stoppedReason": "EVDisconnected"},
    }
    assert parse_transaction(told, AT) == TransactionFrame(
        transaction_id=T1,
        phase=TransactionPhase.ENDED,
        seq_no=4,
        at=AT,
        is_offline=True,
        evse_id=2,
        trigger="EVDeparted",
        stopped_reason="EVDisconnected",
    )
    lenient = {**told, "timestamp": "2026-11-22T18:00:00", "evse": "text"}
    assert parse_transaction(lenient, AT).evse_id is None


@given(st.lists(st.integers(0, 40)), st.data())
def test_any_order_and_any_restart_counts_each_event_once(
    numbers: list[int], data: st.DataObject
) -> None:
    ledger = TransactionLedger()
    seen: set[int] = set()
    for number in numbers:
        news = ledger.apply(frame(number))
        assert (news is News.DUPLICATE) == (number in seen)
        assert (news is News.NEW) == (number > max(seen, default=-1))
        seen.add(number)
        if data.draw(st.booleans()):
            stored = json.loads(json.dumps([record_to_json(r) for r in ledger.records]))
            ledger = TransactionLedger(record_from_json(item) for item in stored)
    record = ledger.find(T1)
    known = (
        {n for low, high in record.seen for n in range(low, high + 1)}
        if record
        else set()
    )
    assert known == seen


def test_a_newer_transaction_without_a_start_ends_the_older_one() -> None:
    ledger = TransactionLedger()
    ledger.apply(frame(0, T1, phase=TransactionPhase.STARTED))
    assert ledger.apply(frame(3, T2, minutes=1)) is News.NEW
    assert [r.transaction_id for r in ledger.open_transactions()] == [T2]
    assert ledger.apply(frame(4, T1, minutes=2)) is News.OLD
    assert ledger.apply(frame(4, T2, minutes=3)) is News.NEW


def test_an_offline_frame_of_a_newer_one_ends_nothing_until_it_is_heard_live() -> None:
    ledger = TransactionLedger()
    ledger.apply(frame(0, T1, phase=TransactionPhase.STARTED))
    ledger.apply(frame(3, T2, minutes=1, is_offline=True))
    assert ledger.apply(frame(1, T1, minutes=2)) is News.NEW
    assert ledger.apply(frame(4, T2, minutes=3)) is News.NEW
    assert ledger.apply(frame(2, T1, minutes=4)) is News.OLD


def test_late_frames_of_one_that_was_never_heard_of_end_nothing() -> None:
    ledger = TransactionLedger()
    ledger.apply(frame(5, T1, minutes=10))
    for seq_no in (3, 4):
        assert ledger.apply(frame(seq_no, T2, minutes=seq_no)) is News.OLD
    running = ledger.open_on(1)
    assert running is not None
    assert running.transaction_id == T1
    assert ledger.apply(frame(6, T1, minutes=1)) is News.NEW
    assert [r.transaction_id for r in ledger.open_transactions()] == [T1]
