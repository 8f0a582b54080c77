"""The output gate: any single broken precondition leaves 0 W."""

import ast
from collections.abc import Callable
from dataclasses import replace
from math import copysign, inf, nan
from pathlib import Path

from hypothesis import given, strategies as st
import pytest

from custom_components.v2g_vpp.control import gate as gate_module
from custom_components.v2g_vpp.control.gate import GateInputs, GateVerdict, OutputGate
from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.faults import FAULT_BEHAVIOUR, FaultCode
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.measurement import Measurement
from custom_components.v2g_vpp.domain.policy import Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason, Setpoint
from tests.control.given import (
    CAPABILITY,
    NEEDS,
    NOW,
    PROOF,
    READY,
    SESSION,
    STATION,
    VEHICLE_POLICY,
    measured,
    order,
    override,
    reading,
)

OTHER = EvseKey(StationId("OTHER"), 1)


def _setpoint(power_w: float, owner: ControlOwner = ControlOwner.VPP) -> Setpoint:
    return Setpoint(
        power_w=power_w, requested_w=power_w, owner=owner, reason=Reason.AS_REQUESTED
    )


DISCHARGE = GateInputs(
    setpoint=_setpoint(-5_000.0),
    decided_mono_s=NOW,
    session=SESSION,
    station=STATION,
    limits=READY.limits,
    policy=READY.policy,
    vehicle=READY.vehicle,
    vehicle_policy=READY.vehicle_policy,
    proof=PROOF,
    override=None,
    order=order(-5_000.0),
    is_self_test_running=False,
)
"""A dispatch that may discharge."""

CHARGE = replace(
    DISCHARGE, setpoint=_setpoint(7_000.0, ControlOwner.MODE), order=None, proof=None
)
BY_USER = replace(
    DISCHARGE,
    setpoint=_setpoint(-5_000.0, ControlOwner.USER),
    order=None,
    override=override(-5_000.0),
)
BY_MODE = replace(
    DISCHARGE,
    setpoint=_setpoint(-5_000.0, ControlOwner.MODE),
    order=None,
    policy=replace(READY.policy, mode=Mode.DISCHARGE_NOW),
)
BY_TEST = replace(
    DISCHARGE,
    setpoint=_setpoint(-1_800.0, ControlOwner.SELF_TEST),
    order=None,
    proof=None,
    policy=replace(READY.policy, is_discharge_allowed=False),
    is_self_test_running=True,
)
SOUND = [DISCHARGE, BY_USER, BY_MODE, BY_TEST]
SOUND_IDS = ["dispatch", "user", "mode", "self-test"]

type Break = Callable[[GateInputs], GateInputs]


def _check(inputs: GateInputs, now_mono_s: float = NOW) -> GateVerdict:
    return OutputGate().check(inputs, now_mono_s)


def _session(**changes: object) -> Break:
    return lambda i: replace(i, session=replace(i.session, **changes))  # type: ignore[arg-type]  # any field


def _station(**changes: object) -> Break:
    return lambda i: replace(i, station=replace(i.station, **changes))  # type: ignore[arg-type]  # any field


def _all(**changes: object) -> Break:
    return lambda i: replace(i, **changes)  # type: ignore[arg-type]  # any field


def _power(power_w: float) -> Break:
    return lambda i: replace(i, setpoint=replace(i.setpoint, power_w=power_w))


ANY_POWER: dict[str, tuple[Break, Reason]] = {
    "power is no number": (_power(nan), Reason.OUTPUT_GATE),
    "power is infinite": (_power(-inf), Reason.OUTPUT_GATE),
    "emergency stop": (_session(is_emergency_stopped=True), Reason.EMERGENCY_STOP),
    "button pressed": (_session(is_emergency_input_active=True), Reason.EMERGENCY_STOP),
    "latched fault": (
        _session(faults=frozenset({FaultCode.GROUND_FAULT})),
        Reason.FAULT,
    ),
    "active fault": (
        _session(active_faults=frozenset({FaultCode.OVER_CURRENT})),
        Reason.FAULT,
    ),
    "offline": (_station(is_connected=False), Reason.STATION_OFFLINE),
    "not ready": (_station(is_ready=False), Reason.STATION_NOT_READY),
    "another station": (
        _station(station_id=StationId("OTHER")),
        Reason.STATION_NOT_READY,
    ),
    "not plugged": (_session(is_plugged=False), Reason.NOT_PLUGGED),
    "no transaction": (_session(transaction_id=None), Reason.NO_TRANSACTION),
    "first write": (_all(is_first_write_pending=True), Reason.AFTER_START),
    "old tick": (_all(decided_mono_s=NOW - 2.1), Reason.OUTPUT_GATE),
    "tick of the future": (_all(decided_mono_s=NOW + 0.1), Reason.OUTPUT_GATE),
    "nobody's": (
        lambda i: replace(i, setpoint=replace(i.setpoint, owner=ControlOwner.NONE)),
        Reason.OUTPUT_GATE,
    ),
}
"""Breaks that leave no power in either direction."""

DISCHARGE_ONLY: dict[str, tuple[Break, Reason]] = {
    "meter failure": (
        _session(faults=frozenset({FaultCode.METER_FAILURE})),
        Reason.FAULT,
    ),
    "meter failure now": (
        _session(active_faults=frozenset({FaultCode.METER_FAILURE})),
        Reason.FAULT,
    ),
    "store unreadable": (_all(is_store_readable=False), Reason.STORE_UNREADABLE),
    "no floor profile": (_station(has_floor_profile=False), Reason.NO_FLOOR_PROFILE),
    "device model unknown": (_station(capability=None), Reason.NO_DIALECT),
    "no dialect": (
        _station(capability=replace(CAPABILITY, dialect=DischargeDialect.NONE)),
        Reason.NO_DIALECT,
    ),
    "beyond the installation": (
        _all(limits=replace(READY.limits, max_discharge_power_w=1_500.0)),
        Reason.STATION_LIMIT,
    ),
    "beyond the station": (
        _station(capability=replace(CAPABILITY, max_discharge_power_w=1_500.0)),
        Reason.STATION_LIMIT,
    ),
    "beyond the owner's limit": (
        lambda i: replace(i, policy=replace(i.policy, max_discharge_power_w=1_500.0)),
        Reason.OWNER_LIMIT,
    ),
    "beyond the export limit": (_all(export_limit_w=1_500.0), Reason.EXPORT_LIMIT),
    "guest": (_all(vehicle=None), Reason.VEHICLE_UNKNOWN),
    "no floors": (_all(vehicle_policy=None), Reason.VEHICLE_UNKNOWN),
    "vehicle not allowed": (
        _all(vehicle_policy=replace(VEHICLE_POLICY, is_discharge_allowed=False)),
        Reason.VEHICLE_NOT_ALLOWED,
    ),
    "needs unknown": (_session(needs=None), Reason.VEHICLE_NOT_BIDIRECTIONAL),
    "one way": (
        _session(needs=replace(NEEDS, is_bidirectional=False)),
        Reason.VEHICLE_NOT_BIDIRECTIONAL,
    ),
    "below its own window": (
        _session(needs=replace(NEEDS, is_below_v2x_window=True)),
        Reason.VEHICLE_LIMIT,
    ),
    "never measured": (_session(measurement=Measurement()), Reason.METER_STALE),
    "meter stale": (
        _session(measurement=replace(measured(), power_w=reading(0.0, NOW - 10.1))),
        Reason.METER_STALE,
    ),
    "meter of the future": (
        _session(measurement=replace(measured(), power_w=reading(0.0, NOW + 1.0))),
        Reason.METER_STALE,
    ),
    "state of charge unknown": (
        _session(measurement=replace(measured(), soc_percent=None)),
        Reason.SOC_UNKNOWN,
    ),
    "state of charge old": (
        _session(measurement=replace(measured(), soc_percent=reading(70, NOW - 901))),
        Reason.SOC_UNKNOWN,
    ),
    "at the reserve": (
        _session(measurement=measured(soc_percent=30.0)),
        Reason.RESERVE_FLOOR,
    ),
    "state of charge is no number": (
        _session(measurement=measured(soc_percent=nan)),
        Reason.RESERVE_FLOOR,
    ),
}
"""Breaks that leave no discharge, whoever asks."""

PERMISSION: dict[str, tuple[Break, Reason]] = {
    "switch off": (
        lambda i: replace(i, policy=replace(i.policy, is_discharge_allowed=False)),
        Reason.DISCHARGE_NOT_ALLOWED,
    ),
    "not proven": (_all(proof=None), Reason.NOT_PROVEN),
    "proof of another firmware": (
        _all(proof=replace(PROOF, firmware="2.0")),
        Reason.NOT_PROVEN,
    ),
    "proof of another dialect": (
        _all(proof=replace(PROOF, dialect=DischargeDialect.V21_SCHEDULE)),
        Reason.NOT_PROVEN,
    ),
    "proof of nothing": (
        _all(proof=replace(PROOF, proven_power_w=0.0)),
        Reason.NOT_PROVEN,
    ),
}
"""What all but the self-test need."""

LEASE: dict[str, tuple[GateInputs, Break]] = {
    "order gone": (DISCHARGE, _all(order=None)),
    "order ended": (DISCHARGE, _all(order=order(-5_000.0, ends_mono_s=NOW))),
    "order not begun": (DISCHARGE, _all(order=order(-5_000.0, start_mono_s=NOW + 1))),
    "order charges": (DISCHARGE, _all(order=order(5_000.0))),
    "order of another EVSE": (DISCHARGE, _all(order=order(-5_000.0, resource=OTHER))),
    "order is a limit": (
        DISCHARGE,
        _all(order=order(-5_000.0, kind=CommandKind.LIMIT)),
    ),
    "order is a release": (
        DISCHARGE,
        _all(order=order(-5_000.0, kind=CommandKind.RELEASE)),
    ),
    "link lost": (DISCHARGE, _all(is_failsafe=True)),
    "override gone": (BY_USER, _all(override=None)),
    "override ended": (BY_USER, _all(override=override(-5_000.0, ends_mono_s=NOW))),
    "override charges": (BY_USER, _all(override=override(5_000.0))),
    "override of another EVSE": (
        BY_USER,
        _all(override=replace(override(-5_000.0), key=OTHER)),
    ),
    "mode charges": (BY_MODE, _all(policy=READY.policy)),
    "no test runs": (BY_TEST, _all(is_self_test_running=False)),
}
"""Breaks of what the owner of the lease asks for."""


def _params(table: dict[str, tuple[Break, Reason]]) -> list[object]:
    return [pytest.param(change, why, id=name) for name, (change, why) in table.items()]


@pytest.mark.parametrize("inputs", SOUND, ids=SOUND_IDS)
def test_a_sound_discharge_goes_through(inputs: GateInputs) -> None:
    assert _check(inputs) == GateVerdict(power_w=inputs.setpoint.power_w, reason=None)


@pytest.mark.parametrize("inputs", SOUND, ids=SOUND_IDS)
@pytest.mark.parametrize(("change", "reason"), _params(ANY_POWER | DISCHARGE_ONLY))
def test_one_broken_precondition_leaves_no_discharge(
    inputs: GateInputs, change: Break, reason: Reason
) -> None:
    assert _check(change(inputs)) == GateVerdict(power_w=0.0, reason=reason)


@pytest.mark.parametrize("inputs", SOUND[:3], ids=SOUND_IDS[:3])
@pytest.mark.parametrize(("change", "reason"), _params(PERMISSION))
def test_without_permission_and_proof_nobody_discharges(
    inputs: GateInputs, change: Break, reason: Reason
) -> None:
    assert _check(change(inputs)) == GateVerdict(power_w=0.0, reason=reason)


@pytest.mark.parametrize(
    ("inputs", "change"), list(LEASE.values()), ids=list(LEASE.keys())
)
def test_a_dead_lease_leaves_no_discharge(inputs: GateInputs, change: Break) -> None:
    verdict = _check(change(inputs))
    assert verdict == GateVerdict(power_w=0.0, reason=Reason.OUTPUT_GATE)


def test_a_dispatch_has_a_floor_of_its_own() -> None:
    low = _session(measurement=measured(soc_percent=50.0))
    assert _check(low(DISCHARGE)).reason is Reason.VPP_FLOOR
    assert _check(low(BY_USER)).reason is None


@pytest.mark.parametrize(("change", "reason"), _params(ANY_POWER))
def test_charging_needs_its_preconditions_too(change: Break, reason: Reason) -> None:
    assert _check(CHARGE) == GateVerdict(power_w=7_000.0, reason=None)
    assert _check(change(CHARGE)) == GateVerdict(power_w=0.0, reason=reason)


@pytest.mark.parametrize(("change", "reason"), _params(DISCHARGE_ONLY))
def test_charging_needs_no_more_than_that(change: Break, reason: Reason) -> None:
    assert _check(change(CHARGE)).reason is None


@pytest.mark.parametrize("code", FaultCode)
def test_each_fault_stops_what_it_must(code: FaultCode) -> None:
    change = _session(faults=frozenset({code}))
    assert _check(change(DISCHARGE)).power_w == 0.0
    is_stopped = _check(change(CHARGE)).power_w == 0.0
    assert is_stopped is FAULT_BEHAVIOUR[code].stops_charging


@pytest.mark.parametrize(
    ("change", "power_w"),
    [
        pytest.param(
            _all(limits=replace(READY.limits, max_charge_power_w=4_000.0)),
            4_000.0,
            id="installation",
        ),
        pytest.param(
            _station(capability=replace(CAPABILITY, max_charge_power_w=3_000.0)),
            3_000.0,
            id="station",
        ),
        pytest.param(
            _station(capability=replace(CAPABILITY, max_charge_power_w=-1.0)),
            0.0,
            id="nonsense",
        ),
    ],
)
def test_charging_is_clamped_to_the_nameplate(change: Break, power_w: float) -> None:
    verdict = _check(change(CHARGE))
    assert verdict == GateVerdict(power_w=power_w, reason=Reason.STATION_LIMIT)


def test_charging_by_dispatch_limit_and_user_goes_through() -> None:
    by_order = replace(CHARGE, setpoint=_setpoint(7_000.0), order=order(7_000.0))
    assert _check(by_order).reason is None
    limit = order(7_000.0, kind=CommandKind.LIMIT, resource=None)
    assert _check(replace(by_order, order=limit)).reason is None
    by_user = replace(
        CHARGE,
        setpoint=_setpoint(7_000.0, ControlOwner.USER),
        override=override(7_000.0),
    )
    assert _check(by_user).reason is None
    tested = replace(
        CHARGE,
        setpoint=_setpoint(7_000.0, ControlOwner.SELF_TEST),
        is_self_test_running=True,
    )
    assert _check(tested).reason is Reason.OUTPUT_GATE


@given(st.data())
def test_no_mutation_of_a_sound_discharge_gets_through(data: st.DataObject) -> None:
    inputs = data.draw(st.sampled_from(SOUND))
    tables = ANY_POWER | DISCHARGE_ONLY
    if inputs is not BY_TEST:
        tables = tables | PERMISSION
    names = data.draw(st.sets(st.sampled_from(sorted(tables)), min_size=1, max_size=4))
    for name in sorted(names):
        inputs = tables[name][0](inputs)
    assert _check(inputs).power_w == 0.0


@given(
    st.sampled_from([*SOUND, CHARGE]),
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-10, 10),
)
def test_the_gate_never_adds_power(
    inputs: GateInputs, power_w: float, age_s: float
) -> None:
    verdict = _check(_power(power_w)(inputs), NOW + age_s)
    assert verdict.power_w == 0 or abs(verdict.power_w) <= abs(power_w)
    if verdict.power_w != 0:
        assert copysign(1, verdict.power_w) == copysign(1, power_w)
        assert abs(verdict.power_w) <= 11_001.0
    if power_w > 0:
        assert verdict.power_w >= 0


@given(st.floats(-20_000, 20_000), st.sampled_from([*SOUND, CHARGE]))
def test_zero_always_goes_through(power_w: float, inputs: GateInputs) -> None:
    broken = _session(is_emergency_stopped=True)(_power(0.0)(inputs))
    assert _check(broken, NOW + power_w) == GateVerdict(power_w=0.0, reason=None)


def test_the_gate_shares_no_code_with_the_coordinator() -> None:
    tree = ast.parse(Path(gate_module.__file__).read_text())
    modules = [
        (node.level, node.module or "")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
    ]
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]
    allowed = {(2, "domain"), (0, "collections.abc"), (0, "dataclasses"), (0, "math")}
    for level, module in modules:
        assert (level, module.split(".")[0] if level else module) in allowed
