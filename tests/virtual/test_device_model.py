"""The device model, by itself and over the wire."""

from typing import Any

import pytest

from custom_components.v2g_vpp.virtual.device_model import (
    DataType,
    DeviceModel,
    Mutability,
    Variable,
    VariableName,
)

from .conftest import Rig


def name(
    component: str, variable: str, evse_id: int | None = None, **more: Any
) -> dict[str, Any]:
    place: dict[str, Any] = {} if evse_id is None else {"evse": {"id": evse_id}}
    return {
        "component": {"name": component, **place},
        "variable": {"name": variable, **more},
    }


async def report(
    rig: Rig, action: str, request: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the rows of all parts of a report."""
    answer = await rig.csms.call(action, {"requestId": 8, **request})
    assert answer == {"status": "Accepted"}
    number = 1
    while (await rig.csms.came("NotifyReport", number))["tbc"]:
        number += 1
    parts = rig.csms.calls("NotifyReport")
    assert [part["seqNo"] for part in parts] == list(range(number))
    assert {part["requestId"] for part in parts} == {8}
    return [row for part in parts for row in part["reportData"]]


async def test_full_inventory_shows_what_a_csms_needs_to_arm(rig: Rig) -> None:
    await rig.start()
    rows = await report(rig, "GetBaseReport", {"reportBase": "FullInventory"})
    found = {
        (
            row["component"]["name"],
            row["variable"]["name"],
            row["variable"].get("instance", row["component"].get("instance")),
        ): row["variableAttribute"][0].get("value")
        for row in rows
    }
    assert len(found) == len(rows)
    assert found["V2XChargingCtrlr", "Enabled", None] == "true"
    assert found["TemperatureSensor", "Temperature", "plug"] == "20.0"
    assert found["TemperatureSensor", "Active", "cabinet"] == "false"
    modes = found["V2XChargingCtrlr", "SupportedOperationModes", None]
    assert set(modes.split(",")) >= {
        "ChargingOnly",
        "CentralSetpoint",
        "CentralFrequency",
    }
    assert found["SmartChargingCtrlr", "SupportsDynamicProfiles", None] == "true"
    assert found["SmartChargingCtrlr", "SupportsMaxOfflineDuration", None] == "true"
    assert found["ISO15118Ctrlr", "ServiceRenegotiationSupport", None] == "true"
    assert found["SecurityCtrlr", "BasicAuthPassword", None] is None
    assert "correct horse battery" not in str(rig.csms.frames)


async def test_configuration_inventory_holds_what_can_be_set(rig: Rig) -> None:
    await rig.start()
    rows = await report(rig, "GetBaseReport", {"reportBase": "ConfigurationInventory"})
    assert {row["variableAttribute"][0]["mutability"] for row in rows} == {
        "ReadWrite",
        "WriteOnly",
    }


async def test_report_of_named_variables(rig: Rig) -> None:
    await rig.start()
    asked = [name("v2xchargingctrlr", "ENABLED", 1), {"component": {"name": "EVSE"}}]
    rows = await report(rig, "GetReport", {"componentVariable": asked})
    names = {(r["component"]["name"], r["variable"]["name"]) for r in rows}
    assert names == {
        ("V2XChargingCtrlr", "Enabled"),
        ("EVSE", "AvailabilityState"),
        ("EVSE", "Power"),
        ("EVSE", "SupplyPhases"),
    }
    nothing = {"requestId": 9, "componentVariable": [name("Nothing", "Here")]}
    answer = await rig.csms.call("GetReport", nothing)
    assert answer == {"status": "EmptyResultSet"}


@pytest.mark.parametrize(
    ("asked", "status", "value"),
    [
        (name("EVSE", "AvailabilityState", 1), "Accepted", "Available"),
        (name("evse", "availabilitystate", 1), "Accepted", "Available"),
        (name("EVSE", "AvailabilityState", 2), "UnknownComponent", None),
        (name("EVSE", "Colour", 1), "UnknownVariable", None),
        (name("SecurityCtrlr", "BasicAuthPassword"), "Rejected", None),
        (
            {**name("EVSE", "Power", 1), "attributeType": "Target"},
            "NotSupportedAttributeType",
            None,
        ),
        (
            name("OCPPCommCtrlr", "MessageAttempts", instance="TransactionEvent"),
            "Accepted",
            "3",
        ),
    ],
    ids=[
        "state",
        "names without case",
        "unknown EVSE",
        "unknown variable",
        "password",
        "attribute that is not there",
        "instance",
    ],
)
async def test_reading(
    rig: Rig, asked: dict[str, Any], status: str, value: str | None
) -> None:
    await rig.start()
    answer = await rig.csms.call("GetVariables", {"getVariableData": [asked]})
    result = answer["getVariableResult"][0]
    assert result["attributeStatus"] == status
    assert result.get("attributeValue") == value


@pytest.mark.parametrize(
    ("target", "value", "status", "reason"),
    [
        (name("SampledDataCtrlr", "TxUpdatedInterval"), "5", "Accepted", None),
        (
            name("SampledDataCtrlr", "TxUpdatedInterval"),
            "-1",
            "Rejected",
            "InvalidValue",
        ),
        (
            name("SampledDataCtrlr", "TxUpdatedInterval"),
            "soon",
            "Rejected",
            "InvalidValue",
        ),
        (
            name("SampledDataCtrlr", "TxUpdatedMeasurands"),
            "SoC,Colour",
            "Rejected",
            "InvalidValue",
        ),
        (name("V2XChargingCtrlr", "Enabled", 1), "maybe", "Rejected", "InvalidValue"),
        (name("TxCtrlr", "TxStartPoint"), "Authorized", "Rejected", "ReadOnly"),
        (name("Nothing", "Here"), "1", "UnknownComponent", None),
    ],
    ids=[
        "interval",
        "below its limit",
        "no number",
        "unknown measurand",
        "no boolean",
        "read-only",
        "unknown",
    ],
)
async def test_writing(
    rig: Rig, target: dict[str, Any], value: str, status: str, reason: str | None
) -> None:
    await rig.start()
    answer = await rig.csms.call(
        "SetVariables", {"setVariableData": [{**target, "attributeValue": value}]}
    )
    result = answer["setVariableResult"][0]
    assert result["attributeStatus"] == status
    assert result.get("attributeStatusInfo", {}).get("reasonCode") == reason


async def test_new_password_counts_from_the_next_link(rig: Rig) -> None:
    await rig.start()
    target = name("SecurityCtrlr", "BasicAuthPassword")
    # A write-only variable may be written.
    answer = await rig.csms.call(
        "SetVariables",
        {"setVariableData": [{**target, "attributeValue": "another secret phrase"}]},
    )
    assert answer["setVariableResult"][0]["attributeStatus"] == "Accepted"
    await rig.csms.drop()
    await rig.reconnect()
    first, second = (each["Authorization"] for each in rig.csms.headers)
    assert first != second


async def test_v2x_that_is_switched_off_leaves_charging(rig: Rig) -> None:
    await rig.start()
    target = name("V2XChargingCtrlr", "Enabled", 1)
    await rig.csms.call(
        "SetVariables", {"setVariableData": [{**target, "attributeValue": "false"}]}
    )
    await rig.plug()
    needs = rig.csms.calls("NotifyEVChargingNeeds")[0]["chargingNeeds"]
    assert needs["requestedEnergyTransfer"] == "AC_three_phase"


def test_values_are_judged_by_their_type() -> None:
    def accepts(data_type: DataType, text: str, **more: Any) -> bool:
        where = VariableName(component="C", variable="V")
        return Variable(name=where, value="", data_type=data_type, **more).accepts(text)

    assert accepts(DataType.OPTION_LIST, "a", values=("a", "b"))
    assert not accepts(DataType.OPTION_LIST, "c", values=("a", "b"))
    assert accepts(DataType.DECIMAL, "1.5", max_limit=2)
    assert not accepts(DataType.DECIMAL, "2.5", max_limit=2)
    assert not accepts(DataType.INTEGER, "1.5")
    assert accepts(DataType.STRING, "anything")


def test_live_values_are_asked_each_time() -> None:
    values = iter(["first", "second"])
    where = VariableName(component="C", variable="V")
    live = Variable(
        name=where, value=lambda: next(values), mutability=Mutability.READ_ONLY
    )
    model = DeviceModel([live])
    assert model.text("c", "v") == "first"
    assert model.text("C", "V") == "second"
