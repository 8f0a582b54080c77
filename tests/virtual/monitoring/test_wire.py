"""Variable monitoring over the wire."""

from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.config import EvseConfig, Protocol
from custom_components.v2g_vpp.virtual.plant import IDEAL
from tests.virtual.conftest import Rig
from tests.virtual.fake_clock import until
from tests.virtual.scripted_csms import ScriptedCsms, settle, silent

HANDLE = {
    "component": {"name": "TemperatureSensor", "instance": "plug", "evse": {"id": 1}},
    "variable": {"name": "Temperature"},
}
POWER = {
    "component": {"name": "EVSE", "evse": {"id": 1}},
    "variable": {"name": "Power"},
}
PLUGGED = {
    "component": {"name": "ConnectedEV", "evse": {"id": 1}},
    "variable": {"name": "Available"},
}
MODEL = {"component": {"name": "ChargingStation"}, "variable": {"name": "Model"}}


def wanted(
    where: dict[str, Any], type_text: str, value: float, severity: int = 5, **more: Any
) -> dict[str, Any]:
    return {**where, "type": type_text, "value": value, "severity": severity, **more}


async def set_monitors(rig: Rig, *monitors: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await rig.csms.call(
        "SetVariableMonitoring", {"setMonitoringData": list(monitors)}
    )
    results: list[dict[str, Any]] = answer["setMonitoringResult"]
    assert [r["component"] for r in results] == [m["component"] for m in monitors]
    return results


async def set_one(rig: Rig, monitor: dict[str, Any]) -> int:
    (result,) = await set_monitors(rig, monitor)
    assert result["status"] == "Accepted"
    number: int = result["id"]
    return number


def events_of(rig: Rig, monitor_id: int) -> list[dict[str, Any]]:
    return [
        each
        for message in rig.csms.calls("NotifyEvent")
        for each in message["eventData"]
        if each.get("variableMonitoringId") == monitor_id
    ]


async def told(rig: Rig, monitor_id: int, number: int) -> dict[str, Any]:
    await until(
        lambda: len(events_of(rig, monitor_id)) >= number,
        f"event {number} of a monitor",
    )
    return events_of(rig, monitor_id)[number - 1]


async def report(rig: Rig, **request: Any) -> list[dict[str, Any]]:
    number = len(rig.csms.calls("NotifyMonitoringReport")) + 1
    answer = await rig.csms.call("GetMonitoringReport", {"requestId": 3, **request})
    assert answer == {"status": "Accepted"}
    message = await rig.csms.came("NotifyMonitoringReport", number)
    assert (message["requestId"], message["seqNo"], message["tbc"]) == (3, 0, False)
    rows: list[dict[str, Any]] = message["monitor"]
    return rows


def numbers(rows: list[dict[str, Any]]) -> set[int]:
    return {each["id"] for row in rows for each in row["variableMonitoring"]}


@pytest.mark.parametrize("protocol", ["ocpp2.1", "ocpp2.0.1"])
async def test_hot_handle_is_told_and_cleared(rig: Rig, protocol: str) -> None:
    rig.csms.protocol = protocol
    await rig.start()
    number = await set_one(rig, wanted(HANDLE, "UpperThreshold", 60))
    rig.station.set_handle_temperature(61.25)
    await rig.clock.advance(1)
    event = await told(rig, number, 1)
    assert event["trigger"] == "Alerting"
    assert event["eventNotificationType"] == "CustomMonitor"
    assert event["actualValue"] == "61.2"
    assert event["component"] == HANDLE["component"]
    assert event["variable"] == HANDLE["variable"]
    assert "cleared" not in event
    assert event.get("severity") == (5 if protocol == "ocpp2.1" else None)
    rig.station.set_handle_temperature(None)
    await rig.clock.advance(1)
    event = await told(rig, number, 2)
    assert event["cleared"] is True
    assert all(m["seqNo"] == 0 for m in rig.csms.calls("NotifyEvent"))
    ids = [
        each["eventId"]
        for message in rig.csms.calls("NotifyEvent")
        for each in message["eventData"]
    ]
    assert len(ids) == len(set(ids))


async def test_power_warms_the_handle_past_a_threshold(rig: Rig) -> None:
    await rig.start(tick_s=2.0, ping_interval_s=10_000.0)
    number = await set_one(rig, wanted(HANDLE, "UpperThreshold", 25))
    await rig.plug()
    await rig.clock.advance(60)
    await settle()
    assert events_of(rig, number) == []
    await rig.clock.advance(120)
    assert float((await told(rig, number, 1))["actualValue"]) > 25


async def test_delta_on_a_flag_comes_beside_the_hard_wired_notification(
    rig: Rig,
) -> None:
    await rig.start()
    number = await set_one(rig, wanted(PLUGGED, "Delta", 1, severity=8))
    rig.station.plug()
    await rig.clock.advance(1)
    assert (await told(rig, number, 1))["actualValue"] == "true"
    await until(lambda: rig.csms.states("ConnectedEV", "ProtocolAgreed"))
    assert sorted(rig.csms.states("ConnectedEV", "Available")) == ["true", "true"]


async def test_periodic_monitor_of_a_transaction_rests_without_one(rig: Rig) -> None:
    await rig.start()
    number = await set_one(rig, wanted(POWER, "Periodic", 5, transaction=True))
    await rig.clock.advance(20)
    await settle()
    assert events_of(rig, number) == []
    transaction_id = await rig.plug()
    await rig.clock.advance(12)
    event = await told(rig, number, 2)
    assert event["trigger"] == "Periodic"
    assert event["transactionId"] == transaction_id


async def test_monitor_belongs_to_the_transaction_of_its_evse(rig: Rig) -> None:
    await rig.start(more_evses=(EvseConfig(plant=IDEAL, evcc_id="SECOND"),))
    second = {**POWER, "component": {"name": "EVSE", "evse": {"id": 2}}}
    number = await set_one(rig, wanted(second, "Periodic", 5, transaction=True))
    first_id = await rig.plug()
    await rig.clock.advance(20)
    await settle()
    assert events_of(rig, number) == []
    rig.station.plug(2)
    await rig.wait(lambda: rig.station.status(2).transaction_id)
    second_id = rig.station.status(2).transaction_id
    await rig.wait(lambda: events_of(rig, number))
    assert second_id != first_id
    assert (await told(rig, number, 1))["transactionId"] == second_id


@pytest.mark.parametrize(
    ("monitor", "status"),
    [
        pytest.param(
            wanted(
                {"component": {"name": "No"}, "variable": {"name": "X"}}, "Delta", 1
            ),
            "UnknownComponent",
            id="component",
        ),
        pytest.param(
            wanted({**HANDLE, "variable": {"name": "No"}}, "Delta", 1),
            "UnknownVariable",
            id="variable",
        ),
        pytest.param(
            wanted(PLUGGED, "UpperThreshold", 1),
            "UnsupportedMonitorType",
            id="threshold on a flag",
        ),
        pytest.param(
            wanted(HANDLE, "TargetDelta", 1),
            "UnsupportedMonitorType",
            id="target that is none",
        ),
        pytest.param(
            wanted(MODEL, "Delta", 1),
            "UnsupportedMonitorType",
            id="what never changes",
        ),
        pytest.param(
            wanted(HANDLE, "UpperThreshold", 151), "Rejected", id="above the maximum"
        ),
        pytest.param(
            wanted(HANDLE, "LowerThreshold", -41), "Rejected", id="below the minimum"
        ),
        pytest.param(wanted(HANDLE, "Delta", -1), "Rejected", id="negative change"),
        pytest.param(wanted(HANDLE, "Periodic", 0), "Rejected", id="no period"),
        pytest.param(wanted(HANDLE, "Delta", 1, id=77), "Rejected", id="no such id"),
        pytest.param(
            wanted(HANDLE, "UpperThreshold", 80, severity=1, id=1),
            "Rejected",
            id="hard-wired",
        ),
        pytest.param(
            wanted(HANDLE, "UpperThreshold", 80, severity=4), "Duplicate", id="double"
        ),
    ],
)
async def test_monitors_that_are_refused(
    rig: Rig, monitor: dict[str, Any], status: str
) -> None:
    await rig.start()
    good = wanted(HANDLE, "LowerThreshold", 0)
    results = await set_monitors(rig, monitor, good)
    assert [each["status"] for each in results] == [status, "Accepted"]
    assert numbers(await report(rig)) == {1, 2, results[1]["id"]}


async def test_monitor_is_replaced_by_its_number_and_stays_on_its_variable(
    rig: Rig,
) -> None:
    await rig.start()
    number = await set_one(rig, wanted(HANDLE, "UpperThreshold", 60))
    rig.station.set_handle_temperature(70)
    await rig.clock.advance(1)
    await told(rig, number, 1)
    same = await set_one(rig, wanted(HANDLE, "UpperThreshold", 75, id=number))
    assert same == number
    await rig.clock.advance(1)
    assert (await told(rig, number, 2))["cleared"] is True
    (result,) = await set_monitors(rig, wanted(POWER, "Delta", 5, id=number))
    assert result["status"] == "Rejected"
    (row,) = [
        each
        for row in await report(rig)
        for each in row["variableMonitoring"]
        if each["id"] == number
    ]
    assert row == {
        "id": number,
        "transaction": False,
        "value": 75,
        "type": "UpperThreshold",
        "severity": 5,
        "eventNotificationType": "CustomMonitor",
    }


async def test_cleared_monitor_says_nothing_more(rig: Rig) -> None:
    await rig.start()
    number = await set_one(rig, wanted(HANDLE, "UpperThreshold", 60))
    rig.station.set_handle_temperature(70)
    await rig.clock.advance(1)
    await told(rig, number, 1)
    answer = await rig.csms.call("ClearVariableMonitoring", {"id": [number, 1, 99]})
    statuses = [each["status"] for each in answer["clearMonitoringResult"]]
    assert statuses == ["Accepted", "Rejected", "NotFound"]
    rig.station.set_handle_temperature(20)
    await rig.clock.advance(1)
    await settle()
    assert len(events_of(rig, number)) == 1


async def test_report_is_limited_by_criteria_and_variables(rig: Rig) -> None:
    await rig.start()
    delta = await set_one(rig, wanted(PLUGGED, "Delta", 1))
    period = await set_one(rig, wanted(POWER, "PeriodicClockAligned", 60))
    periodic = await report(rig, monitoringCriteria=["PeriodicMonitoring"])
    assert numbers(periodic) == {period}
    both = ["DeltaMonitoring", "PeriodicMonitoring"]
    assert numbers(await report(rig, monitoringCriteria=both)) == {delta, period}
    sensors = [{"component": {"name": "TemperatureSensor"}}]
    assert numbers(await report(rig, componentVariable=sensors)) == {1, 2}
    answer = await rig.csms.call(
        "GetMonitoringReport",
        {
            "requestId": 4,
            "monitoringCriteria": ["DeltaMonitoring"],
            "componentVariable": sensors,
        },
    )
    assert answer == {"status": "EmptyResultSet"}


async def test_bases_keep_what_their_names_say(rig: Rig) -> None:
    await rig.start()
    custom = await set_one(rig, wanted(PLUGGED, "Delta", 1))
    overruled = await set_one(
        rig, wanted(HANDLE, "UpperThreshold", 70, severity=4, id=2)
    )
    assert overruled == 2

    async def base(name: str) -> set[int]:
        answer = await rig.csms.call("SetMonitoringBase", {"monitoringBase": name})
        assert answer == {"status": "Accepted"}
        return numbers(await report(rig))

    assert await base("All") == {1, 2, custom}
    assert await base("HardWiredOnly") == {1}
    assert await base("FactoryDefault") == {1, 2}
    asked = {"component": {"name": "MonitoringCtrlr"}}
    active = {**asked, "variable": {"name": "ActiveMonitoringBase"}}
    answer = await rig.csms.call("GetVariables", {"getVariableData": [active]})
    assert answer["getVariableResult"][0]["attributeValue"] == "FactoryDefault"
    kinds = {
        each["id"]: (each["eventNotificationType"], each["value"])
        for row in await report(rig)
        for each in row["variableMonitoring"]
    }
    assert kinds == {1: ("HardWiredMonitor", 105), 2: ("PreconfiguredMonitor", 90)}


async def test_level_and_switch_silence_monitors(rig: Rig) -> None:
    await rig.start()
    number = await set_one(rig, wanted(HANDLE, "Delta", 1, severity=6))
    answer = await rig.csms.call("SetMonitoringLevel", {"severity": 5})
    assert answer == {"status": "Accepted"}
    rig.station.set_handle_temperature(40)
    await rig.clock.advance(1)
    await rig.csms.call("SetMonitoringLevel", {"severity": 6})
    rig.station.set_handle_temperature(50)
    await rig.clock.advance(1)
    assert (await told(rig, number, 1))["actualValue"] == "50.0"
    answer = await rig.csms.call("SetMonitoringLevel", {"severity": 10})
    assert answer == {"status": "Rejected"}
    off = {
        "component": {"name": "MonitoringCtrlr"},
        "variable": {"name": "Enabled"},
        "attributeValue": "false",
    }
    await rig.csms.call("SetVariables", {"setVariableData": [off]})
    rig.station.set_handle_temperature(60)
    await rig.clock.advance(1)
    await settle()
    assert len(events_of(rig, number)) == 1


async def test_too_many_monitors_in_one_message(rig: Rig) -> None:
    await rig.start()
    flood = [wanted(HANDLE, "Delta", 1)] * 21
    reply = await rig.csms.ask("SetVariableMonitoring", {"setMonitoringData": flood})
    assert (reply[0], reply[2]) == (4, "OccurrenceConstraintViolation")
    reply = await rig.csms.ask("ClearVariableMonitoring", {"id": list(range(21))})
    assert (reply[0], reply[2]) == (4, "OccurrenceConstraintViolation")


async def test_severe_events_wait_for_the_link_and_others_for_their_turn(
    rig: Rig,
) -> None:
    await rig.start()
    severe = await set_one(rig, wanted(HANDLE, "UpperThreshold", 60, severity=3))
    harmless = await set_one(rig, wanted(HANDLE, "UpperThreshold", 61, severity=7))
    rig.csms.refuse_with = 503
    await rig.csms.drop()
    await until(lambda: not rig.station.status().is_connected)
    rig.station.set_handle_temperature(70)
    await rig.clock.advance(1)
    rig.station.set_handle_temperature(20)
    await rig.clock.advance(1)
    rig.csms.refuse_with = None
    await rig.reconnect()
    assert (await told(rig, severe, 2))["cleared"] is True
    await settle()
    assert events_of(rig, harmless) == []


async def test_event_without_an_answer_is_told_on_the_next_link(rig: Rig) -> None:
    await rig.start()
    number = await set_one(rig, wanted(HANDLE, "UpperThreshold", 60))
    rig.csms.answers["NotifyEvent"] = silent
    rig.station.set_handle_temperature(70)
    await rig.clock.advance(1)
    first = await told(rig, number, 1)
    await rig.csms.drop()
    del rig.csms.answers["NotifyEvent"]
    await rig.reconnect()
    assert await told(rig, number, 2) == first


async def test_monitoring_is_no_word_of_1_6(rig: Rig) -> None:
    rig.csms = ScriptedCsms("ocpp1.6")
    rig.csms.answers["BootNotification"] = lambda _: {
        "status": "Accepted",
        "currentTime": "2026-11-22T18:00:00Z",
        "interval": 300,
    }
    await rig.start(protocols=(Protocol.OCPP_1_6,))
    reply = await rig.csms.ask("SetMonitoringLevel", {"severity": 1})
    assert (reply[0], reply[2]) == (4, "NotImplemented")
    rig.station.set_handle_temperature(110)
    await rig.clock.advance(1)
    await settle()
    assert rig.csms.calls("NotifyEvent") == []
