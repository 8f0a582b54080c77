"""What a writer knows of a station, on a clock that is moved by hand."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from custom_components.v2g_vpp.csms.calls import CallEnd, CallOutcome
from custom_components.v2g_vpp.csms.device_model import ModelSummary
from custom_components.v2g_vpp.csms.setpoints import SetpointWriter, result_of
from custom_components.v2g_vpp.csms.times import StationClock
from custom_components.v2g_vpp.domain.capability import DIALECT_TIMING, DischargeDialect
from custom_components.v2g_vpp.domain.ids import EvseKey, TransactionId
from custom_components.v2g_vpp.domain.setpoint import (
    MAX_WRITE_AGE_S,
    SetpointWrite,
    WriteResult,
    WriteStatus,
)
from tests.csms.peer import EVSE1
from tests.csms.wire import Wire

DYNAMIC = DischargeDialect.V21_DYNAMIC
VALIDITY_S = DIALECT_TIMING[DYNAMIC].validity_s
ACCEPTED = {"status": "Accepted"}
FULL, UPDATE = "SetChargingProfile", "UpdateDynamicSchedule"


class Desk:
    """A writer whose station answers when the test says so."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.wire.link.listen(self.wire.listener)
        self.writer = SetpointWriter(
            name="CS1",
            link=self.wire.link,
            clock=self.wire.clock,
            station_clock=StationClock(),
            has_updates=True,
        )
        self.answered = 0

    def begin(
        self, power_w: float, transaction_id: str | None = "t1"
    ) -> asyncio.Task[WriteResult]:
        write = SetpointWrite(
            key=EVSE1,
            power_w=power_w,
            transaction_id=None
            if transaction_id is None
            else TransactionId(transaction_id),
            decided_mono_s=self.wire.clock.monotonic(),
        )
        return asyncio.create_task(self.writer.write(write, DYNAMIC, ModelSummary()))

    async def write(
        self, power_w: float, answer: Any = ACCEPTED, **options: Any
    ) -> WriteResult:
        task = self.begin(power_w, **options)
        await self.wire.settle()
        self.answer(answer)
        return await task

    def answer(self, payload: Any = ACCEPTED) -> None:
        self.wire.answer(self.answered, payload)
        self.answered += 1

    @property
    def actions(self) -> list[str]:
        return [frame[2] for frame in self.wire.sent]

    @property
    def pulled_w(self) -> float | None:
        return self.writer.pulled_power_w(1, DYNAMIC)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    yield desk
    await desk.wire.stop()


async def test_an_update_is_only_trusted_within_the_validity_of_the_profile(
    desk: Desk,
) -> None:
    assert (await desk.write(-5000.0)).is_accepted
    desk.wire.clock.advance(VALIDITY_S - 0.1)
    assert (await desk.write(-5000.0)).is_accepted
    desk.wire.clock.advance(VALIDITY_S)
    assert (await desk.write(-5000.0)).is_accepted
    assert desk.actions == [FULL, UPDATE, FULL]


async def test_another_transaction_needs_its_own_profile(desk: Desk) -> None:
    assert (await desk.write(-5000.0)).is_accepted
    assert (await desk.write(-5000.0, transaction_id="t2")).is_accepted
    assert desk.actions == [FULL, FULL]


async def test_after_an_unanswered_update_the_whole_profile_is_sent(desk: Desk) -> None:
    assert (await desk.write(-5000.0)).is_accepted
    lost = desk.begin(-4000.0)
    await desk.wire.settle()
    desk.wire.clock.advance(5.0)
    desk.wire.fire()
    assert (await lost).status is WriteStatus.TIMEOUT
    desk.answered += 1
    assert (await desk.write(-4000.0)).is_accepted
    assert desk.actions == [FULL, UPDATE, FULL]


async def test_a_station_that_asks_gets_the_newest_setpoint_until_it_is_too_old(
    desk: Desk,
) -> None:
    assert desk.pulled_w == 0.0
    await desk.write(-5000.0)
    assert desk.pulled_w == -5000.0
    # An answer would start the dead-man anew: a stuck loop must not be helped so.
    desk.wire.clock.advance(MAX_WRITE_AGE_S)
    assert desk.pulled_w == -5000.0
    desk.wire.clock.advance(0.1)
    assert desk.pulled_w is None
    await desk.write(5000.0)
    desk.wire.clock.advance(VALIDITY_S - 0.1)
    assert desk.pulled_w == 5000.0
    desk.wire.clock.advance(0.1)
    assert desk.pulled_w == 0.0


async def test_a_stop_counts_for_a_station_that_asks_before_it_is_answered(
    desk: Desk,
) -> None:
    await desk.write(-5000.0)
    stop = desk.begin(0.0)
    await desk.wire.settle()
    assert desk.pulled_w == 0.0
    # The update, the whole profile, and the same in the words of rest.
    for _ in range(3):
        desk.answer({"status": "Rejected"})
        await desk.wire.settle()
    assert (await stop).status is WriteStatus.REJECTED
    assert desk.pulled_w == 0.0


async def test_a_refused_discharge_is_nothing_to_ask_for(desk: Desk) -> None:
    refused = await desk.write(-5000.0, {"status": "Rejected"})
    assert refused.status is WriteStatus.REJECTED
    assert desk.pulled_w == 0.0


async def test_an_answer_to_an_older_discharge_does_not_undo_a_stop(desk: Desk) -> None:
    discharge = desk.begin(-5000.0)
    await desk.wire.settle()
    desk.wire.clock.advance(0.5)
    stop = desk.begin(0.0)
    await desk.wire.settle()
    desk.answer()
    assert (await discharge).is_accepted
    assert desk.pulled_w == 0.0
    await desk.wire.settle()
    desk.answer()
    assert (await stop).is_accepted


async def test_the_link_is_armed_while_a_discharge_runs(desk: Desk) -> None:
    engine = desk.wire.engine
    await desk.write(-5000.0)
    assert engine._is_armed
    await desk.write(0.0)
    assert not engine._is_armed
    await desk.write(-5000.0)
    desk.writer.forget_transaction(TransactionId("other"))
    assert engine._is_armed
    desk.writer.forget_transaction(TransactionId("t1"))
    assert not engine._is_armed
    assert desk.pulled_w == 0.0


async def test_without_a_transaction_nothing_is_sent(desk: Desk) -> None:
    result = await desk.begin(0.0, transaction_id=None)
    assert result == WriteResult(status=WriteStatus.REJECTED, detail="no_transaction")
    assert desk.actions == []


@pytest.mark.parametrize(
    ("end", "status", "detail"),
    [
        (CallEnd.TIMEOUT, WriteStatus.TIMEOUT, "timeout"),
        (CallEnd.LINK_LOST, WriteStatus.OFFLINE, "link_lost"),
        (CallEnd.SUPERSEDED, WriteStatus.SUPERSEDED, "superseded"),
        (CallEnd.STALE, WriteStatus.STALE, "stale"),
        (CallEnd.QUEUE_FULL, WriteStatus.REJECTED, "queue_full"),
    ],
)
def test_every_end_of_a_call_is_an_end_of_a_write(
    end: CallEnd, status: WriteStatus, detail: str
) -> None:
    result = result_of(CallOutcome(end=end))
    assert (result.status, result.detail) == (status, detail)
    assert result_of(CallOutcome(end=end, sent_mono_s=5.0)).on_wire_mono_s == 5.0


@pytest.mark.parametrize("year", [1, 1970, 9999])
async def test_a_clock_out_of_this_world_holds_up_no_stop(
    desk: Desk, year: int
) -> None:
    is_late = year > 2000
    told = datetime(year, 12 if is_late else 1, 31 if is_late else 1, tzinfo=UTC)
    told += timedelta(hours=23, minutes=59) if is_late else timedelta()
    desk.writer.station_clock.learn(told, desk.wire.clock.utcnow())
    desk.wire.clock.advance(120.0)
    for dialect in (DYNAMIC, DischargeDialect.V21_SCHEDULE):
        write = SetpointWrite(
            key=EVSE1,
            power_w=0.0,
            transaction_id=TransactionId("t1"),
            decided_mono_s=desk.wire.clock.monotonic(),
            is_renewal=True,
        )
        task = asyncio.create_task(desk.writer.write(write, dialect, ModelSummary()))
        await desk.wire.settle()
        desk.answer()
        assert (await task).is_accepted


async def test_a_discharge_that_waited_for_its_turn_too_long_never_leaves(
    desk: Desk,
) -> None:
    stop = desk.begin(0.0)
    await desk.wire.settle()
    late = desk.begin(-5000.0)
    await desk.wire.settle()
    desk.wire.clock.advance(MAX_WRITE_AGE_S + 0.1)
    desk.answer()
    assert (await stop).is_accepted
    await desk.wire.settle()
    assert desk.actions == [FULL]
    assert (await late).status is WriteStatus.STALE


async def test_a_clock_that_went_wrong_under_a_discharge_stops_it_at_once(
    desk: Desk,
) -> None:
    now = desk.wire.clock.utcnow()
    desk.writer.station_clock.learn(now, now)

    def begin() -> asyncio.Task[WriteResult]:
        write = SetpointWrite(
            key=EVSE1,
            power_w=-5000.0,
            transaction_id=TransactionId("t1"),
            decided_mono_s=desk.wire.clock.monotonic(),
        )
        schedule = DischargeDialect.V21_SCHEDULE
        return asyncio.create_task(desk.writer.write(write, schedule, ModelSummary()))

    taken = begin()
    await desk.wire.settle()
    desk.answer()
    assert (await taken).is_accepted
    desk.writer.station_clock.learn(now + timedelta(hours=1), now)
    refused = begin()
    await desk.wire.settle()
    assert desk.actions == [FULL, FULL]
    profile = desk.wire.sent[1][3]["chargingProfile"]
    period = profile["chargingSchedule"][0]["chargingSchedulePeriod"][0]
    assert period["setpoint"] == 0.0
    desk.answer()
    assert (await refused).status is WriteStatus.REJECTED


async def test_a_stop_leaves_before_the_power_of_another_evse(desk: Desk) -> None:
    first = desk.begin(-4000.0)
    await desk.wire.settle()
    other = SetpointWrite(
        key=EvseKey(EVSE1.station_id, 2),
        power_w=3000.0,
        transaction_id=TransactionId("t2"),
        decided_mono_s=desk.wire.clock.monotonic(),
    )
    waiting = asyncio.create_task(desk.writer.write(other, DYNAMIC, ModelSummary()))
    await desk.wire.settle()
    stop = desk.begin(0.0)
    await desk.wire.settle()
    for _ in range(3):
        desk.answer()
        await desk.wire.settle()
    assert [frame[3]["evseId"] for frame in desk.wire.sent] == [1, 1, 2]
    for task in (first, waiting, stop):
        assert (await task).is_accepted
