"""Periodic event streams over the wire (OCPP 2.1 N11 to N15)."""

from typing import Any

import pytest

from tests.virtual.conftest import Rig
from tests.virtual.fake_clock import until
from tests.virtual.scripted_csms import settle, silent

from .test_wire import HANDLE, POWER, events_of, set_one, wanted

MESSAGE = "NotifyPeriodicEventStream"
SECOND = 1.0


async def stream(rig: Rig, monitor: dict[str, Any], **params: int) -> int:
    """Set a monitor with a stream and return its number when the stream is open."""
    number = len(rig.csms.calls("OpenPeriodicEventStream")) + 1
    monitor_id = await set_one(rig, {**monitor, "periodicEventStream": params})
    opened = await rig.csms.came("OpenPeriodicEventStream", number)
    assert opened["constantStreamData"]["variableMonitoringId"] == monitor_id
    assert opened["constantStreamData"]["params"] == params
    await rig.clock.advance(0)
    return monitor_id


async def open_ids(rig: Rig) -> list[int]:
    answer = await rig.csms.call("GetPeriodicEventStream", {})
    return [each["id"] for each in answer.get("constantStreamData", [])]


@pytest.fixture(autouse=True)
def accepting(rig: Rig) -> None:
    rig.csms.answers["OpenPeriodicEventStream"] = lambda _: {"status": "Accepted"}


async def test_values_leave_together_at_each_interval(rig: Rig) -> None:
    await rig.start()
    monitor = await stream(rig, wanted(POWER, "Periodic", SECOND), interval=5)
    await rig.clock.advance(5.5)
    await until(lambda: rig.csms.sent(MESSAGE))
    (first,) = rig.csms.sent(MESSAGE)
    assert first["pending"] == 0
    assert [each["t"] for each in first["data"]] == [0, 1, 2, 3, 4]
    assert {each["v"] for each in first["data"]} == {"0"}
    assert first["basetime"] == "2026-11-22T18:00:01.000Z"
    await rig.clock.advance(5)
    await until(lambda: len(rig.csms.sent(MESSAGE)) == 2)
    assert len(rig.csms.sent(MESSAGE)[1]["data"]) == 5
    assert events_of(rig, monitor) == []


async def test_values_leave_as_soon_as_there_are_enough(rig: Rig) -> None:
    await rig.start()
    await stream(rig, wanted(POWER, "Periodic", SECOND), values=3)
    await rig.clock.advance(7)
    await until(lambda: len(rig.csms.sent(MESSAGE)) == 2)
    assert [len(each["data"]) for each in rig.csms.sent(MESSAGE)] == [3, 3]


async def test_values_leave_while_an_answer_is_pending(rig: Rig) -> None:
    await rig.start(call_timeout_s=30.0)
    await stream(rig, wanted(POWER, "Periodic", SECOND), values=1)
    rig.csms.answers["Heartbeat"] = silent
    await rig.csms.call("TriggerMessage", {"requestedMessage": "Heartbeat"})
    await rig.csms.came("Heartbeat")
    await rig.clock.advance(2)
    await until(lambda: len(rig.csms.sent(MESSAGE)) == 2)


async def test_refused_stream_becomes_events(rig: Rig) -> None:
    rig.csms.answers["OpenPeriodicEventStream"] = lambda _: {"status": "Rejected"}
    await rig.start()
    monitor = await stream(rig, wanted(POWER, "Periodic", SECOND), interval=1)
    await rig.clock.advance(2.5)
    await until(lambda: len(events_of(rig, monitor)) == 2)
    assert rig.csms.sent(MESSAGE) == []
    assert await open_ids(rig) == []


async def test_rate_is_adjusted(rig: Rig) -> None:
    await rig.start()
    await stream(rig, wanted(POWER, "Periodic", SECOND), interval=60)
    (number,) = await open_ids(rig)

    async def adjust(stream_id: int, **params: int) -> str:
        answer = await rig.csms.call(
            "AdjustPeriodicEventStream", {"id": stream_id, "params": params}
        )
        status: str = answer["status"]
        return status

    assert await adjust(number + 1, interval=2) == "Rejected"
    assert await adjust(number, interval=0) == "Rejected"
    assert await adjust(number, interval=2, values=1) == "Accepted"
    await rig.clock.advance(3.5)
    await until(lambda: len(rig.csms.sent(MESSAGE)) == 3)
    assert {len(each["data"]) for each in rig.csms.sent(MESSAGE)} == {1}


@pytest.mark.parametrize("way", ["clear", "replace", "base", "close"])
async def test_stream_ends_with_all_that_it_had(rig: Rig, way: str) -> None:
    await rig.start()
    monitor = await stream(rig, wanted(POWER, "Periodic", SECOND), interval=60)
    (number,) = await open_ids(rig)
    await rig.clock.advance(3.5)
    match way:
        case "clear":
            await rig.csms.call("ClearVariableMonitoring", {"id": [monitor]})
        case "replace":
            await set_one(rig, wanted(POWER, "Periodic", SECOND, id=monitor))
        case "base":
            base = {"monitoringBase": "FactoryDefault"}
            await rig.csms.call("SetMonitoringBase", base)
        case _:
            await rig.csms.call("ClosePeriodicEventStream", {"id": number})
    await rig.clock.advance(0.25)
    assert await rig.csms.came("ClosePeriodicEventStream") == {"id": number}
    actions = [f[2] for f in rig.csms.frames if f[0] in {2, 6}]
    assert actions.index(MESSAGE) < actions.index("ClosePeriodicEventStream")
    assert len(rig.csms.sent(MESSAGE)[0]["data"]) == 3
    assert await open_ids(rig) == []
    await rig.clock.advance(2)
    if way in {"replace", "close"}:
        await until(lambda: events_of(rig, monitor))
    else:
        await settle()
        assert events_of(rig, monitor) == []


async def test_values_of_an_offline_time_follow_on_the_next_link(rig: Rig) -> None:
    await rig.start()
    await rig.csms.call("SetMonitoringLevel", {"severity": 9})
    monitor = wanted(POWER, "Periodic", SECOND, severity=3)
    await stream(rig, monitor, interval=2, values=2)
    rig.csms.refuse_with = 503
    await rig.csms.drop()
    await until(lambda: not rig.station.status().is_connected)
    await rig.clock.advance(6)
    rig.csms.refuse_with = None
    await rig.reconnect()
    await until(lambda: rig.csms.sent(MESSAGE))
    assert rig.csms.sent(MESSAGE)[0]["pending"] >= 3
    assert len(rig.csms.calls("OpenPeriodicEventStream")) == 1


async def test_stream_is_opened_anew_after_a_reboot(rig: Rig) -> None:
    await rig.start()
    await stream(rig, wanted(POWER, "Periodic", SECOND), interval=2)
    await rig.csms.call("Reset", {"type": "Immediate"})
    await rig.clock.advance(1)
    await rig.reconnect()
    again = await rig.csms.came("OpenPeriodicEventStream", 2)
    assert again == rig.csms.calls("OpenPeriodicEventStream")[0]


async def test_threshold_is_no_value_of_a_stream(rig: Rig) -> None:
    await rig.start()
    monitor = wanted(HANDLE, "UpperThreshold", 60)
    number = await set_one(rig, {**monitor, "periodicEventStream": {"values": 1}})
    rig.station.set_handle_temperature(70)
    await rig.clock.advance(1)
    await until(lambda: events_of(rig, number))
    assert rig.csms.calls("OpenPeriodicEventStream") == []


async def test_2_0_1_knows_no_streams(rig: Rig) -> None:
    rig.csms.protocol = "ocpp2.0.1"
    await rig.start()
    reply = await rig.csms.ask("GetPeriodicEventStream", {})
    assert (reply[0], reply[2]) == (4, "NotImplemented")
