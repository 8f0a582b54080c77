"""What the data of a subentry means, and what cannot be used."""

from typing import Any

import pytest

from custom_components.v2g_vpp.domain.entity_command import WriteTarget
from custom_components.v2g_vpp.domain.entity_station import (
    PlugState,
    Quirks,
    StopWay,
    WriteUnit,
    WriteWay,
)
from custom_components.v2g_vpp.entity_station_data import (
    check_entity_station,
    entity_limits,
    specification,
    used_targets,
)
from tests.shell.entity_charger import DATA

PAIR: dict[str, Any] = {
    "write_way": "two_numbers",
    "charge_entity": "number.charge",
    "discharge_entity": "number.discharge",
    "direction_entity": "select.direction",
    "charge_option": "Charge",
    "discharge_option": "Discharge",
    "rest_option": "Off",
    "phases": "3",
    "write_unit": "A",
    "stop_way": "switch",
    "stop_entity": "switch.enabled",
    "start_button_entity": "button.start",
}


def test_every_field_has_its_meaning() -> None:
    spec = specification(
        {
            **DATA,
            **PAIR,
            "vendor": "Maker",
            "model": "One",
            "power_inverted": True,
            "write_inverted": True,
            "fault_states": ["Broken"],
            "out_of_service_states": ["Updating"],
            "healthy_states": ["OK"],
            "min_charge_w": 1_380,
            "zero_forbidden": True,
            "watchdog_s": None,
        }
    )
    assert (spec.vendor, spec.model, spec.is_power_inverted) == ("Maker", "One", True)
    assert spec.state_map == {
        "connected": PlugState.PLUGGED,
        "free": PlugState.FREE,
        "broken": PlugState.FAULTED,
        "updating": PlugState.OUT_OF_SERVICE,
    }
    assert spec.healthy_words == {"ok"}
    writes = spec.writes
    assert (writes.way, writes.unit, writes.phases, writes.is_inverted) == (
        WriteWay.TWO_NUMBERS,
        WriteUnit.AMPERE,
        3,
        True,
    )
    assert (writes.charge_option, writes.discharge_option, writes.rest_option) == (
        "Charge",
        "Discharge",
        "Off",
    )
    assert (writes.stop, writes.has_start) == (StopWay.SWITCH, True)
    assert spec.quirks == Quirks(min_charge_w=1_380, zero_forbidden=True, settle_s=5)


def test_only_what_is_used_is_followed() -> None:
    assert used_targets(DATA) == (WriteTarget.SETPOINT,)
    assert used_targets({**DATA, **PAIR}) == (
        WriteTarget.CHARGE,
        WriteTarget.DISCHARGE,
        WriteTarget.DIRECTION,
        WriteTarget.START,
        WriteTarget.STOP,
    )
    assert used_targets({**DATA, "stop_entity": "switch.of_another_way"}) == (
        WriteTarget.SETPOINT,
    )


def test_a_charger_without_a_discharge_limit_only_charges() -> None:
    data = {key: value for key, value in DATA.items() if "discharge" not in key}
    assert not specification(data).can_discharge
    assert entity_limits(data).max_discharge_power_w == 0


@pytest.mark.parametrize(
    "data",
    [
        {**DATA, **PAIR},
        DATA,
        {**DATA, "write_way": "script", "script_entity": "script.power"},
        {
            **{k: v for k, v in DATA.items() if k != "max_discharge_power_w"},
            "write_way": "two_numbers",
            "charge_entity": "number.charge",
        },
    ],
)
def test_a_complete_set_up_is_let_through(data: dict[str, Any]) -> None:
    check_entity_station(data)


@pytest.mark.parametrize(
    "data",
    [
        {key: value for key, value in DATA.items() if key != "identity"},
        {key: value for key, value in DATA.items() if key != "power_entity"},
        {key: value for key, value in DATA.items() if key != "setpoint_entity"},
        {**DATA, "write_way": "by_pigeon"},
        {**DATA, "stop_way": "switch"},
        {**DATA, "write_way": "script"},
        {**DATA, **PAIR, "discharge_entity": None},
        {**DATA, **PAIR, "direction_entity": None},
        {**DATA, "zero_forbidden": True},
        {**DATA, "watchdog_s": 1},
    ],
)
def test_what_cannot_be_controlled_is_not_started(data: dict[str, Any]) -> None:
    with pytest.raises((KeyError, ValueError)):
        check_entity_station(data)


@pytest.mark.parametrize(
    ("changes", "is_same"),
    [
        ({"setpoint_entity": "number.other"}, False),
        ({"power_entity": "sensor.other"}, False),
        ({"watchdog_s": 50}, False),
        ({"settle_s": 6}, False),
        ({"soc_entity": "sensor.soc"}, True),
        ({"script_entity": "script.of_another_way"}, True),
        ({"name": "Carport"}, True),
    ],
)
def test_a_proof_is_of_what_is_written_to_and_measured(
    changes: dict[str, Any], is_same: bool
) -> None:
    before = specification(DATA).fingerprint
    assert (specification(DATA | changes).fingerprint == before) is is_same
