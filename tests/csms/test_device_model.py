"""A device model is reduced to what is decided by; what it does not say is refused."""

import json
from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.csms.device_model import (
    ModelSummary,
    capability_of,
    summarise,
    summary_from_json,
    summary_to_json,
)
from custom_components.v2g_vpp.csms.model_rows import rows_of_report, rows_of_variables
from custom_components.v2g_vpp.domain.capability import DischargeDialect
from tests.csms.charger import INVENTORY, row

D = DischargeDialect


def summary(*rows: dict[str, Any]) -> ModelSummary:
    return summarise(rows_of_report(list(rows)), "1.0")


def without(*names: str) -> list[dict[str, Any]]:
    return [item for item in INVENTORY if item["variable"]["name"] not in names]


def test_a_full_inventory() -> None:
    told = summary(*INVENTORY)
    assert told == ModelSummary(
        firmware="1.0",
        evse_ids=(1,),
        connectors=((1, 1),),
        is_v2x_enabled=True,
        operation_modes=("ChargingOnly", "CentralSetpoint", "CentralFrequency"),
        energy_transfer_modes=("AC_three_phase", "AC_BPT"),
        supports_dynamic_profiles=True,
        supports_max_offline_duration=True,
        profile_stack_level=20,
        rate_units=("A", "W"),
        supply_phases=3,
        max_charge_power_w=11000,
        max_discharge_power_w=10000,
    )


V2X = row("V2XChargingCtrlr", "Enabled", "false", evse=2)
MODES = row("V2XChargingCtrlr", "SupportedOperationModes", "ChargingOnly", evse=2)


@pytest.mark.parametrize(
    ("rows", "protocol", "chosen", "dialect"),
    [
        (INVENTORY, "ocpp2.1", None, D.V21_DYNAMIC),
        (without("SupportsDynamicProfiles"), "ocpp2.1", None, D.V21_SCHEDULE),
        (without("Enabled"), "ocpp2.1", None, D.NONE),
        (without("SupportedOperationModes"), "ocpp2.1", None, D.NONE),
        ((*INVENTORY, V2X), "ocpp2.1", None, D.NONE),
        ((*INVENTORY, MODES), "ocpp2.1", None, D.NONE),
        ((), "ocpp2.1", None, D.NONE),
        # Discharge on a 2.0.1 link is nothing that a device model can prove.
        (INVENTORY, "ocpp2.0.1", None, D.NONE),
        (INVENTORY, "ocpp2.0.1", D.V201_PLUS21, D.V201_PLUS21),
        (INVENTORY, "ocpp2.1", D.V201_PLUS21, D.NONE),
        (INVENTORY, "ocpp2.0.1", D.V21_DYNAMIC, D.NONE),
        ((), "ocpp2.1", D.V21_SCHEDULE, D.V21_SCHEDULE),
        (INVENTORY, "ocpp2.1", D.NONE, D.NONE),
    ],
)
def test_the_dialect_is_proven_or_chosen_never_guessed(
    rows: tuple[dict[str, Any], ...],
    protocol: str,
    chosen: DischargeDialect | None,
    dialect: DischargeDialect,
) -> None:
    assert capability_of(summary(*rows), protocol, chosen).dialect is dialect


def test_a_station_without_a_model_has_one_evse() -> None:
    capability = capability_of(ModelSummary(), "ocpp2.0.1", None)
    assert capability.evse_ids == (1,)
    assert not capability.reports_export


def test_names_ignore_case_and_the_weakest_evse_counts() -> None:
    told = summary(
        row("evse", "POWER", "0", evse=1, maxLimit=22000),
        row("EVSE", "Power", "0", evse=2, maxLimit=11000),
        row("ChargingStation", "SupplyPhases", "1"),
        row("deviceDataCtrlr", "ItemsPerMessage", "8", instance="GetVariables"),
        row("DeviceDataCtrlr", "ItemsPerMessage", "2", instance="SetVariables"),
        row("SmartChargingCtrlr", "MaxExternalConstraintsId", "300"),
        row(
            "SampledDataCtrlr", "TxUpdatedMeasurands", "SoC", valuesList="SoC, Voltage"
        ),
    )
    assert told.evse_ids == (1, 2)
    assert told.max_charge_power_w == 11000
    assert told.supply_phases == 1
    assert (told.items_per_get, told.items_per_set) == (8, 2)
    assert told.max_external_constraints_id == 300
    assert told.measurand_choices == ("SoC", "Voltage")


def test_variables_of_a_v2x_session_are_found() -> None:
    told = summary(
        row("V2XChargingCtrlr", "TxUpdatedInterval", "60", evse=1),
        row(
            "V2XChargingCtrlr",
            "TxUpdatedMeasurands",
            "",
            evse=1,
            instance="CentralSetpoint",
        ),
        row("V2XChargingCtrlr", "TxUpdatedInterval", "60", instance="LocalFrequency"),
    )
    assert [(m.variable, m.instance, m.evse_id) for m in told.v2x_metering] == [
        ("txupdatedinterval", "", 1),
        ("txupdatedmeasurands", "CentralSetpoint", 1),
    ]
    stored = summary_from_json(json.loads(json.dumps(summary_to_json(told))))
    assert stored == told


def test_only_accepted_answers_to_questions_count() -> None:
    def answer(name: str, status: str, value: str) -> dict[str, Any]:
        return {
            "attributeStatus": status,
            "attributeValue": value,
            "component": {"name": "SmartChargingCtrlr"},
            "variable": {"name": name},
        }

    rows = rows_of_variables(
        [
            answer("SupportsDynamicProfiles", "Accepted", "TRUE"),
            answer("ProfileStackLevel", "Rejected", "5"),
            {"attributeStatus": "Accepted"},
            "text",
        ]
    )
    told = summarise(rows, "")
    assert told.supports_dynamic_profiles
    assert told.profile_stack_level is None


def test_a_value_that_is_no_number_is_unknown() -> None:
    told = summary(
        row("SmartChargingCtrlr", "ProfileStackLevel", "many"),
        row("EVSE", "SupplyPhases", "1e999", evse=1),
    )
    assert told.profile_stack_level is None
    assert told.supply_phases is None


def test_a_summary_survives_the_store_whatever_it_was_extended_by() -> None:
    told = summary(*INVENTORY)
    data = json.loads(json.dumps(summary_to_json(told)))
    assert summary_from_json({**data, "a_field_of_tomorrow": 1}) == told
    assert summary_from_json({}) is None, "of another layout: it is read again"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
reports = st.fixed_dictionaries(
    {},
    optional={
        "component": json_values
        | st.fixed_dictionaries(
            {"name": st.sampled_from(["EVSE", "V2XChargingCtrlr"])},
            optional={"evse": json_values | st.fixed_dictionaries({"id": json_values})},
        ),
        "variable": json_values
        | st.fixed_dictionaries({"name": st.sampled_from(["Power", "Enabled"])}),
        "variableAttribute": json_values
        | st.lists(st.fixed_dictionaries({"value": json_values})),
        "variableCharacteristics": json_values
        | st.fixed_dictionaries({"maxLimit": json_values}),
    },
)


@given(st.lists(reports | json_values, max_size=5) | json_values)
def test_no_report_raises(report: Any) -> None:
    told = summarise(rows_of_report(report), "")
    summarise(rows_of_variables(report), "")
    json.dumps(summary_to_json(told))
