"""A station that can watch its parts is asked to, and what it then tells counts."""

import pytest

from custom_components.v2g_vpp.csms.calls import Lane
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
from tests.csms.monitoring import WATCHED, Monitoring, event, monitored
from tests.csms.peer import EVSE1, NOW, Dialler, Rig


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


async def test_what_had_to_wait_for_a_discharge_is_done_later(
    rig: Rig, dialler: Dialler, monkeypatch: pytest.MonkeyPatch
) -> None:
    csms = "custom_components.v2g_vpp.csms"
    monkeypatch.setattr(f"{csms}.provisioning.UNSETTLED_RETRY_S", 0.1)
    monkeypatch.setattr(
        f"{csms}.link.timeout_of", lambda lane: 0.3 if lane is Lane.BULK else 5.0
    )
    charger = Charger(await dialler.dial(), inventory=(*INVENTORY, *WATCHED))
    monitoring = Monitoring(charger)
    answer = charger.peer.responders["GetMonitoringReport"]
    charger.peer.responders["GetMonitoringReport"] = lambda _: None
    await charger.boot()
    await charger.peer.request("GetMonitoringReport", 2)
    assert monitoring.held == []
    charger.peer.responders["GetMonitoringReport"] = answer
    await charger.peer.until(lambda: len(monitoring.held) == 4)
