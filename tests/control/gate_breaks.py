"""Sound inputs of the output gate, and each single way to break them."""

from collections.abc import Callable
from dataclasses import replace
from math import inf, nan

from custom_components.v2g_vpp.control.gate import OutputGate
from custom_components.v2g_vpp.control.gate_inputs import GateInputs, GateVerdict
from custom_components.v2g_vpp.control.gate_surroundings import GridFacts
from custom_components.v2g_vpp.domain.capability import DischargeDialect
from custom_components.v2g_vpp.domain.dispatch import CommandKind
from custom_components.v2g_vpp.domain.faults import FaultCode
from custom_components.v2g_vpp.domain.grid_profile import (
    EN50549_50HZ,
)
from custom_components.v2g_vpp.domain.ids import EvseKey, StationId
from custom_components.v2g_vpp.domain.measurement import Measurement
from custom_components.v2g_vpp.domain.policy import Departure, Mode
from custom_components.v2g_vpp.domain.setpoint import ControlOwner, Reason, Setpoint
from custom_components.v2g_vpp.domain.state import ConnectorStatus
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
from tests.control.responses import DROOP

OTHER = EvseKey(StationId("OTHER"), 1)


def setpoint(power_w: float, owner: ControlOwner = ControlOwner.VPP) -> Setpoint:
    return Setpoint(
        power_w=power_w, requested_w=power_w, owner=owner, reason=Reason.AS_REQUESTED
    )


DISCHARGE = GateInputs(
    setpoint=setpoint(-5_000.0),
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
    DISCHARGE, setpoint=setpoint(7_000.0, ControlOwner.MODE), order=None, proof=None
)
BY_USER = replace(
    DISCHARGE,
    setpoint=setpoint(-5_000.0, ControlOwner.USER),
    order=None,
    override=override(-5_000.0),
)
BY_MODE = replace(
    DISCHARGE,
    setpoint=setpoint(-5_000.0, ControlOwner.MODE),
    order=None,
    policy=replace(READY.policy, mode=Mode.DISCHARGE_NOW),
)
BY_TEST = replace(
    DISCHARGE,
    setpoint=setpoint(-1_800.0, ControlOwner.SELF_TEST),
    order=None,
    proof=None,
    policy=replace(READY.policy, is_discharge_allowed=False),
    is_self_test_running=True,
)
AT_49_9 = GridFacts(profile=EN50549_50HZ, frequency_hz=reading(49.9))
FOLLOWING = replace(
    DISCHARGE,
    order=replace(order(0.0, kind=CommandKind.DROOP), response=DROOP),
    setpoint=setpoint(-4_700.0),
    grid=AT_49_9,
)
"""A droop that asks for 4,737 W of discharge at 49.9 Hz."""

AT_REST = replace(
    DISCHARGE,
    order=None,
    setpoint=setpoint(-2_000.0, ControlOwner.GRID),
    policy=replace(READY.policy, mode=Mode.OFF),
    grid=replace(AT_49_9, frequency_hz=reading(49.4)),
    is_supporting=True,
)
"""The droop of Europe, by which 11 kW at rest give 1,760 W at 49.4 Hz."""

SOUND = [DISCHARGE, FOLLOWING, BY_USER, BY_MODE, AT_REST, BY_TEST]
SOUND_IDS = ["dispatch", "droop", "user", "mode", "at rest", "self-test"]

type Break = Callable[[GateInputs], GateInputs]


def check(inputs: GateInputs, now_mono_s: float = NOW) -> GateVerdict:
    return OutputGate().check(inputs, now_mono_s)


def session(**changes: object) -> Break:
    return lambda i: replace(i, session=replace(i.session, **changes))  # type: ignore[arg-type]  # any field


def station(**changes: object) -> Break:
    return lambda i: replace(i, station=replace(i.station, **changes))  # type: ignore[arg-type]  # any field


def all_fields(**changes: object) -> Break:
    return lambda i: replace(i, **changes)  # type: ignore[arg-type]  # any field


def with_power(power_w: float) -> Break:
    return lambda i: replace(i, setpoint=replace(i.setpoint, power_w=power_w))


ANY_POWER: dict[str, tuple[Break, Reason]] = {
    "power is no number": (with_power(nan), Reason.OUTPUT_GATE),
    "power is infinite": (with_power(-inf), Reason.OUTPUT_GATE),
    "emergency stop": (session(is_emergency_stopped=True), Reason.EMERGENCY_STOP),
    "button pressed": (session(is_emergency_input_active=True), Reason.EMERGENCY_STOP),
    "latched fault": (
        session(faults=frozenset({FaultCode.GROUND_FAULT})),
        Reason.FAULT,
    ),
    "active fault": (
        session(active_faults=frozenset({FaultCode.OVER_CURRENT})),
        Reason.FAULT,
    ),
    "station makes a grid of its own": (
        all_fields(grid=GridFacts(is_islanded=True)),
        Reason.GRID_LOST,
    ),
    "no grid has this frequency": (
        all_fields(grid=GridFacts(frequency_hz=reading(46.9))),
        Reason.GRID_FREQUENCY,
    ),
    "frequency is no number": (
        all_fields(grid=GridFacts(frequency_hz=reading(nan))),
        Reason.GRID_FREQUENCY,
    ),
    "grid back for a moment": (
        all_fields(grid=GridFacts(out_mono_s=NOW - 299.0, load_out_mono_s=NOW - 299.0)),
        Reason.ENTER_SERVICE,
    ),
    "offline": (station(is_connected=False), Reason.STATION_OFFLINE),
    "not ready": (station(is_ready=False), Reason.STATION_NOT_READY),
    "another station": (
        station(station_id=StationId("OTHER")),
        Reason.STATION_NOT_READY,
    ),
    "out of operation": (
        session(status=ConnectorStatus.UNAVAILABLE),
        Reason.OUT_OF_OPERATION,
    ),
    "not plugged": (session(is_plugged=False), Reason.NOT_PLUGGED),
    "no transaction": (session(transaction_id=None), Reason.NO_TRANSACTION),
    "first write": (all_fields(is_first_write_pending=True), Reason.AFTER_START),
    "old tick": (all_fields(decided_mono_s=NOW - 2.1), Reason.OUTPUT_GATE),
    "tick of the future": (all_fields(decided_mono_s=NOW + 0.1), Reason.OUTPUT_GATE),
    "nobody's": (
        lambda i: replace(i, setpoint=replace(i.setpoint, owner=ControlOwner.NONE)),
        Reason.OUTPUT_GATE,
    ),
    "store unreadable": (all_fields(is_store_readable=False), Reason.STORE_UNREADABLE),
}
"""Breaks that leave no power in either direction."""

DISCHARGE_ONLY: dict[str, tuple[Break, Reason]] = {
    "meter failure": (
        session(faults=frozenset({FaultCode.METER_FAILURE})),
        Reason.FAULT,
    ),
    "meter failure now": (
        session(active_faults=frozenset({FaultCode.METER_FAILURE})),
        Reason.FAULT,
    ),
    "no floor profile": (station(has_floor_profile=False), Reason.NO_FLOOR_PROFILE),
    "device model unknown": (station(capability=None), Reason.NO_DIALECT),
    "no dialect": (
        station(capability=replace(CAPABILITY, dialect=DischargeDialect.NONE)),
        Reason.NO_DIALECT,
    ),
    "beyond the installation": (
        all_fields(limits=replace(READY.limits, max_discharge_power_w=1_500.0)),
        Reason.STATION_LIMIT,
    ),
    "beyond the station": (
        station(capability=replace(CAPABILITY, max_discharge_power_w=1_500.0)),
        Reason.STATION_LIMIT,
    ),
    "beyond the owner's limit": (
        lambda i: replace(i, policy=replace(i.policy, max_discharge_power_w=1_500.0)),
        Reason.OWNER_LIMIT,
    ),
    "frequency was too high a moment ago": (
        all_fields(grid=GridFacts(out_mono_s=NOW - 299.0)),
        Reason.ENTER_SERVICE,
    ),
    "beyond the ramp of entering service": (
        all_fields(grid=GridFacts(out_mono_s=NOW - 330.0)),
        Reason.ENTER_SERVICE,
    ),
    "guest": (all_fields(vehicle=None), Reason.VEHICLE_UNKNOWN),
    "no floors": (all_fields(vehicle_policy=None), Reason.VEHICLE_UNKNOWN),
    "vehicle not allowed": (
        all_fields(vehicle_policy=replace(VEHICLE_POLICY, is_discharge_allowed=False)),
        Reason.VEHICLE_NOT_ALLOWED,
    ),
    "needs unknown": (session(needs=None), Reason.VEHICLE_NOT_BIDIRECTIONAL),
    "direction not told": (
        session(needs=replace(NEEDS, is_direction_told=False)),
        Reason.VEHICLE_NOT_BIDIRECTIONAL,
    ),
    "one way": (
        session(needs=replace(NEEDS, is_bidirectional=False)),
        Reason.VEHICLE_NOT_BIDIRECTIONAL,
    ),
    "below its own window": (
        session(needs=replace(NEEDS, is_below_v2x_window=True)),
        Reason.VEHICLE_LIMIT,
    ),
    "at its own floor": (
        # 60 kWh: from 70 % it may give 6 kWh, and it has given them.
        session(
            needs=replace(NEEDS, v2x_floor_wh=-6_000.0),
            needs_soc_percent=80.0,
            measurement=measured(soc_percent=70.0),
        ),
        Reason.VEHICLE_LIMIT,
    ),
    "its own floor not known yet": (
        session(needs=replace(NEEDS, v2x_floor_wh=-30_000.0), needs_soc_percent=None),
        Reason.VEHICLE_LIMIT,
    ),
    "at the floor that it shows": (
        session(
            measurement=replace(
                measured(soc_percent=70.0), vehicle_floor_percent=reading(70.0)
            )
        ),
        Reason.VEHICLE_LIMIT,
    ),
    "charging by the button": (
        session(is_priority_charging=True),
        Reason.PRIORITY_CHARGING,
    ),
    "never measured": (session(measurement=Measurement()), Reason.METER_STALE),
    "meter stale": (
        session(measurement=replace(measured(), power_w=reading(0.0, NOW - 10.1))),
        Reason.METER_STALE,
    ),
    "meter of the future": (
        session(measurement=replace(measured(), power_w=reading(0.0, NOW + 1.0))),
        Reason.METER_STALE,
    ),
    "state of charge unknown": (
        session(measurement=replace(measured(), soc_percent=None)),
        Reason.SOC_UNKNOWN,
    ),
    "state of charge old": (
        session(measurement=replace(measured(), soc_percent=reading(70, NOW - 901))),
        Reason.SOC_UNKNOWN,
    ),
    "at the reserve": (
        session(measurement=measured(soc_percent=30.0)),
        Reason.RESERVE_FLOOR,
    ),
    "not even full power could make up for it": (
        # 10 % of 60 kWh are more than 11 kW bring in half an hour.
        all_fields(
            departures=(
                Departure(target_percent=20.0, due_mono_s=NOW),
                Departure(target_percent=80.0, due_mono_s=NOW + 1_800.0),
            )
        ),
        Reason.TRIP_FLOOR,
    ),
    "state of charge is no number": (
        session(measurement=measured(soc_percent=nan)),
        Reason.RESERVE_FLOOR,
    ),
}
"""Breaks that leave no discharge, whoever asks."""

PERMISSION: dict[str, tuple[Break, Reason]] = {
    "switch off": (
        lambda i: replace(i, policy=replace(i.policy, is_discharge_allowed=False)),
        Reason.DISCHARGE_NOT_ALLOWED,
    ),
    "not proven": (all_fields(proof=None), Reason.NOT_PROVEN),
    "proof of another firmware": (
        all_fields(proof=replace(PROOF, firmware="2.0")),
        Reason.NOT_PROVEN,
    ),
    "proof of another dialect": (
        all_fields(proof=replace(PROOF, dialect=DischargeDialect.V21_SCHEDULE)),
        Reason.NOT_PROVEN,
    ),
    "proof of another wording": (
        all_fields(proof=replace(PROOF, wording="of another message")),
        Reason.NOT_PROVEN,
    ),
    "battery budget spent": (all_fields(cycled_wh=6_000.0), Reason.CYCLE_BUDGET),
    "cycled energy is no number": (all_fields(cycled_wh=nan), Reason.CYCLE_BUDGET),
    "proof of nothing": (
        all_fields(proof=replace(PROOF, proven_power_w=0.0)),
        Reason.NOT_PROVEN,
    ),
}
"""What all but the self-test need."""

LEASE: dict[str, tuple[GateInputs, Break]] = {
    "order gone": (DISCHARGE, all_fields(order=None)),
    "order ended": (DISCHARGE, all_fields(order=order(-5_000.0, ends_mono_s=NOW))),
    "order not begun": (
        DISCHARGE,
        all_fields(order=order(-5_000.0, start_mono_s=NOW + 1)),
    ),
    "order charges": (DISCHARGE, all_fields(order=order(5_000.0))),
    "order of another EVSE": (
        DISCHARGE,
        all_fields(order=order(-5_000.0, resource=OTHER)),
    ),
    "order is a limit": (
        DISCHARGE,
        all_fields(order=order(-5_000.0, kind=CommandKind.LIMIT)),
    ),
    "order is a release": (
        DISCHARGE,
        all_fields(order=order(-5_000.0, kind=CommandKind.RELEASE)),
    ),
    "link lost": (DISCHARGE, all_fields(is_failsafe=True)),
    "override gone": (BY_USER, all_fields(override=None)),
    "override ended": (
        BY_USER,
        all_fields(override=override(-5_000.0, ends_mono_s=NOW)),
    ),
    "override charges": (BY_USER, all_fields(override=override(5_000.0))),
    "override of another EVSE": (
        BY_USER,
        all_fields(override=replace(override(-5_000.0), key=OTHER)),
    ),
    "mode charges": (BY_MODE, all_fields(policy=READY.policy)),
    "no test runs": (BY_TEST, all_fields(is_self_test_running=False)),
}
"""Breaks of what the owner of the lease asks for."""
