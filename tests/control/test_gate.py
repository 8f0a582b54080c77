"""The output gate: any single broken precondition leaves 0 W."""

import ast
from dataclasses import replace
from math import copysign
from pathlib import Path

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control import (
    frequency_gate,
    gate as gate_module,
    gate_host,
    gate_inputs,
    gate_owner,
    gate_past,
    gate_surroundings,
    site_gate,
)
from custom_components.v2g_vpp.control.droop import support_power_w
from custom_components.v2g_vpp.control.gate_inputs import GateInputs, GateVerdict
from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.faults import FAULT_BEHAVIOUR, FaultCode
from custom_components.v2g_vpp.domain.frequency_response import FrequencyResponse
from custom_components.v2g_vpp.domain.policy import Departure
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason
from tests.control.frequency_breaks import (
    AT_REST_BREAKS,
    BY_FREQUENCY,
    frequency,
    response,
)
from tests.control.gate_breaks import (
    ANY_POWER,
    AT_REST,
    BY_TEST,
    BY_USER,
    CHARGE,
    DISCHARGE,
    DISCHARGE_ONLY,
    FOLLOWING,
    LEASE,
    PERMISSION,
    SOUND,
    SOUND_IDS,
    Break,
    all_fields,
    check,
    session,
    setpoint,
    station,
    with_power,
)
from tests.control.given import (
    CAPABILITY,
    NOW,
    READY,
    measured,
    order,
    override,
)
from tests.control.responses import responses


def _params(table: dict[str, tuple[Break, Reason]]) -> list[object]:
    return [pytest.param(change, why, id=name) for name, (change, why) in table.items()]


@pytest.mark.parametrize("inputs", SOUND, ids=SOUND_IDS)
def test_a_sound_discharge_goes_through(inputs: GateInputs) -> None:
    assert check(inputs) == GateVerdict(power_w=inputs.setpoint.power_w, reason=None)


@pytest.mark.parametrize("inputs", SOUND, ids=SOUND_IDS)
@pytest.mark.parametrize(("change", "reason"), _params(ANY_POWER | DISCHARGE_ONLY))
def test_one_broken_precondition_leaves_no_discharge(
    inputs: GateInputs, change: Break, reason: Reason
) -> None:
    assert check(change(inputs)) == GateVerdict(power_w=0.0, reason=reason)


@pytest.mark.parametrize("inputs", SOUND[:5], ids=SOUND_IDS[:5])
@pytest.mark.parametrize(("change", "reason"), _params(PERMISSION))
def test_without_permission_and_proof_nobody_discharges(
    inputs: GateInputs, change: Break, reason: Reason
) -> None:
    assert check(change(inputs)) == GateVerdict(power_w=0.0, reason=reason)


@pytest.mark.parametrize(
    ("inputs", "change"), list(LEASE.values()), ids=list(LEASE.keys())
)
def test_a_dead_lease_leaves_no_discharge(inputs: GateInputs, change: Break) -> None:
    verdict = check(change(inputs))
    assert verdict == GateVerdict(power_w=0.0, reason=Reason.OUTPUT_GATE)


@pytest.mark.parametrize(("change", "reason"), _params(BY_FREQUENCY))
def test_what_the_frequency_does_not_ask_for_is_not_discharged(
    change: Break, reason: Reason
) -> None:
    assert check(change(FOLLOWING)) == GateVerdict(power_w=0.0, reason=reason)


@pytest.mark.parametrize(("change", "reason"), _params(AT_REST_BREAKS))
def test_what_rests_discharges_only_as_the_region_asks(
    change: Break, reason: Reason
) -> None:
    assert check(change(AT_REST)) == GateVerdict(power_w=0.0, reason=reason)


def test_the_frequency_must_ask_for_charging_too() -> None:
    charging = with_power(4_700.0)
    assert check(frequency(50.1)(charging(FOLLOWING))).power_w == 4_700.0
    for broken in (frequency(50.01), frequency(49.9), frequency(50.1, 7.0)):
        assert check(broken(charging(FOLLOWING))).power_w == 0.0


@given(
    responses, st.floats(47.6, 51.4), st.floats(-11_000.0, 11_000.0).filter(lambda w: w)
)
def test_the_gate_reads_a_response_as_the_coordinator_does(
    asked: FrequencyResponse, frequency_hz: float, power_w: float
) -> None:
    inputs = frequency(frequency_hz)(with_power(power_w)(FOLLOWING))
    verdict = check(response(asked)(inputs))
    wanted_w = support_power_w(asked, frequency_hz)
    if verdict.power_w != 0:
        assert wanted_w * power_w > 0
        assert abs(power_w) <= 1.15 * abs(wanted_w) + 1_150.1
    elif asked.fits(50.0) and wanted_w * power_w > 1e-3 and frequency_hz >= 49.0:
        assert abs(power_w) >= 1.15 * abs(wanted_w) + 1_149.9


def test_a_dispatch_has_a_floor_of_its_own() -> None:
    low = session(measurement=measured(soc_percent=50.0))
    assert check(low(DISCHARGE)).reason is Reason.VPP_FLOOR
    assert check(low(BY_USER)).reason is None


def test_a_programme_has_a_floor_of_its_own() -> None:
    granted = replace(DISCHARGE, granted_floor_percent=70.0)
    at_70, above = (session(measurement=measured(soc_percent=p)) for p in (70.0, 71.0))
    assert check(at_70(granted)).reason is Reason.VPP_FLOOR
    assert check(above(granted)).reason is None
    assert check(at_70(replace(BY_USER, granted_floor_percent=70.0))).reason is None


def test_a_trip_may_charge_where_there_is_a_departure_and_never_discharge() -> None:
    departures = (Departure(target_percent=80.0, due_mono_s=NOW + 60.0),)
    for_trip = replace(
        CHARGE, setpoint=setpoint(7_000.0, ControlOwner.TRIP), departures=departures
    )
    assert check(for_trip) == GateVerdict(power_w=7_000.0, reason=None)
    nobody = replace(for_trip, departures=())
    assert check(nobody) == GateVerdict(power_w=0.0, reason=Reason.OUTPUT_GATE)
    backwards = replace(for_trip, setpoint=setpoint(-7_000.0, ControlOwner.TRIP))
    assert check(backwards) == GateVerdict(power_w=0.0, reason=Reason.OUTPUT_GATE)


@pytest.mark.parametrize(("change", "reason"), _params(ANY_POWER))
def test_charging_needs_its_preconditions_too(change: Break, reason: Reason) -> None:
    assert check(CHARGE) == GateVerdict(power_w=7_000.0, reason=None)
    assert check(change(CHARGE)) == GateVerdict(power_w=0.0, reason=reason)


@pytest.mark.parametrize(("change", "reason"), _params(DISCHARGE_ONLY))
def test_charging_needs_no_more_than_that(change: Break, reason: Reason) -> None:
    assert check(change(CHARGE)).reason is None


@pytest.mark.parametrize("code", FaultCode)
def test_each_fault_stops_what_it_must(code: FaultCode) -> None:
    change = session(faults=frozenset({code}))
    assert check(change(DISCHARGE)).power_w == 0.0
    is_stopped = check(change(CHARGE)).power_w == 0.0
    assert is_stopped is FAULT_BEHAVIOUR[code].stops_charging


@pytest.mark.parametrize(
    ("change", "power_w"),
    [
        pytest.param(
            all_fields(limits=replace(READY.limits, max_charge_power_w=4_000.0)),
            4_000.0,
            id="installation",
        ),
        pytest.param(
            station(capability=replace(CAPABILITY, max_charge_power_w=3_000.0)),
            3_000.0,
            id="station",
        ),
        pytest.param(
            station(capability=replace(CAPABILITY, max_charge_power_w=-1.0)),
            0.0,
            id="nonsense",
        ),
    ],
)
def test_charging_is_clamped_to_the_nameplate(change: Break, power_w: float) -> None:
    verdict = check(change(CHARGE))
    assert verdict == GateVerdict(power_w=power_w, reason=Reason.STATION_LIMIT)


def test_charging_by_dispatch_limit_and_user_goes_through() -> None:
    by_order = replace(CHARGE, setpoint=setpoint(7_000.0), order=order(7_000.0))
    assert check(by_order).reason is None
    limit = order(7_000.0, kind=CommandKind.LIMIT, resource=None)
    assert check(replace(by_order, order=limit)).reason is None
    by_user = replace(
        CHARGE,
        setpoint=setpoint(7_000.0, ControlOwner.USER),
        override=override(7_000.0),
    )
    assert check(by_user).reason is None
    tested = replace(
        CHARGE,
        setpoint=setpoint(7_000.0, ControlOwner.SELF_TEST),
        is_self_test_running=True,
    )
    assert check(tested).reason is Reason.OUTPUT_GATE


@given(st.data())
def test_no_mutation_of_a_sound_discharge_gets_through(data: st.DataObject) -> None:
    inputs = data.draw(st.sampled_from(SOUND))
    tables = ANY_POWER | DISCHARGE_ONLY
    if inputs is not BY_TEST:
        tables = tables | PERMISSION
    names = data.draw(st.sets(st.sampled_from(sorted(tables)), min_size=1, max_size=4))
    for name in sorted(names):
        inputs = tables[name][0](inputs)
    assert check(inputs).power_w == 0.0


@given(
    st.sampled_from([*SOUND, CHARGE]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-10, 10),
)
def test_the_gate_never_adds_power(
    inputs: GateInputs, power_w: float, age_s: float
) -> None:
    verdict = check(with_power(power_w)(inputs), NOW + age_s)
    assert verdict.power_w == 0 or abs(verdict.power_w) <= abs(power_w)
    if verdict.power_w != 0:
        assert copysign(1, verdict.power_w) == copysign(1, power_w)
        assert abs(verdict.power_w) <= 11_001.0
    if power_w > 0:
        assert verdict.power_w >= 0


@given(st.floats(-20_000, 20_000), st.sampled_from([*SOUND, CHARGE]))
def test_zero_always_goes_through(power_w: float, inputs: GateInputs) -> None:
    broken = session(is_emergency_stopped=True)(with_power(0.0)(inputs))
    assert check(broken, NOW + power_w) == GateVerdict(power_w=0.0, reason=None)


def test_the_gate_shares_no_code_with_the_coordinator() -> None:
    library = {(0, "collections.abc"), (0, "dataclasses"), (0, "math")}
    parts = (
        frequency_gate,
        gate_module,
        gate_host,
        gate_inputs,
        gate_owner,
        gate_past,
        gate_surroundings,
        site_gate,
    )
    own = {(1, module.__name__.rpartition(".")[2]) for module in parts}
    more = {(0, name) for name in ("bisect", "collections", "itertools")}
    allowed = library | own | more | {(2, "domain")}
    for module in parts:
        tree = ast.parse(Path(str(module.__file__)).read_text())
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                name = node.module or ""
                name = name.split(".")[0] if node.level else name
                assert (node.level, name) in allowed
