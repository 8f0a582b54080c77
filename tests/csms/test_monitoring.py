"""A station that can watch its parts is asked to, and what it then tells counts."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from custom_components.v2g_vpp.csms.device_model import summarise
from custom_components.v2g_vpp.csms.model_rows import rows_of_report
from custom_components.v2g_vpp.csms.monitors import (
    MAX_MONITORS,
    MonitorKind,
    monitor_from_json,
    monitor_to_json,
)
from custom_components.v2g_vpp.domain.events import (
    ContactorReported,
    FaultReported,
    MeasurementReported,
    VehicleLinkReported,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from tests.csms.charger import INVENTORY, Charger, row
from tests.csms.peer import EVSE1, NOW, Answer, Dialler, Payload, Rig

WATCHED = (
    row("RCD", "Tripped", "false", evse=1, supportsMonitoring=True),
    row(
        "TemperatureSensor",
        "Temperature",
        "25",
        evse=1,
        component_instance="Handle",
        supportsMonitoring=True,
    ),
    row("ConnectedEV", "Available", "true", evse=1, supportsMonitoring=True),
    row("EVSE", "Power", "0", evse=1, maxLimit=11000, supportsMonitoring=True),
    row("PowerContactor", "Active", "false", evse=1, supportsMonitoring=False),
    row("Clock", "DateTime", NOW, supportsMonitoring=True),
)


@dataclass
class Monitoring:
    """The monitors of a scripted station."""

    charger: Charger
    held: list[Payload] = field(default_factory=list)
    refuses: bool = False

    def __post_init__(self) -> None:
        self.charger.peer.responders |= {
            "GetMonitoringReport": self._report,
            "SetVariableMonitoring": self._set,
            "AdjustPeriodicEventStream": lambda _: {"status": "Accepted"},
            "SetMonitoringLevel": lambda _: {"status": "Accepted"},
        }

    def _report(self, payload: Payload) -> Answer:
        if not self.held:
            return {"status": "EmptyResultSet"}
        self.charger.peer.after_answer.append(
            (
                "NotifyMonitoringReport",
                {
                    "requestId": payload["requestId"],
                    "seqNo": 0,
                    "generatedAt": NOW,
                    "monitor": [_told(item) for item in self.held],
                },
            )
        )
        return {"status": "Accepted"}

    def _set(self, payload: Payload) -> Answer:
        results = []
        for item in payload["setMonitoringData"]:
            number = item.get("id", 100 + len(self.held))
            if not self.refuses:
                self.held = [held for held in self.held if held["id"] != number]
                self.held.append({**item, "id": number})
            results.append(
                {
                    **{k: item[k] for k in ("component", "variable", "type")},
                    "severity": item["severity"],
                    **({} if self.refuses else {"id": number}),
                    "status": "UnsupportedMonitorType" if self.refuses else "Accepted",
                }
            )
        return {"setMonitoringResult": results}


def _told(item: Payload) -> Payload:
    return {
        "component": item["component"],
        "variable": item["variable"],
        "variableMonitoring": [
            {
                "id": item["id"],
                "transaction": False,
                "value": item["value"],
                "type": item["type"],
                "severity": item["severity"],
                "eventNotificationType": "CustomMonitor",
            }
        ],
    }


async def monitored(
    rig: Rig, dialler: Dialler, protocol: str = "ocpp2.1", *more: Payload
) -> Monitoring:
    """Return a station that has its monitors."""
    charger = Charger(
        await dialler.dial((protocol,)), inventory=(*INVENTORY, *WATCHED, *more)
    )
    monitoring = Monitoring(charger)
    await charger.boot()
    await charger.peer.request("SetVariableMonitoring")
    await charger.peer.until(lambda: len(monitoring.held) >= wanted(protocol))
    return monitoring


def wanted(protocol: str) -> int:
    return 4 if protocol == "ocpp2.1" else 3


def event(component: str, variable: str, value: str, **more: Any) -> Payload:
    named: Payload = {"name": component, "evse": {"id": 1}}
    instance = more.pop("instance", None)
    named |= {"instance": instance} if instance else {}
    of_variable = more.pop("variable_instance", None)
    return {
        "generatedAt": NOW,
        "seqNo": 0,
        "eventData": [
            {
                "eventId": 1,
                "timestamp": NOW,
                "trigger": "Delta",
                "eventNotificationType": "CustomMonitor",
                "actualValue": value,
                "component": named,
                "variable": {
                    "name": variable,
                    **({"instance": of_variable} if of_variable else {}),
                },
                **more,
            }
        ],
    }


@pytest.mark.parametrize("protocol", ["ocpp2.1", "ocpp2.0.1"])
async def test_what_can_be_monitored_and_matters_is(
    rig: Rig, dialler: Dialler, protocol: str
) -> None:
    monitoring = await monitored(rig, dialler, protocol)
    asked = {
        (item["component"]["name"], item["variable"]["name"]): item
        for item in monitoring.held
    }
    assert asked["RCD", "Tripped"]["type"] == "Delta"
    assert asked["TemperatureSensor", "Temperature"]["component"] == {
        "name": "TemperatureSensor",
        "instance": "Handle",
        "evse": {"id": 1},
    }, "spelled as the station spells it"
    assert ("Clock", "DateTime") not in asked
    assert ("PowerContactor", "Active") not in asked, "it cannot be monitored"
    assert (("EVSE", "Power") in asked) is (protocol == "ocpp2.1")
    assert all(item["severity"] == 4 for item in monitoring.held)


async def test_monitors_that_are_there_are_not_set_again(
    rig: Rig, dialler: Dialler
) -> None:
    before = await monitored(rig, dialler)
    held = before.held
    await before.charger.peer.leave()
    charger = Charger(await dialler.dial(), inventory=(*INVENTORY, *WATCHED))
    after = Monitoring(charger, held=[dict(item) for item in held])
    after.held[0]["value"] = 7.0
    await charger.peer.request("SetVariableMonitoring")
    again = charger.peer.payloads("SetVariableMonitoring")
    assert [[item["id"] for item in told["setMonitoringData"]] for told in again] == [
        [held[0]["id"]]
    ], "only the one that differs, under its own number"
    assert charger.reports == 0, "the device model is known"


async def test_a_station_without_monitoring_is_left_alone(
    rig: Rig, dialler: Dialler
) -> None:
    charger = Charger(await dialler.dial(), inventory=(*INVENTORY, *WATCHED))
    await charger.boot()
    await charger.peer.request("GetMonitoringReport")
    assert await charger.peer.call("Heartbeat", {})
    assert charger.peer.payloads("SetVariableMonitoring") == []


async def test_a_station_that_keeps_errors_to_itself_is_told_to_tell(
    rig: Rig, dialler: Dialler
) -> None:
    level = row("MonitoringCtrlr", "ActiveMonitoringLevel", "2")
    monitoring = await monitored(rig, dialler, "ocpp2.1", level)
    told = monitoring.charger.peer.payloads("SetMonitoringLevel")
    assert told == [{"severity": 4}]


async def test_a_refused_monitor_has_no_number(rig: Rig, dialler: Dialler) -> None:
    charger = Charger(await dialler.dial(), inventory=(*INVENTORY, *WATCHED))
    Monitoring(charger, refuses=True)
    await charger.boot()
    await charger.peer.request("SetVariableMonitoring")
    stream = {"id": 7, "variableMonitoringId": 100, "params": {"interval": 1}}
    answer = await charger.peer.call(
        "OpenPeriodicEventStream",
        {"constantStreamData": {**stream, "params": {"interval": 1, "values": 1}}},
    )
    assert answer == {"status": "Rejected"}


def power_monitor(monitoring: Monitoring) -> int:
    return next(
        int(item["id"])
        for item in monitoring.held
        if item["variable"]["name"] == "Power"
    )


async def streaming(rig: Rig, dialler: Dialler) -> Monitoring:
    """Return a station with a transaction and an open stream 7 of its power."""
    monitoring = await monitored(rig, dialler)
    charger = monitoring.charger
    await charger.plug()
    answer = await charger.peer.call(
        "OpenPeriodicEventStream",
        {
            "constantStreamData": {
                "id": 7,
                "variableMonitoringId": power_monitor(monitoring),
                "params": {"interval": 1, "values": 1},
            }
        },
    )
    assert answer == {"status": "Accepted"}
    return monitoring


async def stream(monitoring: Monitoring, value: object, pending: int = 0) -> None:
    told = {
        "id": 7,
        "pending": pending,
        "basetime": NOW,
        "data": [{"t": 0, "v": str(value)}],
    }
    frame = [6, f"s{value}{pending}", "NotifyPeriodicEventStream", told]
    assert await monitoring.charger.peer.silent(frame)


async def meter(monitoring: Monitoring, power_w: float) -> None:
    charger = monitoring.charger
    sample = {"value": power_w, "measurand": "Power.Active.Import"}
    told = charger.event(
        "Updated",
        "MeterValuePeriodic",
        meterValue=[{"timestamp": NOW, "sampledValue": [sample]}],
    )
    await charger.peer.call("TransactionEvent", told)


def powers(rig: Rig) -> list[float]:
    return [
        event.measurement.power_w.value
        for event in rig.sink.of(MeasurementReported)
        if event.measurement.power_w is not None
    ]


async def test_a_stream_counts_once_it_agreed_with_the_meter(
    rig: Rig, dialler: Dialler
) -> None:
    monitoring = await streaming(rig, dialler)
    for _ in range(3):
        await stream(monitoring, 5000)
        await meter(monitoring, 5050.0)
    assert powers(rig) == 3 * [5050.0], "not before it is proven"
    await stream(monitoring, 5100)
    assert powers(rig)[-1] == 5100.0
    await meter(monitoring, -5000.0)
    await stream(monitoring, 5000)
    assert powers(rig)[-1] == -5000.0, "a stream without a sign is believed no more"


async def test_agreement_at_rest_proves_nothing(rig: Rig, dialler: Dialler) -> None:
    monitoring = await streaming(rig, dialler)
    for _ in range(5):
        await stream(monitoring, 0)
        await meter(monitoring, 0.0)
    await stream(monitoring, 3)
    assert powers(rig) == 5 * [0.0]


@pytest.mark.parametrize("value", ["nan", "inf", "x", "1e300", ""])
async def test_an_unusable_value_is_dropped(
    rig: Rig, dialler: Dialler, value: str
) -> None:
    monitoring = await streaming(rig, dialler)
    for _ in range(3):
        await stream(monitoring, 5000)
        await meter(monitoring, 5000.0)
    await stream(monitoring, value)
    assert powers(rig) == 3 * [5000.0]
    await stream(monitoring, 5001)
    assert powers(rig)[-1] == 5001.0


async def test_a_stream_that_piles_up_is_slowed_down(
    rig: Rig, dialler: Dialler
) -> None:
    monitoring = await streaming(rig, dialler)
    await stream(monitoring, 1, pending=15)
    await stream(monitoring, 2, pending=30)
    told = await monitoring.charger.peer.request("AdjustPeriodicEventStream")
    assert told == {"id": 7, "params": {"interval": 2, "values": 2}}


async def test_a_closed_stream_is_over(rig: Rig, dialler: Dialler) -> None:
    monitoring = await streaming(rig, dialler)
    for _ in range(3):
        await stream(monitoring, 5000)
        await meter(monitoring, 5000.0)
    assert (
        await monitoring.charger.peer.call("ClosePeriodicEventStream", {"id": 7}) == {}
    )
    await stream(monitoring, 6000)
    assert powers(rig) == 3 * [5000.0]


async def test_the_temperature_of_the_handle_is_a_reading(
    rig: Rig, dialler: Dialler
) -> None:
    monitoring = await monitored(rig, dialler)
    peer = monitoring.charger.peer
    told = event("TemperatureSensor", "Temperature", "61.5", instance="Handle")
    await peer.call("NotifyEvent", told)
    elsewhere = event("TemperatureSensor", "Temperature", "99", instance="Inverter")
    await peer.call("NotifyEvent", elsewhere)
    broken = event("TemperatureSensor", "Temperature", "hot", instance="Handle")
    await peer.call("NotifyEvent", broken)
    read = [
        e.measurement.handle_temperature_c for e in rig.sink.of(MeasurementReported)
    ]
    assert [reading.value for reading in read if reading is not None] == [61.5]


async def test_the_contactor_is_told(rig: Rig, dialler: Dialler) -> None:
    peer = (await monitored(rig, dialler)).charger.peer
    for value in ("true", "false"):
        await peer.call("NotifyEvent", event("PowerContactor", "Active", value))
    told = rig.sink.of(ContactorReported)
    assert [(e.key, e.is_closed) for e in told] == [(EVSE1, True), (EVSE1, False)]


async def test_a_vehicle_that_speaks_something_else_is_told_apart(
    rig: Rig, dialler: Dialler
) -> None:
    charger = (await monitored(rig, dialler)).charger
    peer = charger.peer
    offered = event(
        "ConnectedEV",
        "ProtocolSupportedByEV",
        "urn:din:70121:2012:MsgDef,2,0",
        variable_instance="1",
    )
    await peer.call("NotifyEvent", offered)
    await peer.call("NotifyEvent", event("ConnectedEV", "ProtocolAgreed", ""))
    faults = [
        (e.is_active, e.detail)
        for e in rig.sink.of(FaultReported)
        if e.code is FaultCode.PROTOCOL_UNSUPPORTED
    ]
    assert faults == [(True, "urn:din:70121:2012:MsgDef,2,0")]
    await peer.call("NotifyEvent", event("CPPWMController", "State", "B2"))
    assert rig.sink.of(VehicleLinkReported)[-1].vehicle_link.pilot_state == "B2"
    gone = {
        "timestamp": NOW,
        "connectorStatus": "Available",
        "evseId": 1,
        "connectorId": 1,
    }
    await peer.call("StatusNotification", gone)
    faults = [
        (e.is_active, e.detail)
        for e in rig.sink.of(FaultReported)
        if e.code is FaultCode.PROTOCOL_UNSUPPORTED
    ]
    assert faults[-1] == (False, ""), "the next vehicle may speak another one"


@pytest.mark.parametrize(
    ("component", "variable", "code"),
    [
        ("ElectricalFeed", "ACVoltage", FaultCode.GRID_VOLTAGE_OUT_OF_RANGE),
        ("ElectricalFeed", "Frequency", FaultCode.GRID_FREQ_OUT_OF_RANGE),
    ],
)
async def test_an_alert_of_the_feed_is_a_fault_until_it_is_cleared(
    rig: Rig, dialler: Dialler, component: str, variable: str, code: FaultCode
) -> None:
    peer = (await monitored(rig, dialler)).charger.peer
    await peer.call("NotifyEvent", event(component, variable, "230", trigger="Delta"))
    alert = event(component, variable, "270", trigger="Alerting")
    await peer.call("NotifyEvent", alert)
    over = event(component, variable, "230", trigger="Alerting", cleared=True)
    await peer.call("NotifyEvent", over)
    told = [e.is_active for e in rig.sink.of(FaultReported) if e.code is code]
    assert told == [False, True, False]


def test_monitors_are_bounded_and_survive_the_store() -> None:
    many = [
        row("RCD", "Tripped", "false", evse=number, supportsMonitoring=True)
        for number in range(1, 2 * MAX_MONITORS)
    ]
    monitors = summarise(rows_of_report(many), "1").monitors
    assert len(monitors) == MAX_MONITORS
    assert monitors[0].kind is MonitorKind.DELTA
    assert monitor_from_json(monitor_to_json(monitors[3])) == monitors[3]
