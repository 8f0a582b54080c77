"""What components report, as faults of the product."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.fault_mapping import (
    Change,
    EmergencyChange,
    FaultChange,
    IdentityChange,
    PresenceChange,
    StatusChange,
    change_of,
    fault_of_alarm,
    parse_event,
)
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.state import ConnectorStatus


def change(
    component: str,
    variable: str,
    value: str = "true",
    *,
    evse: int | None = 1,
    instance: str = "",
    **more: Any,
) -> Change | None:
    named: dict[str, Any] = {"name": component, "instance": instance}
    if evse is not None:
        named["evse"] = {"id": evse, "connectorId": 2}
    event = parse_event(
        {
            "component": named,
            "variable": {"name": variable},
            "actualValue": value,
            **more,
        }
    )
    return change_of(event) if event is not None else None


@pytest.mark.parametrize(
    ("component", "variable", "instance", "code"),
    [
        ("RCD", "Tripped", "", FaultCode.GROUND_FAULT),
        ("rcd", "operated", "", FaultCode.GROUND_FAULT),
        ("GroundIsolationProtection", "Problem", "", FaultCode.GROUND_FAULT),
        ("GroundIsolationProtection", "Active", "", FaultCode.GROUND_FAULT),
        ("OverCurrentProtection", "Tripped", "", FaultCode.OVER_CURRENT),
        ("PowerContactor", "Problem", "", FaultCode.CONTACTOR_WELDED),
        ("CPPWMController", "Problem", "", FaultCode.EV_COMM_TIMEOUT),
        (
            "ConnectorPlugRetentionLock",
            "Problem",
            "",
            FaultCode.CONNECTOR_LOCK_FAILURE,
        ),
        ("FiscalMetering", "Problem", "", FaultCode.METER_FAILURE),
        ("TemperatureSensor", "Active", "plug 1", FaultCode.HANDLE_OVER_TEMPERATURE),
        ("TemperatureSensor", "Active", "Handle", FaultCode.HANDLE_OVER_TEMPERATURE),
        ("TemperatureSensor", "Active", "inverter", FaultCode.OVER_TEMPERATURE),
        ("TemperatureSensor", "Active", "", FaultCode.OVER_TEMPERATURE),
        ("Connector", "OverTemperature", "", FaultCode.HANDLE_OVER_TEMPERATURE),
    ],
)
def test_each_component_has_its_code(
    component: str, variable: str, instance: str, code: FaultCode
) -> None:
    began = change(component, variable, instance=instance)
    assert isinstance(began, FaultChange)
    assert (began.code, began.evse_id, began.is_active) == (code, 1, True)
    for ended in (
        change(component, variable, "false", instance=instance),
        change(component, variable, "true", instance=instance, cleared=True),
    ):
        assert isinstance(ended, FaultChange)
        assert (ended.code, ended.is_active) == (code, False)


@pytest.mark.parametrize(
    ("component", "variable"),
    [
        ("TemperatureSensor", "Problem"),
        ("TemperatureSensor", "Temperature"),
        ("Controller", "Problem"),
        ("ConnectedEV", "StateOfCharge"),
        ("EmergencyStopSensor", "Problem"),
    ],
)
def test_what_is_no_fault(component: str, variable: str) -> None:
    assert change(component, variable) is None


@pytest.mark.parametrize(
    ("severity", "is_fault"), [(0, True), (2, True), (3, False), (9, False)]
)
def test_severity_decides_for_unknown_components(severity: int, is_fault: bool) -> None:
    told = change("Inverter", "Problem", severity=severity)
    assert isinstance(told, FaultChange) is is_fault
    assert change("Inverter", "Power", severity=0) is None


def test_the_emergency_stop_and_its_release() -> None:
    assert change("EmergencyStopSensor", "Active") == EmergencyChange(
        evse_id=1, is_active=True
    )
    assert change("EmergencyStopSensor", "Tripped", "0", evse=None) == EmergencyChange(
        evse_id=0, is_active=False
    )


def test_availability_of_a_connector_an_evse_and_something_new() -> None:
    assert change("Connector", "AvailabilityState", "Occupied") == StatusChange(
        evse_id=1, connector_id=2, status=ConnectorStatus.OCCUPIED
    )
    assert change("EVSE", "AvailabilityState", "Sleeping") is None


def test_the_vehicle_tells_its_id_or_leaves() -> None:
    assert change("ConnectedEV", "VehicleID", "EV1") == IdentityChange(
        evse_id=1, evcc_id="EV1"
    )
    assert change("ConnectedEV", "VehicleID", "") is None
    gone = change("ConnectedEV", "Available", "false")
    assert isinstance(gone, PresenceChange)
    assert not gone.is_there


@pytest.mark.parametrize(
    ("cause", "code"),
    [
        ("OverFrequency", FaultCode.GRID_FREQ_OUT_OF_RANGE),
        ("UnderFrequency", FaultCode.GRID_FREQ_OUT_OF_RANGE),
        ("OverVoltage", FaultCode.GRID_VOLTAGE_OUT_OF_RANGE),
        ("UnderVoltage", FaultCode.GRID_VOLTAGE_OUT_OF_RANGE),
        ("VoltageImbalance", FaultCode.GRID_VOLTAGE_OUT_OF_RANGE),
        ("OverCurrent", FaultCode.OVER_CURRENT),
        ("PhaseRotation", FaultCode.STATION_FAULTED),
        (None, FaultCode.STATION_FAULTED),
    ],
)
def test_alarms_of_the_grid(cause: str | None, code: FaultCode) -> None:
    told = {"controlType": "HVMustTrip", **({"gridEventFault": cause} if cause else {})}
    began, ended = fault_of_alarm(told), fault_of_alarm({**told, "alarmEnded": True})
    assert began is not None
    assert ended is not None
    assert (began.code, began.is_active) == (code, True)
    assert (ended.code, ended.is_active) == (code, False)


def test_setting_that_is_obeyed_is_no_fault() -> None:
    told = {"controlType": "LimitMaxDischarge"}
    assert fault_of_alarm(told) is None
    assert fault_of_alarm({**told, "alarmEnded": True}) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
events = st.fixed_dictionaries(
    {},
    optional={
        "component": json_values
        | st.fixed_dictionaries(
            {"name": st.sampled_from(["RCD", "ConnectedEV", "TemperatureSensor"])},
            optional={
                "instance": json_values,
                "evse": json_values
                | st.fixed_dictionaries(
                    {"id": json_values, "connectorId": json_values}
                ),
            },
        ),
        "variable": json_values
        | st.fixed_dictionaries(
            {"name": st.sampled_from(["Tripped", "Active", "AvailabilityState"])}
        ),
        "actualValue": json_values,
        "cleared": json_values,
        "severity": json_values,
    },
)


@given(events | json_values)
def test_no_event_raises(event: Any) -> None:
    parsed = parse_event(event)
    if parsed is not None:
        change_of(parsed)
